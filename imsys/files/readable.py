"""Files that can be read anywhere: a sealed one in a store, or bytes in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

PIECE = 262144
"""Bytes that are read from a file at a time: four segments."""


class ReadableFile(Protocol):
    """A whole file, as :class:`~imsys.files.blobs.SealedFile` is one. Reading blocks, and belongs into a thread."""

    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Bytes from ``offset`` on; fewer at the end.

        :raises OSError: they cannot be had. :raises Damaged: they are not what was written.
        """
        ...


class InMemoryFile:
    """Bytes in memory, to be read as a file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        """Return a part of them."""
        return self._data[offset : offset + length]


def pieces(source: ReadableFile, start: int, end: int) -> Iterator[bytes]:
    """The bytes from ``start`` to ``end`` (or to the file's end), a piece at a time."""
    end = min(end, source.size)
    while start < end:
        piece = source.read(start, min(PIECE, end - start))
        if not piece:
            raise OSError("a file ends before its end")
        start += len(piece)
        yield piece
