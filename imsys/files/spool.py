"""The spool: files that are on their way, sealed from their first byte on, and durable as far as their sender was told.

A file in the spool is ``<name>.part``, the whole segments that are here, and, while it ends in the
middle of a segment, ``<name>.tail0`` or ``.tail1``: the bytes after them. Tails are written in turn to the one and the
other, so that a crash in the middle of a write leaves the one before.

Bytes are durable in two steps, so that the next ones can be hashed and sealed while the disk takes those before: :meth:`Spool.write` gives
whole segments to the system, :meth:`Spool.sync` has the disk take them. What comes after the last whole segment waits in memory
for its rest, or for :meth:`Spool.settle`.

Everything here blocks, and belongs into a thread; one at a time for one file, but for :meth:`Spool.sync`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from imsys.files.sealing import SEGMENT, Bytes, Damaged, Seal, segments, stored_size
from imsys.util.fsync import sync_folder

_TAIL = struct.Struct("!Q")

_MOST_BUFFERS = 256
"""Buffers of one write: fewer than any system allows."""

UNSYNCED = 256
"""Segments that are written ahead of what is durable, at most (16 MiB): after a crash some of them may be there, and others not."""


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
        self._rest = b""  # after the last whole segment
        self._full = 0  # whole segments
        self._next_tail = 0
        self._durable = 0
        self._hash: hashlib._Hash | None = None
        self._read_hash = hashlib.sha256(), 0  # and how many segments it is of
        self.size = size
        self.offset = 0
        """Bytes that are here."""
        self.written = 0
        """Bytes of them that the system has: all but those after the last whole segment."""

    @property
    def whole(self) -> bool:
        """Whether every byte is here."""
        return self.offset == self.size

    def open(self) -> None:
        """Find out what is here, after whatever happened. :raises OSError: the disk does not say."""
        _create(self._part)
        self._full, self._rest = 0, b""
        with self._part.open("r+b") as file:
            length = file.seek(0, os.SEEK_END)
            whole = self.size // SEGMENT if self.size else 0
            self._full = min(length // self._stored, whole)
            self._full = self._first_torn(file, max(0, self._full - UNSYNCED), self._full)
            while self._full and not self._intact(file, self._full - 1):
                self._full -= 1
            if self._full == whole and (last := self.size - whole * SEGMENT):
                self._rest = self._ending(file, last)
            if not self._rest and length != self._full * self._stored:
                file.truncate(self._full * self._stored)
            if self._full or self._rest:
                os.fdatasync(file.fileno())  # of a process that was killed the system has it, and maybe not the disk
        self.written = self._full * SEGMENT + len(self._rest)
        if not self._rest:
            self._find_tail()
        self._durable = self.offset = self._full * SEGMENT + len(self._rest)
        self._hash = hashlib.sha256() if not self.offset else None  # else it is hashed anew at the end
        self._read_hash = hashlib.sha256(), 0

    def write(self, blocks: Sequence[Bytes]) -> int:
        """Add bytes at the end, never more than the file's size; :attr:`written`.

        :raises OSError: the disk did not take them: :meth:`open` says what is here.
        """
        if self._hash is not None:
            for block in blocks:
                self._hash.update(block)
        data = blocks[0] if len(blocks) == 1 and not self._rest else b"".join((self._rest, *blocks))
        assert self._full * SEGMENT + len(data) <= self.size, "more than the whole file"
        full, view, ready, start = self._full, memoryview(data), list[bytes](), 0
        while len(data) - start >= SEGMENT:
            ready.append(self._seal.seal(full, full == self._last, view[start : start + SEGMENT]))
            start += SEGMENT
            full += 1
        ends = full * SEGMENT + len(data) - start == self.size
        if ends and start < len(data):
            ready.append(self._seal.seal(full, True, view[start:]))
        if ready:
            _put(self._part, ready, self._full * self._stored)
        self._full, self._rest = full, bytes(view[start:])
        self.offset = full * SEGMENT + len(self._rest)
        self.written = self.offset if ends else full * SEGMENT
        return self.written

    def sync(self) -> int:
        """Have the disk take what the system has by now; the offset up to which all is durable. It may run beside :meth:`write`.

        :raises OSError: the disk did not take it.
        """
        written = self.written
        with self._part.open("rb") as file:
            try:
                os.fdatasync(file.fileno())
            except OSError:
                self._cut(self._part, self._durable // SEGMENT * self._stored)
                raise
        self._durable = written
        return written

    def settle(self) -> int:
        """Have the disk take everything, also what follows the last whole segment; :attr:`offset`. :raises OSError: it did not."""
        self.sync()
        if self.offset > self.written:
            self._write_tail(self._full, self._rest)
            self._durable = self.offset
        return self.offset

    def read(self, index: int, count: int) -> bytes:
        """Read up to so many segments from one on, as far as they are here.

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

    def digest(self, most: int | None = None) -> bytes | None:
        """Compute SHA-256 of the whole file.

        :param most: segments that are read at a time at most, where the file has to be read: ``None`` says that there are more.
        :raises Damaged: what is here is not what was written. :raises OSError: it cannot be read.
        """
        assert self.whole, "not yet"
        if self._hash is None:
            hashed, index = self._read_hash[0].copy(), self._read_hash[1]  # a read that fails leaves what was hashed before
            end = segments(self.size) if most is None else min(segments(self.size), index + most)
            with self._part.open("rb") as file:
                file.seek(index * self._stored)
                for place in range(index, end):
                    hashed.update(self._seal.open(place, place == self._last, file.read(self._stored)))
            self._read_hash = hashed, end
            if end < segments(self.size):
                return None
            self._hash = hashed
        return self._hash.digest()

    def close(self) -> Path:
        """Make the sealed file whole and durable, for a store to take. :raises OSError: the disk does not take it."""
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

    def _first_torn(self, file: BinaryIO, begin: int, end: int) -> int:
        """The first segment that is not as it was written, or the end."""
        return next((index for index in range(begin, end) if not self._intact(file, index)), end)

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
            try:
                os.fdatasync(file.fileno())
            except OSError:
                self._cut(path, 0)
                raise
        self._next_tail = 1 - self._next_tail

    @staticmethod
    def _cut(path: Path, length: int) -> None:
        """Cut off what the disk did not take: it can still be read from memory, as if it had, and must not be found there."""
        with contextlib.suppress(OSError):
            os.truncate(path, length)

    def _find_tail(self) -> None:
        """Find the longer of the tails that belong behind the whole segments."""
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
                    self._rest, self._next_tail = data, 1 - number


def _put(path: Path, buffers: Sequence[bytes], offset: int) -> None:
    """Write buffers, one after the other, without copying them together. :raises OSError: the disk does not take them all."""
    rest, size = list[Bytes](buffers), sum(map(len, buffers))
    descriptor = os.open(path, os.O_WRONLY)
    try:
        while size:
            count = os.pwritev(descriptor, rest[:_MOST_BUFFERS], offset)
            offset, size = offset + count, size - count
            while rest and count >= len(rest[0]):
                count -= len(rest.pop(0))
            if count:
                rest[0] = memoryview(rest[0])[count:]
    finally:
        os.close(descriptor)


def _create(path: Path) -> None:
    """Make an empty file whose name outlives a crash, if it is not there; nothing is written into one before."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if path.stat().st_size:
            return
    sync_folder(path.parent)
