"""A sign-in, kept across restarts of a program, so that it comes back without a password."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec
from twisted.internet.threads import deferToThreadPool


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """Who is signed in, and the token for it: as good as the password while it lives."""

    username: str
    uuid: int
    token: str = field(repr=False)


class SignInStore(Protocol):
    """Where a sign-in is kept."""

    async def load(self) -> SignedIn | None:
        """What was saved last, or ``None``."""

    async def save(self, signed_in: SignedIn | None) -> None:
        """Keep this from now on; ``None``: it is over."""


class FileSignInStore:
    """Keeps it in a file that only its owner can read, replaced as a whole; a file that cannot be read counts as none."""

    def __init__(self, reactor: Any, path: str | Path) -> None:
        self._reactor = reactor
        self._path = Path(path)

    async def load(self) -> SignedIn | None:
        """What was saved last, or ``None``."""
        return await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._read)

    async def save(self, signed_in: SignedIn | None) -> None:
        """Keep this from now on. :raises OSError: it cannot be written."""
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
