"""How far an application has come, kept across its restarts if it wants that."""

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
    """Up to where messages have been handled.

    ``since`` is the newest id of any thread when last everything had been handled,
    ``threads`` the last id handled in each thread; ``uuid`` is whose this is.
    """

    uuid: int
    since: int
    threads: Mapping[int, int] = field(default_factory=dict)


class SeenStore(Protocol):
    """Where a client keeps it."""

    async def load(self) -> Seen | None:
        """What was saved last, or ``None``."""

    async def save(self, seen: Seen) -> None:
        """Keep this from now on."""


class MemorySeenStore:
    """Keeps it while the object lives, over several clients."""

    def __init__(self) -> None:
        self.seen: Seen | None = None

    async def load(self) -> Seen | None:
        """What was saved last, or ``None``."""
        return self.seen

    async def save(self, seen: Seen) -> None:
        """Keep this from now on."""
        self.seen = seen


class FileSeenStore:
    """Keeps it in a file, which is replaced as a whole; a file that cannot be read counts as none."""

    def __init__(self, reactor: Any, path: str | Path) -> None:
        self._reactor = reactor
        self._path = Path(path)

    async def load(self) -> Seen | None:
        """What was saved last, or ``None``."""
        return await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._read)

    async def save(self, seen: Seen) -> None:
        """Keep this from now on. :raises OSError: it cannot be written."""
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
