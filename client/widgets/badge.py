"""A count in a pill: unread messages."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from client.theme import Font, Theme
from client.theme.tokens import BADGE, SMALL


def words(count: int) -> str:
    """What stands in it."""
    return str(count) if count < 1000 else "999+"


def width(theme: Theme, text: str) -> int:
    """How wide it is."""
    return max(
        theme.px(BADGE), round(theme.metrics(Font.META_STRONG).horizontalAdvance(text)) + theme.px(SMALL) + 4
    )


def paint(painter: QPainter, theme: Theme, text: str, at: QPointF, *, muted: bool = False) -> QRectF:
    """Paint it with its top left corner there; where it is."""
    rect = QRectF(at.x(), at.y(), width(theme, text), theme.px(BADGE))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colours.badge_muted if muted else theme.colours.badge)
    painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
    painter.setFont(theme.font(Font.META_STRONG))
    painter.setPen(theme.colours.on_badge)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
    return rect


class Badge(QWidget):
    """The count as a widget; not there where it is 0."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._count, self._muted = theme, 0, False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        theme.changed.connect(self._restyle)

    def set_count(self, count: int, *, muted: bool = False) -> None:
        """How many."""
        self._count, self._muted = count, muted
        self.setAccessibleName(self.tr("%n unread", "", count))
        self.setVisible(count > 0)
        self._restyle()

    def sizeHint(self) -> QSize:
        return QSize(width(self._theme, words(self._count)), self._theme.px(BADGE))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint(painter, self._theme, words(self._count), QPointF(0, 0), muted=self._muted)

    def _restyle(self) -> None:
        self.setFixedSize(self.sizeHint())
        self.update()
