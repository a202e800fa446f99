"""One thread's messages in the order of their ids, each once, however they arrive. No input or output here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from imsys.sdk.model import Message

HELD_LIMIT = 500
"""Messages of one thread that wait for an earlier one; past it they are dropped and pulled instead."""


class _Held(NamedTuple):
    message: Message
    previous: int
    round: int


class Line:
    """The messages of one thread.

    A message that arrives live names the one before it; it is let through when
    that one has been, and held back until then. A page of the history has no gaps,
    so it lets through all that is new in it, and what was held for that.

    :param last: the id up to which everything has been let through, or is history.
    :param history: ``last`` is only where this client found the thread when it first came: a live
        message at or below it was meant for this client, and moves the border down.
    """

    __slots__ = ("_border", "_held", "_round", "last", "overflowed")

    def __init__(self, last: int, *, history: bool = False) -> None:
        self.last = last
        self.overflowed = False
        self._border = last if history else -1
        self._held: dict[int, _Held] = {}
        self._round = 0

    @property
    def held(self) -> int:
        """How many messages wait for an earlier one."""
        return len(self._held)

    def live(self, message: Message, previous: int) -> list[Message]:
        """Take a message that arrived live; what may be let through now, in order."""
        if message.id <= self.last:
            if self.last != self._border:
                return []
            self.last = self._border = previous
        if previous > self.last:
            if len(self._held) < HELD_LIMIT:
                self._held[message.id] = _Held(message, previous, self._round)
            else:
                self._held.clear()
                self.overflowed = True
            return []
        self.last = message.id
        return [message, *self._release()]

    def begin_pull(self) -> int:
        """Begin to read the history after ``last``: the number of this round."""
        self._round += 1
        return self._round

    def page(self, after: int, records: Sequence[Message]) -> list[Message]:
        """Take the page of the history that begins after an id; what may be let through now, in order."""
        if after > self.last:
            return []  # the border has moved down since the page was asked for
        through = []
        for record in records:
            if record.id > self.last:
                live = self._held.pop(record.id, None)
                through.append(record if live is None else live.message)
                self.last = record.id
        return through + self._release()

    def end_pull(self, number: int) -> list[Message]:
        """The history has been read to its end: what was held before the round began waits no longer."""
        self.overflowed = False
        late = max((key for key, held in self._held.items() if held.round < number), default=0)
        through = []
        for key in sorted(key for key in self._held if key <= late):
            message = self._held.pop(key).message
            if key > self.last:
                self.last = key
                through.append(message)
        return through + self._release()

    def _release(self) -> list[Message]:
        through = []
        for key in sorted(self._held):
            if key <= self.last:
                del self._held[key]
            elif self._held[key].previous <= self.last:
                through.append(self._held.pop(key).message)
                self.last = key
            else:
                break
        return through
