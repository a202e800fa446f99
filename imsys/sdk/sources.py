"""A file to send: it is read in threads and checked for changes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from imsys.sdk.serial_executor import SerialExecutor

_BLOCK = 1 << 20
"""Bytes that are hashed at a time."""


class FileChanged(OSError):
    """The file has changed since the upload began."""


class FileSource:
    """A local file, given by its path or as an open file (binary, seekable); an open file is not closed here.

    Every method may raise :class:`OSError`.
    """

    def __init__(self, reactor: Any, file: str | Path | BinaryIO) -> None:
        self._turns = SerialExecutor(reactor)
        self._given = file
        self._file: BinaryIO | None = None
        self.path = Path(file).absolute() if isinstance(file, str | Path) else None
        self.size = 0
        self.modified = 0
        """The time of the last change in nanoseconds since 1970; 0 if unknown."""

    async def open(self) -> None:
        """Open the file; from now on it must not change."""
        await self._turns.run(self._open)

    async def read(self, offset: int, length: int) -> bytes:
        """Read bytes at an offset. :raises FileChanged: the file has changed."""
        return await self._turns.run(self._read, offset, length)

    async def sha256(self, told: Callable[[int], None]) -> str:
        """Return the hash of the file in hex; ``told`` is called with the number of bytes hashed.

        :raises FileChanged: the file has changed.
        """
        digest = hashlib.sha256()
        for offset in range(0, self.size, _BLOCK):
            await self._turns.run(self._hash, digest, offset)
            told(min(self.size, offset + _BLOCK))
        return digest.hexdigest()

    async def close(self) -> None:
        """Close the file after the reads in progress."""
        await self._turns.run(self._close)

    def _open(self) -> None:
        if self.path is not None:
            if not self.path.is_file():  # a pipe would never end
                self.path.stat()
                raise OSError(f"{self.path} is no file.")
            self._file = self.path.open("rb", buffering=0)
        else:
            assert not isinstance(self._given, str | Path)
            self._file = self._given
        self.size, self.modified = self._stamp()
        if not self.size and self._read_at(0, 1):  # as in /proc
            raise OSError("The file does not say how long it is; send a copy of it.")

    def _stamp(self) -> tuple[int, int]:
        assert self._file is not None
        with suppress(OSError, AttributeError):
            found = os.fstat(self._file.fileno())
            return found.st_size, found.st_mtime_ns
        return self._file.seek(0, os.SEEK_END), 0

    def _read(self, offset: int, length: int) -> bytes:
        data = self._read_at(offset, length)
        if len(data) < length or self._stamp() != (self.size, self.modified):
            raise FileChanged("The file has changed while it was sent; send it again.")
        return data

    def _read_at(self, offset: int, length: int) -> bytes:
        assert self._file is not None
        self._file.seek(offset)
        data = b""
        while len(data) < length and (more := self._file.read(length - len(data))):
            data = data + more if data else more
        return data

    def _hash(self, digest: Any, offset: int) -> None:
        digest.update(self._read(offset, min(_BLOCK, self.size - offset)))

    def _close(self) -> None:
        file, self._file = self._file, None
        if self.path is not None and file is not None:
            file.close()
