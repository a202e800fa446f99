"""Stores of sealed files, each named by the id, in hex, of the file with which it came."""

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
    """One object in a store."""

    name: str
    size: int
    """Stored bytes, including the overhead of sealing."""
    changed: float
    """Unix time of the last change, in seconds."""


class Readable(Protocol):
    """A source of stored bytes: a store, or a file that is not in one yet."""

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Read stored bytes; fewer at the end. :raises FileNotFoundError: there is no such blob."""
        ...


class BlobStore(Readable, Protocol):
    """A store of sealed files. All methods block: call them in a thread. Errors are :class:`OSError`."""

    name: str
    """Its name in the database: the server's name for its own disk, ``s3`` for the shared store."""

    def open(self) -> None:
        """Prepare the store. :raises ConfigError: it cannot be used."""
        ...

    def keep(self, spooled: Path, name: str) -> None:
        """Move a file from the spool into the store, durably.

        If a blob has this name already, it is that file.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove a blob (idempotent)."""
        ...

    def blobs(self) -> Iterator[Blob]:
        """List all blobs, in any order."""
        ...

    def tidy(self) -> None:
        """Remove remains of broken uploads that are not blobs."""
        ...

    def free(self) -> int | None:
        """Return the free bytes; ``None``: unlimited."""
        ...


def file_of(name: str) -> bytes | None:
    """Return the file id in a blob's name; ``None``: it is not the name of a blob."""
    return bytes.fromhex(name) if re.fullmatch("[0-9a-f]{32}", name) else None


class DiskStore:
    """A folder with the blobs in 256 subfolders by the first two characters of their names."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._durable: set[str] = set()  # names of subfolders that are durable

    def open(self) -> None:
        """Create the folder. :raises OSError: it cannot be created."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep(self, spooled: Path, name: str) -> None:
        """Rename the file; the spool is on the same file system, and the content is durable already."""
        target = self._path(name)
        if not spooled.exists() and target.exists():
            return  # a crash came in between
        if target.parent.name not in self._durable:  # an existing one may not be durable yet
            target.parent.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self._folder)
            self._durable.add(target.parent.name)
        spooled.replace(target)
        sync_folder(target.parent)
        sync_folder(spooled.parent)

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Read with one system call."""
        descriptor = os.open(self._path(name), os.O_RDONLY)
        try:
            return os.pread(descriptor, length, offset)
        finally:
            os.close(descriptor)

    def delete(self, name: str) -> None:
        """Unlink the blob."""
        self._path(name).unlink(missing_ok=True)

    def blobs(self) -> Iterator[Blob]:
        """Walk through the folders."""
        for folder in self._folder.iterdir():
            if folder.is_dir():
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.name[:2] != folder.name or not entry.is_file(follow_symlinks=False):
                            continue  # foreign, such as lost+found and its content
                        with contextlib.suppress(FileNotFoundError):  # it was removed meanwhile
                            found = entry.stat()
                            yield Blob(entry.name, found.st_size, found.st_mtime)

    def tidy(self) -> None:
        """Do nothing: files get here by a rename."""

    def free(self) -> int:
        """Return the free space of the file system."""
        return shutil.disk_usage(self._folder).free

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name


class SealedFile:
    """A complete file in a store with random access: only the needed segments are opened."""

    def __init__(self, store: Readable, name: str, seal: Seal, size: int) -> None:
        self._store = store
        self._name = name
        self._seal = seal
        self._last = segments(size) - 1
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        """Read bytes of the file; fewer at its end.

        :raises Damaged: the stored bytes are corrupt or incomplete.
        :raises OSError: the store cannot be read.
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
