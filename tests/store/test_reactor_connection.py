"""Connections on the reactor's thread: what they carry, how they end, and what they keep from blocking."""

from __future__ import annotations

import dataclasses
import functools
import socket
import subprocess
import sys
import time
from typing import Any, cast

import pymysql
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorFDSet
from twisted.internet.task import Clock, LoopingCall, deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from zope.interface import directlyProvides

from imsys.chat.message_log import MessageLog
from imsys.chat.node import Node
from imsys.config import DatabaseConfig
from imsys.errors import Refused, Status, Unavailable
from imsys.store import Database
from imsys.store.appending import Appended
from imsys.store.database import WAITING
from imsys.store.engines import dialect_of
from imsys.store.reactor_connection import ReactorConnection, is_possible
from imsys.store.read_connections import READ_CONNECTIONS
from tests.chat.test_message_log import Client
from tests.support.proxies import CuttingProxy, SilentProxy
from tests.support.servers import MariaDb, certificates, cluster_certificates
from tests.support.stores import OnMariaDb, text

LARGEST = (1 << 24) - 1
"""Bytes of one packet of the protocol."""


@functools.cache
def plain_server() -> MariaDb:
    return MariaDb("--max-allowed-packet=64M")


@functools.cache
def tls_server() -> MariaDb:
    tls = certificates()
    return MariaDb("--max-allowed-packet=64M", f"--ssl-cert={tls.certificate}", f"--ssl-key={tls.key}")


def configured(test: TestCase, server: MariaDb, **changes: Any) -> DatabaseConfig:
    """How to reach a new database there by TCP."""
    config = server.config(tcp=True)
    test.addCleanup(server.drop, config.name)
    return dataclasses.replace(config, **changes)


def connection_id(tx: Any) -> int:
    return int(tx.row("SELECT CONNECTION_ID()")[0])


def killed_once(reactor: Any, server: MariaDb, seen: list[int], tx: Any) -> int:
    """A transaction whose connection is killed the first time; ``seen`` gets those that it had."""
    seen.append(connection_id(tx))
    if len(seen) == 1:
        reactor.callLater(0.05, server.execute, f"KILL {seen[0]}")
        tx.row("SELECT SLEEP(30)")
    return seen[-1]


class LogCase(TestCase):
    """A database without tables, by the reactor."""

    timeout = 60

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor

    def open(self, config: DatabaseConfig) -> Database:
        database = Database(self.reactor, config)
        database.open()
        self.addCleanup(database.close)
        self.assertIsNotNone(database._log)
        return database

    def append(self, database: Database, function: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(database.append(function))

    async def refused(self, running: Deferred[Any]) -> None:
        refused: Any = await self.assertFailure(running, Unavailable)
        self.assertEqual(refused.status, Status.MYSQL_INTERNAL_ERROR)

    def turns(self) -> list[None]:
        """Grows by one in each turn of the reactor."""
        turns: list[None] = []
        beating = LoopingCall(turns.append, None)
        beating.clock = self.reactor
        beating.start(0)
        self.addCleanup(beating.stop)
        return turns


class SizesTests(LogCase):
    """Statements and answers of any size."""

    async def sizes(self, database: Database, *sizes: int) -> None:
        turns = self.turns()
        for size in sizes:
            content = ("0123456789abcdef" * (size // 16 + 1))[:size]

            def ask(tx: Any, content: str = content) -> Any:
                return tx.rows_literal(f"SELECT LENGTH('{content}'), MD5('{content[:100]}'), 1")

            def echo(tx: Any, content: str = content) -> Any:
                return tx.rows_literal(f"SELECT '{content}'")

            self.assertEqual((await self.append(database, ask))[0][0], size)
            # not assertEqual: it would print them
            self.assertTrue(await self.append(database, echo) == [(content,)], size)
        self.assertGreater(len(turns), 3 * len(sizes))

    async def test_plain(self) -> None:
        """Up to packets of 16 MiB, at their edges, and beyond."""
        database = self.open(configured(self, plain_server()))
        await self.sizes(database, 0, 1, 1 << 16, 1 << 20, 20 << 20)
        fixed = len("SELECT ''") + 1  # and the number of the command
        await self.sizes(database, *(LARGEST + more - fixed for more in (-1, 0, 1)))

    async def test_tls(self) -> None:
        """So it is with TLS, whose records are no packets."""
        config = configured(self, tls_server(), tls_ca=certificates().ca)
        database = self.open(config)
        cipher = await self.append(database, lambda tx: tx.row("SHOW STATUS LIKE 'Ssl_cipher'"))
        self.assertTrue(cipher[1])
        await self.sizes(database, 1, 16383, 16384, 16385, 1 << 20, 20 << 20)
        rows = await self.append(
            database, lambda tx: tx.rows("SELECT seq, REPEAT('x', seq) FROM seq_1_to_3000")
        )
        self.assertEqual([len(row[1]) for row in rows], list(range(1, 3001)))

    async def test_tls_refused(self) -> None:
        """A server whose certificate another authority has signed is not spoken with."""
        config = configured(self, tls_server(), tls_ca=cluster_certificates().ca, timeout=1.0)
        await self.refused(self.append(self.open(config), connection_id))


class OrderTests(LogCase):
    """One transaction after the other, whatever becomes of them."""

    def setUp(self) -> None:
        super().setUp()
        self.database = self.open(configured(self, plain_server()))

    async def test_exceptions(self) -> None:
        """What a function raises reaches its caller, its transaction is undone, and the connection stays."""
        await self.append(
            self.database, lambda tx: tx.execute("CREATE TABLE t (n INTEGER PRIMARY KEY) ENGINE=InnoDB")
        )
        before = await self.append(self.database, connection_id)
        for error in (ZeroDivisionError(), Refused(Status.BLOCKED, "x"), KeyError()):

            def failing(tx: Any, error: Exception = error) -> None:
                tx.execute("INSERT INTO t VALUES (1)")
                raise error

            raised = await self.assertFailure(self.append(self.database, failing), type(error))
            self.assertIs(raised, error)
        self.assertEqual(await self.append(self.database, lambda tx: tx.rows("SELECT * FROM t")), [])
        self.assertEqual(await self.append(self.database, connection_id), before)

    async def test_what_is_no_error(self) -> None:
        """Even after what nobody catches the next one has its turn."""

        def ending(tx: Any) -> None:
            tx.row("SELECT 1")
            raise KeyboardInterrupt

        log: Any = self.database._log
        await self.assertFailure(
            log.run(lambda connection: self.database._attempt(connection, None, ending, (), {}, True)),
            KeyboardInterrupt,
        )
        self.assertTrue(await self.append(self.database, connection_id))

    async def test_nested(self) -> None:
        """Who is told a result may ask for the next."""
        order: list[int] = []

        def next_one(number: int) -> Any:
            order.append(number)
            if number == 20:
                return None
            return self.append(self.database, lambda tx: tx.row(f"SELECT {number + 1}")[0]).addCallback(
                next_one
            )

        many = [
            self.append(self.database, lambda tx: tx.row("SELECT 0")[0]).addCallback(next_one)
            for _ in range(3)
        ]
        await gatherResults(many)
        self.assertEqual(sorted(order), sorted([*range(21)] * 3))

    async def test_cancelled(self) -> None:
        """Who cancels one does not let the next into it."""
        log: Any = self.database._log
        order: list[str] = []

        def slow(connection: ReactorConnection) -> None:
            cursor = connection.cursor()
            cursor.execute("SELECT SLEEP(0.2)")
            order.append(f"slow {cursor.fetchall()}")

        def quick(connection: ReactorConnection) -> None:
            cursor = connection.cursor()
            cursor.execute("SELECT 'quick'")
            order.append(f"quick {cursor.fetchall()}")

        await log.run(quick)
        running, waiting = log.run(slow), log.run(quick)
        running.cancel()
        await self.assertFailure(running, CancelledError)
        await waiting
        self.assertEqual(order, ["quick (('quick',),)", "slow ((0,),)", "quick (('quick',),)"])

    async def test_conflicts(self) -> None:
        """A conflict is tried again after a pause in which the reactor goes on."""
        attempts: list[int] = []

        def conflicting(tx: Any) -> int:
            attempts.append(len(turns))
            if len(attempts) < 4:
                tx.execute_literal("SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'x'")
            return connection_id(tx)

        before = await self.append(self.database, connection_id)
        turns = self.turns()
        self.assertEqual(await self.append(self.database, conflicting), before)
        self.assertEqual(len(attempts), 4)
        self.assertGreater(attempts[-1], attempts[0])

    async def test_conflict_on_a_lost_connection(self) -> None:
        """When the connection ends between a conflict and the next attempt, another one is opened."""
        attempts: list[int] = []

        def conflicting(tx: Any) -> int:
            attempts.append(1)
            if len(attempts) == 1:
                log: Any = self.database._log
                log._wire.close()
                raise pymysql.err.OperationalError(1213, "x")
            return connection_id(tx)

        before = await self.append(self.database, connection_id)
        self.assertNotEqual(await self.append(self.database, conflicting), before)

    async def test_renewed(self) -> None:
        """An outdated connection is replaced before its next use, and its server is told so."""

        def aborted(tx: Any) -> Any:
            return tx.row("SHOW GLOBAL STATUS LIKE 'Aborted_clients'")

        before = await self.append(self.database, lambda tx: (connection_id(tx), aborted(tx)))
        self.database._moved()
        after = await self.append(self.database, lambda tx: (connection_id(tx), aborted(tx)))
        self.assertNotEqual(after[0], before[0])
        self.assertEqual(after[1], before[1])

    async def test_closing(self) -> None:
        """Who closes it waits for what runs, and for what waits; who comes later gets 14."""
        await self.append(self.database, connection_id)
        order: list[str] = []
        slow = self.append(self.database, lambda tx: tx.row("SELECT SLEEP(0.2)"))
        waiting = self.append(self.database, connection_id)
        slow.addCallback(lambda _: order.append("slow"))
        waiting.addCallback(lambda _: order.append("waiting"))
        closed = self.database.close().addCallback(lambda _: order.append("closed"))
        await self.refused(self.append(self.database, connection_id))
        await gatherResults([slow, waiting, closed])
        self.assertEqual(order, ["slow", "waiting", "closed"])
        await self.database.close()
        await self.refused(self.append(self.database, connection_id))

    async def test_opened_again(self) -> None:
        """One that is closed can be opened again."""
        await self.append(self.database, connection_id)
        await self.database.close()
        self.database.open()
        self.assertTrue(await self.append(self.database, connection_id))

    async def test_closed_while_it_is_lost(self) -> None:
        """Nothing is opened for who closes it, however many wait."""
        identity = await self.append(self.database, connection_id)
        running = self.append(self.database, lambda tx: tx.row("SELECT SLEEP(10)"))
        waiting = [self.append(self.database, connection_id) for _ in range(1000)]
        await deferLater(self.reactor, 0.05)
        closed = self.database.close()
        plain_server().execute(f"KILL {identity}")
        for one in (running, *waiting):
            await self.refused(one)
        await closed


class LostTests(LogCase):
    """Connections that end, and servers that say nothing."""

    def setUp(self) -> None:
        super().setUp()
        self.server = plain_server()

    async def test_killed_while_idle(self) -> None:
        """Nobody notices."""
        database = self.open(configured(self, self.server))
        before = await self.append(database, connection_id)
        self.server.execute(f"KILL {before}")
        log: Any = database._log
        while not log._wire.lost:
            await deferLater(self.reactor, 0.005)
        self.assertNotEqual(await self.append(database, connection_id), before)

    async def test_killed_while_it_waits(self) -> None:
        """The transaction is begun anew."""
        database = self.open(configured(self, self.server))
        seen: list[int] = []
        killed = functools.partial(killed_once, self.reactor, self.server, seen)
        self.assertEqual(await self.append(database, killed), seen[-1])
        self.assertEqual(len(set(seen)), 2)

    async def test_cut_while_it_sends(self) -> None:
        """So it is with one that is not sent yet, of a network that is cut and then gone."""
        silent = SilentProxy(self, self.server.port)
        database = self.open(configured(self, self.server, port=silent.port))
        await self.append(database, connection_id)
        attempts: list[int] = []

        def sending(tx: Any) -> Any:
            attempts.append(1)
            if len(attempts) == 1:
                silent.cut()
                self.reactor.callLater(0.1, gone)
            return tx.rows_literal(f"SELECT LENGTH('{'x' * (30 << 20)}')")

        def gone() -> None:
            silent.heal()
            for end in list(silent.ends):
                end.abort()

        self.assertEqual(await self.append(database, sending), [(30 << 20,)])
        self.assertEqual(len(attempts), 2)

    async def test_restarted(self) -> None:
        """A server that is restarted in a transaction."""
        server = MariaDb()
        self.addCleanup(server.stop)
        database = self.open(server.config())
        seen: list[str] = []

        def restarted(tx: Any) -> str:
            seen.append(str(tx.row("SELECT @@pid_file, CONNECTION_ID()")))
            if len(seen) == 1:
                server.kill()
                server.start()
                return str(tx.row("SELECT 1"))
            return "again"

        self.assertEqual(await self.append(database, restarted), "again")

    async def test_frozen(self) -> None:
        """A server that stands still in a transaction: who waits gets 14 when the time is over, and the reactor goes
        on; when the server goes on, so does everything.
        """
        database = self.open(configured(self, self.server, timeout=1.0))
        await self.append(database, connection_id)
        turns = self.turns()
        self.addCleanup(self.server.thaw)
        self.server.freeze()
        await self.refused(self.append(database, self.until_it_is_lost))
        self.server.thaw()
        self.assertGreater(len(turns), 100)
        self.assertTrue(await self.append(database, connection_id))

    async def test_frozen_and_back(self) -> None:
        """A transaction outlives it if the server is back in time."""
        database = self.open(configured(self, self.server, timeout=1.0))
        before = await self.append(database, connection_id)
        self.addCleanup(self.server.thaw)
        self.server.freeze()
        attempts: list[int] = []

        def twice(tx: Any) -> int:
            attempts.append(1)
            if len(attempts) == 1:
                self.until_it_is_lost(tx)
            return connection_id(tx)

        running, log = self.append(database, twice), cast("Any", database._log)
        while not log._wire.lost:
            await deferLater(self.reactor, 0.01)
        self.server.thaw()
        self.assertNotEqual(await running, before)
        self.assertEqual(len(attempts), 2)

    @staticmethod
    def until_it_is_lost(tx: Any) -> None:
        """Ask and ask: a server does not stop at once."""
        while True:
            tx.row("SELECT 1")

    async def test_silent(self) -> None:
        """A server that takes connections and says nothing is given up, and the next one is tried; meanwhile the
        reactor goes on.
        """
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        silent = listening.getsockname()
        config = configured(self, self.server, timeout=1.0)
        turns = self.turns()
        await self.refused(
            self.append(self.open(dataclasses.replace(config, hosts=(silent,))), connection_id)
        )
        self.assertGreater(len(turns), 100)
        both = dataclasses.replace(config, hosts=(silent, ("127.0.0.1", self.server.port)))
        self.assertTrue(await self.append(self.open(both), connection_id))

    async def test_program_that_ends(self) -> None:
        """A program that ends without waiting for its database does not hang."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        program = f"""
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from imsys.config import DatabaseConfig
from imsys.store import Database
database = Database(reactor, DatabaseConfig(engine="mysql", port={listening.getsockname()[1]}))
database.open()
Deferred.fromCoroutine(database.append(lambda tx: None)).addErrback(lambda _: None)
reactor.callLater(0.1, reactor.stop)
reactor.run()
"""
        await deferToThread(subprocess.run, [sys.executable, "-c", program], check=True, timeout=30)

    async def test_stood_still(self) -> None:
        """An answer that is there when this process goes on is taken, however late that is."""
        database = self.open(configured(self, self.server, timeout=0.5))
        before = await self.append(database, connection_id)
        attempts: list[int] = []

        def slow(tx: Any) -> int:
            attempts.append(1)
            tx.row("SELECT SLEEP(0.1)")
            return connection_id(tx)

        self.reactor.callLater(0.01, time.sleep, 0.7)
        self.assertEqual(await self.append(database, slow), before)
        self.assertEqual(len(attempts), 1)


class SmallReadsTests(LogCase):
    """Small reads, which share a few connections."""

    def setUp(self) -> None:
        super().setUp()
        self.server = plain_server()
        self.database = self.open(configured(self, self.server, timeout=1.0))

    def read(self, function: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.database.read_small(function))

    async def test_shared(self) -> None:
        """One after the other they take one connection, at once no more than there are; who came first begins first."""
        one = {await self.read(connection_id) for _ in range(10)}
        self.assertEqual(len(one), 1)
        await gatherResults([self.read(connection_id) for _ in range(READ_CONNECTIONS)])  # all are open
        order: list[int] = []

        def numbered(number: int) -> Deferred[Any]:
            def ask(tx: Any) -> Any:
                order.append(number)
                return tx.row("SELECT CONNECTION_ID(), SLEEP(0.01)")[0]

            return self.read(ask)

        used = await gatherResults([numbered(number) for number in range(5 * READ_CONNECTIONS)])
        self.assertEqual(len(set(used)), READ_CONNECTIONS)
        self.assertEqual(order, sorted(order))

    async def test_cancelled(self) -> None:
        """Who cancels leaves nobody without a connection."""
        readers: Any = self.database._readers
        running = [
            readers.run(lambda connection: connection.pause(0.05)) for _ in range(2 * READ_CONNECTIONS)
        ]
        for one in running:
            one.cancel()
            await self.assertFailure(one, CancelledError)
        many = await gatherResults([self.read(connection_id) for _ in range(3 * READ_CONNECTIONS)])
        self.assertLessEqual(len(set(many)), READ_CONNECTIONS)
        while len(readers._free) < READ_CONNECTIONS:
            await deferLater(self.reactor, 0.005)

    async def test_killed(self) -> None:
        """A read whose connection is killed is answered by the next one."""
        seen: list[int] = []
        killed = functools.partial(killed_once, self.reactor, self.server, seen)
        self.assertEqual(await self.read(killed), seen[-1])
        self.assertEqual(len(set(seen)), 2)

    async def test_frozen(self) -> None:
        """While the server stands still who reads gets 14 in time and the reactor goes on; then they are answered."""
        await self.read(connection_id)
        turns = self.turns()
        self.addCleanup(self.server.thaw)
        self.server.freeze()
        for reading in [self.read(LostTests.until_it_is_lost) for _ in range(2 * READ_CONNECTIONS)]:
            await self.refused(reading)
        self.server.thaw()
        self.assertGreater(len(turns), 100)
        self.assertTrue(await self.read(connection_id))

    async def test_many_rows(self) -> None:
        """What has many rows after all is taken piece by piece, and the reactor goes on in between."""
        turns = self.turns()
        rows = await self.read(lambda tx: tx.rows("SELECT seq, REPEAT('x', 50) FROM seq_1_to_30000"))
        self.assertEqual([row[0] for row in rows], list(range(1, 30_001)))
        self.assertGreater(len(turns), 30)

    async def test_too_many(self) -> None:
        """Of those that wait there is a bound."""
        waiting = [self.read(lambda tx: tx.row("SELECT SLEEP(0.05)")) for _ in range(READ_CONNECTIONS)]
        self.database._waiting["small"] = WAITING
        refused: Any = await self.assertFailure(self.read(connection_id), Refused)
        self.assertEqual(refused.status, Status.SERVER_BUSY)
        await gatherResults(waiting)

    async def test_closing(self) -> None:
        """Who closes waits for what runs; what waits gets 14."""
        running = [
            self.read(lambda tx: tx.row("SELECT 'ran', SLEEP(0.1)")[0]) for _ in range(READ_CONNECTIONS)
        ]
        waiting = [self.read(connection_id) for _ in range(100)]
        await deferLater(self.reactor, 0.05)
        closed = self.database.close()
        for one in waiting:
            await self.refused(one)
        await closed
        self.assertEqual(await gatherResults(running), ["ran"] * READ_CONNECTIONS)
        await self.refused(self.read(connection_id))


class InDoubtTests(OnMariaDb):
    """Commits whose answers are lost on the way."""

    timeout = 60

    def database_config(self) -> DatabaseConfig:
        config = configured(self, plain_server())
        self.proxy = CuttingProxy(self, config.port)
        return dataclasses.replace(config, port=self.proxy.port, log_connection=self.way)

    way = "reactor"

    async def setUp(self) -> None:
        await super().setUp()
        self.anna, self.bert = await self.people("anna", "bert")
        self.thread = await self.befriend(self.anna, self.bert)
        self.proxy.before = b";COMMIT"

    async def stored(self) -> list[str]:
        return [
            one.content for one in (await self.stores.messages.page(self.anna, self.thread, 0, 100_000))[2:]
        ]

    async def test_found(self) -> None:
        """What was stored by such a commit is found by the next attempt, is not stored again, and said to be in doubt."""
        self.proxy.left = 1
        (result,) = await self.stores.messages.append(
            self.ids, [text(self.anna, self.bert, self.thread, "x")]
        )
        self.assertEqual(self.proxy.left, 0)
        assert isinstance(result, Appended)
        self.assertTrue(result.in_doubt)
        self.assertEqual(await self.stored(), ["x"])

    async def test_never_answered(self) -> None:
        """If no attempt is answered the sender gets 14; what they send again is stored once."""
        self.proxy.left = 3
        append = self.stores.messages.append
        submission = [text(self.anna, self.bert, self.thread, "x")]
        await self.assertFailure(Deferred.fromCoroutine(append(self.ids, submission)), Unavailable)
        self.assertEqual(self.proxy.left, 0)
        (result,) = await append(self.ids, submission)
        assert isinstance(result, Appended)
        self.assertTrue(result.messages[0].resent)
        self.assertEqual(await self.stored(), ["x"])

    async def test_under_load(self) -> None:
        """Every text that was acknowledged is there, once, in the order in which its sender has it; the others are
        there once or not at all.
        """
        node = Node(self.reactor, self.stores.nodes)
        node.startService()
        self.addCleanup(node.stopService)
        await node.ready()
        doubted: set[int] = set()
        log = MessageLog(
            self.reactor,
            self.stores.messages,
            node,
            batch=10,
            queue=10_000,
            queue_bytes=1 << 24,
            doubted=doubted.update,
        )
        acknowledged: dict[str, int] = {}

        async def send(content: str) -> None:
            result = await log.append(text(self.anna, self.bert, self.thread, content), Client()).deferred()
            acknowledged[content] = result.messages[0].msg_id

        async def disturb() -> None:
            while not doubted:  # until all attempts of one batch have failed, however quick the rest is
                self.proxy.left = 3
                await deferLater(self.reactor, 0.01)
            for turn in range(12):
                await deferLater(self.reactor, 0.02)
                if turn % 2:
                    self.proxy.cut()
                else:
                    self.proxy.left = 1

        sending = [Deferred.fromCoroutine(send(str(number))) for number in range(600)]
        await gatherResults([*sending, Deferred.fromCoroutine(disturb())])
        self.proxy.left = 0
        stored = await self.stores.messages.page(self.anna, self.thread, 0, 100_000)
        self.assertEqual({one.content: one.msg_id for one in stored[2:]}, acknowledged)
        self.assertEqual([one.content for one in stored[2:]], [str(number) for number in range(600)])
        self.assertEqual(doubted, {self.thread})


class InDoubtPoolTests(InDoubtTests):
    """So it is in a thread."""

    way = "pool"


class WaysTests(TestCase):
    """Where the log's connection is."""

    def way(self, reactor: Any, **config: Any) -> str:
        database = Database(reactor, DatabaseConfig(**config))
        database.open()
        self.addCleanup(database.close)
        return "pool" if "log" in database._pools else "reactor"

    def test_chosen(self) -> None:
        """MySQL's is on the reactor's thread unless something else is asked for; SQLite's never is."""
        from twisted.internet import reactor

        self.assertEqual(self.way(reactor, engine="mysql"), "reactor")
        self.assertEqual(self.way(reactor, engine="mysql", log_connection="pool"), "pool")
        self.assertEqual(self.way(reactor, path=self.mktemp()), "pool")

    def test_possible(self) -> None:
        """It takes a driver whose socket can be had, and a reactor that watches sockets."""
        watching, dialect = Clock(), dialect_of(DatabaseConfig(engine="mysql"))
        self.assertFalse(is_possible(watching, dialect))
        directlyProvides(watching, IReactorFDSet)
        self.assertTrue(is_possible(watching, dialect))
        dialect.driver = "MySQLdb"
        self.assertFalse(is_possible(watching, dialect))
