"""The way down: a round button with the number of unread messages."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QWidget

from client.theme import Theme
from client.theme.tokens import AVATAR, FOCUS, ICON, SHADOW
from client.translations.sentences import listed
from client.widgets import badge, shadow


class DownButton(QAbstractButton):
    """Floats over the list."""

    glyph = "chevron-down"

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._count = theme, 0
        self._pixmap: QPixmap | None = None
        self._state: object = None
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.hide()
        self.set_count(0)
        theme.follow(self._restyle)

    def set_count(self, count: int) -> None:
        """How many are unread."""
        self._count = count
        name = self.words()
        self.setAccessibleName(listed((name, self.tr("%n unread", "", count) if count else "")))
        self.setToolTip(name)
        self.update()

    def words(self) -> str:
        """Where it leads."""
        return self.tr("To the newest messages")

    def sizeHint(self) -> QSize:
        size = self._theme.px(AVATAR) + SHADOW[2]
        return QSize(size, size + self._theme.px(8) + SHADOW[1])

    def paintEvent(self, event: QPaintEvent) -> None:
        """It is painted with every frame of the list below it: kept as a picture, but for the count."""
        state = (
            self.underMouse(),
            self.hasFocus(),
            self.devicePixelRatioF(),
            self.size().toTuple(),
        )
        if state != self._state or self._pixmap is None:
            self._state, self._pixmap = state, QPixmap(self.size() * self.devicePixelRatioF())
            self._pixmap.setDevicePixelRatio(self.devicePixelRatioF())
            self._pixmap.fill(Qt.GlobalColor.transparent)
            self._draw(QPainter(self._pixmap))
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._pixmap)
        if self._count:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            words = badge.words(self._count)
            left = (self.width() - badge.width(self._theme, words)) / 2
            badge.paint(painter, self._theme, words, QPointF(left, 0))

    def _draw(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, size = self._theme.colours, self._theme.px(AVATAR - 4)
        disc = QRectF((self.width() - size) / 2, self.height() - size - SHADOW[1] - SHADOW[2] / 2, size, size)
        shadow.paint(painter, self._theme, disc, size / 2)
        painter.setBrush(colours.hover if self.underMouse() else colours.float)
        painter.setPen(
            QPen(
                colours.accent if self.hasFocus() else QColor(colours.hairline),
                FOCUS if self.hasFocus() else 1,
            )
        )
        painter.drawEllipse(disc)
        pixmap = self._theme.pixmap(self.glyph, colours.second, size=ICON + 2, ratio=self.devicePixelRatioF())
        wide = pixmap.deviceIndependentSize()
        painter.drawPixmap(
            QPointF(disc.center().x() - wide.width() / 2, disc.center().y() - wide.height() / 2 + 1), pixmap
        )
        painter.end()

    def enterEvent(self, event: object) -> None:
        self.update()

    leaveEvent = enterEvent

    def _restyle(self) -> None:
        self._pixmap = None
        self.setFixedSize(self.sizeHint())
        self.update()
