"""SQLite: one file, one writer, nothing to install."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from imsys.config import DatabaseConfig
from imsys.store.dialects import Fault, Opened, Use
from imsys.store.sqlite_connection import Cursor, SqliteConnection
from imsys.store.sqlite_process import Step, take


class Sqlite:
    """SQLite in WAL mode; every commit is on the disk before it returns (``synchronous = FULL``)."""

    name = "sqlite"
    driver = "sqlite3"
    readers_need_own_pool = True
    begin = "BEGIN IMMEDIATE"
    begin_log: str | None = begin
    lock = ""
    skip_locked: str | None = ""
    by_primary_key = ""
    most_bytes = 1 << 30
    galera = False
    wired = os.name == "posix"

    def __init__(self, config: DatabaseConfig) -> None:
        self._path = Path(config.path)
        self._timeout = config.timeout
        self.patience = config.timeout * 3  # a statement waits for locks for a third of that

    def connect(self, use: Use = Use.GENERAL, *, anywhere: bool = False) -> Opened:
        """Open a connection without implicit transactions; any thread may close it."""
        self._make()
        connection = sqlite3.connect(
            self._path, timeout=self._timeout, isolation_level=None, check_same_thread=False
        )
        try:
            self._set_up(connection)
        except BaseException:
            connection.close()
            raise
        return Opened(connection)

    def connect_wired(self, use: Use) -> Opened:
        """Open a connection that is in a process of its own."""
        self._make()
        connection = SqliteConnection(self._path, self._timeout)
        try:
            self._set_up(connection)
        except BaseException:
            connection.close()
            connection.wait()
            raise
        return Opened(connection)

    def finish(self, connection: SqliteConnection) -> None:
        """Wait for its process, which may be committing."""
        connection.wait()

    def _make(self) -> None:
        """Create the file if it is missing, with owner-only access; SQLite gives its other files this mode.

        The file itself is never opened here: closing it would drop all locks that this process has on it,
        also those of SQLite (sqlite.org/howtocorrupt.html, 2.2), and another process would find the database
        unused.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._path.exists():
            descriptor, empty = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
            os.close(descriptor)
            try:
                os.link(empty, self._path)
            except OSError:  # another process was first; or links are not supported, and SQLite creates it
                pass
            finally:
                os.unlink(empty)
        with contextlib.suppress(FileNotFoundError):
            status = self._path.stat()
            if os.name != "nt" and status.st_mode & 0o077 and status.st_uid == os.geteuid():
                self._path.chmod(0o600)

    def _set_up(self, connection: sqlite3.Connection | SqliteConnection) -> None:
        """Set WAL and full durability.

        The WAL is large (64 MiB), so pages written often are copied back once.
        """
        self._write_ahead(connection)
        settings = (
            "synchronous = FULL",
            "foreign_keys = ON",
            "temp_store = MEMORY",
            "cache_size = -65536",
            "wal_autocheckpoint = 16384",
        )
        for statement in settings:
            connection.execute(f"PRAGMA {statement}")

    def _write_ahead(self, connection: sqlite3.Connection | SqliteConnection) -> None:
        # unlike other statements, changing the mode does not wait for a lock
        for left in reversed(range(max(1, round(self._timeout * 20)))):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                if not left:
                    raise
                time.sleep(0.05)  # this is a thread of a pool, or a command

    def packed(self, columns: Sequence[str]) -> str:
        """Use its JSON functions, which are quicker than ``||``."""
        return f"json_group_array(json_array({','.join(columns)}))"

    def run_and_commit(self, cursor: Any, statements: Sequence[str]) -> None:
        """Run one after the other."""
        self.run_steps(cursor, [Step(statement) for statement in (*statements, "COMMIT")])

    def run_steps(self, cursor: Any, steps: Sequence[Step]) -> None:
        """Run steps; on a connection in a process of its own, in one round trip."""
        steps = [replace(step, sql=self.translate(step.sql)) if step.rows else step for step in steps]
        if isinstance(cursor, Cursor):
            cursor.run(*steps)
            return
        for step in steps:
            take(cursor, step)

    def translate(self, sql: str) -> str:
        """Drop row locks: a writing transaction locks the whole database."""
        return sql.replace("{lock}", "").replace("{ignore}", "OR IGNORE")

    def union_all(self, selects: Iterable[str]) -> str:
        """Use subqueries, which SQLite requires for a SELECT with a LIMIT."""
        return " UNION ALL ".join(f"SELECT * FROM ({select})" for select in selects)  # noqa: S608

    def classify(self, error: BaseException) -> Fault:
        """Classify by SQLite's result codes (sqlite.org/rescode.html)."""
        if isinstance(error, sqlite3.IntegrityError) and error.sqlite_errorname in (
            "SQLITE_CONSTRAINT_UNIQUE",
            "SQLITE_CONSTRAINT_PRIMARYKEY",
            "SQLITE_CONSTRAINT_ROWID",
        ):
            return Fault.DUPLICATE
        if isinstance(error, sqlite3.OperationalError):
            code = getattr(error, "sqlite_errorname", "").split("_")
            if len(code) > 1 and code[1] in ("BUSY", "LOCKED"):
                return Fault.LOCKED
            if len(code) > 1 and code[1] in ("CANTOPEN", "FULL", "IOERR", "READONLY", "NOTADB", "CORRUPT"):
                return Fault.AWAY
        if isinstance(error, OSError):
            return Fault.LOST if isinstance(error, ConnectionError | TimeoutError) else Fault.AWAY
        return Fault.BUG
