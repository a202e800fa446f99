"""Remember which messages an application has handled, across restarts if it wants that."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec
from twisted.internet.threads import deferToThreadPool


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The position up to which a user's messages have been handled.

    ``uuid`` is the user, ``threads`` maps each thread to the last id handled in it, and ``since`` is the
    newest id of any thread when everything had last been handled. ``own_number`` is that of the last change that
    this user has made for themselves, on any device.
    """

    uuid: int
    since: int
    threads: Mapping[int, int] = field(default_factory=dict)
    own_number: int | None = None


class SeenStore(Protocol):
    """Stores a client's :class:`Seen`."""

    async def load(self) -> Seen | None:
        """Return what was saved last, or ``None``."""

    async def save(self, seen: Seen) -> None:
        """Replace what was saved."""


class MemorySeenStore:
    """Keeps it in memory, for several clients of one process."""

    def __init__(self) -> None:
        self.seen: Seen | None = None

    async def load(self) -> Seen | None:
        """Return what was saved last, or ``None``."""
        return self.seen

    async def save(self, seen: Seen) -> None:
        """Replace what was saved."""
        self.seen = seen


class FileSeenStore:
    """Keeps it in a file that is replaced atomically; a file that cannot be read counts as missing."""

    def __init__(self, reactor: Any, path: str | Path) -> None:
        self._reactor = reactor
        self._path = Path(path)

    async def load(self) -> Seen | None:
        """Return what was saved last, or ``None``."""
        return await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._read)

    async def save(self, seen: Seen) -> None:
        """Replace what was saved. :raises OSError: it cannot be written."""
        await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._write, seen)

    def _read(self) -> Seen | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Seen)
        except (OSError, msgspec.MsgspecError):
            return None

    def _write(self, seen: Seen) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        temporary.write_bytes(msgspec.json.encode(seen))
        temporary.replace(self._path)
