"""Pictures without OpenGL: Qt paints what ffmpeg has made of them."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from client.video.frames import Frame


def fitted(width: float, height: float, into_width: float, into_height: float) -> QRectF:
    """The place of a picture of that shape within a widget: in the middle, all of it."""
    if width <= 0 or height <= 0 or into_width <= 0 or into_height <= 0:
        return QRectF()
    share = min(into_width / width, into_height / height)
    wide, high = width * share, height * share
    return QRectF((into_width - wide) / 2, (into_height - high) / 2, wide, high)


class ImageSurface(QWidget):
    """Paints frames of blue, green, red and one byte that is nothing."""

    def __init__(self, ground: QColor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ground = ground
        self._frame: Frame | None = None
        self._image: QImage | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def set_frame(self, frame: Frame | None) -> None:
        """Show this one; its buffer is painted from until the next comes."""
        self._frame = frame
        if frame is None:
            self._image = None
        else:
            shape = frame.shape
            self._image = QImage(
                frame.data, shape.width, shape.height, shape.width * 4, QImage.Format.Format_RGB32
            )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._ground)
        if self._image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            place = fitted(self._image.width(), self._image.height(), self.width(), self.height())
            painter.drawImage(place, self._image, QRectF(self._image.rect()))
