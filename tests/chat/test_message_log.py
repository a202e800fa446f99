"""Group commit: bounds, faults, and a database that goes away."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Awaitable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from imsys.chat.message_log import SHARE, MessageLog
from imsys.chat.node import Node
from imsys.config import DatabaseConfig
from imsys.errors import Refused, Status
from imsys.store import Stores
from imsys.store.appending import LOCKED, Appended, Submission
from imsys.store.messages import MessageStore
from tests.support.servers import MariaDb
from tests.support.stores import OnMariaDb, OnSqlite, text


class Watched(MessageStore):
    """A store that notes how many submissions each transaction had, and may be told to fail."""

    def __init__(self, store: MessageStore) -> None:
        self._store = store
        self.batches: list[int] = []
        self.poison = ""
        self.locked = 0
        """How often the next texts find their thread locked."""

    async def append(
        self, ids: Any, submissions: Sequence[Submission], *, wait: bool = True
    ) -> list[Appended | Refused]:
        self.batches.append(len(submissions))
        if self.poison and any(draft.content == self.poison for one in submissions for draft in one.drafts):
            raise ZeroDivisionError("poison")
        if self.locked:
            self.locked -= 1
            return [LOCKED] * len(submissions)
        return await self._store.append(ids, submissions, wait=wait)


class Client:
    """Where messages come from; notes whether it is held."""

    def __init__(self) -> None:
        self.waiting = 0
        self.held = False
        self.overtaken = False

    def hold(self, hold: bool) -> None:
        self.held = hold

    def overtake(self) -> None:
        self.overtaken = True


class MessageLogTests(OnSqlite):
    """What a caller of the log sees."""

    async def setUp(self) -> None:
        await super().setUp()
        self.node = Node(self.reactor, self.stores.nodes)
        self.node.startService()
        self.addCleanup(self.node.stopService)
        await self.node.ready()
        self.store = Watched(self.stores.messages)
        self.doubted: set[int] = set()
        self.anna, self.bert = await self.people("anna", "bert")
        self.thread = await self.befriend(self.anna, self.bert)

    def log(self, batch: int = 100, queue: int = 1000, queue_bytes: int = 1 << 20) -> MessageLog:
        return MessageLog(
            self.reactor,
            self.store,
            self.node,
            batch=batch,
            queue=queue,
            queue_bytes=queue_bytes,
            doubted=self.doubted.update,
        )

    def text(self, *contents: str) -> Submission:
        return text(self.anna, self.bert, self.thread, *contents)

    async def refused(self, call: Awaitable[Any]) -> Refused:
        try:
            await call
        except Refused as refused:
            return refused
        raise AssertionError("it was not refused")

    async def test_grouping(self) -> None:
        """What comes while a transaction runs goes into the next one, in order; a batch has a bound."""
        log = self.log(batch=20)
        done = [log.append(self.text(str(number)), Client()).deferred() for number in range(50)]
        await log.flushed()
        results = await gatherResults(done)
        self.assertEqual(self.store.batches, [20, 20, 10])
        ids = [result.messages[0].msg_id for result in results]
        self.assertEqual(ids, sorted(ids))

    async def test_bounds(self) -> None:
        """Past its bounds in messages or bytes the log refuses with 73 and a time to wait.

        What it took is stored.
        """
        log, one = self.log(queue=10), Client()
        done = [log.append(self.text(str(number)), one).deferred() for number in range(11)]
        refused = await self.refused(done[-1])
        self.assertEqual((refused.status, refused.retry_after), (Status.SERVER_BUSY, 1.0))
        await gatherResults(done[:-1])
        log, one = self.log(queue_bytes=10_000), Client()
        contents = [f"{n}" + "x" * 1000 for n in range(3)]
        done = [log.append(self.text(content), one).deferred() for content in contents]
        await self.refused(done[-1])
        await gatherResults(done[:-1])
        self.assertEqual(len(await self.stores.messages.page(self.anna, self.thread, 0, 100)), 2 + 10 + 2)

    async def test_room_for_those_who_have_nothing_waiting(self) -> None:
        """When the log is full a source that has nothing waiting finds room still, up to a bound."""
        log, flood = self.log(queue=8), Client()
        done = [log.append(self.text(str(number)), flood).deferred() for number in range(8)]
        await self.refused(log.append(self.text("more"), flood).deferred())
        done += [log.append(self.text(f"first {number}"), Client()).deferred() for number in range(2)]
        await self.refused(log.append(self.text("too many"), Client()).deferred())
        await gatherResults(done)

    async def test_turns(self) -> None:
        """The first text of a quiet user is in the next transaction, however much others have waiting before
        it.
        """
        log, floods, quiet = self.log(batch=20), [Client() for _ in range(5)], Client()
        done = [
            log.append(self.text(f"{of}.{number}"), flood).deferred()
            for number in range(60)
            for of, flood in enumerate(floods)
        ]
        first = log.append(self.text("hello"), quiet).deferred()
        first.addCallback(lambda _: self.assertGreaterEqual(sum(flood.waiting for flood in floods), 300 - 19))
        await first
        results = await gatherResults(done)
        for of in range(5):
            ids = [result.messages[0].msg_id for result in results[of::5]]
            self.assertEqual(ids, sorted(ids))

    async def test_share(self) -> None:
        """A source with more than its share waiting is held until that is stored.

        One that waits for each answer is not.
        """
        log = self.log()
        flood, quiet = Client(), Client()
        done = []
        for number in range(SHARE):
            done.append(log.append(self.text(f"f{number}"), flood).deferred())
            self.assertFalse(flood.held)
        done.append(log.append(self.text("one more"), flood).deferred())
        done.append(log.append(self.text(*(f"q{number}" for number in range(SHARE))), quiet).deferred())
        self.assertEqual((flood.held, quiet.held), (True, False))
        await gatherResults(done)
        self.assertEqual((flood.held, flood.waiting, quiet.waiting), (False, 0, 0))

    async def test_half_full(self) -> None:
        """When half of what may wait does, sources that do not wait for each answer are held, and others are
        not.
        """
        log = self.log(queue=20)
        first, second, third = Client(), Client(), Client()
        done = [log.append(self.text(f"1.{number}"), first).deferred() for number in range(8)]
        done += [log.append(self.text(f"{number}"), second).deferred() for number in range(2)]
        self.assertEqual([first.held, second.held, third.held], [False, False, False])
        done += [
            log.append(self.text("3"), third).deferred(),
            log.append(self.text("2.1"), second).deferred(),
        ]
        self.assertEqual([first.held, second.held, third.held], [False, True, False])
        await gatherResults(done)
        self.assertFalse(second.held)

    async def test_poison(self) -> None:
        """A message that cannot be stored fails alone."""
        log = self.log()
        self.store.poison = "poison"
        done = [
            log.append(self.text(content), Client()).deferred()
            for content in ("a", "b", "c", "poison", "d", "e")
        ]
        refused = await self.refused(done.pop(3))
        self.assertEqual(refused.status, Status.INTERNAL_ERROR)
        await gatherResults(done)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_poison_beside_a_lock(self) -> None:
        """While the one that cannot be stored is looked for, nothing overtakes what waits for its thread."""
        log, client = self.log(), Client()
        self.store.poison, self.store.locked = "poison", 1
        contents = ("a", "b", "c", "poison", "d", "e")
        done = [log.append(self.text(content), client).deferred() for content in contents]
        await self.refused(done.pop(3))
        ids = [result.messages[0].msg_id for result in await gatherResults(done)]
        self.assertEqual(ids, sorted(ids))
        self.flushLoggedErrors(ZeroDivisionError)
        self.assertEqual(len(await self.stores.messages.page(self.anna, self.thread, 0, 100)), 2 + 5)

    async def test_a_client_that_breaks(self) -> None:
        """Where the answer cannot be given to one, the others have theirs."""

        class Broken(Client):
            def hold(self, hold: bool) -> None:
                raise ZeroDivisionError("broken")

        log = self.log(batch=2)
        log.append(self.text("a"), Broken())
        done = [log.append(self.text(content), Client()).deferred() for content in ("b", "c", "d")]
        await gatherResults(done)
        await log.flushed()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        await log.append(self.text("e"), Client()).deferred()

    async def test_full_disk(self) -> None:
        """A database that cannot grow is away (14), and what was refused is in doubt.

        It is stored when there is room.
        """
        log = self.log()
        (pages,) = await self.database.append(lambda tx: tx.row("PRAGMA page_count")) or (0,)
        await self.database.append(lambda tx: tx.row(f"PRAGMA max_page_count = {pages}"))
        refused = None
        for number in range(100):
            try:
                await log.append(self.text(f"{number}" + "x" * 4000), Client()).deferred()
            except Refused as error:
                refused = error
                break
        assert refused is not None
        self.assertEqual((refused.status, self.doubted), (Status.MYSQL_INTERNAL_ERROR, {self.thread}))
        await self.database.append(lambda tx: tx.row("PRAGMA max_page_count = 1000000"))
        await log.append(self.text("there is room"), Client()).deferred()

    async def test_no_lease(self) -> None:
        """Without a node number nothing is stored, and senders are told to come again (73)."""
        await self.node.stopService()
        log = self.log()
        refused = await self.refused(log.append(self.text("x"), Client()).deferred())
        self.assertEqual(refused.status, Status.SERVER_BUSY)
        self.node.startService()
        await self.node.ready()
        await log.append(self.text("x"), Client()).deferred()

    async def test_readers_in_the_way(self) -> None:
        """However many transactions wait for the other connections, the log goes on."""
        log = self.log()
        self.database._waiting["general"] = 1_000_000
        await log.append(self.text("x"), Client()).deferred()
        self.assertEqual((await self.refused(self.stores.people.by_uuid([1]))).status, Status.SERVER_BUSY)


class RestartTests(OnMariaDb):
    """MariaDB is killed and comes back."""

    def database_config(self) -> DatabaseConfig:
        self.server = MariaDb()
        self.addCleanup(self.server.stop)
        return dataclasses.replace(self.server.config(), log_connection=self.way)

    way = "reactor"

    async def test_killed_and_restarted(self) -> None:
        """While the database is away senders get 14.

        When it is back everything that was acknowledged is there, and nothing twice.
        """
        node = Node(self.reactor, self.stores.nodes)
        node.startService()
        self.addCleanup(node.stopService)
        await node.ready()
        anna, bert = await self.people("anna", "bert")
        thread = await self.befriend(anna, bert)
        doubted: set[int] = set()
        log = MessageLog(
            self.reactor,
            self.stores.messages,
            node,
            batch=50,
            queue=10000,
            queue_bytes=1 << 24,
            doubted=doubted.update,
        )
        acknowledged: set[str] = set()
        failures: list[Refused] = []
        number = 0

        async def send(content: str) -> None:
            try:
                await log.append(text(anna, bert, thread, content), Client()).deferred()
                acknowledged.add(content)
            except Refused as refused:
                failures.append(refused)

        sending = []
        for _ in range(200):
            sending.append(Deferred.fromCoroutine(send(str(number))))
            number += 1
        await deferLater(self.reactor, 0.02)
        self.server.kill()
        while not failures:
            sending.append(Deferred.fromCoroutine(send(str(number))))
            number += 1
            await deferLater(self.reactor, 0.01)
        self.server.start()
        await gatherResults(sending)
        self.assertEqual({refused.status for refused in failures}, {Status.MYSQL_INTERNAL_ERROR})
        self.assertEqual(doubted, {thread})
        failed = len(failures)
        # clients resend everything
        await gatherResults([Deferred.fromCoroutine(send(str(n))) for n in range(number)])
        self.assertEqual(len(failures), failed)
        self.assertEqual(len(acknowledged), number)
        again = Stores.on(self.open_database(), time.time)
        stored = [record.content for record in await again.messages.page(anna, thread, 0, 100_000)]
        self.assertEqual(sorted(stored[2:]), sorted(map(str, range(number))))


class RestartPoolTests(RestartTests):
    """So it is with the log's connection in a thread."""

    way = "pool"
