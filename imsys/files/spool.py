"""The spool: unfinished uploads, sealed from the first byte, and durable up to the acknowledged offset.

A file in the spool is ``<name>.part`` with its complete segments and, if it ends within a segment,
``<name>.tail0`` or ``.tail1`` with the remaining bytes. Tails are written alternately, so that a crash during
a write leaves the former one.

Bytes become durable in two steps, so that the next ones can be sealed meanwhile: :meth:`Spool.write` writes
complete segments to the system, :meth:`Spool.sync` flushes them to the disk. The bytes after the last complete
segment wait in memory for the rest of theirs, or for :meth:`Spool.settle`. :meth:`Spool.hash` hashes what was
written, when nobody waits for it.

All methods block: call them in a thread, one at a time per file, except :meth:`Spool.sync` and
:meth:`Spool.hash`.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from imsys.files.digests import Digests
from imsys.files.sealing import SEGMENT, Bytes, Damaged, Seal, segments, stored_size
from imsys.util.fsync import sync_folder

_TAIL = struct.Struct("!Q")

_MOST_BUFFERS = 256
"""Buffers of one write, at most: fewer than any system's limit."""

UNSYNCED = 256
"""Segments written but not yet durable, at most (16 MiB): after a crash any of them may be missing."""


class Spool:
    """One unfinished upload. It has no open descriptor between two calls.

    :param folder: its folder, which must exist.
    :param size: bytes of the complete file.
    :param md5: whether its MD5 is wanted beside SHA-256.
    """

    def __init__(self, folder: Path, name: str, seal: Seal, size: int, *, md5: bool = False) -> None:
        self._part = folder / f"{name}.part"
        self._tails = folder / f"{name}.tail0", folder / f"{name}.tail1"
        self._seal = seal
        self._stored = SEGMENT + seal.overhead
        self._last = segments(size) - 1
        self._rest = b""  # bytes after the last complete segment
        self._full = 0  # complete segments
        self._next_tail = 0
        self._durable = 0
        self._with_md5 = md5
        self._hash: Digests | None = None
        self._unhashed: Sequence[Bytes] = ()  # what was written last, if it is not hashed yet
        self._hashing = threading.Lock()
        self._read_hash = Digests(md5=md5), 0  # and the number of hashed segments
        self.size = size
        self.offset = 0
        """Bytes received."""
        self.written = 0
        """Bytes written to the system: all except those after the last complete segment."""

    @property
    def whole(self) -> bool:
        """Whether all bytes are received."""
        return self.offset == self.size

    def open(self) -> None:
        """Find out which bytes are intact, after a start or failure.

        :raises OSError: the disk cannot be read.
        """
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
                os.fdatasync(file.fileno())  # a killed process may have left data in the system's cache only
        self.written = self._full * SEGMENT + len(self._rest)
        if not self._rest:
            self._find_tail()
        self._durable = self.offset = self._full * SEGMENT + len(self._rest)
        # what was here before is hashed again at the end
        self._hash = Digests(md5=self._with_md5) if not self.offset else None
        self._unhashed = ()
        self._read_hash = Digests(md5=self._with_md5), 0

    def write(self, blocks: Sequence[Bytes]) -> int:
        """Append bytes, never beyond the file's size; return :attr:`written`. They are kept until they are hashed.

        :raises OSError: the disk failed; call :meth:`open` to find out what is there.
        """
        self.hash()
        if self._hash is not None:
            self._unhashed = blocks
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

    def hash(self) -> None:
        """Hash what was written last, unless that is done (by another thread: then wait for it)."""
        with self._hashing:
            blocks, self._unhashed = self._unhashed, ()
            if self._hash is not None:
                for block in blocks:
                    self._hash.update(block)

    def sync(self) -> int:
        """Flush written segments to the disk; return the durable offset.

        It may run concurrently with :meth:`write`.

        :raises OSError: the disk failed.
        """
        written = self.written
        descriptor = os.open(self._part, os.O_RDONLY)
        try:
            os.fdatasync(descriptor)
        except OSError:
            self._cut(self._part, self._durable // SEGMENT * self._stored)
            raise
        finally:
            os.close(descriptor)
        self._durable = written
        return written

    def settle(self) -> int:
        """Flush everything to the disk, including an incomplete segment; return :attr:`offset`.

        :raises OSError: the disk failed.
        """
        self.sync()
        if self.offset > self.written:
            self._write_tail(self._full, self._rest)
            self._durable = self.offset
        return self.offset

    def read(self, index: int, count: int) -> bytes:
        """Read up to ``count`` segments from ``index`` on, as far as they are received.

        :raises Damaged: the stored data are corrupt.
        :raises OSError: they cannot be read.
        """
        found = []
        last = min(index + count, self._full)
        if index < last:
            with self._part.open("rb") as file:
                file.seek(index * self._stored)
                found = [
                    self._seal.open(at, at == self._last, file.read(self._stored))
                    for at in range(index, last)
                ]
        if index <= self._full < index + count:
            found.append(bytes(self._rest))
        return b"".join(found)

    def digest(self, most: int | None = None) -> bytes | None:
        """Return the SHA-256 of the complete file; ``None``: there are more segments to read, call it again.
        Afterwards there is :attr:`md5` as well.

        :param most: segments to read per call, at most, if the file must be read again.
        :raises Damaged: the stored data are corrupt.
        :raises OSError: they cannot be read.
        """
        assert self.whole, "not yet"
        self.hash()
        if self._hash is None:
            # a failed read keeps the former hash
            hashed, index = self._read_hash[0].copy(), self._read_hash[1]
            end = segments(self.size) if most is None else min(segments(self.size), index + most)
            with self._part.open("rb") as file:
                file.seek(index * self._stored)
                for place in range(index, end):
                    hashed.update(self._seal.open(place, place == self._last, file.read(self._stored)))
            self._read_hash = hashed, end
            if end < segments(self.size):
                return None
            self._hash = hashed
        return self._hash.sha256

    @property
    def md5(self) -> str:
        """The MD5 of the complete file, in hex; empty before :meth:`digest`, and where it is not wanted."""
        return "" if self._hash is None else self._hash.md5

    def close(self) -> Path:
        """Make the complete file durable, and return its path for a store.

        :raises OSError: the disk failed.
        """
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
        """Remove the upload (idempotent)."""
        for path in (self._part, *self._tails):
            with contextlib.suppress(OSError):
                path.unlink()

    # -- segments and tails

    def _first_torn(self, file: BinaryIO, begin: int, end: int) -> int:
        """Return the first segment that is not intact, or the end."""
        return next((index for index in range(begin, end) if not self._intact(file, index)), end)

    def _intact(self, file: BinaryIO, index: int) -> bool:
        return self._opened(file, index, self._stored) is not None

    def _ending(self, file: BinaryIO, last: int) -> bytes:
        """Return the last, shorter segment, if it is there."""
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
        """Truncate a file after a failed flush: the system would still read the lost data from its cache."""
        with contextlib.suppress(OSError):
            os.truncate(path, length)

    def _find_tail(self) -> None:
        """Load the longer of the tails that follow the complete segments."""
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
    """Write buffers one after the other without joining them. :raises OSError: the disk failed."""
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
    """Create an empty file with a durable name, if it does not exist; call it before writing."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if path.stat().st_size:
            return
    sync_folder(path.parent)
