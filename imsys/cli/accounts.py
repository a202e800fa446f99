"""The accounts that have signed in here: one small file per account, with owner-only access."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec

from imsys.cli.console import CliError

if sys.platform != "win32":
    import fcntl
_CHAT, _COMMANDS = ".json", ".commands"
"""Suffixes of the files that the two sessions of an account are in."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """A session that commands may use."""

    username: str
    uuid: int
    server: str
    ca: str | None
    token: str = field(repr=False)
    device: str = ""
    """The identifier that the server knows this account by here; empty: it signed in without one."""
    typing: bool = True
    """Whether others are told that the user is writing."""


class Accounts:
    """The accounts under ``${XDG_CONFIG_HOME:-~/.config}/imsys``.

    An account has two sessions, each with a device of its own: that of the chat, and, with ``commands=True``, that of
    all other commands, which so disturb no open chat.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        base = environ.get("XDG_CONFIG_HOME") or os.path.join(
            environ.get("HOME") or os.path.expanduser("~"), ".config"
        )
        self.folder = Path(base) / "imsys"

    def names(self) -> list[str]:
        """Return the names of all accounts."""
        return sorted(unquote(path.stem) for path in self.folder.glob("*.json"))

    def current(self) -> str | None:
        """Return the name of the account that signed in last, or of the only one."""
        try:
            name = (self.folder / "current").read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            name = ""
        if name and self._path(name).exists():
            return name
        names = self.names()
        return names[0] if len(names) == 1 else None

    def load(self, name: str, *, commands: bool = False) -> Account | None:
        """Load an account by its name."""
        path = self._path(name, _COMMANDS if commands else _CHAT)
        try:
            return msgspec.json.decode(path.read_bytes(), type=Account)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError):
            raise CliError(f"{path} cannot be read; sign in again.") from None

    def save(self, name: str, account: Account, *, commands: bool = False, current: bool = False) -> None:
        """Save an account. :raises OSError: it cannot be written."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write(self._path(name, _COMMANDS if commands else _CHAT), msgspec.json.encode(account))
        if current:
            self._write(self.folder / "current", name.encode())

    def forget(self, name: str) -> None:
        """Remove an account."""
        for suffix in (_CHAT, _COMMANDS, ".chat", ".turn"):
            self._path(name, suffix).unlink(missing_ok=True)

    def turn(self, name: str) -> Lock:
        """Return the lock that a command holds while it uses the session of commands."""
        return Lock(self._path(name, ".turn"))

    def chat(self, name: str) -> Lock:
        """Return the lock that an open chat holds."""
        return Lock(self._path(name, ".chat"))

    def _path(self, name: str, suffix: str = _CHAT) -> Path:
        return self.folder / (quote(name, safe="") + suffix)

    def _write(self, path: Path, content: bytes) -> None:
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.replace(path)


class Lock:
    """A lock file for one process at a time.

    Where files cannot be locked (Windows), taking it always succeeds.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Try to take the lock; return whether that worked."""
        if sys.platform == "win32" or not self._path.parent.is_dir():
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Release the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def taken(self) -> bool:
        """Return whether another process holds the lock."""
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
