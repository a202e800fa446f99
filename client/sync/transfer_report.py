"""What is told of a file on its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from client.core.model import Message, Stage, Transfer
from client.sync.known import Known
from client.sync.speed import Speed


class TransferReport:
    """Of the file of one message, which goes up or comes down."""

    def __init__(self, known: Known, message: Message, seconds: Callable[[], float], *, up: bool) -> None:
        assert message.attachment is not None
        self._known = known
        self._speed = Speed(seconds)
        self._first = Transfer(
            message.key, message.conversation, message.attachment.filename, up, message.attachment.size
        )

    def tell(self, stage: Stage, done: int | None = None, problem: str = "") -> None:
        """It has come so far: keep that, and tell it, but not too often.

        :param done: bytes; by default as many as before.
        :param problem: a sentence.
        """
        before = self._known.moving.get(self._first.key)
        now = done if done is not None else before.done if before is not None else 0
        speed = self._speed.at(now) if stage is Stage.MOVING else 0.0
        transfer = replace(self._first, done=now, stage=stage, speed=speed, problem=problem)
        self._known.moving[transfer.key] = transfer
        if self._speed.due(before is None or before.stage is not stage):
            self._known.changes.transfer.fire(transfer)

    def over(self) -> None:
        """It is on its way no more."""
        self._known.moving.pop(self._first.key, None)
