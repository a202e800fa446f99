"""Files of keys, one per line: ``<id> <32 bytes in base64url>``, the newest first."""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from imsys.errors import ConfigError
from imsys.util.fsync import sync_folder

KEY_BYTES = 32
"""Bytes of a key: for AES-256, and the output size of SHA-256."""

Key = tuple[str, bytes]


def read_keys(path: Path, most: int) -> list[Key]:
    """Read the keys of a file, at most ``most``. :raises ConfigError: there are none, or they are invalid."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: there are no keys yet; 'imsys-ctl keys' makes them") from None
    except OSError as error:
        raise ConfigError(f"{path}: the keys cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: this is no file of keys") from None
    return parse_keys(text, most, str(path))


def parse_keys(text: str, most: int, where: str) -> list[Key]:
    """Parse the text of such a file.

    :raises ConfigError: it is invalid; the message begins with ``where``.
    """
    keys = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"\s*([0-9A-Za-z]{1,16})\s+([0-9A-Za-z_-]{43})=?\s*", line)
        if match is None:
            raise ConfigError(f"{where}: a line is not '<id> <32 bytes in base64url>'")
        keys.append((match[1], base64.urlsafe_b64decode(match[2] + "=")))
    if not 1 <= len(keys) <= most or len(dict(keys)) != len(keys):
        raise ConfigError(f"{where}: holds {len(keys)} keys; wanted are 1 to {most}, with different ids")
    return keys


class KeyFile:
    """A file of keys that may be replaced while it is in use."""

    def __init__(self, path: Path, most: int) -> None:
        self._path = path
        self._most = most
        self._stamp: tuple[int, int, int] | None = None

    def read(self) -> list[Key] | None:
        """Read the keys; return ``None`` if the file has not changed. It blocks.

        :raises ConfigError: missing or invalid.
        """
        found = self._path.stat() if self._path.exists() else None
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino) if found is not None else None
        if stamp is not None and stamp == self._stamp:
            return None
        keys = read_keys(self._path, self._most)
        self._stamp = stamp
        return keys


def add_key(path: Path, keep: int) -> str:
    """Add a new key in front of those of a file, of which ``keep`` are kept; return its id.

    The file's permissions stay as they are; a new file has owner-only access. On return the key is durable:
    data wrapped under a lost key could never be read.

    :raises ConfigError: it fails, or another process has created the file at the same moment.
    """
    there = path.exists()
    old = read_keys(path, 1 << 16)[:keep] if there else []
    keys = [(secrets.token_hex(4), secrets.token_bytes(KEY_BYTES)), *old]
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _write(fresh, keys, path if there else None)
            if there:
                fresh.replace(path)
            else:
                os.link(fresh, path)  # must not replace a file whose keys may be in use already
        finally:
            fresh.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise ConfigError(f"{path}: the keys cannot be written: {error.strerror}") from None
    return keys[0][0]


def _write(fresh: Path, keys: Sequence[Key], former: Path | None) -> None:
    """Write a file of keys durably, with the permissions of the former one."""
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.writelines(
            f"{key_id} {base64.urlsafe_b64encode(key).decode().rstrip('=')}\n" for key_id, key in keys
        )
        if former is not None and os.name != "nt":
            found = former.stat()
            if os.geteuid() == 0:
                os.fchown(file.fileno(), found.st_uid, found.st_gid)
            os.fchmod(file.fileno(), found.st_mode & 0o777)
        file.flush()
        os.fsync(file.fileno())
