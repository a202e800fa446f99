"""Who has signed in here: one small file an account, readable by its owner only."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec

from imsys.cli.console import CliError

if sys.platform != "win32":
    import fcntl

_RECENT = 30.0
"""Seconds for which a command that has begun still explains why a chat was signed out."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """A session that commands may use."""

    username: str
    uuid: int
    server: str
    ca: str | None
    token: str = field(repr=False)


class Accounts:
    """The accounts under ``${XDG_CONFIG_HOME:-~/.config}/imsys``."""

    def __init__(self, environ: Mapping[str, str], calendar: Callable[[], float]) -> None:
        self._calendar = calendar
        base = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".config")
        self.folder = Path(base) / "imsys"

    def names(self) -> list[str]:
        """The names of all accounts."""
        return sorted(unquote(path.stem) for path in self.folder.glob("*.json"))

    def current(self) -> str | None:
        """The name of the account that signed in last, or of the only one."""
        try:
            name = (self.folder / "current").read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            name = ""
        if name and self._path(name).exists():
            return name
        names = self.names()
        return names[0] if len(names) == 1 else None

    def load(self, name: str) -> Account | None:
        """An account by its name."""
        try:
            return msgspec.json.decode(self._path(name).read_bytes(), type=Account)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError):
            raise CliError(f"{self._path(name)} cannot be read; sign in again.") from None

    def save(self, name: str, account: Account, *, current: bool = False) -> None:
        """Keep an account. :raises OSError: it cannot be written."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write(self._path(name), msgspec.json.encode(account))
        if current:
            self._write(self.folder / "current", name.encode())

    def forget(self, name: str) -> None:
        """Remove an account."""
        for path in (self._path(name), self._path(name, ".chat"), self._path(name, ".turn")):
            path.unlink(missing_ok=True)

    def turn(self, name: str) -> Lock:
        """Held by a command while it uses the account's one session."""
        return Lock(self._path(name, ".turn"))

    def turn_taken_lately(self, name: str) -> bool:
        """Whether a command uses the session, or did so seconds ago."""
        try:
            age = self._calendar() - self._path(name, ".turn").stat().st_mtime
        except OSError:
            return False
        return age < _RECENT or self.turn(name).taken()

    def chat(self, name: str) -> Lock:
        """Held by a chat while it is open."""
        return Lock(self._path(name, ".chat"))

    def _path(self, name: str, suffix: str = ".json") -> Path:
        return self.folder / (quote(name, safe="") + suffix)

    def _write(self, path: Path, content: bytes) -> None:
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.replace(path)


class Lock:
    """A file that one process at a time holds; where files cannot be locked, everyone holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Try to hold it; whether that worked."""
        if sys.platform == "win32" or not self._path.parent.is_dir():
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        os.utime(descriptor)
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Hold it no longer."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def taken(self) -> bool:
        """Whether another process holds it."""
        if sys.platform == "win32" or not self._path.exists():
            return False
        descriptor = os.open(self._path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False
