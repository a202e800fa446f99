"""The process that works on an SQLite file: how it ends, what its end leaves, and what it says of errors."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThread

from imsys.config import DatabaseConfig
from imsys.errors import Refused, Status
from imsys.store.appending import Appended
from imsys.store.dialects import Fault
from tests.support.stores import OnSqlite, text

ABANDON = """
import os, sys, signal
from imsys.config import DatabaseConfig
from imsys.store.dialects import Use
from imsys.store.sqlite import Sqlite
connection = Sqlite(DatabaseConfig(path=sys.argv[1])).connect_wired(Use.LOG).connection
cursor = connection.cursor()
cursor.execute("BEGIN IMMEDIATE")
cursor.execute("INSERT INTO t VALUES (1)")
print(connection._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def lives(pid: int) -> bool:
    """Whether a process is there, and not only its end."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


class ProcessTests(OnSqlite):
    timeout = 60

    async def setUp(self) -> None:
        await super().setUp()
        await self.write(lambda tx: tx.execute("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT"))

    def database_config(self) -> DatabaseConfig:
        return DatabaseConfig(path=super().database_config().path, timeout=0.5)

    @property
    def pid(self) -> int:
        log: Any = self.database._log
        return int(log._connection._process.pid)

    def write(self, function: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.database.write(function))

    def append(self, function: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.database.append(function))

    async def stored(self) -> list[int]:
        rows = await self.database.read(lambda tx: tx.rows("SELECT n FROM t ORDER BY n"))
        return [n for (n,) in rows]

    async def test_killed(self) -> None:
        """Another process takes the place of one that dies, and what was acknowledged is there."""
        anna, bert = await self.people("anna", "bert")
        thread = await self.befriend(anna, bert)
        for content in ("1", "2", "3"):
            (result,) = await self.stores.messages.append(self.ids, [text(anna, bert, thread, content)])
            assert isinstance(result, Appended)
            os.kill(self.pid, signal.SIGKILL)
        records = await self.stores.messages.page(anna, thread, 0, 10)
        self.assertEqual([record.content for record in records][2:], ["1", "2", "3"])

    async def test_killed_within(self) -> None:
        """What has not committed when its process dies runs again, once."""
        runs: list[bool] = []

        def function(tx: Any) -> None:
            tx.execute("INSERT INTO t VALUES (1)")
            runs.append(tx.in_doubt)
            if len(runs) == 1:
                os.kill(self.pid, signal.SIGKILL)
            tx.execute("INSERT INTO t VALUES (2)")

        await self.write(function)
        self.assertEqual(runs, [False, False])
        self.assertEqual(await self.stored(), [1, 2])

    async def test_commit_in_doubt(self) -> None:
        """One that dies when it is to commit may have done so: what runs again hears of it."""
        runs: list[bool] = []

        def function(tx: Any) -> None:
            tx.execute("INSERT OR IGNORE INTO t VALUES (1)")
            runs.append(tx.in_doubt)
            if len(runs) == 1:
                os.kill(self.pid, signal.SIGKILL)

        await self.append(function)
        self.assertEqual(runs, [False, True])
        self.assertEqual(await self.stored(), [1])

    async def test_abandoned(self) -> None:
        """It ends with the server, however that ends, and leaves nothing that was not committed, and no lock."""
        done = await deferToThread(
            subprocess.run,
            [sys.executable, "-c", ABANDON, self.config.path],
            capture_output=True,
            text=True,
            timeout=30,
        )
        self.assertEqual(done.returncode, -signal.SIGKILL, done.stderr)
        while lives(int(done.stdout)):
            await deferLater(self.reactor, 0.01)
        await self.write(lambda tx: tx.execute("INSERT INTO t VALUES (7)"))
        self.assertEqual(await self.stored(), [7])

    async def test_signals(self) -> None:
        """What is sent to all processes of a service does not end it before the server."""
        pid = self.pid
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(pid, number)
        await self.write(lambda tx: tx.execute("INSERT INTO t VALUES (1)"))
        self.assertEqual(self.pid, pid)

    async def test_closed(self) -> None:
        """When the database is closed it has ended, and its file is free."""
        pid = self.pid
        await self.database.close()
        self.assertFalse(lives(pid))

    async def test_errors(self) -> None:
        """Its errors are those of SQLite, they undo the transaction, and the connection stays."""
        pid, classify = self.pid, self.database.dialect.classify
        await self.write(lambda tx: tx.execute("INSERT INTO t VALUES (1)"))
        for sql, parameters, fault, name in (
            ("INSERT INTO t VALUES (?)", (1,), Fault.DUPLICATE, "SQLITE_CONSTRAINT_PRIMARYKEY"),
            ("INSERT INTO t VALUES (?)", ("x",), Fault.BUG, "SQLITE_MISMATCH"),
            ("INSERT INTO nothing VALUES (?)", (1,), Fault.BUG, "SQLITE_ERROR"),
            ("INSERT INTO t VALUES (?)", (1 << 63,), Fault.BUG, ""),
        ):

            def function(tx: Any, sql: str = sql, parameters: Any = parameters) -> None:
                tx.execute("INSERT INTO t VALUES (9)")
                tx.execute(sql, *parameters)

            error: Any = await self.assertFailure(self.write(function), sqlite3.Error)
            self.assertEqual((classify(error), getattr(error, "sqlite_errorname", "")), (fault, name))
        self.assertEqual(await self.stored(), [1])
        self.assertEqual(self.pid, pid)

    async def test_locked(self) -> None:
        """While another program writes, one waits as long as for any lock, and then hears of it."""
        self.patch(sys.modules["imsys.store.database"], "LOCKED", 0.0)
        with contextlib.closing(sqlite3.connect(self.config.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            writing = self.write(lambda tx: tx.execute("INSERT INTO t VALUES (1)"))
            refused: Any = await self.assertFailure(writing, Refused)
            self.assertEqual(refused.status, Status.SERVER_BUSY)
        await self.write(lambda tx: tx.execute("INSERT INTO t VALUES (1)"))
        self.assertEqual(await self.stored(), [1])

    async def test_reactor_goes_on(self) -> None:
        """A long statement keeps nobody else waiting."""
        turns: list[None] = []
        beating = LoopingCall(turns.append, None)
        beating.clock = self.reactor
        beating.start(0)
        self.addCleanup(beating.stop)
        count = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 500000) SELECT SUM(n) FROM c"
        self.assertEqual(await self.write(lambda tx: tx.rows(count)), [(125000250000,)])
        self.assertGreater(len(turns), 10)

    async def test_resend_in_a_later_statement(self) -> None:
        """Of a batch of several statements, of which a later one finds a resend, everything is stored once."""
        anna, bert = await self.people("anna", "bert")
        thread = await self.befriend(anna, bert)
        contents = [str(number) for number in range(1100)]
        before = [text(anna, bert, thread, contents[1090])]
        (first,) = await self.stores.messages.append(self.ids, before)
        results = await self.stores.messages.append(
            self.ids, [text(anna, bert, thread, content) for content in contents]
        )
        assert isinstance(first, Appended)
        self.assertTrue(all(isinstance(result, Appended) for result in results))
        resent: Any = results[1090]
        self.assertTrue(resent.messages[0].resent)
        self.assertEqual(resent.messages[0].msg_id, first.messages[0].msg_id)
        records = await self.stores.messages.page(anna, thread, 0, 2000)
        self.assertEqual(sorted(record.content for record in records[2:]), sorted(contents))
