"""Remember unfinished uploads across restarts: no secrets, only what is needed to resume them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
from twisted.internet.threads import deferToThreadPool

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class UnfinishedUpload:
    """A file as it was when it was offered; ``modified`` in nanoseconds since 1970, ``sha256`` in hex."""

    user: int
    thread_id: int
    path: str
    file_id: str
    size: int
    modified: int
    sha256: str

    @property
    def key(self) -> str:
        """The key to find it by."""
        return key(self.user, self.thread_id, self.path)


def key(user: int, thread_id: int, path: str) -> str:
    """Compute the key of an upload from its user, thread and path."""
    return hashlib.sha256(f"{user}\0{thread_id}\0{path}".encode("utf-8", "surrogateescape")).hexdigest()[:32]


class UnfinishedUploads(Protocol):
    """Stores unfinished uploads."""

    async def find(self, key: str) -> UnfinishedUpload | None:
        """Return the upload with this key, or ``None``."""

    async def all(self) -> list[UnfinishedUpload]:
        """Return all uploads, of any user."""

    async def save(self, upload: UnfinishedUpload) -> None:
        """Store an upload."""

    async def forget(self, upload: UnfinishedUpload) -> None:
        """Remove an upload that is complete or abandoned."""


class FileUnfinishedUploads:
    """Keeps each upload in a small file of a folder; a file that cannot be read counts as missing."""

    def __init__(self, reactor: Any, folder: str | Path) -> None:
        self._reactor = reactor
        self._folder = Path(folder)

    async def find(self, key: str) -> UnfinishedUpload | None:
        """Return the upload with this key, or ``None``."""
        return await self._run(lambda: _read(self._path(key)))

    async def all(self) -> list[UnfinishedUpload]:
        """Return all uploads, of any user."""
        found = await self._run(lambda: [_read(path) for path in sorted(self._folder.glob("*.json"))])
        return [upload for upload in found if upload is not None]

    async def save(self, upload: UnfinishedUpload) -> None:
        """Store an upload. :raises OSError: it cannot be written."""
        await self._run(lambda: self._write(upload))

    async def forget(self, upload: UnfinishedUpload) -> None:
        """Remove an upload that is complete or abandoned."""
        await self._run(lambda: self._path(upload.key).unlink(missing_ok=True))

    async def _run(self, work: Callable[[], T]) -> T:
        return await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"

    def _write(self, upload: UnfinishedUpload) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(upload.key)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_bytes(msgspec.json.encode(upload))
        temporary.replace(path)


def _read(path: Path) -> UnfinishedUpload | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=UnfinishedUpload)
    except (OSError, msgspec.MsgspecError):
        return None
