"""A fair queue: sources take turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Container
from typing import Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")


class FairQueue(Generic[S, T]):
    """A queue of items by source: one item of each source per round, each source's items in order.

    So a source's first item waits for at most one item of every other source.
    """

    def __init__(self) -> None:
        self._lines: dict[S, list[T]] = {}
        self._round: deque[S] = deque()  # sources in the order of their turns

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, source: S, item: T) -> None:
        """Append an item of a source."""
        line = self._lines.get(source)
        if line is None:
            self._lines[source] = [item]
            self._round.append(source)
        else:
            line.append(item)

    def first(self) -> T:
        """Return the next item. :raises IndexError: there is none."""
        return self._lines[self._round[0]][0]

    def pop(self, but: Container[S] = ()) -> T:
        """Take the next item of a source that is not in ``but``. :raises IndexError: there is none."""
        source = next((source for source in self._round if source not in but), None)
        if source is None:
            raise IndexError
        self._round.remove(source)
        line = self._lines[source]
        item = line.pop(0)  # lines are short: a source with many items is held
        if line:
            self._round.append(source)
        else:
            del self._lines[source]
        return item

    def take_all(self) -> list[T]:
        """Take all items."""
        lines, self._lines = self._lines, {}
        self._round.clear()
        return [item for line in lines.values() for item in line]
