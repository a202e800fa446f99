"""Put one thread's messages and entries into the order of their ids, each once, however they arrive. No I/O
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from imsys.sdk.entries import Logged

HELD_LIMIT = 500
"""Held messages of one thread, at most; beyond it they are dropped, and the history is pulled instead."""


class _Held(NamedTuple):
    item: Logged
    previous: int
    round: int


class Line:
    """Orders the log of one thread: messages and the entries between them.

    What is pushed names the id before it; it is delivered after that one, and held until then. A page of
    the history has no gaps, so all new messages of it are delivered, and then the held ones that follow.

    :param last: the id up to which everything has been delivered, or is history.
    :param history: ``last`` is merely the newest id at the first login; a pushed message at or below it is
        for this client all the same, and moves the border of the history down to the id before it.
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
        """The number of messages that wait for an earlier one."""
        return len(self._held)

    def live(self, item: Logged, previous: int) -> list[Logged]:
        """Process a pushed message or entry; return what to deliver now, in order."""
        if item.id <= self.last:
            if self.last != self._border:
                return []
            self.last = self._border = previous
        if previous > self.last:
            if len(self._held) < HELD_LIMIT:
                self._held[item.id] = _Held(item, previous, self._round)
            else:
                self._held.clear()
                self.overflowed = True
            return []
        self.last = item.id
        return [item, *self._release()]

    def begin_pull(self) -> int:
        """Begin to read the history after ``last``; return the number of this round."""
        self._round += 1
        return self._round

    def page(self, after: int, records: Sequence[Logged]) -> list[Logged]:
        """Process the page of the log after an id; return what to deliver now, in order."""
        if after > self.last:
            return []  # the border has moved down since the page was asked for
        through: list[Logged] = []
        for record in records:
            if record.id > self.last:
                live = self._held.pop(record.id, None)
                through.append(record if live is None else live.item)
                self.last = record.id
        return through + self._release()

    def end_pull(self, number: int) -> list[Logged]:
        """End a round at the end of the log: what was held since before it began is delivered now."""
        self.overflowed = False
        late = max((key for key, held in self._held.items() if held.round < number), default=0)
        through: list[Logged] = []
        for key in sorted(key for key in self._held if key <= late):
            item = self._held.pop(key).item
            if key > self.last:
                self.last = key
                through.append(item)
        return through + self._release()

    def _release(self) -> list[Logged]:
        through: list[Logged] = []
        for key in sorted(self._held):
            if key <= self.last:
                del self._held[key]
            elif self._held[key].previous <= self.last:
                through.append(self._held.pop(key).item)
                self.last = key
            else:
                break
        return through
