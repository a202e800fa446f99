"""The picture with what is cut out of it: dimmed outside, eight handles, zoom; by mouse, wheel and keys."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from client.core.cropping import Cut, Handle, Shape, whole
from client.theme import Theme
from client.theme.tokens import (
    CHECKER,
    CROP_DIM,
    CROP_GRAB,
    CROP_HANDLE,
    CROP_LINE,
    FOCUS,
    STAGE,
    WIDE,
    ZOOM_STEP,
)

CURSORS = {
    Handle.TOP_LEFT: Qt.CursorShape.SizeFDiagCursor,
    Handle.BOTTOM_RIGHT: Qt.CursorShape.SizeFDiagCursor,
    Handle.TOP_RIGHT: Qt.CursorShape.SizeBDiagCursor,
    Handle.BOTTOM_LEFT: Qt.CursorShape.SizeBDiagCursor,
    Handle.TOP: Qt.CursorShape.SizeVerCursor,
    Handle.BOTTOM: Qt.CursorShape.SizeVerCursor,
    Handle.LEFT: Qt.CursorShape.SizeHorCursor,
    Handle.RIGHT: Qt.CursorShape.SizeHorCursor,
}
ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
ZOOM_MOST = 12.0
_SQUARE = 8


class CropCanvas(QWidget):
    """Arrows move what is cut by a pixel of the screen, with Shift by ten, with Ctrl they make it larger or
    smaller; + and - zoom.
    """

    changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._pixmap = QPixmap()
        self.cut = whole(1, 1, Shape.CIRCLE)
        self._zoom, self._middle = 1.0, QPointF(0.5, 0.5)
        self._held: Handle | str = ""
        self._last = QPointF()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Part of the picture"))
        self.setMinimumSize(QSize(240, 200))

    def set_picture(self, image: QImage, shape: Shape) -> None:
        """Cut out of this one."""
        self._pixmap = QPixmap.fromImage(image)
        self.cut = whole(image.width(), image.height(), shape)
        self.reset()

    def set_shape(self, shape: Shape) -> None:
        """Another shape."""
        self._set(self.cut.shaped(shape))

    def reset(self) -> None:
        """As it was at first: all of the picture is seen, and as much as can be is cut out."""
        self._zoom, self._middle = 1.0, QPointF(self.cut.wide / 2, self.cut.high / 2)
        self._set(whole(self.cut.wide, self.cut.high, self.cut.shape))

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Look closer; what is under a place of the widget stays there."""
        place = at or QPointF(self.rect().center())
        fixed = self._to_picture(place)
        self._zoom = min(max(1.0, self._zoom * factor), ZOOM_MOST)
        now = self._to_picture(place)
        self._look_at(self._middle + fixed - now)

    # Where things are.

    @property
    def scale(self) -> float:
        """Pixels of the widget for one of the picture."""
        room = QRectF(self.rect()).adjusted(WIDE, WIDE, -WIDE, -WIDE)
        return max(0.001, min(room.width() / self.cut.wide, room.height() / self.cut.high)) * self._zoom

    def _look_at(self, middle: QPointF) -> None:
        seen_wide, seen_high = self.width() / self.scale, self.height() / self.scale
        spare_x, spare_y = max(0.0, self.cut.wide - seen_wide) / 2, max(0.0, self.cut.high - seen_high) / 2
        margin = WIDE / self.scale if self._zoom > 1 else 0.0
        x, y = self.cut.wide / 2, self.cut.high / 2
        spare_x, spare_y = spare_x + margin if spare_x else 0.0, spare_y + margin if spare_y else 0.0
        self._middle = QPointF(
            min(max(middle.x(), x - spare_x), x + spare_x), min(max(middle.y(), y - spare_y), y + spare_y)
        )
        self.update()

    def _to_picture(self, place: QPointF) -> QPointF:
        return (place - QRectF(self.rect()).center()) / self.scale + self._middle

    def _to_widget(self, x: float, y: float) -> QPointF:
        return (QPointF(x, y) - self._middle) * self.scale + QRectF(self.rect()).center()

    def box(self) -> QRectF:
        """What is cut out, in the widget."""
        return QRectF(
            self._to_widget(self.cut.left, self.cut.top),
            self._to_widget(self.cut.left + self.cut.width, self.cut.top + self.cut.height),
        )

    def handle_at(self, place: QPointF) -> Handle | None:
        """The handle that a press there takes: the nearest; corners before sides."""
        reach = self._theme.px(CROP_GRAB) / 2
        near = [
            (abs(offset.x()) + abs(offset.y()), 0 in handle.value, handle)
            for handle, offset in self._offsets(place)
        ]
        near = [one for one in near if one[0] <= 2 * reach]
        return min(near, key=lambda one: (one[1], one[0]))[2] if near else None

    def _offsets(self, place: QPointF) -> list[tuple[Handle, QPointF]]:
        reach = self._theme.px(CROP_GRAB) / 2
        offsets = [(handle, self._to_widget(*self.cut.at(handle)) - place) for handle in Handle]
        return [
            (handle, offset)
            for handle, offset in offsets
            if abs(offset.x()) <= reach and abs(offset.y()) <= reach
        ]

    # What somebody does.

    def _set(self, cut: Cut) -> None:
        self.cut = cut
        words = self.tr("{width} × {height} pixels, from the left {left}, from above {top}")
        self.setAccessibleDescription(
            words.format(
                width=round(cut.width), height=round(cut.height), left=round(cut.left), top=round(cut.top)
            )
        )
        self.update()
        self.changed.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        place = event.position()
        self._held = self.handle_at(place) or ("cut" if self.box().contains(place) else "picture")
        self._last = place
        if self._held == "picture" and self._zoom > 1:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        moved, self._last = (place - self._last) / self.scale, place
        if isinstance(self._held, Handle):
            at = self._to_picture(place)
            self._set(self.cut.dragged(self._held, at.x(), at.y()))
        elif self._held == "cut":
            self._set(self.cut.moved(moved.x(), moved.y()))
        elif self._held == "picture":
            self._look_at(self._middle - moved)
        else:
            handle = self.handle_at(place)
            inside = Qt.CursorShape.SizeAllCursor if self.box().contains(place) else None
            outside = Qt.CursorShape.OpenHandCursor if self._zoom > 1 else Qt.CursorShape.ArrowCursor
            self.setCursor(CURSORS[handle] if handle is not None else inside or outside)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = ""
        self.mouseMoveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turns = event.angleDelta().y() / 120
        if turns:
            self.zoom_by(ZOOM_STEP**turns, event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, modifiers = Qt.Key(event.key()), event.modifiers()
        far = 10.0 if modifiers & Qt.KeyboardModifier.ShiftModifier else 1.0
        step = max(1.0, 1 / self.scale) * far
        if key in ARROWS and modifiers & Qt.KeyboardModifier.ControlModifier:
            across, down = ARROWS[key]
            self._set(self.cut.grown(1 + (across - down) * step / max(1.0, self.cut.width, self.cut.height)))
        elif key in ARROWS:
            self._set(self.cut.moved(*(way * step for way in ARROWS[key])))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom_by(1 / ZOOM_STEP if key == Qt.Key.Key_Minus else ZOOM_STEP, self.box().center())
        elif key == Qt.Key.Key_0:
            self.reset()
        else:
            super().keyPressEvent(event)

    # How it looks.

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._look_at(self._middle)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(STAGE))
        if self._pixmap.isNull():
            return
        painter.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.Antialiasing)
        picture = QRectF(self._to_widget(0, 0), self._to_widget(self.cut.wide, self.cut.high))
        if self._pixmap.hasAlphaChannel():
            checker(painter, picture.intersected(QRectF(self.rect())))
        painter.drawPixmap(picture, self._pixmap, QRectF(self._pixmap.rect()))
        box = self.box()
        dim, inner = QPainterPath(), QPainterPath()
        dim.addRect(QRectF(self.rect()))
        inner.addEllipse(box) if self.cut.shape.round else inner.addRect(box)
        painter.fillPath(dim.subtracted(inner), QColor(CROP_DIM))
        line = QColor(CROP_LINE)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.cut.shape.round:
            faint = QColor(line)
            faint.setAlphaF(0.5)
            painter.setPen(QPen(faint, 1, Qt.PenStyle.DashLine))
            painter.drawRect(box)
        painter.setPen(QPen(line, 1.5))
        painter.drawPath(inner)
        half = self._theme.px(CROP_HANDLE) / 2
        focused = self.hasFocus()
        for handle in Handle:
            at = self._to_widget(*self.cut.at(handle))
            painter.setPen(QPen(QColor(self._theme.colours.accent), FOCUS))
            painter.setBrush(QColor(self._theme.colours.accent) if focused and handle is self._held else line)
            painter.drawEllipse(at, half, half)
        if focused:
            painter.setPen(QPen(QColor(self._theme.colours.accent), FOCUS))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))


def checker(painter: QPainter, rect: QRectF) -> None:
    """Squares of two greys."""
    tile = QPixmap(2 * _SQUARE, 2 * _SQUARE)
    tile.fill(QColor(CHECKER[0]))
    inner = QPainter(tile)
    for x, y in ((0, 0), (_SQUARE, _SQUARE)):
        inner.fillRect(x, y, _SQUARE, _SQUARE, QColor(CHECKER[1]))
    inner.end()
    painter.drawTiledPixmap(rect, tile)
