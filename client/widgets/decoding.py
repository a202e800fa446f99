"""Decoding pictures that anybody may have made: in a thread, within bounds, and saying why one cannot be
shown.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from PySide6.QtCore import (
    QBuffer,
    QByteArray,
    QFile,
    QIODevice,
    QObject,
    QRunnable,
    QSize,
    Qt,
    QThreadPool,
    Signal,
)
from PySide6.QtGui import QImage, QImageReader

from client.translations.tr import tr

FORMATS = frozenset((b"png", b"jpeg", b"jpg", b"gif", b"webp", b"bmp"))
"""What is decoded; anything else that Qt has a plug-in for is not."""
PIXELS_MOST = 64_000_000
FILE_MOST = 64 << 20
MEGABYTES_MOST = 256
"""What one picture takes while it is decoded, at most: 64 million pixels of four bytes."""
LEVEL_LEAST = 200


class Fault(enum.Enum):
    """Why a picture cannot be shown."""

    MISSING = "missing"
    NONE = "none"
    """It is no picture, or one of a kind that is not decoded here."""
    LARGE = "large"
    BROKEN = "broken"


@dataclass(frozen=True)
class Decoded:
    """A picture (null where there is a fault), and its whole size in pixels, as it is looked at.

    ``levels`` are, where they are asked for, the picture, half of it, half of that and so on: painting
    smaller than half looks jagged.
    """

    image: QImage
    whole: QSize
    fault: Fault | None = None
    levels: tuple[QImage, ...] = ()


def fault_words(fault: Fault) -> str:
    """The sentence."""
    return {
        Fault.MISSING: tr("The file is not there any more, or cannot be read."),
        Fault.NONE: tr(
            "This file is no picture that can be shown here. It can be opened with another program."
        ),
        Fault.LARGE: tr(
            "This picture is too large to be shown here. It can be saved, and opened with another program."
        ),
        Fault.BROKEN: tr("This picture is damaged. Whoever sent it may send it again."),
    }[fault]


def load(path: str, size: QSize | None = None, *, cover: bool = False) -> Decoded:
    """Decode a picture, turned as its camera was held.

    :param size: pixels that it is fitted into, never enlarged; with ``cover`` what it covers, cut in the
        middle.
    """
    file = QFile(path)
    if not file.open(QIODevice.OpenModeFlag.ReadOnly):
        return Decoded(QImage(), QSize(), Fault.MISSING)
    if file.size() > FILE_MOST:
        fault = Fault.LARGE if _recognised(file) else Fault.NONE
        return Decoded(QImage(), QSize(), fault)
    return of_bytes(file.read(FILE_MOST), size, cover=cover)


def of_bytes(data: QByteArray | bytes, size: QSize | None = None, *, cover: bool = False) -> Decoded:
    """The same of bytes."""
    buffer = QBuffer()
    buffer.setData(data)
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = _reader(buffer)
    if bytes(reader.format().data()) not in FORMATS:
        return Decoded(QImage(), QSize(), Fault.NONE)
    whole = reader.size()
    if not whole.isValid() or whole.isEmpty():
        return Decoded(QImage(), QSize(), Fault.BROKEN)
    turned = bool(reader.transformation().value & 4)  # by a quarter: its width is the file's height
    seen = whole.transposed() if turned else whole
    if whole.width() * whole.height() > PIXELS_MOST:
        return Decoded(QImage(), seen, Fault.LARGE)
    if size is not None:
        bound = size.transposed() if turned else size
        mode = Qt.AspectRatioMode.KeepAspectRatioByExpanding if cover else Qt.AspectRatioMode.KeepAspectRatio
        if cover or whole.width() > bound.width() or whole.height() > bound.height():
            scaled = whole.scaled(bound, mode).expandedTo(QSize(1, 1))
            if scaled.width() * scaled.height() > PIXELS_MOST:  # one row of pixels that is to cover a square
                return Decoded(QImage(), seen, Fault.LARGE)
            reader.setScaledSize(scaled)
    image = reader.read()
    if image.isNull():
        return Decoded(image, seen, Fault.BROKEN)
    if cover and size is not None:
        image = image.copy(
            (image.width() - size.width()) // 2,
            (image.height() - size.height()) // 2,
            size.width(),
            size.height(),
        )
    return Decoded(image, seen)


def _reader(device: QIODevice) -> QImageReader:
    QImageReader.setAllocationLimit(MEGABYTES_MOST)
    reader = QImageReader(device)
    reader.setDecideFormatFromContent(True)
    reader.setAutoTransform(True)
    return reader


def _recognised(file: QFile) -> bool:
    """Whether it begins as pictures do."""
    return bytes(_reader(file).format().data()) in FORMATS


def halved(image: QImage) -> tuple[QImage, ...]:
    """A picture, half of it, and so on, down to some hundred pixels."""
    levels = [image]
    while max(levels[-1].width(), levels[-1].height()) > 2 * LEVEL_LEAST:
        last = levels[-1]
        size = QSize(max(1, last.width() // 2), max(1, last.height() // 2))
        levels.append(
            last.scaled(
                size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
        )
    return tuple(levels)


class _Done(QObject):
    ready = Signal(int, object)


class _Job(QRunnable):
    def __init__(self, number: int, path: str, size: QSize | None, levels: bool, done: _Done) -> None:
        super().__init__()
        self._number, self._path, self._size, self._levels, self._done = number, path, size, levels, done

    def run(self) -> None:
        decoded = load(self._path, self._size)
        if self._levels and decoded.fault is None:
            decoded = replace(decoded, levels=halved(decoded.image))
        try:
            self._done.ready.emit(self._number, decoded)
        except RuntimeError:  # the window is gone meanwhile
            return


class Loader(QObject):
    """Decodes one picture at a time for one view; what was asked for before is not told any more."""

    loaded = Signal(str, object)
    """The path, and what it is: :class:`Decoded`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._done = _Done()
        self._done.ready.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self._number, self._path = 0, ""

    def load(self, path: str, size: QSize | None = None, *, levels: bool = False) -> None:
        """Begin; ``size``: fitted into so many pixels; ``levels``: with halves of it."""
        self._number += 1
        self._path = path
        self._pool.clear()
        self._pool.start(_Job(self._number, path, size, levels, self._done))

    def stop(self) -> None:
        """Tell nothing any more."""
        self._number += 1
        self._pool.clear()

    def close(self) -> None:
        """Wait for what is being decoded."""
        self.stop()
        self._pool.waitForDone(5000)

    def _take(self, number: int, decoded: Decoded) -> None:
        if number == self._number:
            self.loaded.emit(self._path, decoded)
