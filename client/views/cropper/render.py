"""What is cut out, as the picture that is sent."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath

from client.core.cropping import Cut
from client.theme.tokens import AVATAR_PIXELS


def render(image: QImage, cut: Cut, side: int = AVATAR_PIXELS) -> QImage:
    """A square picture: the cut fills it in its longer direction, one can see through the rest.

    For any thread.
    """
    source = QRectF(cut.left, cut.top, cut.width, cut.height)
    scale = side / max(source.width(), source.height())
    target = QRectF(0, 0, source.width() * scale, source.height() * scale)
    target.moveCenter(QRectF(0, 0, side, side).center())
    made = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
    made.fill(Qt.GlobalColor.transparent)
    whole = source.toAlignedRect().intersected(image.rect())
    if scale < 0.5:  # painting takes the four nearest pixels alone: halve first, with all of them
        small = image.copy(whole)
        wide, high = max(1, round(whole.width() * scale * 2)), max(1, round(whole.height() * scale * 2))
        part = small.scaled(
            wide, high, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        across, down = wide / whole.width(), high / whole.height()
        source.translate(-whole.left(), -whole.top())
        source = QRectF(
            source.left() * across, source.top() * down, source.width() * across, source.height() * down
        )
        image = part
    painter = QPainter(made)
    painter.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.Antialiasing)
    if cut.shape.round:
        path = QPainterPath()
        path.addEllipse(target)
        painter.setClipPath(path)
    painter.drawImage(target, image, source)
    painter.end()
    return made
