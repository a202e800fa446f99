"""Pictures and files as somebody means well, or does not."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter


def quarters(path: Path, width: int = 400, height: int = 200) -> Path:
    """Red, green over blue, white."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    for number, colour in enumerate(("#FF0000", "#00FF00", "#0000FF", "#FFFFFF")):
        painter.fillRect(
            QRectF(number % 2 * width / 2, number // 2 * height / 2, width / 2, height / 2), QColor(colour)
        )
    painter.end()
    assert image.save(str(path))
    return path


def bomb(path: Path, width: int = 60_000, height: int = 60_000) -> Path:
    """A PNG of some bytes that says it has so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 100_000)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    return path


def torn(path: Path) -> Path:
    """A PNG whose end is missing."""
    quarters(path)
    path.write_bytes(path.read_bytes()[:40] + b"\0" * 20)
    return path


def no_picture(path: Path) -> Path:
    """A page that calls itself a picture."""
    path.write_text("<html><script>alert(1)</script><img src='https://example.org/spy.png'></html>")
    return path


def drawing(path: Path) -> Path:
    """An SVG that loads something, by the name of a picture."""
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd" width="9" height="9"/></svg>'
    )
    return path
