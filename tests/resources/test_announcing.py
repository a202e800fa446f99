"""What resources servers tell chat servers: once each, whatever fails in between."""

from __future__ import annotations

import hashlib
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.identifiers import new_file_id
from imsys.resources.announcing import BATCH, FIRST_WAIT, LONGEST_WAIT, OVERDUE, ROUND, Announcing
from imsys.store.files import Content, FileStore, Offer, Purpose
from tests.support.stores import OnSqlite


class Chats:
    """Chat servers that take what they are told, or do not."""

    def __init__(self) -> None:
        self.told: list[bytes] = []
        self.problems: dict[bytes, list[Exception]] = {}
        self.hold: list[Deferred[None]] | None = None
        self.most = 0

    async def announce(self, file_id: bytes) -> None:
        self.told.append(file_id)
        if self.hold is not None:
            waiting: Deferred[None] = Deferred()
            self.hold.append(waiting)
            await waiting
        if problems := self.problems.get(file_id):
            raise problems.pop(0)


class AnnouncingTests(OnSqlite):
    timeout = 60

    async def setUp(self) -> None:
        await super().setUp()
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.files = FileStore(self.database, self.clock.seconds)
        self.chats = Chats()
        self.announcing = self.begin()

    def begin(self, shared: str = "") -> Announcing:
        announcing = Announcing(self.clock, "r1", self.files, self.chats.announce, shared)
        self.addCleanup(lambda: announcing.stopService() if announcing.running else None)
        return announcing

    async def whole(self, server: str = "r1", store: str = "r1") -> bytes:
        offer = Offer(
            file_id=new_file_id(),
            owner=1,
            purpose=Purpose.MESSAGE,
            thread_id=0,
            server=server,
            filename="f",
            size=1,
            mime="",
        )
        await self.files.offer(offer, life=60, quota=0)
        content = Content(0, store, hashlib.sha256(offer.file_id).digest(), 1, offer.file_id.hex(), "", b"")
        await self.files.finish(offer.file_id, content, mime="", announce=True)
        return offer.file_id

    async def until(self, condition: Any) -> None:
        """Wait for what a thread of the database does; the clock stands still."""
        while not condition():
            turn: Deferred[None] = Deferred()
            self.reactor.callLater(0.005, turn.callback, None)
            await turn

    async def idle(self) -> None:
        """Wait until it has done what it could."""
        await self.until(lambda: self.announcing._work is None and not self.announcing._again)

    async def outbox(self) -> list[bytes]:
        rows = await self.database.read(lambda tx: tx.rows("SELECT file_id FROM file_outbox ORDER BY due_at"))
        return [bytes(file_id) for (file_id,) in rows]

    async def test_told(self) -> None:
        """What an earlier life left is told at the start, what comes later when it is woken, each once."""
        first = await self.whole()
        self.announcing.startService()
        await self.idle()
        self.assertEqual((self.chats.told, await self.outbox()), ([first], []))
        second = await self.whole()
        self.announcing.wake()
        await self.idle()
        third = await self.whole()
        self.clock.advance(ROUND)
        await self.idle()
        self.assertEqual((self.chats.told, await self.outbox()), ([first, second, third], []))

    async def test_lost_server(self) -> None:
        """What a server that is gone left untold in a store that all share is told by another one, in the
        end; of a disk it is not.
        """
        theirs = await self.whole(server="r2", store="s3")
        await self.whole(server="r2", store="r2")
        self.announcing = self.begin(shared="s3")
        self.announcing.startService()
        await self.idle()
        self.assertEqual(self.chats.told, [])
        over = self.clock.seconds() + OVERDUE + ROUND
        while self.clock.seconds() < over:
            self.clock.advance(ROUND)
            await self.idle()
        self.assertEqual((self.chats.told, len(await self.outbox())), ([theirs], 1))

    async def test_woken_meanwhile(self) -> None:
        """What comes while others are told is told after them."""
        first = await self.whole()
        self.chats.hold = []
        self.announcing.startService()
        await self.until(lambda: self.chats.hold)
        second = await self.whole()
        self.announcing.wake()
        waiting, self.chats.hold = self.chats.hold, None
        waiting[0].callback(None)
        await self.idle()
        self.assertEqual((self.chats.told, await self.outbox()), ([first, second], []))

    async def test_backing_off(self) -> None:
        """While nobody answers, one is tried again after ever longer waits, and does not keep the others."""
        first, second = await self.whole(), await self.whole()
        self.chats.problems[first] = [
            Unavailable(Status.GRPC_ERROR, "No."),
            Refused(Status.SERVER_BUSY, "Later."),
        ] * 5
        self.announcing.startService()
        await self.idle()
        self.assertEqual((sorted(self.chats.told), await self.outbox()), (sorted([first, second]), [first]))
        waits = []
        while self.chats.problems[first]:
            (call,) = self.clock.getDelayedCalls()
            waits.append(call.getTime() - self.clock.seconds())
            count = len(self.chats.told)
            self.clock.advance(waits[-1])
            await self.idle()
            if waits[-1] < ROUND:
                self.assertEqual(len(self.chats.told), count + 1)
        self.assertTrue(0.7 * FIRST_WAIT < waits[0] <= FIRST_WAIT + 0.02, waits)
        self.assertTrue(all(wait <= min(LONGEST_WAIT, ROUND) for wait in waits), waits)
        self.assertEqual(waits[:5], sorted(waits[:5]))
        while await self.outbox():
            self.clock.advance(ROUND)
            await self.idle()
        self.assertEqual(self.chats.told.count(second), 1)

    async def test_final(self) -> None:
        """A refusal that will not pass is the end: the row goes, and the file stays."""
        for status in (Status.NOT_FRIENDS, Status.BLOCKED, Status.PERMISSION_DENIED, Status.FILE_OPEN_ERROR):
            file_id = await self.whole()
            self.chats.problems[file_id] = [Refused(status, "No.")]
        self.announcing.startService()
        await self.idle()
        self.assertEqual((len(self.chats.told), await self.outbox()), (4, []))
        self.assertIsNotNone(await self.files.find(file_id))

    async def test_crash(self) -> None:
        """What was told, but whose answer was lost, is told again by the next life.

        Stopping waits for nobody.
        """
        file_id = await self.whole()
        self.chats.hold = []
        self.announcing.startService()
        await self.until(lambda: self.chats.hold)
        await maybeDeferred(self.announcing.stopService)
        self.assertEqual(await self.outbox(), [file_id])
        self.chats.hold = None
        self.announcing = self.begin()
        self.announcing.startService()
        await self.idle()
        self.assertEqual((self.chats.told, await self.outbox()), ([file_id, file_id], []))

    async def test_many(self) -> None:
        """Many are told in batches: no more than so many are on their way."""
        files = {await self.whole() for _ in range(BATCH + 5)}
        self.chats.hold = []
        self.announcing.startService()
        held = self.chats.hold
        await self.until(lambda: len(held) >= BATCH)
        self.assertEqual(len(self.chats.told), BATCH)
        self.chats.hold = None
        for one in held:
            one.callback(None)
        await self.until(lambda: len(self.chats.told) == len(files))
        await self.idle()
        self.assertEqual((set(self.chats.told), await self.outbox()), (files, []))

    async def test_database_away(self) -> None:
        """While the database is away nothing is told, and everything afterwards."""
        file_id = await self.whole()
        self.database.close()
        self.announcing.startService()
        await self.idle()
        self.assertEqual(self.chats.told, [])
        self.database.open()
        self.clock.advance(ROUND)
        await self.idle()
        self.assertEqual((self.chats.told, await self.outbox()), ([file_id], []))
