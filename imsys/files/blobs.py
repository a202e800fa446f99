"""Stores: where sealed files are kept, each under the identifier of the file that it came as, in hex."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from imsys.files.sealing import SEGMENT, Damaged, Seal, segments
from imsys.util.fsync import sync_folder


@dataclass(frozen=True, slots=True)
class Blob:
    """One thing in a store."""

    name: str
    size: int
    """Bytes as they are stored."""
    changed: float
    """Unix time in seconds."""


class Readable(Protocol):
    """Something that stored bytes are read from: a store, or a file that is not in one yet."""

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Read stored bytes; fewer at the end. :raises FileNotFoundError: there is no such blob."""
        ...


class BlobStore(Readable, Protocol):
    """A place for sealed files. Everything blocks, and belongs into a thread; errors are :class:`OSError`."""

    name: str
    """What the database calls it: the server's name for a disk of its own, ``s3`` for what all share."""

    def open(self) -> None:
        """Make ready. :raises ConfigError: it cannot be used."""
        ...

    def keep(self, spooled: Path, name: str) -> None:
        """Take a file over from the spool, durably; it may be gone there. Where there is one of this name already, it is that one."""
        ...

    def delete(self, name: str) -> None:
        """Remove a blob (idempotent)."""
        ...

    def blobs(self) -> Iterator[Blob]:
        """List all blobs, in any order."""
        ...

    def tidy(self) -> None:
        """Remove what broken uploads left in it that is no blob."""
        ...

    def free(self) -> int | None:
        """Bytes that fit; ``None`` where there is no bound to speak of."""
        ...


def file_of(name: str) -> bytes | None:
    """Read the identifier of the file that a blob came as; ``None``: a blob has another name."""
    return bytes.fromhex(name) if re.fullmatch("[0-9a-f]{32}", name) else None


class DiskStore:
    """A folder, with the blobs in 256 folders by the beginning of their names."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._durable: set[str] = set()  # names of folders

    def open(self) -> None:
        """Make the folder. :raises OSError: it cannot be made."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep(self, spooled: Path, name: str) -> None:
        """Rename a file; the spool is on the same file system, and the bytes are durable already."""
        target = self._path(name)
        if not spooled.exists() and target.exists():
            return  # a crash came in between
        if target.parent.name not in self._durable:  # one that is there may be made by a thread, or a process, that did not come further
            target.parent.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self._folder)
            self._durable.add(target.parent.name)
        spooled.replace(target)
        sync_folder(target.parent)
        sync_folder(spooled.parent)

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Read stored bytes, by one call."""
        descriptor = os.open(self._path(name), os.O_RDONLY)
        try:
            return os.pread(descriptor, length, offset)
        finally:
            os.close(descriptor)

    def delete(self, name: str) -> None:
        """Unlink it."""
        self._path(name).unlink(missing_ok=True)

    def blobs(self) -> Iterator[Blob]:
        """Walk through the folders."""
        for folder in self._folder.iterdir():
            if folder.is_dir():
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.name[:2] != folder.name or not entry.is_file(follow_symlinks=False):
                            continue  # nothing of ours, as lost+found and what is in it
                        with contextlib.suppress(FileNotFoundError):  # it was removed meanwhile
                            found = entry.stat()
                            yield Blob(entry.name, found.st_size, found.st_mtime)

    def tidy(self) -> None:
        """Do nothing: a file is in here by a rename."""

    def free(self) -> int:
        """Return the bytes that the file system has left for us."""
        return shutil.disk_usage(self._folder).free

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name


class SealedFile:
    """A whole file in a store, read anywhere: only the segments that are touched are opened."""

    def __init__(self, store: Readable, name: str, seal: Seal, size: int) -> None:
        self._store = store
        self._name = name
        self._seal = seal
        self._last = segments(size) - 1
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        """Read bytes of the file; fewer at its end.

        :raises Damaged: the store has other bytes than were written, or not all of them.
        :raises OSError: the store does not give them.
        """
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        stored = SEGMENT + self._seal.overhead
        first, last = offset // SEGMENT, (offset + length - 1) // SEGMENT
        data = memoryview(self._store.read(self._name, first * stored, (last - first + 1) * stored))
        opened = []
        for index in range(first, last + 1):
            place = (index - first) * stored
            opened.append(self._seal.open(index, index == self._last, data[place : place + stored]))
        opened[0] = opened[0][offset - first * SEGMENT :]
        found = b"".join(opened)[:length] if len(opened) > 1 else opened[0][:length]
        if len(found) < length:
            raise Damaged("the file is shorter than it was")
        return found
