"""``python -m client.packaging.icons [FOLDER]``: the program's icon in the sizes that systems ask for, from
its SVG: PNG, and ``.ico``.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
ICO = (16, 24, 32, 48, 64, 256)
HERE = Path(__file__).resolve().parent
SVG = HERE / "imsys-client.svg"


def draw(size: int) -> bytes:
    """One size, as PNG."""
    from PySide6.QtCore import QBuffer, QIODevice, Qt
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(SVG)).render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(buffer.data().data())


def ico(pictures: dict[int, bytes]) -> bytes:
    """Windows' kind of icon: a directory, and the pictures as PNG."""
    head, body = struct.pack("<HHH", 0, 1, len(pictures)), b""
    for size, data in pictures.items():
        head += struct.pack(
            "<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(data), 6 + 16 * len(pictures) + len(body)
        )
        body += data
    return head + body


def make(folder: Path) -> list[Path]:
    """All files; which they are."""
    made = []
    for size in SIZES:
        place = folder / f"{size}x{size}"
        place.mkdir(parents=True, exist_ok=True)
        made.append(place / "imsys-client.png")
        made[-1].write_bytes(draw(size))
    made.append(folder / "imsys-client.ico")
    made[-1].write_bytes(ico({size: draw(size) for size in ICO}))
    return made


def main() -> None:
    """Make them."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from client.platform.reactor import application

    application()
    for path in make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "icons"):
        print(path)


if __name__ == "__main__":
    main()
