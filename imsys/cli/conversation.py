"""What is said, and how it is shown."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from imsys.cli.text import bytes_text, printable
from imsys.sdk import Message, MessageKind


class Mark(enum.IntEnum):
    """How far a message of mine has come."""

    NONE = 0
    FAILED = 1
    WAITING = 2
    SENT = 3
    DELIVERED = 4
    READ = 5

    def text(self, unicode: bool) -> str:
        """What is shown."""
        return (_UNICODE if unicode else _ASCII)[self]


_UNICODE = {
    Mark.NONE: "",
    Mark.FAILED: "✗ not sent",
    Mark.WAITING: "…",
    Mark.SENT: "✓",
    Mark.DELIVERED: "✓✓",
    Mark.READ: "✓✓ read",
}
_ASCII = {Mark.NONE: "", Mark.FAILED: "x not sent", Mark.WAITING: "...", Mark.SENT: "v", Mark.DELIVERED: "vv", Mark.READ: "vv read"}


@dataclass(eq=False, kw_only=True)
class Utterance:
    """One message of a conversation; ``id`` is 0 until the server has it."""

    speaker: str
    text: str
    at: datetime
    mine: bool
    id: int = 0
    mark: Mark = Mark.NONE
    unique_id: str = ""


class View(Protocol):
    """Where a conversation is shown."""

    def show(self, utterance: Utterance) -> None:
        """Show it below the others."""

    def update(self, utterance: Utterance) -> None:
        """Its mark has changed."""

    def notice(self, text: str) -> None:
        """Show something that is not part of the conversation."""


def utterance(message: Message, speaker: str) -> Utterance:
    """What to show of a stored message."""
    mark = Mark.NONE if not message.mine else Mark.READ if message.read else Mark.SENT
    return Utterance(
        speaker="you" if message.mine else speaker,
        text=content(message),
        at=message.sent_at.astimezone(),
        mine=message.mine,
        id=message.id,
        mark=mark,
        unique_id=message.unique_id,
    )


def content(message: Message) -> str:
    """The text of a message, or a word for what it carries."""
    if message.kind in (MessageKind.DEFAULT, MessageKind.TEXT):
        return printable(message.text, lines=True)
    live = message.live
    if live is not None:
        return f"[live {printable(live.title)}]"
    word = message.kind.name.lower() if isinstance(message.kind, MessageKind) else "something new"
    file = message.attachment
    return f"[{word}]" if file is None else f"[{word} {printable(file.filename)} {bytes_text(file.size)}]"


class Plain:
    """A view for pipes and files: lines are added and never changed."""

    def __init__(self, say: Callable[[str], None], unicode: bool) -> None:
        self._say = say
        self._unicode = unicode

    def show(self, utterance: Utterance) -> None:
        """A line, once its text cannot change; one's own, once the server has it."""
        if utterance.mark is not Mark.WAITING:
            self._say(self._line(utterance))

    def update(self, utterance: Utterance) -> None:
        """A line for each mark."""
        mark = utterance.mark.text(self._unicode)
        first = utterance.text.split("\n", 1)[0]
        if utterance.mark in (Mark.SENT, Mark.FAILED):
            self._say(self._line(utterance))
        elif utterance.mark is Mark.DELIVERED:
            self._say(f"{mark} delivered: {first}")
        elif utterance.mark is Mark.READ:
            self._say(f"{mark}: {first}")

    def notice(self, text: str) -> None:
        """A line in parentheses."""
        self._say(f"({text})")

    def _line(self, utterance: Utterance) -> str:
        mark = utterance.mark.text(self._unicode)
        text = utterance.text.replace("\n", "\n    ")
        return f"{utterance.at:%Y-%m-%d %H:%M}  {utterance.speaker}: {text}" + (f"  {mark}" if mark else "")


def passed(utterances: Iterable[Utterance], delivered: int, read: int) -> list[Utterance]:
    """Move the marks of one's own messages up to where the other one has come; those that changed."""
    changed = []
    for one in utterances:
        if not one.mine or not one.id:
            continue
        mark = Mark.READ if one.id <= read else Mark.DELIVERED if one.id <= delivered else one.mark
        if mark > one.mark:
            one.mark = mark
            changed.append(one)
    return changed
