"""The file of an SQLite database, as this process and others have it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imsys.config import DatabaseConfig
from imsys.store.sqlite import Sqlite
from tests.support.children import folder

VISIT = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); print(c.execute('SELECT count(*) FROM t').fetchone()[0]); c.close()"


class FileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = folder("sqlite") / "imsys.db"
        self.sqlite = Sqlite(DatabaseConfig(path=str(self.path)))

    def connect(self) -> sqlite3.Connection:
        connection: Any = self.sqlite.connect().connection
        self.addCleanup(connection.close)
        return connection  # type: ignore[no-any-return]

    def test_private(self) -> None:
        """Whatever the umask is, and the file was before, it and what lies beside it are the owner's alone."""
        before = os.umask(0o022)
        self.addCleanup(os.umask, before)
        self.connect().execute("CREATE TABLE t (a)")
        self.assertEqual(len(list(self.path.parent.iterdir())), 3)
        for path in self.path.parent.iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)
        older = Path(f"{self.path}.older")
        with contextlib.closing(sqlite3.connect(older)) as connection:
            connection.execute("CREATE TABLE t (a)")
        self.assertEqual(stat.S_IMODE(older.stat().st_mode), 0o644)
        Sqlite(DatabaseConfig(path=str(older))).connect().connection.close()
        self.assertEqual(stat.S_IMODE(older.stat().st_mode), 0o600)

    def test_locks_are_kept(self) -> None:
        """A second connection of this process takes none of the first one's locks away: another process knows
        that we are there.
        """
        first = self.connect()
        first.execute("CREATE TABLE t (a)")
        first.execute("INSERT INTO t VALUES (1)")
        log = self.path.with_name("imsys.db-wal")
        before = log.stat().st_ino
        self.connect()
        done = subprocess.run(
            [sys.executable, "-c", VISIT, str(self.path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        self.assertEqual(done.stdout, "1\n")
        self.assertEqual(
            log.stat().st_ino, before, "who leaves last takes the log along: somebody took himself for that"
        )
