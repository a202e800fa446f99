"""A scroll bar for a list that grows while it is dragged: the handle moves what is shown by as much as the
pointer moves.
"""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QScrollBar, QStyle, QStyleOptionSlider

END_MS = 40


class ScrollBar(QScrollBar):
    """Qt's own goes to where the pointer is in proportion, which is somewhere else once a page has come in
    above.
    """

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self._from: QPoint | None = None
        self._rest = 0.0
        self._end = QTimer(self, interval=END_MS)
        self._end.timeout.connect(self._go_on)
        self._goes_up = False

    @property
    def dragged(self) -> bool:
        """Whether somebody holds the handle."""
        return self._from is not None

    def paintEvent(self, event: QPaintEvent) -> None:
        """Nothing, where there is nowhere to scroll to."""
        if self.maximum() > self.minimum():
            super().paintEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = self.style().subControlRect(
            QStyle.ComplexControl.CC_ScrollBar, option, QStyle.SubControl.SC_ScrollBarSlider, self
        )
        if event.button() == Qt.MouseButton.LeftButton and handle.contains(event.position().toPoint()):
            self._from, self._rest = event.position().toPoint(), 0.0
            event.accept()
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._from is None:
            super().mouseMoveEvent(event)
            return
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        style, control = self.style(), QStyle.ComplexControl.CC_ScrollBar
        groove = style.subControlRect(control, option, QStyle.SubControl.SC_ScrollBarGroove, self)
        handle = style.subControlRect(control, option, QStyle.SubControl.SC_ScrollBarSlider, self)
        place = event.position().toPoint()
        moved = place.y() - self._from.y()
        self._from = place
        if not groove.top() < place.y() < groove.bottom():
            self._goes_up = place.y() <= groove.top()
            self._go_on()
            self._end.start()
        else:
            self._end.stop()
            free = max(1, groove.height() - handle.height())
            self._rest += moved * (self.maximum() - self.minimum()) / free
            whole = int(self._rest)
            self._rest -= whole
            self.setValue(self.value() + whole)

    def _go_on(self) -> None:
        """Held at an end, it goes on through what comes in there."""
        self.setValue(self.minimum() if self._goes_up else self.maximum())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._from = None
        self._end.stop()
        super().mouseReleaseEvent(event)
