"""Live streams in the database: who may start one, one step at a time, and what is over when nobody is heard
of.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from imsys.errors import Refused, Status
from imsys.protocols.identifiers import new_file_id
from imsys.store import Stores
from imsys.store.live import LOST, LiveState, LiveStore, LiveStream
from tests.support.stores import OnMariaDb, OnSqlite, StoreCase

WAIT, LONGEST, AWAY = 600.0, 43200.0, 60.0


class Living(StoreCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.live = self.stores.live
        self.anna, self.bert, self.carl = await self.people("anna", "bert", "carl")
        self.thread = await self.befriend(self.anna, self.bert)

    def draft(self, **changes: Any) -> LiveStream:
        stream = LiveStream(
            stream_id=new_file_id(),
            owner=self.anna,
            thread_id=self.thread,
            title="Katzen 🐈",
            server="resources1",
        )
        return dataclasses.replace(stream, **changes)

    async def start(self, most: int = 2, live: LiveStore | None = None, **changes: Any) -> LiveStream:
        return await (live or self.live).start(self.draft(**changes), most, wait=WAIT, longest=LONGEST)

    async def began(self, stream: LiveStream, server: str = "resources1") -> LiveStream | None:
        return await self.live.mark_live(stream.stream_id, server, away=AWAY)

    async def started(self, **changes: Any) -> LiveStream:
        """A stream whose publisher is there."""
        stream = await self.began(await self.start(**changes))
        assert stream is not None
        return stream

    async def state(self, stream: LiveStream) -> LiveState | None:
        found = await self.live.find(stream.stream_id)
        return found.state if found is not None else None

    async def refused(self, status: Status, call: Any) -> None:
        with self.assertRaises(Refused) as caught:
            await call
        self.assertEqual(caught.exception.status, status)

    async def pass_time(self, seconds: float) -> None:
        """Have it all be so much longer ago: on MariaDB the clock is the database's."""
        ms = round(seconds * 1000)
        move = "UPDATE live_streams SET seen_at = seen_at - ?, latest_at = latest_at - ?, due_at = due_at - ?"
        await self.database.write(lambda tx: tx.execute(move, ms, ms, ms))

    async def group(self, *members: int) -> int:
        def make(tx: Any) -> int:
            thread = int(tx.insert("INSERT INTO threads (kind, created_at) VALUES (1, 0)"))
            tx.execute_many(
                "INSERT INTO members (thread_id, user_id) VALUES (?, ?)",
                [(thread, member) for member in members],
            )
            return thread

        return await self.database.write(make)

    def servers(self, count: int) -> list[LiveStore]:
        """Stores on connections of their own, as of several processes."""
        return [Stores.on(self.open_database(), time.time).live for _ in range(count)]

    # -- starting

    async def test_started(self) -> None:
        """A stream that was started is found as it was started, waiting, with its times."""
        draft = self.draft(record=True)
        before = time.time() * 1000 - 1000
        stream = await self.live.start(draft, 2, wait=WAIT, longest=LONGEST)
        self.assertEqual(await self.live.find(draft.stream_id), stream)
        now = stream.created_ms
        self.assertEqual(
            stream, dataclasses.replace(draft, created_ms=now, seen_ms=now, latest_ms=now + 43_200_000)
        )
        self.assertTrue(before < stream.created_ms < before + 30_000)
        self.assertIsNone(await self.live.find(new_file_id()))

    async def test_who_may_start(self) -> None:
        """Only a member may start a stream in a thread, for a friend who did not block them."""
        await self.refused(Status.PERMISSION_DENIED, self.start(owner=self.carl))
        await self.refused(Status.PERMISSION_DENIED, self.start(thread_id=10**9))
        await self.stores.contacts.block(self.bert, self.anna, True)
        await self.refused(Status.BLOCKED, self.start())
        await self.stores.contacts.block(self.bert, self.anna, False)
        await self.stores.contacts.unfriend(self.bert, self.anna)
        await self.refused(Status.NOT_FRIENDS, self.start())
        await self.start(thread_id=await self.group(self.anna, self.carl), owner=self.carl)

    async def test_how_many(self) -> None:
        """A user has so many streams that are not over.

        One that ends makes room, and others have their own.
        """
        first, second = await self.started(), await self.start()
        await self.refused(Status.SERVER_BUSY, self.start())
        await self.start(owner=self.bert)
        await self.live.end(first.stream_id)
        await self.start()
        await self.refused(Status.SERVER_BUSY, self.start())
        self.assertEqual(await self.state(second), LiveState.WAITING)

    async def test_many_at_once(self) -> None:
        """Of many starts at once, from several servers, as many succeed as may be, and none fails otherwise."""

        async def one(live: LiveStore) -> bool:
            try:
                await self.start(3, live)
            except Refused as refused:
                self.assertEqual(refused.status, Status.SERVER_BUSY)
                return False
            return True

        made = await gatherResults([Deferred.fromCoroutine(one(live)) for live in self.servers(4) * 5])
        self.assertEqual((made.count(True), len(await self.live.running(self.anna))), (3, 3))

    # -- on the air

    async def test_comes_and_goes(self) -> None:
        """The publisher comes, goes, comes to another server and goes for good.

        When it first came is kept.
        """
        stream = await self.start()
        live = await self.began(stream)
        assert live is not None
        self.assertEqual((live.state, live.server), (LiveState.LIVE, "resources1"))
        self.assertGreaterEqual(live.started_ms, live.created_ms)
        self.assertEqual((await self.began(stream)), await self.live.find(stream.stream_id))
        self.assertIsNone(await self.live.mark_waiting(stream.stream_id, "resources2", away=AWAY))
        paused = await self.live.mark_waiting(stream.stream_id, "resources1", away=AWAY)
        assert paused is not None
        self.assertEqual(paused.state, LiveState.WAITING)
        self.assertIsNone(await self.live.mark_waiting(stream.stream_id, "resources1", away=AWAY))
        again = await self.began(stream, "resources2")
        assert again is not None
        self.assertEqual(
            (again.state, again.server, again.started_ms), (LiveState.LIVE, "resources2", live.started_ms)
        )
        ended = await self.live.end(stream.stream_id, self.anna)
        self.assertEqual((ended.state, ended.ended_ms >= live.started_ms), (LiveState.ENDED, True))

    async def test_over_is_over(self) -> None:
        """A stream that has ended does not begin, pause or end again.

        One that is not there does not begin either.
        """
        stream = await self.started()
        ended = await self.live.end(stream.stream_id)
        self.assertEqual(await self.live.end(stream.stream_id, self.anna), ended)
        self.assertIsNone(await self.began(stream))
        self.assertIsNone(await self.live.mark_waiting(stream.stream_id, "resources1", away=AWAY))
        self.assertIsNone(await self.live.reassign(stream.stream_id, "resources1", "resources2"))
        self.assertIsNone(await self.live.mark_live(new_file_id(), "resources1", away=AWAY))
        self.assertEqual(await self.state(stream), LiveState.ENDED)

    async def test_who_may_end(self) -> None:
        """Its owner ends a stream; another member may not, and to everybody else it is not there."""
        stream = await self.started()
        await self.refused(Status.PERMISSION_DENIED, self.live.end(stream.stream_id, self.bert))
        await self.refused(Status.STREAM_NOT_FOUND, self.live.end(stream.stream_id, self.carl))
        await self.refused(Status.STREAM_NOT_FOUND, self.live.end(new_file_id(), self.anna))
        self.assertEqual(await self.state(stream), LiveState.LIVE)

    async def test_two_ends(self) -> None:
        """For several who end a stream at once it has ended at the same time."""
        for _ in range(3):
            stream = await self.started()
            ends = [Deferred.fromCoroutine(live.end(stream.stream_id)) for live in self.servers(3) * 2]
            self.assertEqual(len({(one.state, one.ended_ms) for one in await gatherResults(ends)}), 1)

    async def test_ended_while_beginning(self) -> None:
        """A stream that ends while its publisher comes is over, whichever was first, and the publisher is
        told so in the end.
        """
        here, there = self.servers(2)
        for _ in range(5):
            stream = await self.start()
            beginning = Deferred.fromCoroutine(here.mark_live(stream.stream_id, "resources1", away=AWAY))
            ending = Deferred.fromCoroutine(there.end(stream.stream_id))
            await beginning
            self.assertEqual((await ending).state, LiveState.ENDED)
            self.assertEqual(await self.state(stream), LiveState.ENDED)
            self.assertEqual(
                await self.live.beat("resources1", {stream.stream_id: 0}, away=AWAY), {stream.stream_id}
            )

    async def test_one_publisher(self) -> None:
        """A stream that is live at a server does not begin at another, unless nothing was heard of the first
        for some time.
        """
        stream = await self.started()
        await self.refused(Status.SERVER_BUSY, self.began(stream, "resources2"))
        await self.pass_time(LOST - 5)
        await self.refused(Status.SERVER_BUSY, self.began(stream, "resources2"))
        self.assertEqual(await self.live.beat("resources1", {stream.stream_id: 1}, away=AWAY), set())
        await self.pass_time(LOST - 5)
        await self.refused(Status.SERVER_BUSY, self.began(stream, "resources2"))
        await self.pass_time(10)
        taken = await self.began(stream, "resources2")
        assert taken is not None
        self.assertEqual(taken.server, "resources2")
        self.assertEqual(
            await self.live.beat("resources1", {stream.stream_id: 1}, away=AWAY), {stream.stream_id}
        )
        self.assertIsNone(await self.live.mark_waiting(stream.stream_id, "resources1", away=AWAY))
        self.assertEqual(await self.state(stream), LiveState.LIVE)

    async def test_one_of_two_publishers(self) -> None:
        """Of two servers where a stream begins at once one has it."""

        async def begin(live: LiveStore, stream: LiveStream, server: str) -> bool:
            try:
                return await live.mark_live(stream.stream_id, server, away=AWAY) is not None
            except Refused as refused:
                self.assertEqual(refused.status, Status.SERVER_BUSY)
                return False

        here, there = self.servers(2)
        for _ in range(5):
            stream = await self.start(most=9)
            both = [begin(here, stream, "resources1"), begin(there, stream, "resources2")]
            self.assertEqual(
                sorted(await gatherResults([Deferred.fromCoroutine(one) for one in both])), [False, True]
            )

    async def test_beat(self) -> None:
        """A beat keeps what is live, tells of its players, and says what is over, elsewhere or unknown.

        Who waits there stays.
        """
        live, waiting = await self.started(), await self.start()
        over, elsewhere = (
            await self.started(owner=self.bert),
            await self.start(owner=self.bert, server="resources2"),
        )
        await self.live.end(over.stream_id)
        unknown = new_file_id()
        viewers = {one.stream_id: 7 for one in (live, waiting, over, elsewhere)} | {unknown: 7}
        found = await self.live.beat("resources1", viewers, away=AWAY)
        self.assertEqual(found, {over.stream_id, elsewhere.stream_id, unknown})
        rows = [await self.live.find(one.stream_id) for one in (live, waiting, over, elsewhere)]
        self.assertEqual([row.viewers for row in rows if row is not None], [7, 0, 0, 0])
        self.assertEqual(await self.live.beat("resources1", {}, away=AWAY), set())

    async def test_moved(self) -> None:
        """A stream that waits at a server may be moved to another, once; one that is live there may not."""
        stream = await self.start()
        moved = await self.live.reassign(stream.stream_id, "resources1", "resources2")
        assert moved is not None
        self.assertEqual(moved.server, "resources2")
        self.assertIsNone(await self.live.reassign(stream.stream_id, "resources1", "resources3"))
        await self.began(stream, "resources2")
        self.assertIsNone(await self.live.reassign(stream.stream_id, "resources2", "resources1"))

    # -- when nobody is heard of

    async def gone(self) -> set[bytes]:
        return {stream.stream_id for stream in await self.ended_by(self.live)}

    async def ended_by(self, live: LiveStore, limit: int = 100) -> list[LiveStream]:
        return await live.end_due(await live.due(limit))

    async def test_nobody_came(self) -> None:
        """A stream to which no publisher comes is over after a while."""
        stream = await self.start()
        await self.pass_time(WAIT - 10)
        self.assertEqual(await self.gone(), set())
        await self.pass_time(11)
        self.assertEqual(await self.gone(), {stream.stream_id})
        self.assertEqual((await self.gone(), await self.state(stream)), (set(), LiveState.ENDED))

    async def test_did_not_come_back(self) -> None:
        """One whose publisher has gone is over sooner, unless it comes back.

        So is one whose server is heard of no more.
        """
        gone, back, dead, kept = [await self.started(most=9) for _ in range(4)]
        for stream in (gone, back):
            await self.live.mark_waiting(stream.stream_id, "resources1", away=AWAY)
        await self.pass_time(AWAY - 10)
        await self.began(back)
        await self.live.beat("resources1", {kept.stream_id: 0, gone.stream_id: 0}, away=AWAY)
        self.assertEqual(await self.gone(), set())
        await self.pass_time(11)
        self.assertEqual(await self.gone(), {gone.stream_id, dead.stream_id})
        self.assertEqual([await self.state(one) for one in (back, kept)], [LiveState.LIVE] * 2)

    async def test_longest(self) -> None:
        """No stream is longer than any may be, however often its server tells of it."""
        stream = await self.started()
        await self.pass_time(LONGEST - 30)
        await self.live.beat("resources1", {stream.stream_id: 1}, away=AWAY)
        self.assertEqual(await self.gone(), set())
        await self.live.mark_waiting(stream.stream_id, "resources1", away=AWAY)
        await self.began(stream)
        await self.pass_time(31)
        self.assertEqual(await self.gone(), {stream.stream_id})

    async def test_ended_once(self) -> None:
        """Of several who look after abandoned streams one ends each of them."""
        streams = {(await self.start(most=99)).stream_id for _ in range(12)}
        await self.pass_time(WAIT + 1)
        found = await gatherResults(
            [Deferred.fromCoroutine(self.ended_by(live)) for live in self.servers(3) * 2]
        )
        ended = [stream.stream_id for some in found for stream in some]
        self.assertEqual((sorted(ended), len(set(ended))), (sorted(streams), 12))

    async def test_few_at_a_time(self) -> None:
        """No more end in one transaction than are wanted."""
        for _ in range(3):
            await self.start(most=9)
        await self.pass_time(WAIT + 1)
        self.assertEqual([len(await self.ended_by(self.live, 2)) for _ in range(3)], [2, 1, 0])

    # -- who sees them

    async def test_running(self) -> None:
        """The members of a thread see what runs there, in pages, and nobody else does.

        What is over is not there.
        """
        group = await self.group(self.anna, self.bert, self.carl)
        first, second = await self.started(), await self.start(thread_id=group)
        over = await self.start(owner=self.bert)
        await self.live.end(over.stream_id)
        both = sorted((first.stream_id, second.stream_id))
        for user, wanted in ((self.anna, both), (self.bert, both), (self.carl, [second.stream_id])):
            self.assertEqual([one.stream_id for one in await self.live.running(user)], wanted)
        self.assertEqual(
            [one.stream_id for one in await self.live.running(self.bert, thread_id=self.thread)],
            [first.stream_id],
        )
        await self.refused(Status.PERMISSION_DENIED, self.live.running(self.carl, thread_id=self.thread))
        (page,) = await self.live.running(self.bert, limit=1)
        (rest,) = await self.live.running(self.bert, after=page.stream_id)
        self.assertEqual([page.stream_id, rest.stream_id], both)

    async def test_no_friends(self) -> None:
        """Who does not want to hear of somebody does not hear of their streams, nor does who is not wanted.

        Their owner sees them.
        """
        stream = await self.started()
        self.assertEqual(
            await self.live.recipients(stream.stream_id), (stream, self.bert, [self.anna, self.bert], None)
        )
        for blocker, blocked in ((self.bert, self.anna), (self.anna, self.bert)):
            await self.stores.contacts.block(blocker, blocked, True)
            self.assertEqual(await self.live.running(self.bert), [])
            self.assertEqual(
                [one.stream_id for one in await self.live.running(self.anna)], [stream.stream_id]
            )
            self.assertEqual((await self.live.recipients(stream.stream_id))[2], [self.anna])
            await self.stores.contacts.block(blocker, blocked, False)
        await self.stores.contacts.unfriend(self.bert, self.anna)
        self.assertEqual(await self.live.running(self.bert), [])

    async def test_who_may_watch(self) -> None:
        """Who is in its thread; in a private one only a friend, and the owner."""
        stream = await self.started()

        async def watching() -> list[bool]:
            return [
                await self.live.may_watch(stream.stream_id, user)
                for user in (self.anna, self.bert, self.carl, 0)
            ]

        self.assertEqual(await watching(), [True, True, False, False])
        await self.stores.contacts.block(self.anna, self.bert, True)
        self.assertEqual(await watching(), [True, False, False, False])
        self.assertFalse(await self.live.may_watch(new_file_id(), self.anna))

    async def test_owner_who_may_not_write(self) -> None:
        """Who was blocked, or is no member any more, does not go on, and cannot begin again."""
        group = await self.group(self.anna, self.carl)
        alone, together = await self.started(), await self.started(thread_id=group)
        both = {alone.stream_id: 1, together.stream_id: 1}
        self.assertEqual(await self.live.beat("resources1", both, away=AWAY), set())
        await self.stores.contacts.block(self.bert, self.anna, True)
        self.assertEqual(await self.live.beat("resources1", both, away=AWAY), {alone.stream_id})
        await self.database.write(
            lambda tx: tx.execute("DELETE FROM members WHERE thread_id = ? AND user_id = ?", group, self.anna)
        )
        self.assertEqual(await self.live.beat("resources1", both, away=AWAY), set(both))
        for stream, status in ((alone, Status.BLOCKED), (together, Status.PERMISSION_DENIED)):
            await self.live.mark_waiting(stream.stream_id, "resources1", away=AWAY)
            await self.refused(status, self.began(stream))
            self.assertIs(await self.state(stream), LiveState.WAITING)

    async def test_owner_who_blocks(self) -> None:
        """Who blocks the only one who would watch sends them nothing: what is sent ends, and nothing begins,
        not even for a moment.
        """
        stream = await self.started()
        await self.stores.contacts.block(self.anna, self.bert, True)
        self.assertEqual(
            await self.live.beat("resources1", {stream.stream_id: 1}, away=AWAY), {stream.stream_id}
        )
        await self.live.mark_waiting(stream.stream_id, "resources1", away=AWAY)
        await self.refused(Status.PERMISSION_DENIED, self.began(stream))
        await self.refused(Status.PERMISSION_DENIED, self.start())
        await self.stores.contacts.block(self.anna, self.bert, False)
        await self.began(stream)

    async def test_back_in_time(self) -> None:
        """What was due, and has a publisher again by now, does not end."""
        stream = await self.started()
        await self.live.mark_waiting(stream.stream_id, "resources1", away=AWAY)
        await self.pass_time(AWAY + 1)
        due = await self.live.due()
        self.assertEqual(due, [stream.stream_id])
        await self.began(stream, "resources2")
        self.assertEqual(await self.live.end_due(due), [])
        self.assertIs(await self.state(stream), LiveState.LIVE)

    async def test_told(self) -> None:
        """Everybody in a group hears of a stream."""
        group = await self.group(self.anna, self.bert, self.carl)
        stream = await self.start(thread_id=group)
        self.assertEqual(await self.live.recipients(stream.stream_id), (stream, 0, [], 0))
        await self.refused(Status.STREAM_NOT_FOUND, self.live.recipients(new_file_id()))


class SqliteLivingTests(Living, OnSqlite):
    """On SQLite."""


class MariaDbLivingTests(Living, OnMariaDb):
    """On MariaDB."""


del Living
