"""A picture that is looked at: fitted, closer, moved."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from client.theme.tokens import STAGE, VIEWER_ZOOM, ZOOM_STEP
from client.views.cropper.canvas import checker


class PictureCanvas(QWidget):
    """The wheel and pinching zoom where the pointer is, dragging moves, a double click goes between fitted
    and full size.
    """

    zoomed = Signal()
    """:attr:`scale` is different."""

    def __init__(self) -> None:
        super().__init__()
        self._levels: list[QPixmap] = []
        self._whole = QSizeF(1, 1)
        self._scale, self._middle = 1.0, QPointF()
        self.fitted = True
        """Whether all of it is to be seen."""
        self._last: QPointF | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(QSize(200, 160))

    def set_picture(self, levels: tuple[QImage, ...], whole: QSize) -> None:
        """Show this one, whose whole size is this; how it is looked at stays, where its size does."""
        same = self._whole == QSizeF(whole) and bool(self._levels)
        self._levels = [QPixmap.fromImage(level) for level in levels]
        self._whole = QSizeF(whole)
        if not same:
            self.fit()
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self._levels, self._whole, self.fitted = [], QSizeF(1, 1), True
        self.update()

    @property
    def empty(self) -> bool:
        """Whether there is no picture."""
        return not self._levels

    # How it is looked at.

    @property
    def scale(self) -> float:
        """Pixels of the screen for one of the picture."""
        return self._scale * self.devicePixelRatioF()

    def fit(self) -> None:
        """All of it is seen, never larger than it is."""
        self.fitted = True
        room = min(self.width() / self._whole.width(), self.height() / self._whole.height())
        self._scale = max(1e-4, min(room, 1 / self.devicePixelRatioF()))
        self._middle = QPointF(self._whole.width() / 2, self._whole.height() / 2)
        self.zoomed.emit()
        self._point()
        self.update()

    def full(self, at: QPointF | None = None) -> None:
        """One pixel of it is one of the screen."""
        self.zoom_to(1.0, at)

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Closer; what is under a place stays there."""
        self.zoom_to(self.scale * factor, at)

    def zoom_to(self, scale: float, at: QPointF | None = None) -> None:
        """To a scale, see :attr:`scale`."""
        if self.empty:
            return
        least, most = VIEWER_ZOOM
        place = at or QRectF(self.rect()).center()
        fixed = self._to_picture(place)
        ratio = self.devicePixelRatioF()
        self._scale = min(max(scale, min(least, self.scale)), most) / ratio
        self.fitted = False
        self._look_at(self._middle + fixed - self._to_picture(place))
        self.zoomed.emit()
        self._point()

    def pan(self, across: float, down: float) -> None:
        """Look at what is so many pixels of the widget to the right, and below."""
        self._look_at(self._middle + QPointF(across, down) / self._scale)

    @property
    def movable(self) -> bool:
        """Whether not all of it is seen."""
        size = self._whole * self._scale
        return size.width() > self.width() + 1 or size.height() > self.height() + 1

    def box(self) -> QRectF:
        """Where the picture is."""
        corner = QRectF(self.rect()).center() - self._middle * self._scale
        return QRectF(corner, self._whole * self._scale)

    def _look_at(self, middle: QPointF) -> None:
        wide, high = self._whole.width(), self._whole.height()
        spare_x = max(0.0, wide - self.width() / self._scale) / 2
        spare_y = max(0.0, high - self.height() / self._scale) / 2
        x, y = wide / 2, high / 2
        self._middle = QPointF(
            min(max(middle.x(), x - spare_x), x + spare_x), min(max(middle.y(), y - spare_y), y + spare_y)
        )
        self.update()

    def _to_picture(self, place: QPointF) -> QPointF:
        return (place - QRectF(self.rect()).center()) / self._scale + self._middle

    def _point(self) -> None:
        held = Qt.CursorShape.ClosedHandCursor if self._last is not None else Qt.CursorShape.OpenHandCursor
        self.setCursor(held if self.movable else Qt.CursorShape.ArrowCursor)

    # What Qt calls.

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.movable:
            self._last = event.position()
            self._point()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._last is not None:
            moved, self._last = self._last - event.position(), event.position()
            self.pan(moved.x(), moved.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._last = None
        self._point()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.full(event.position()) if self.fitted else self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turns = event.angleDelta().y() / 120
        if turns:
            self.zoom_by(ZOOM_STEP**turns, event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        if (
            isinstance(event, QNativeGestureEvent)
            and event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture
        ):
            self.zoom_by(1 + event.value(), event.position())
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self.fitted:
            self.fit()
        else:
            self._look_at(self._middle)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(STAGE))
        if not self._levels:
            return
        box, seen = self.box(), QRectF(self.rect())
        level = self._levels[0]
        for one in self._levels[1:]:  # the smallest that has a pixel for each of the screen
            if one.width() >= box.width() * self.devicePixelRatioF():
                level = one
        painter.setRenderHint(
            QPainter.RenderHint.SmoothPixmapTransform, self.scale * self._whole.width() / level.width() < 4
        )
        part = box.intersected(seen)
        across, down = level.width() / box.width(), level.height() / box.height()
        source = QRectF(
            (part.left() - box.left()) * across,
            (part.top() - box.top()) * down,
            part.width() * across,
            part.height() * down,
        )
        if level.hasAlphaChannel():
            checker(painter, part)
        painter.drawPixmap(part, level, source)
