"""Avatars: a round picture, or initials on one of eight colours."""

from __future__ import annotations

import math
from collections import OrderedDict

from PySide6.QtCore import QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from client.core.display import colour_index, initials
from client.theme import Font, Theme
from client.theme.tokens import AVATAR, AVATARS, DOT, DOT_RIM, DOT_SHARE, ON_AVATAR
from client.widgets.pictures import Pictures

KEPT_MOST = 600


class Avatars(QObject):
    """Makes and keeps them.

    Files that are not on this disk are asked for by :attr:`wanted`, and come by :meth:`provide`.
    """

    changed = Signal()
    wanted = Signal(str)
    """The id of an avatar's file; at most once until :meth:`provide`."""

    def __init__(self, theme: Theme, pictures: Pictures) -> None:
        super().__init__()
        self._theme, self._pictures = theme, pictures
        self._paths: dict[str, str] = {}
        self._asked: set[str] = set()
        self._made: OrderedDict[tuple[object, ...], QPixmap] = OrderedDict()
        pictures.ready.connect(self._ready)
        theme.changed.connect(self._made.clear)

    def provide(self, file_id: str, path: str) -> None:
        """The file is here; empty: it cannot be had now, and is asked for again later."""
        self._asked.discard(file_id)
        if path:
            self._paths[file_id] = path
            self.changed.emit()

    def pixmap(self, id: int, name: str, file_id: str, size: int, ratio: float) -> QPixmap:
        """What stands for somebody, ``size`` logical pixels wide: the picture where it is here, else
        initials.
        """
        picture = None
        if file_id:
            path = self._paths.get(file_id)
            if path is not None:
                picture = self._pictures.get(path, QSize(size, size), ratio, cover=True)
            elif file_id not in self._asked:
                self._asked.add(file_id)
                self.wanted.emit(file_id)
        key = (id, name, size, ratio, file_id if picture is not None else "")
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._make(id, name, picture, size, ratio)
            while len(self._made) > KEPT_MOST:
                self._made.popitem(last=False)
        else:
            self._made.move_to_end(key)
        return made

    def _make(self, id: int, name: str, picture: QPixmap | None, size: int, ratio: float) -> QPixmap:
        made = QPixmap(round(size * ratio), round(size * ratio))
        made.setDevicePixelRatio(ratio)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        whole = QRectF(0, 0, size, size)
        if picture is not None:
            circle = QPainterPath()
            circle.addEllipse(whole)
            painter.setClipPath(circle)
            painter.drawPixmap(whole, picture, QRectF(picture.rect()))
            painter.setClipping(False)
            painter.setPen(QColor(self._theme.colours.hairline))
            painter.drawEllipse(whole.adjusted(0.5, 0.5, -0.5, -0.5))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(AVATARS[colour_index(id, len(AVATARS))]))
            painter.drawEllipse(whole)
            font = QFont(self._theme.font(Font.BODY_STRONG))
            font.setPixelSize(max(8, round(size * 0.38)))
            painter.setFont(font)
            painter.setPen(QColor(ON_AVATAR))
            painter.drawText(whole, Qt.AlignmentFlag.AlignCenter, initials(name))
        painter.end()
        return made

    def _ready(self, path: str) -> None:
        if path in self._paths.values():
            self.changed.emit()


def paint_dot(painter: QPainter, theme: Theme, avatar: QRectF, ground: QColor, *, rtl: bool = False) -> None:
    """The dot of somebody who is online, on the trailing lower edge of their avatar, cut out of it.

    Its middle is on the circle, or as near to it as the avatar's square lets it be.
    """
    size = max(theme.px(DOT[0]), min(theme.px(DOT[1]), round(avatar.width() * DOT_SHARE)))
    out = avatar.width() / 2 * (1 - math.sqrt(0.5)) - size / 2
    gap = max(out, DOT_RIM / 2)
    left = avatar.left() + gap if rtl else avatar.right() - size - gap
    dot = QRectF(left, avatar.bottom() - size - gap, size, size)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawEllipse(dot.adjusted(-DOT_RIM, -DOT_RIM, DOT_RIM, DOT_RIM))
    painter.setBrush(theme.colours.online)
    painter.drawEllipse(dot)


class Avatar(QWidget):
    """Somebody's avatar as a widget of its own; it is read with their name."""

    def __init__(
        self, theme: Theme, avatars: Avatars, size: int = AVATAR, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._avatars, self._size = theme, avatars, size
        self._who: tuple[int, str, str] = (0, "", "")
        self._online = False
        avatars.changed.connect(self.update)
        theme.follow(self._restyle)

    def show_person(self, id: int, name: str, file_id: str, *, online: bool = False) -> None:
        """Whose it is."""
        if (self._who, self._online) != ((id, name, file_id), online):
            self._who, self._online = (id, name, file_id), online
            self.setAccessibleName(name)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPixmap(0, 0, self._avatars.pixmap(*self._who, self.width(), self.devicePixelRatioF()))
        if self._online:
            ground = self.palette().window().color()
            rtl = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
            paint_dot(painter, self._theme, QRectF(self.rect()), ground, rtl=rtl)

    def _restyle(self) -> None:
        size = self._theme.px(self._size)
        self.setFixedSize(size, size)
        self.update()
