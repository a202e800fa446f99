"""A count in a pill: unread messages."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from client.theme import Font, Theme
from client.theme.tokens import BADGE, BADGE_SMALL, SMALL, TIGHT


def words(count: int, most: int = 999) -> str:
    """What stands in it."""
    return str(count) if count <= most else f"{most}+"


def _look(*, small: bool) -> tuple[Font, int]:
    return (Font.BADGE_SMALL, BADGE_SMALL) if small else (Font.META_STRONG, BADGE)


def width(theme: Theme, text: str, *, small: bool = False) -> int:
    """How wide it is."""
    font, height = _look(small=small)
    room = theme.px(TIGHT + 2 if small else SMALL + TIGHT)
    return max(theme.px(height), round(theme.metrics(font).horizontalAdvance(text)) + room)


def paint(
    painter: QPainter, theme: Theme, text: str, at: QPointF, *, muted: bool = False, small: bool = False
) -> QRectF:
    """Paint it with its top left corner there; where it is."""
    font, height = _look(small=small)
    rect = QRectF(at.x(), at.y(), width(theme, text, small=small), theme.px(height))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colours.badge_muted if muted else theme.colours.badge)
    painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
    painter.setFont(theme.font(font))
    painter.setPen(theme.colours.on_badge)
    painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # 99+
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
    return rect


class Badge(QWidget):
    """The count as a widget; not there where it is 0."""

    def __init__(
        self, theme: Theme, parent: QWidget | None = None, *, small: bool = False, most: int = 999
    ) -> None:
        """``small``: on an icon; more than ``most`` is not counted."""
        super().__init__(parent)
        self._theme, self._count, self._muted, self._small, self._most = theme, 0, False, small, most
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
        _, height = _look(small=self._small)
        return QSize(width(self._theme, self._words(), small=self._small), self._theme.px(height))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint(painter, self._theme, self._words(), QPointF(0, 0), muted=self._muted, small=self._small)

    def _words(self) -> str:
        return words(self._count, self._most)

    def _restyle(self) -> None:
        self.setFixedSize(self.sizeHint())
        self.update()
