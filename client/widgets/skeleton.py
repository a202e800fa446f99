"""Grey shapes where rows will be: something is being fetched."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from client.theme import Theme
from client.theme.tokens import AVATAR, GAP, RADIUS_SMALL, ROW, SMALL, SPIN_MS

STEP_MS = 50
WIDTHS = (0.62, 0.45, 0.7, 0.52, 0.38)


class Skeleton(QWidget):
    """Rows of a list; they breathe, unless there is to be less motion."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._phase = theme, 0.0
        self._timer = QTimer(self, interval=STEP_MS)
        self._timer.timeout.connect(self._breathe)
        self.setAccessibleName(self.tr("Loading"))
        theme.changed.connect(self.update)

    def showEvent(self, event: object) -> None:
        if self._theme.duration(SPIN_MS):
            self._timer.start()

    def hideEvent(self, event: object) -> None:
        self._timer.stop()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        colour = QColor(self._theme.colours.skeleton)
        colour.setAlphaF(0.7 + 0.3 * abs(self._phase * 2 - 1))
        painter.setBrush(colour)
        rtl = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        row, avatar = self._theme.px(ROW), self._theme.px(AVATAR)
        start = GAP + avatar + GAP
        room = self.width() - start - GAP
        for index in range(self.height() // row + 1):
            top = index * row
            shapes = [QRectF(GAP, top + (row - avatar) / 2, avatar, avatar)]
            for line, share in enumerate((WIDTHS[index % 5], WIDTHS[(index + 2) % 5] + 0.25)):
                height = self._theme.px(SMALL + 2)
                shapes.append(
                    QRectF(
                        start,
                        top + row / 2 - height - 3 + line * (height + 8),
                        room * min(1.0, share),
                        height,
                    )
                )
            for at, shape in enumerate(shapes):
                if rtl:
                    shape.moveRight(self.width() - shape.left())
                if at:
                    painter.drawRoundedRect(shape, RADIUS_SMALL, RADIUS_SMALL)
                else:
                    painter.drawEllipse(shape)

    def _breathe(self) -> None:
        self._phase = (self._phase + STEP_MS / (2 * SPIN_MS)) % 1.0
        self.update()
