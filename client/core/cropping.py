"""Cutting a part out of a picture: where it is, and what dragging a handle makes of it.

Pixels of the picture, as numbers.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

LEAST = 16.0
"""Pixels of a side, at least; less only where the picture has less."""


class Shape(enum.Enum):
    """What is cut out."""

    CIRCLE = "circle"
    SQUARE = "square"
    ELLIPSE = "ellipse"
    RECTANGLE = "rectangle"

    @property
    def even(self) -> bool:
        """Whether it is as high as it is wide."""
        return self in (Shape.CIRCLE, Shape.SQUARE)

    @property
    def round(self) -> bool:
        """Whether it has no corners."""
        return self in (Shape.CIRCLE, Shape.ELLIPSE)


class Handle(enum.Enum):
    """What can be dragged; the values say which sides move: -1 the left or upper one, 1 the right or lower
    one.
    """

    TOP_LEFT = (-1, -1)
    TOP = (0, -1)
    TOP_RIGHT = (1, -1)
    RIGHT = (1, 0)
    BOTTOM_RIGHT = (1, 1)
    BOTTOM = (0, 1)
    BOTTOM_LEFT = (-1, 1)
    LEFT = (-1, 0)


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a picture that is ``wide`` and ``high``; it never leaves it."""

    wide: float
    high: float
    shape: Shape
    left: float = 0.0
    top: float = 0.0
    width: float = 0.0
    height: float = 0.0

    @property
    def least(self) -> float:
        """How small a side may become."""
        return min(LEAST, self.wide, self.high)

    def at(self, handle: Handle) -> tuple[float, float]:
        """Where a handle is."""
        across, down = handle.value
        return self.left + self.width * (across + 1) / 2, self.top + self.height * (down + 1) / 2

    def moved(self, across: float, down: float) -> Cut:
        """Elsewhere, of the same size."""
        return self._placed(self.left + across, self.top + down, self.width, self.height)

    def dragged(self, handle: Handle, x: float, y: float) -> Cut:
        """With a handle at a place, or as near to that as can be; what is opposite stays."""
        across, down = handle.value
        x, y = min(max(x, 0.0), self.wide), min(max(y, 0.0), self.high)
        right, bottom = self.left + self.width, self.top + self.height
        width = (
            max(self.least, (x - self.left) * across if across > 0 else right - x) if across else self.width
        )
        height = max(self.least, (y - self.top) * down if down > 0 else bottom - y) if down else self.height
        if self.shape.even:
            return self._even(
                across, down, width if not down else height if not across else max(width, height)
            )
        width = min(width, right if across < 0 else self.wide - self.left)
        height = min(height, bottom if down < 0 else self.high - self.top)
        return self._placed(
            right - width if across < 0 else self.left,
            bottom - height if down < 0 else self.top,
            width,
            height,
        )

    def _even(self, across: int, down: int, side: float) -> Cut:
        """A square whose side or corner that is opposite to what is dragged stays.

        In the other direction the middle does.
        """
        right, bottom = self.left + self.width, self.top + self.height
        middle_x, middle_y = self.left + self.width / 2, self.top + self.height / 2
        rooms = {-1: right, 0: 2 * min(middle_x, self.wide - middle_x), 1: self.wide - self.left}
        heights = {-1: bottom, 0: 2 * min(middle_y, self.high - middle_y), 1: self.high - self.top}
        side = max(self.least, min(side, rooms[across], heights[down]))
        left = {-1: right - side, 0: middle_x - side / 2, 1: self.left}[across]
        top = {-1: bottom - side, 0: middle_y - side / 2, 1: self.top}[down]
        return self._placed(left, top, side, side)

    def grown(self, factor: float) -> Cut:
        """Larger, or smaller, about its middle."""
        if self.width <= 0 or self.height <= 0:
            return self
        most = min(self.wide / self.width, self.high / self.height)
        least = min(1.0, max(self.least / self.width, self.least / self.height))
        factor = max(least, min(factor, most))
        width, height = self.width * factor, self.height * factor
        return self._placed(
            self.left + (self.width - width) / 2, self.top + (self.height - height) / 2, width, height
        )

    def shaped(self, shape: Shape) -> Cut:
        """Of another shape, about the same middle."""
        width, height = self.width, self.height
        if shape.even:
            width = height = min(width, height)
        left, top = self.left + (self.width - width) / 2, self.top + (self.height - height) / 2
        return Cut(self.wide, self.high, shape, left, top, width, height)

    def _placed(self, left: float, top: float, width: float, height: float) -> Cut:
        width, height = min(width, self.wide), min(height, self.high)
        left, top = min(max(left, 0.0), self.wide - width), min(max(top, 0.0), self.high - height)
        return Cut(self.wide, self.high, self.shape, left, top, width, height)


def whole(wide: float, high: float, shape: Shape) -> Cut:
    """As much of a picture as can be, in the middle of it."""
    return Cut(wide, high, shape, 0.0, 0.0, wide, high).shaped(shape)
