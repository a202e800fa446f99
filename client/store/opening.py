"""Opening a store: encrypted, for its owner alone.

One that cannot be used is set aside, and a new one begun.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import apsw

from client.core.model import Message
from client.store import messages
from client.store.schema import NewerStore, migrate

BUSY_MS = 5_000
BEYOND_REPAIR = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError, apsw.SchemaChangeError)


@dataclass(frozen=True, slots=True)
class Opened:
    """A database that is open.

    :param notice: a sentence for people where an earlier one had to be set aside; else empty.
    :param rescued: what was not sent yet, of the one that was set aside.
    """

    db: apsw.Connection
    notice: str = ""
    rescued: tuple[Message, ...] = ()
    drafts: tuple[tuple[int, str], ...] = ()


def open_store(path: Path, key: bytes) -> Opened:
    """Open the store at a path, or a new one.

    :param key: 32 bytes.
    :raises OSError: nothing can be written there; :class:`apsw.Error` likewise.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return Opened(_open(path, key))
    except NewerStore:
        aside = set_aside(path)
        notice = (
            "What was kept on this computer is of a newer version of this program; "
            f"it was set aside as {aside.name}, and is read anew."
        )
        return Opened(_open(path, key), notice)
    except (*BEYOND_REPAIR, apsw.SQLError):
        rescued, drafts = _rescue(path, key)
        aside = set_aside(path)
        notice = f"What was kept on this computer was damaged; it was set aside as {aside.name}, and is read anew from the server."
        return Opened(_open(path, key), notice, rescued, drafts)


def set_aside(path: Path) -> Path:
    """Rename a store and what belongs to it; the new name."""
    aside = path.with_name(f"{path.name}.aside-{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}")
    for suffix in ("-wal", "-shm", "-journal"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    if path.exists():
        path.rename(aside)
    return aside


def _open(path: Path, key: bytes) -> apsw.Connection:
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    else:
        path.chmod(0o600)
    db = _connect(path, key)
    try:
        db.set_busy_timeout(BUSY_MS)
        db.pragma("journal_mode", "wal")
        # NORMAL: a killed program loses nothing, a power cut at most the last moment
        db.pragma("synchronous", 1)
        db.pragma("cache_size", -8_192)
        db.pragma("journal_size_limit", 8 << 20)
        migrate(db)
        for table in ("settings", "people", "requests", "conversations", "spans", "messages", "uploads"):
            db.execute(f"SELECT * FROM {table} LIMIT 1").fetchall()  # noqa: S608
    except BaseException:
        db.close(True)
        raise
    return db


def _connect(path: Path, key: bytes) -> apsw.Connection:
    db = apsw.Connection(str(path))
    db.pragma("key", f"raw:{key.hex()}")  # ChaCha20-Poly1305; without a derivation, since it is no password
    return db


def _rescue(path: Path, key: bytes) -> tuple[tuple[Message, ...], tuple[tuple[int, str], ...]]:
    """Texts that were not sent and drafts, as far as they can still be read."""
    found: tuple[Message, ...] = ()
    drafts: tuple[tuple[int, str], ...] = ()
    try:
        db = _connect(path, key)
    except apsw.Error:
        return found, drafts
    try:
        found = tuple(messages.unsent(db))
        drafts = tuple(
            (int(row[0]), str(row[1]))
            for row in db.execute("SELECT id, draft FROM conversations WHERE draft != ''")
        )
    except (apsw.Error, ValueError):
        pass
    finally:
        db.close(True)
    return found, drafts
