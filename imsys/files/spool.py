"""The spool: files that are on their way, sealed from their first byte on, and durable as far as their sender was told.

A file in the spool is ``<name>.part``, the whole segments that are here, and, while it ends in the
middle of a segment, ``<name>.tail0`` or ``.tail1``: the bytes after them. Tails are written in turn to the one and the
other, so that a crash in the middle of a write leaves the one before.

Everything here blocks, and belongs into a thread; one at a time for one file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from imsys.files.folders import sync_folder
from imsys.files.sealing import SEGMENT, Bytes, Damaged, Seal, segments, stored_size

_TAIL = struct.Struct("!Q")

class Spool:
    """One file on its way. It has no open descriptor between two calls.

    :param folder: where it lies; it must be there.
    :param size: bytes of the whole file.
    """

    def __init__(self, folder: Path, name: str, seal: Seal, size: int) -> None:
        self._part = folder / f"{name}.part"
        self._tails = folder / f"{name}.tail0", folder / f"{name}.tail1"
        self._seal = seal
        self._stored = SEGMENT + seal.overhead
        self._last = segments(size) - 1
        self._rest = bytearray()  # after the last whole segment
        self._full = 0  # whole segments
        self._next_tail = 0
        self._hash: hashlib._Hash | None = None
        self.size = size
        self.offset = 0
        """Bytes that are here, and durable."""

    @property
    def whole(self) -> bool:
        """Whether every byte is here."""
        return self.offset == self.size

    def open(self) -> None:
        """Find out what is here, after whatever happened. :raises OSError: the disk does not say."""
        _create(self._part)
        self._full, self._rest = 0, bytearray()
        with self._part.open("r+b") as file:
            length = file.seek(0, os.SEEK_END)
            whole = self.size // SEGMENT if self.size else 0
            self._full = min(length // self._stored, whole)
            while self._full and not self._intact(file, self._full - 1):
                self._full -= 1  # what was being written when the power went
            if self._full == whole and (last := self.size - whole * SEGMENT):
                self._rest = bytearray(self._ending(file, last))
            if not self._rest and length != self._full * self._stored:
                file.truncate(self._full * self._stored)
        if not self._rest:
            self._find_tail()
        self.offset = self._full * SEGMENT + len(self._rest)
        self._hash = hashlib.sha256() if not self.offset else None  # else it is hashed anew at the end

    def write(self, blocks: Sequence[Bytes]) -> int:
        """Add bytes at the end, durably; the new offset. Never more than the file's size.

        :raises OSError: the disk did not take them: :meth:`open` says what is here.
        """
        rest, ready = self._rest, []
        for block in blocks:
            if self._hash is not None:
                self._hash.update(block)
            rest += block
        assert self._full * SEGMENT + len(rest) <= self.size, "more than the whole file"
        full, view = self._full, memoryview(rest)
        start = 0
        while len(rest) - start >= SEGMENT:
            ready.append(self._seal.seal(full, full == self._last, view[start : start + SEGMENT]))
            start += SEGMENT
            full += 1
        if full == self._last and len(rest) - start == self.size - full * SEGMENT and len(rest) > start:
            ready.append(self._seal.seal(full, True, view[start:]))
        else:
            full_rest = bytes(view[start:])
            if full_rest:
                self._write_tail(full, full_rest)
        view.release()
        if ready:
            with self._part.open("r+b") as file:
                file.seek(self._full * self._stored)
                file.write(b"".join(ready))
                file.flush()
                os.fdatasync(file.fileno())
        del rest[:start]
        self._full = full
        self.offset = full * SEGMENT + len(rest)
        return self.offset

    def read(self, index: int, count: int) -> bytes:
        """Bytes of up to so many segments from one on, as far as they are here.

        :raises Damaged: what is here is not what was written. :raises OSError: it cannot be read.
        """
        found = []
        last = min(index + count, self._full)
        if index < last:
            with self._part.open("rb") as file:
                file.seek(index * self._stored)
                found = [self._seal.open(at, at == self._last, file.read(self._stored)) for at in range(index, last)]
        if index <= self._full < index + count:
            found.append(bytes(self._rest))
        return b"".join(found)

    def digest(self) -> bytes:
        """SHA-256 of the whole file. :raises Damaged: what is here is not what was written. :raises OSError: it cannot be read."""
        assert self.whole, "not yet"
        if self._hash is None:
            self._hash = hashlib.sha256()
            with self._part.open("rb") as file:
                for index in range(segments(self.size)):
                    self._hash.update(self._seal.open(index, index == self._last, file.read(self._stored)))
        return self._hash.digest()

    def close(self) -> Path:
        """The sealed file, whole and durable, for a store to take. :raises OSError: the disk does not take it."""
        assert self.whole, "not yet"
        with self._part.open("r+b") as file:
            if not self.size:
                file.write(self._seal.seal(0, True, b""))
            file.truncate(stored_size(self.size, self._seal.overhead))
            file.flush()
            os.fsync(file.fileno())
        for tail in self._tails:
            tail.unlink(missing_ok=True)
        return self._part

    def discard(self) -> None:
        """Remove all of it (idempotent)."""
        for path in (self._part, *self._tails):
            with contextlib.suppress(OSError):
                path.unlink()

    # -- segments and tails

    def _intact(self, file: BinaryIO, index: int) -> bool:
        return self._opened(file, index, self._stored) is not None

    def _ending(self, file: BinaryIO, last: int) -> bytes:
        """The last, shorter segment, if it is here."""
        return self._opened(file, self._last, last + self._seal.overhead) or b""

    def _opened(self, file: BinaryIO, index: int, length: int) -> bytes | None:
        file.seek(index * self._stored)
        stored = file.read(length)
        if len(stored) < length:
            return None
        try:
            return self._seal.open(index, index == self._last, stored)
        except Damaged:
            return None

    def _write_tail(self, index: int, data: bytes) -> None:
        path = self._tails[self._next_tail]
        _create(path)
        with path.open("r+b") as file:
            file.truncate(0)
            file.write(_TAIL.pack(index) + self._seal.seal(index, False, data))
            file.flush()
            os.fdatasync(file.fileno())
        self._next_tail = 1 - self._next_tail

    def _find_tail(self) -> None:
        """The longer of the tails that belong behind the whole segments."""
        for number, path in enumerate(self._tails):
            try:
                stored = path.read_bytes()
            except FileNotFoundError:
                continue
            if len(stored) < _TAIL.size or _TAIL.unpack_from(stored)[0] != self._full:
                continue
            with contextlib.suppress(Damaged):
                data = self._seal.open(self._full, False, memoryview(stored)[_TAIL.size :])
                if len(self._rest) < len(data) < SEGMENT:
                    self._rest, self._next_tail = bytearray(data), 1 - number


def _create(path: Path) -> None:
    """Make an empty file whose name outlives a crash, if it is not there."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    sync_folder(path.parent)
