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
        """Show others; what was measured and is the same stays measured."""
        same = _same(self.messages, messages) if read == self._read else 0
        if same > 1:  # the place of what is the last of the same may have changed
            self.places = [
                *self.places[: same - 1],
                *places(messages[same - 1 :], read, before=messages[same - 2]),
            ]
        else:
            self.places = places(messages, read)
        self.messages, self._read = messages, read
        self.index = {message.key: at for at, message in enumerate(messages)}
        self._heights = [
            self._height(message, place) for message, place in zip(messages, self.places, strict=True)
        ]
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

    def row(self, index: int) -> Row:
        """Laid out; its height counts from :meth:`ensure` on."""
        message, place = self.messages[index], self.places[index]
        row = self._kept.get(message.key)
        if (
            row is None
            or row.message is not message
            or row.place != place
            or row.revision != self.look.revision
        ):
            if (
                row is None
                or row.message != message
                or row.place != place
                or row.revision != self.look.revision
            ):
                row = self._kept[message.key] = lay_out(message, place, self.look)
                self._exact[message.key] = (message, place, self.look.revision, row.height)
                while len(self._kept) > KEPT_MOST:
                    self._kept.popitem(last=False)
            else:
                row.message = message
        self._kept.move_to_end(message.key)
        return row

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


def _same(one: Sequence[Message], other: Sequence[Message]) -> int:
    """How many at the beginning are the same."""
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a is not b),
        min(len(one), len(other)),
    )
