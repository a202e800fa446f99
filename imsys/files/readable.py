"""Sources with random access: a sealed file in a store, or bytes in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

PIECE = 262144
"""Bytes read from a file at a time: four segments."""


class ReadableFile(Protocol):
    """A complete file, such as :class:`~imsys.files.blobs.SealedFile`. Reading blocks: do it in a thread."""

    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Read bytes from ``offset`` on; fewer at the end.

        :raises OSError: they cannot be read.
        :raises Damaged: they are corrupt.
        """
        ...


class InMemoryFile:
    """Bytes in memory, to be read as a file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        """Read a part of the bytes."""
        return self._data[offset : offset + length]


def pieces(source: ReadableFile, start: int, end: int) -> Iterator[bytes]:
    """Iterate over the bytes from ``start`` to ``end`` (or the file's end) in pieces."""
    end = min(end, source.size)
    while start < end:
        piece = source.read(start, min(PIECE, end - start))
        if not piece:
            raise OSError("a file ends before its end")
        start += len(piece)
        yield piece
