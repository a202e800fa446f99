"""Locks that somebody else holds: a server that vanished in a transaction, and one that only is slow."""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from imsys.chat import message_log
from imsys.chat.message_log import MessageLog
from imsys.chat.node import Node
from imsys.errors import Refused, Status
from imsys.store import database as transactions
from imsys.store.appending import LOCKED, Appended, append
from imsys.store.dialects import Use
from imsys.store.heads import lock_heads
from imsys.store.ids import MessageIds
from imsys.store.members import MemberLists
from imsys.store.waiting import wait_for
from tests.chat.test_message_log import Client
from tests.support.stores import OnMariaDb, OnMariaDbPool, text


class Locking(OnMariaDb):
    """Two threads of two users each, and another server that can hold one of them."""

    async def setUp(self) -> None:
        await super().setUp()
        self.anna, self.bert, self.carl, self.dora = await self.people("anna", "bert", "carl", "dora")
        self.held = await self.befriend(self.anna, self.bert)
        self.free = await self.befriend(self.carl, self.dora)

    async def hold(self, *threads: int, patience: int | None = None) -> Any:
        """Be a server that locks heads in a transaction, and then says nothing more.

        :param patience: seconds that the database waits for it, instead of what our servers ask for.
        """

        def lock() -> Any:
            connection, _ = self.database.dialect.connect(Use.LOG)
            with connection.cursor() as cursor:
                if patience is not None:
                    cursor.execute(
                        f"SET SESSION idle_transaction_timeout = {patience}, idle_write_transaction_timeout = {patience}"
                    )
                cursor.execute(
                    f"SELECT thread_id FROM threads WHERE thread_id IN ({','.join(map(str, threads))}) FOR UPDATE"
                )
            return connection

        connection = await deferToThread(lock)
        self.addCleanup(deferToThread, connection.close)
        return connection

    def submissions(self, name: str) -> list[Any]:
        return [
            text(self.anna, self.bert, self.held, f"h{name}"),
            text(self.carl, self.dora, self.free, f"f{name}"),
        ]


class AppendingAroundLocksTests(Locking):
    """One transaction."""

    async def test_left_aside(self) -> None:
        """What is for a thread that another server holds is not stored; the rest of the transaction is."""
        await self.hold(self.held, patience=60)
        for wait in (True, False):
            held, free = await self.stores.messages.append(self.ids, self.submissions(str(wait)), wait=wait)
            self.assertIs(held, LOCKED)
            assert isinstance(free, Appended)
            self.assertFalse(free.in_doubt)

    async def test_one_by_one(self) -> None:
        """So it is with a database that can leave out no locked rows (MariaDB 10.5)."""
        await self.hold(self.held, patience=60)
        await self.stores.messages.append(
            self.ids, [text(self.carl, self.dora, self.free, "the connection is open")]
        )
        self.database.dialect.skip_locked = None
        held, free = await self.stores.messages.append(self.ids, self.submissions("x"), wait=False)
        self.assertIs(held, LOCKED)
        self.assertIsInstance(free, Appended)

    async def test_no_such_thread(self) -> None:
        """A thread that does not exist is no locked one."""
        none, free = await self.stores.messages.append(
            self.ids,
            [text(self.anna, self.bert, 1 << 40, "x"), text(self.carl, self.dora, self.free, "x")],
            wait=False,
        )
        assert isinstance(none, Refused)
        self.assertEqual(none.status, Status.PERMISSION_DENIED)
        self.assertIsInstance(free, Appended)

    async def test_a_writer_that_ends(self) -> None:
        """A server that works lets go in a moment, and is waited for."""
        connection = await self.hold(self.held)
        storing = Deferred.fromCoroutine(self.stores.messages.append(self.ids, self.submissions("x")))
        await deferLater(self.reactor, 0.1)
        await deferToThread(connection.rollback)
        self.assertEqual([isinstance(result, Appended) for result in await storing], [True, True])


class AppendingAroundLocksPoolTests(AppendingAroundLocksTests, OnMariaDbPool):
    """So it is in a thread."""


class LogLocking(Locking):
    """With a message log."""

    async def setUp(self) -> None:
        await super().setUp()
        self.node = Node(self.reactor, self.stores.nodes)
        self.node.startService()
        self.addCleanup(self.node.stopService)
        await self.node.ready()
        self.log = self.new_log()

    def new_log(self) -> MessageLog:
        doubted: set[int] = set()
        return MessageLog(
            self.reactor,
            self.stores.messages,
            self.node,
            batch=100,
            queue=1000,
            queue_bytes=1 << 20,
            doubted=doubted.update,
        )

    async def send(self, thread: str, content: str) -> tuple[float, Appended]:
        """A text, and the seconds until it was stored."""
        began = self.reactor.seconds()
        held, free = self.submissions(content)
        appended = await self.log.append(held if thread == "held" else free, Client()).deferred()
        return self.reactor.seconds() - began, appended


class LogAroundLocksTests(LogLocking):
    """The message log beside a server that vanished in a transaction."""

    async def test_vanished(self) -> None:
        """Other threads go on within a moment, and its own when the database has given it up, in the order in
        which they were sent.
        """
        await self.hold(self.held)
        waiting = [Deferred.fromCoroutine(self.send("held", str(number))) for number in range(5)]
        for number in range(10):
            took, _ = await self.send("free", str(number))
            self.assertLess(took, 3.0)
        waiting.append(Deferred.fromCoroutine(self.send("held", "5")))
        ids = []
        for one in waiting:
            took, appended = await one
            self.assertLess(took, 7.5)
            ids.append(appended.messages[0].msg_id)
        self.assertEqual(ids, sorted(ids))

    async def test_never_ends(self) -> None:
        """Who waits for too long is refused with 73 and a time to come again; nobody else is."""
        self.patch(message_log, "LOCKED_PATIENCE", 1.5)
        self.log = self.new_log()
        connection = await self.hold(self.held, patience=60)
        waiting = Deferred.fromCoroutine(self.send("held", "x"))
        await self.send("free", "x")
        refused: Any = await self.assertFailure(waiting, Refused)
        self.assertEqual((refused.status, refused.retry_after), (Status.SERVER_BUSY, 1.0))
        await deferToThread(connection.rollback)
        await self.send("held", "x")
        await self.log.flushed()


class FrozenTests(LogLocking):
    """Another server of ours, which stands still."""

    async def test_frozen_and_back(self) -> None:
        """A server that was frozen in its transaction finds that it was given up, and begins it anew: nothing
        is lost or doubled.
        """
        other = self.open_database()
        thread_of, gate = self.held, Deferred[None]()

        def slow(tx: Any, ids: MessageIds) -> Any:
            if not gate.called:
                lock_heads(tx, [thread_of])
                self.reactor.callFromThread(gate.callback, None)
                self.stand_still(5.0)  # longer than the database waits
            return append(tx, ids, MemberLists(), [text(self.anna, self.bert, self.held, "frozen")])

        frozen = Deferred.fromCoroutine(other.append(slow, MessageIds(time.time, 900)))
        await gate
        took, _ = await self.send("held", "mine")
        self.assertLess(took, 7.5)
        (result,) = await frozen
        assert isinstance(result, Appended)
        records = await self.stores.messages.page(self.anna, self.held, 0, 100)
        self.assertEqual(sorted(record.content for record in records[2:]), ["frozen", "hmine"])

    def stand_still(self, seconds: float) -> None:
        """Do nothing in a transaction."""
        wait_for(deferLater(self.reactor, seconds))


class FrozenPoolTests(FrozenTests, OnMariaDbPool):
    """So it is in a thread."""

    def stand_still(self, seconds: float) -> None:
        """So it is."""
        time.sleep(seconds)


class GeneralLocksTests(Locking):
    """Transactions of everything else."""

    async def test_tried_again(self) -> None:
        """A mark that another server holds is written when that has been given up, and meanwhile others are."""

        def lock() -> Any:
            connection, _ = self.database.dialect.connect(Use.LOG)
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT read_id FROM members WHERE thread_id = {self.held} AND user_id = {self.bert} FOR UPDATE"
                )
            return connection

        connection = await deferToThread(lock)
        self.addCleanup(deferToThread, connection.close)
        marks = [Deferred.fromCoroutine(self.mark(self.held, self.bert, 5 + number)) for number in range(20)]
        began = self.reactor.seconds()
        await self.mark(self.free, self.dora, 7)
        self.assertLess(self.reactor.seconds() - began, 3.5)
        for one in marks:
            await one

    async def test_given_up(self) -> None:
        """What is locked for too long is refused with 73."""
        self.patch(transactions, "LOCKED", 0.5)
        await self.hold(self.held, patience=60)

        def write(tx: Any) -> None:
            tx.execute("UPDATE threads SET flags = 1 WHERE thread_id = ?", self.held)

        refused: Any = await self.assertFailure(Deferred.fromCoroutine(self.database.write(write)), Refused)
        self.assertEqual(refused.status, Status.SERVER_BUSY)

    async def mark(self, thread: int, user: int, read: int) -> None:
        await self.database.write(
            lambda tx: tx.execute(
                "UPDATE members SET read_id = ? WHERE thread_id = ? AND user_id = ?", read, thread, user
            )
        )
