"""Pictures of this disk for painting: decoded in threads, at the size that is shown, kept within a bound."""

from __future__ import annotations

from collections import OrderedDict

from PySide6.QtCore import QObject, QRunnable, QSize, Qt, QThreadPool, Signal
from PySide6.QtGui import QImage, QPixmap

from client.widgets import decoding

KEPT_MOST = 48 << 20
"""Bytes of decoded pictures; what was not shown for longest goes first."""

Key = tuple[str, int, int, bool]


def read(path: str, size: QSize | None = None, *, cover: bool = False) -> QImage:
    """Decode a picture of a file, see :func:`client.widgets.decoding.load`.

    Null where it is none, or too large.
    """
    return decoding.load(path, size, cover=cover).image


class _Done(QObject):
    ready = Signal(object, QImage)


class _Job(QRunnable):
    def __init__(self, key: Key, done: _Done) -> None:
        super().__init__()
        self._key, self._done = key, done

    def run(self) -> None:
        path, width, height, cover = self._key
        image = read(path, QSize(width, height), cover=cover)
        try:
            self._done.ready.emit(self._key, image)
        except RuntimeError:  # the window is gone meanwhile
            return


class Pictures(QObject):
    """Asked for a picture it answers at once: with it, or with ``None``, and :attr:`ready` tells the path
    when it is there.
    """

    ready = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(2)
        self._done = _Done()
        self._done.ready.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self._kept: OrderedDict[Key, QPixmap | None] = OrderedDict()
        self._bytes = 0
        self._asked: set[Key] = set()

    def get(self, path: str, size: QSize, ratio: float = 1.0, *, cover: bool = False) -> QPixmap | None:
        """A picture of a file, fitted into a size in logical pixels; ``None``: it is being decoded, or it is
        no picture.
        """
        key = (path, round(size.width() * ratio), round(size.height() * ratio), cover)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if path and key not in self._asked:
            self._asked.add(key)
            self._pool.start(_Job(key, self._done))
        return None

    def broken(self, path: str) -> bool:
        """Whether a file was tried and is no picture."""
        return any(key[0] == path and pixmap is None for key, pixmap in self._kept.items())

    def forget(self, path: str) -> None:
        """Read a file anew: it has changed."""
        for key in [key for key in self._kept if key[0] == path]:
            self._bytes -= _size(self._kept.pop(key))

    def close(self) -> None:
        """Wait for what is being decoded."""
        self._pool.clear()
        self._pool.waitForDone(5000)

    def _take(self, key: Key, image: QImage) -> None:
        self._asked.discard(key)
        pixmap = None if image.isNull() else QPixmap.fromImage(image)
        self._kept[key] = pixmap
        self._bytes += _size(pixmap)
        while self._bytes > KEPT_MOST or len(self._kept) > 2000:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= _size(gone)
        self.ready.emit(key[0])


def _size(pixmap: QPixmap | None) -> int:
    return pixmap.width() * pixmap.height() * 4 if pixmap is not None else 0
