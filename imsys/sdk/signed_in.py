"""Keep a sign-in across restarts of a program, so that it needs no password."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec
from twisted.internet.threads import deferToThreadPool


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """The user who is signed in, and the token; while that is valid, it is as secret as the password."""

    username: str
    uuid: int
    token: str = field(repr=False)


class SignInStore(Protocol):
    """Stores a sign-in."""

    async def load(self) -> SignedIn | None:
        """Return what was saved last, or ``None``."""

    async def save(self, signed_in: SignedIn | None) -> None:
        """Replace what was saved; ``None`` deletes it."""


class FileSignInStore:
    """Keeps it in an owner-only file that is replaced atomically; an unreadable file counts as missing."""

    def __init__(self, reactor: Any, path: str | Path) -> None:
        self._reactor = reactor
        self._path = Path(path)

    async def load(self) -> SignedIn | None:
        """Return what was saved last, or ``None``."""
        return await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._read)

    async def save(self, signed_in: SignedIn | None) -> None:
        """Replace what was saved; ``None`` deletes it. :raises OSError: it cannot be written."""
        await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._write, signed_in)

    def _read(self) -> SignedIn | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=SignedIn)
        except (OSError, msgspec.MsgspecError):
            return None

    def _write(self, signed_in: SignedIn | None) -> None:
        if signed_in is None:
            self._path.unlink(missing_ok=True)
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        temporary.unlink(missing_ok=True)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(signed_in))
        temporary.replace(self._path)
