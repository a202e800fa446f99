"""A database that changes under us: read-only, restarted, elsewhere, small."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from imsys.config import DatabaseConfig
from imsys.errors import Refused, Status, Unavailable
from imsys.store import migrations, steps
from imsys.store.appending import Appended
from imsys.store.dialects import Fault
from imsys.store.migrations import Migration, migrate
from imsys.store.mysql import Mysql
from tests.support.servers import MariaDb
from tests.support.stores import OnMariaDb, text


@functools.cache
def small_server() -> MariaDb:
    return MariaDb("--max-allowed-packet=128K")


def port(tx: Any) -> int:
    return int(tx.row("SELECT @@port")[0])


class FailoverTests(OnMariaDb):
    """Two servers, of which one takes what is written; the message log's connection in both ways."""

    def database_config(self) -> DatabaseConfig:
        self.first, self.second = MariaDb(), MariaDb()
        for server in (self.first, self.second):
            self.addCleanup(server.stop)
        one = self.first.config(tcp=True)
        grants = [
            f"GRANT ALL ON {one.name}.* TO {one.user}@'{host}' IDENTIFIED BY '{one.password}'"
            for host in ("localhost", "%")
        ]
        self.second.execute(f"CREATE DATABASE {one.name}", *grants, "SET GLOBAL read_only = 1")
        return dataclasses.replace(
            one, hosts=(("127.0.0.1", self.first.port), ("127.0.0.1", self.second.port))
        )

    async def setUp(self) -> None:
        await super().setUp()
        self.databases = [self.database]
        self.config = dataclasses.replace(self.config, log_connection="pool")
        self.databases.append(self.open_database())

    async def test_planned(self) -> None:
        """When the server becomes read-only and another one writable, everything goes there by itself,
        readers too.
        """
        for database in self.databases:
            readers = gatherResults([self.as_deferred(database.read(port)) for _ in range(8)])
            self.assertEqual(set(await readers), {self.first.port})
            self.assertEqual(await database.read_small(port), self.first.port)
            self.assertEqual(await database.append(port), self.first.port)
        self.first.execute("SET GLOBAL read_only = 1")
        self.second.execute("SET GLOBAL read_only = 0")
        for database in self.databases:
            self.assertEqual(await database.append(self.written), self.second.port)
            readers = gatherResults([self.as_deferred(database.read(port)) for _ in range(8)])
            self.assertEqual(set(await readers), {self.second.port})
            self.assertEqual(await database.read_small(port), self.second.port)

    async def test_between(self) -> None:
        """While none can be written to, writers get 14 and readers read; then everything works again."""
        for database in self.databases:
            self.assertEqual(await database.append(port), self.first.port)
        self.first.execute("SET GLOBAL read_only = 1")
        for database in self.databases:
            for write in (database.append, database.write):
                refused = await self.assertFailure(self.as_deferred(write(self.written)), Unavailable)
                self.assertEqual(refused.status, Status.MYSQL_INTERNAL_ERROR)
            for read in (database.read, database.read_small):
                self.assertIn(await read(port), (self.first.port, self.second.port))
        self.first.execute("SET GLOBAL read_only = 0")
        for database in self.databases:
            self.assertEqual(await database.append(self.written), self.first.port)
            self.assertEqual(await database.write(self.written), self.first.port)

    async def test_dead(self) -> None:
        """When the server is gone the next one is used, by the very transaction that finds it out."""
        for database in self.databases:
            self.assertEqual(await database.write(port), self.first.port)
            self.assertEqual(await database.append(port), self.first.port)
        self.first.kill()
        self.second.execute("SET GLOBAL read_only = 0")
        for database in self.databases:
            self.assertEqual(await database.append(port), self.second.port)
            self.assertEqual(await database.write(port), self.second.port)
            self.assertEqual(await database.read(port), self.second.port)

    @staticmethod
    def written(tx: Any) -> int:
        """A transaction that writes; the port it did so on."""
        tx.execute("CREATE TABLE IF NOT EXISTS written (id INTEGER PRIMARY KEY)")
        return port(tx)

    @staticmethod
    def as_deferred(work: Any) -> Any:
        return Deferred.fromCoroutine(work)


class SmallPacketsTests(OnMariaDb):
    """A server that takes small statements only."""

    def database_config(self) -> DatabaseConfig:
        config = small_server().config()
        self.addCleanup(small_server().drop, config.name)
        return dataclasses.replace(config, log_connection=self.way)

    way = "reactor"

    async def test_split(self) -> None:
        """A batch that is larger than what the server takes at once is stored whole, in several statements of
        one transaction.
        """
        anna, bert = await self.people("anna", "bert")
        thread = await self.befriend(anna, bert)
        contents = [f"{number:03}" + "\N{GRINNING FACE}" * 4000 for number in range(100)]
        many = text(anna, bert, thread, *contents)
        (stored,) = await self.stores.messages.append(self.ids, [self.named(many)])
        assert isinstance(stored, Appended)
        page = await self.stores.messages.page(anna, thread, 0, 200)
        self.assertEqual([record.content for record in page[2:]], contents)
        again, more = await self.stores.messages.append(
            self.ids, [self.named(many), text(anna, bert, thread, "more")]
        )
        assert isinstance(again, Appended)
        self.assertIsInstance(more, Appended)
        self.assertEqual([one.msg_id for one in again.messages], [one.msg_id for one in stored.messages])
        self.assertTrue(all(one.resent for one in again.messages))

    async def test_too_small(self) -> None:
        """A text that the server cannot take fails alone."""
        self.database.dialect.most_bytes = 1 << 20  # as if it took more
        anna, bert = await self.people("anna", "bert")
        thread = await self.befriend(anna, bert)
        with self.assertRaises(Exception) as caught:
            await self.database.append(lambda tx: tx.execute_literal(f"SELECT '{'x' * 200_000}'"))
        self.assertNotIsInstance(caught.exception, Refused)
        (stored,) = await self.stores.messages.append(self.ids, [text(anna, bert, thread, "x")])
        self.assertIsInstance(stored, Appended)

    @staticmethod
    def named(submission: Any) -> Any:
        """The same with unique ids that fit."""
        drafts = tuple(
            type(draft)(f"id{index}", draft.content) for index, draft in enumerate(submission.drafts)
        )
        return type(submission)(submission.sender, submission.receiver, submission.thread_id, drafts)


class SmallPacketsPoolTests(SmallPacketsTests):
    """So it is with the log's connection in a thread."""

    way = "pool"


class MigratingAgainTests(OnMariaDb):
    """Statements of a migration that others are in the way of."""

    async def test_conflicts(self) -> None:
        """A deadlock, or the conflict of a cluster, does not end it: the statement is run again."""
        known = migrations.migrations("mysql")
        conflict = (
            "BEGIN NOT ATOMIC IF (SELECT COUNT(*) FROM tries) < 3 THEN INSERT INTO tries VALUES (1); "
            "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213; END IF; END"
        )
        table = "CREATE TABLE tries (number INTEGER) ENGINE=InnoDB"
        more = Migration(len(known) + 1, "more", (table, conflict, "INSERT INTO tries VALUES (2)"))
        self.patch(migrations, "migrations", lambda dialect: [*known, more])
        self.patch(steps, "PAUSE", 0.01)
        self.assertEqual(await deferToThread(migrate, self.config), ["more"])
        self.assertEqual(await self.database.read(lambda tx: tx.rows("SELECT COUNT(*) FROM tries")), [(4,)])

    async def test_engine(self) -> None:
        """Every table knows transactions, whatever the server's default is."""
        sql = "SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = DATABASE()"
        self.assertEqual(await self.database.read(lambda tx: tx.rows(sql)), [("InnoDB",)])


class ClassifyingTests(OnMariaDb):
    """What the server's error numbers mean."""

    async def test_numbers(self) -> None:
        """Errors that come from the server itself, each as it is meant."""
        expected = {
            1205: Fault.LOCKED,
            1213: Fault.CONFLICT,
            1020: Fault.CONFLICT,
            **dict.fromkeys((1290, 1792, 1836, 1047, 1053, 1874, 3032), Fault.MOVED),
            **dict.fromkeys((1927, 1159, 1184, 3169), Fault.LOST),
            **dict.fromkeys((1040, 1021, 1114, 1317), Fault.AWAY),
            1062: Fault.DUPLICATE,
            1064: Fault.BUG,
            1153: Fault.BUG,
        }
        dialect = self.database.dialect
        assert isinstance(dialect, Mysql)

        def raised() -> dict[int, Fault]:
            connection, _ = dialect.connect()
            found = {}
            with connection.cursor() as cursor:
                for number in expected:
                    try:
                        cursor.execute(
                            f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'x'"
                        )
                    except Exception as error:
                        found[number] = dialect.classify(error)
            connection.close()
            return found

        self.assertEqual(await deferToThread(raised), expected)

    async def test_ended_by_an_operator(self) -> None:
        """A connection that is killed is opened anew, by the transaction that finds it out."""
        before = await self.database.append(lambda tx: tx.row("SELECT CONNECTION_ID()"))
        assert before is not None
        await self.database.write(lambda tx: tx.execute(f"KILL {before[0]:d}"))
        await deferLater(self.reactor, 0.05)
        after = await self.database.append(lambda tx: tx.row("SELECT CONNECTION_ID()"))
        self.assertNotEqual(before, after)
