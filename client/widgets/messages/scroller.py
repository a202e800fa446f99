"""Where the list is scrolled to, and how it stays there while rows above and below it come, go, and turn out
higher than was thought.
"""

from __future__ import annotations

from dataclasses import dataclass

from client.widgets.messages.rows import Rows

ROUNDS_MOST = 12


@dataclass(slots=True)
class Anchor:
    """A row, and where its top is in the viewport; an empty key: the end is at the end."""

    key: str = ""
    y: float = 0.0


class Scroller:
    """The value is pixels of the content above the viewport."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.height = 0
        """Of the viewport."""
        self.value = 0.0
        self.anchor = Anchor()

    @property
    def most(self) -> float:
        """The largest value: the end is at the end."""
        return max(0.0, self.rows.total - self.height)

    @property
    def origin(self) -> float:
        """Where the content begins in the viewport where it does not fill it: messages stand at its lower
        edge.
        """
        return max(0.0, self.height - self.rows.total)

    @property
    def at_end(self) -> bool:
        """Whether the end is shown."""
        return self.value >= self.most - 1

    def y(self, index: int) -> float:
        """Where a row is in the viewport."""
        return self.origin + self.rows.top(index) - self.value

    def seen(self, more: float = 0.0) -> range:
        """The rows in the viewport, and so many pixels around it."""
        top = self.value - self.origin
        return self.rows.between(top - more, top + self.height + more)

    def at(self, y: float) -> int:
        """The row at a place of the viewport; -1: none is there."""
        index = self.rows.at(y + self.value - self.origin)
        if index < 0 or not self.y(index) <= y < self.y(index) + self.rows.height(index):
            return -1
        return index

    def next_ahead(self) -> int:
        """The nearest row, within one height of what is seen, that is not laid out; -1: there is none."""
        seen, near = self.seen(), self.seen(self.height)
        for away in range(1, max(seen.start - near.start, near.stop - seen.stop) + 1):
            for index in (seen.stop - 1 + away, seen.start - away):
                if index in near and not self.rows.kept(index):
                    return index
        return -1

    def scroll_to(self, value: float) -> None:
        """Somebody scrolls: keep what will be seen then where it will be seen, whatever turns out to be above
        it.
        """
        self.value = max(0.0, min(self.most, float(round(value))))
        seen = self.seen()
        if not len(seen):
            return
        at = next((index for index in seen if self.rows.laid(index)), seen[0])
        self.anchor = Anchor(self.rows.messages[at].key, self.y(at))

    def to_end(self) -> None:
        """The end, and stay there."""
        self.anchor = Anchor()

    def to_row(self, index: int, y: float) -> None:
        """A row to that place of the viewport, as far as there is something above and below it."""
        self.anchor = Anchor(self.rows.messages[index].key, float(round(y)))

    def settle(self, *, stays: bool) -> None:
        """Lay out what is seen, until nothing moves any more.

        :param stays: whether being at the end means to stay there: nothing is known after it.
        """
        for _ in range(ROUNDS_MOST):
            self.value = max(0.0, min(self.most, self._wanted()))
            if not self.rows.ensure(self.seen()):
                break
        else:
            self.value = max(0.0, min(self.most, self._wanted()))
        if self.anchor.key and stays and self.at_end:
            self.anchor = Anchor()
        elif self.anchor.key or not stays:
            self._hold()

    def _wanted(self) -> float:
        index = self.rows.index.get(self.anchor.key, -1)
        if index >= 0:
            return self.rows.top(index) + self.origin - self.anchor.y
        return self.most if not self.anchor.key else self.value

    def _hold(self) -> None:
        """From now on, the first row that is seen is what does not move."""
        seen = self.seen()
        if len(seen):
            at = seen[0] if self.y(seen[0]) >= 0 or len(seen) == 1 else seen[1]
            self.anchor = Anchor(self.rows.messages[at].key, self.y(at))
