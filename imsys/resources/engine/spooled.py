"""What is on the disk of one file on its way."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from imsys.files.blobs import BlobStore, SealedFile
from imsys.files.digests import Digests
from imsys.files.readable import PIECE
from imsys.files.sealing import SEGMENT, Bytes, Checked, Seal
from imsys.files.spool import Spool
from imsys.store.files import File, Purpose

MADE = "-made"
"""What the name of a file ends with that the server made in the spool."""

_STEP = 1 << 26
"""Bytes that are read at a time to hash a file anew: a thread has a fraction of a second of work, and then
others have their turn.
"""


class Spooled:
    """A file as it lies in the spool, or, when a crash came between the store and the database, in the store
    already.

    Everything here blocks, and belongs into a thread; one at a time for one file.
    """

    def __init__(self, folder: Path, store: BlobStore, file: File, seal: Seal) -> None:
        self._store = store
        self._seal = seal
        self._file = file
        md5 = file.purpose is Purpose.ORIGINAL
        self._spool = Spool(folder, blob_name(file.file_id), seal, file.size, md5=md5)
        self._kept = False
        self._hashed = Digests(), 0  # and how many bytes it is of, where the file is in the store

    def open(self, *, first: bool = False) -> int:
        """Find out what is here; return the durable offset. :raises OSError: the disk does not say.

        :param first: nothing was ever here.
        """
        self._spool.open()
        self._hashed = Digests(), 0
        self._kept = not first and not self._spool.offset and self._file.size > 0 and self._in_store()
        return self._file.size if self._kept else self._spool.offset

    def write(self, blocks: Sequence[Bytes]) -> int:
        """Add bytes at the end; return up to where the system has them.

        :raises OSError: what is here has to be found out anew.
        """
        return self._spool.write(blocks)

    def hash(self) -> None:
        """Hash what was written last, unless that is done already; it may run beside :meth:`write`."""
        self._spool.hash()

    def sync(self) -> int:
        """Have the disk take what the system has; return the durable offset.

        It may run beside :meth:`write`.
        :raises OSError: as that.
        """
        return self._spool.sync()

    def settle(self) -> int:
        """Have the disk take everything; return the offset. :raises OSError: as :meth:`write`."""
        return self._spool.settle()

    def digest(self) -> bytes | None:
        """Compute SHA-256 of the whole file; where it has to be read, a part of it at a time: ``None``, ask
        again.

        :raises Damaged: what is here is not what was written.
        :raises OSError: it cannot be read.
        """
        if not self._kept:
            return self._spool.digest(_STEP // SEGMENT)
        # a read that fails leaves what was hashed before
        digest, offset, kept = self._hashed[0].copy(), self._hashed[1], self._stored()
        end = min(self._file.size, offset + _STEP)
        for begin in range(offset, end, PIECE):
            digest.update(kept.read(begin, min(PIECE, end - begin)))
        self._hashed = digest, end
        if end < self._file.size:
            return None
        self._hashed = Digests(), 0
        return digest.sha256

    @property
    def md5(self) -> str:
        """MD5 of the whole file, in hex, after :meth:`digest`; only of one that came by the original service."""
        return self._spool.md5

    def reader(self) -> SealedFile:
        """Open the whole file, to be looked at before it is kept.

        :raises OSError: the disk does not take its end.
        """
        if self._kept:
            return self._stored()
        return SealedFile(OneFile(self._spool.close()), "", self._seal, self._file.size)

    def keep(self) -> None:
        """Put the whole file into the store. :raises OSError: it does not take it."""
        if not self._kept:
            self._store.keep(self._spool.close(), blob_name(self._file.file_id))
            self._kept = True

    def empty(self) -> None:
        """Remove all of it, to begin anew; also from the store, which may have taken it without our hearing
        so.

        :raises OSError: the disk does not let us.
        """
        self._store.delete(blob_name(self._file.file_id))
        self.discard()
        self.open(first=True)

    def discard(self) -> None:
        """Remove what is in the spool (idempotent)."""
        self._spool.discard()

    def _stored(self) -> SealedFile:
        return SealedFile(self._store, blob_name(self._file.file_id), self._seal, self._file.size)

    def _in_store(self) -> bool:
        if self._file.purpose.is_avatar:  # what is kept of one is not what was sent
            return False
        try:
            return bool(self._store.read(blob_name(self._file.file_id), 0, 1))
        except FileNotFoundError:
            return False


class OneFile:
    """A sealed file by its path, as a store has it by its name."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Read stored bytes, by one call."""
        descriptor = os.open(self._path, os.O_RDONLY)
        try:
            return os.pread(descriptor, length, offset)
        finally:
            os.close(descriptor)


def blob_name(file_id: bytes) -> str:
    """Name a file that came here in spool and store."""
    return file_id.hex()


def remove_spooled(folder: Path, file_id: bytes) -> None:
    """Remove what is in the spool of a file, whose key nobody needs any more (idempotent). It blocks."""
    for name in (blob_name(file_id), blob_name(file_id) + MADE):
        Spool(folder, name, Checked(), 0).discard()
