"""The rows of a window: how high each is (about, until it is laid out), and which are kept laid out."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence

from client.core.grouping import Place, places
from client.core.model import Message
from client.theme.tokens import SMALL
from client.widgets.messages.layout import Row, estimate, lay_out
from client.widgets.messages.look import Look

KEPT_MOST = 250
"""Rows whose texts are laid out; more than any screen shows."""


class Rows:
    """Measures in pixels from the top of the first row.

    There is a little room above it and below the last.
    """

    def __init__(self, look: Look) -> None:
        self.look = look
        self.messages: Sequence[Message] = ()
        self.places: list[Place] = []
        self.index: dict[str, int] = {}
        self._read = 0
        self._revision = -1
        self._heights: list[float] = []
        self._tops: list[float] = [SMALL]
        self._kept: OrderedDict[str, Row] = OrderedDict()
        self._exact: dict[str, tuple[Message, Place, int, float]] = {}

    def __len__(self) -> int:
        return len(self.messages)

    @property
    def total(self) -> float:
        """How high all of it is."""
        return self._tops[-1] + SMALL

    def top(self, index: int) -> float:
        """Where a row begins."""
        return self._tops[index]

    def height(self, index: int) -> float:
        """How high it is."""
        return self._heights[index]

    def set_messages(self, messages: Sequence[Message], read: int) -> None:
        """Show others; what was measured and is the same stays measured, between its neighbours."""
        index = {message.key: at for at, message in enumerate(messages)}
        held = read == self._read and self.look.revision == self._revision
        old, new, count = _common(self.messages, self.index, messages, index) if held else (0, 0, 0)
        if count > 2:  # the places of the outermost may have changed: their neighbours are others
            head = places(messages[: new + 2], read)[: new + 1]
            tail = places(messages[new + count - 1 :], read, before=messages[new + count - 2])
            kept = slice(old + 1, old + count - 1)
            self.places = [*head, *self.places[kept], *tail]
            self._heights = [
                *map(self._height, messages[: new + 1], head),
                *self._heights[kept],
                *map(self._height, messages[new + count - 1 :], tail),
            ]
        else:
            self.places = places(messages, read)
            self._heights = list(map(self._height, messages, self.places))
        self.messages, self.index, self._read, self._revision = messages, index, read, self.look.revision
        if len(self._exact) > 4 * len(messages) + 100:
            self._exact = {key: value for key, value in self._exact.items() if key in self.index}
        self._retop()

    def forget(self, key: str = "") -> None:
        """Measure one anew, or all: the width, the theme, or names have changed."""
        if key:
            self._kept.pop(key, None)
            self._exact.pop(key, None)
        else:
            self._kept.clear()
            self._exact.clear()
            self._revision = -1

    def row(self, index: int) -> Row:
        """Laid out; its height counts from :meth:`ensure` on."""
        message, place = self.messages[index], self.places[index]
        row = self._kept.get(message.key)
        if row is None or not self._fits(row, message, place):
            row = self._kept[message.key] = lay_out(message, place, self.look)
            self._exact[message.key] = (message, place, self.look.revision, row.height)
            while len(self._kept) > KEPT_MOST:
                self._kept.popitem(last=False)
        row.message = message
        self._kept.move_to_end(message.key)
        return row

    def kept(self, index: int) -> bool:
        """Whether it is laid out already."""
        row = self._kept.get(self.messages[index].key)
        return row is not None and self._fits(row, self.messages[index], self.places[index])

    def _fits(self, row: Row, message: Message, place: Place) -> bool:
        return (
            row.revision == self.look.revision
            and row.place == place
            and (row.message is message or row.message == message)
        )

    def ensure(self, indices: range) -> bool:
        """Lay these out; whether that moved anything."""
        moved = False
        for at in indices:
            height = self.row(at).height
            if height != self._heights[at]:
                self._heights[at] = height
                moved = True
        if moved:
            self._retop()
        return moved

    def laid(self, index: int) -> bool:
        """Whether its height is exact."""
        return self._known(self.messages[index], self.places[index]) is not None

    def at(self, y: float) -> int:
        """The row that is there, or is nearest; -1: there are none."""
        return max(0, min(len(self.messages) - 1, bisect_right(self._tops, y) - 1)) if self.messages else -1

    def between(self, top: float, bottom: float) -> range:
        """The rows that are there."""
        if not self.messages:
            return range(0)
        return range(self.at(top), self.at(bottom) + 1)

    def _known(self, message: Message, place: Place) -> float | None:
        exact = self._exact.get(message.key)
        if exact is None or exact[2] != self.look.revision or exact[1] != place:
            return None
        return exact[3] if exact[0] is message or exact[0] == message else None

    def _height(self, message: Message, place: Place) -> float:
        known = self._known(message, place)
        return known if known is not None else estimate(message, place, self.look)

    def _retop(self) -> None:
        self._tops = list(itertools.accumulate(self._heights, initial=float(SMALL)))


def _common(
    one: Sequence[Message], at: dict[str, int], other: Sequence[Message], index: dict[str, int]
) -> tuple[int, int, int]:
    """A run that both have: where it begins in the one, in the other, and how many there are."""
    if not one or not other:
        return 0, 0, 0
    if other[0].key in at:
        old, new = at[other[0].key], 0
    else:
        old, new = 0, index.get(one[0].key, len(other))
    run = zip(itertools.islice(one, old, None), itertools.islice(other, new, None), strict=False)
    count = next(
        (number for number, (a, b) in enumerate(run) if a is not b), min(len(one) - old, len(other) - new)
    )
    return old, new, count
