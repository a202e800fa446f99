"""The one shadow, for what floats."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QGraphicsDropShadowEffect, QWidget

from client.theme import Theme
from client.theme.tokens import SHADOW


def paint(painter: QPainter, theme: Theme, rect: QRectF, radius: float) -> None:
    """Under a rounded rectangle that is painted afterwards: a few outlines that grow fainter, cheap at any
    size.
    """
    _, down, blur = SHADOW
    base = theme.colours.shadow
    steps = 6
    painter.setPen(Qt.PenStyle.NoPen)
    for step in range(steps, 0, -1):
        grow = blur / 2 * step / steps
        colour = QColor(base)
        colour.setAlphaF(base.alphaF() / steps * (1 - (step - 1) / steps) * 1.4)
        painter.setBrush(colour)
        painter.drawRoundedRect(
            rect.adjusted(-grow, -grow + down, grow, grow + down), radius + grow, radius + grow
        )


class Shadow(QGraphicsDropShadowEffect):
    """Of a widget."""

    def __init__(self, theme: Theme, widget: QWidget) -> None:
        super().__init__(widget)
        self._theme = theme
        right, down, blur = SHADOW
        self.setOffset(right, down)
        self.setBlurRadius(blur)
        theme.follow(self._restyle)

    def _restyle(self) -> None:
        self.setColor(self._theme.colours.shadow)
