"""Icons: Lucide's outlines (``icons/``), tinted, sharp at every pixel ratio."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from client.theme.tokens import STROKE

FOLDER = Path(__file__).parent / "icons"
RATIOS = (1.0, 2.0, 3.0)


@lru_cache(maxsize=256)
def source(name: str) -> str:
    """The drawing, with our stroke.

    :raises FileNotFoundError: there is no icon of that name.
    """
    return (FOLDER / f"{name}.svg").read_text("utf-8").replace('stroke-width="2"', f'stroke-width="{STROKE}"')


@lru_cache(maxsize=1024)
def _pixmap(name: str, colour: str, size: int, ratio: float, filled: bool) -> QPixmap:
    drawing = source(name).replace("currentColor", colour)
    if filled:
        drawing = drawing.replace('fill="none"', f'fill="{colour}"', 1)
    pixmap = QPixmap(round(size * ratio), round(size * ratio))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(drawing.encode())).render(painter, QRectF(0, 0, pixmap.width(), pixmap.height()))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def pixmap(name: str, colour: QColor, size: int, ratio: float = 1.0, *, filled: bool = False) -> QPixmap:
    """An icon of so many logical pixels, for a screen of that pixel ratio; kept."""
    return _pixmap(name, colour.name(), size, ratio, filled)


def icon(name: str, colour: QColor, disabled: QColor, size: int, *, checked: QColor | None = None) -> QIcon:
    """An icon for a button, with what it looks like where the button is disabled, or is on."""
    made = QIcon()
    for ratio in RATIOS:
        made.addPixmap(pixmap(name, colour, size, ratio), QIcon.Mode.Normal, QIcon.State.Off)
        made.addPixmap(pixmap(name, disabled, size, ratio), QIcon.Mode.Disabled, QIcon.State.Off)
        if checked is not None:
            made.addPixmap(pixmap(name, checked, size, ratio), QIcon.Mode.Normal, QIcon.State.On)
    return made
