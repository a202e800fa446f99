"""Appending: order, resends, and who may write."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from imsys.errors import Refused, Status
from imsys.store import Stores
from imsys.store.appending import Appended, Draft, Submission
from imsys.store.ids import MessageIds
from imsys.store.pages import Record
from imsys.store.threads import Mark
from tests.support.stores import OnMariaDb, OnMariaDbPool, OnSqlite, StoreCase, text


def accepted(outcome: Appended | Refused) -> Appended:
    assert isinstance(outcome, Appended), outcome
    return outcome


def status(outcome: Appended | Refused) -> Status:
    assert isinstance(outcome, Refused), outcome
    return outcome.status


class Appending(StoreCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.anna, self.bert, self.carl = await self.people("anna", "bert", "carl")
        self.thread = await self.befriend(self.anna, self.bert)

    async def append(self, *submissions: Any) -> list[Appended | Refused]:
        return await self.stores.messages.append(self.ids, submissions)

    async def history(self) -> list[Record]:
        return await self.stores.messages.page(self.anna, self.thread, 0, 1000)

    async def test_chain(self) -> None:
        """Each message names the one before it, across batches and senders, back to the hello messages and 0."""
        first, second = map(
            accepted,
            await self.append(
                text(self.anna, self.bert, self.thread, "1", "2"),
                text(self.bert, self.anna, self.thread, "3"),
            ),
        )
        (third,) = map(accepted, await self.append(text(self.anna, self.bert, self.thread, "4")))
        chain = [*first.messages, *second.messages, *third.messages]
        history = await self.history()
        self.assertEqual(
            [record.content for record in history], ["Hi", "We are friends now!", "1", "2", "3", "4"]
        )
        ids = [0, *(record.msg_id for record in history)]
        self.assertEqual([(m.prev_id, m.msg_id) for m in chain], list(pairwise(ids))[2:])
        self.assertEqual(
            await self.stores.messages.previous([(self.thread, number) for number in ids]), [0, *ids[:-1]]
        )
        self.assertEqual(first.receivers, (self.bert,))
        self.assertEqual((history[2].sender, history[2].receiver), (self.anna, self.bert))

    async def test_resend_beside_others(self) -> None:
        """A resend that says more than its text keeps nothing of the batch from being stored and told as new."""
        other = await self.befriend(self.anna, self.carl)
        answer = Submission(
            self.anna, self.carl, other, (Draft("answer", "yes", extra='{"mentions":"all"}', mentions=(0,)),)
        )
        (first,) = map(accepted, await self.append(answer))
        plain, again = map(
            accepted, await self.append(text(self.bert, self.anna, self.thread, "plain"), answer)
        )
        self.assertEqual((plain.messages[0].resent, again.messages[0].resent), (False, True))
        self.assertEqual(again.messages[0].msg_id, first.messages[0].msg_id)
        (next_one,) = map(accepted, await self.append(text(self.bert, self.anna, self.thread, "next")))
        self.assertEqual(next_one.messages[0].prev_id, plain.messages[0].msg_id)

    async def test_resend(self) -> None:
        """A resend gets the same id, is not stored again, and says so.

        In the same batch and in a later one.
        """
        one, again = map(
            accepted,
            await self.append(
                text(self.anna, self.bert, self.thread, "x"), text(self.anna, self.bert, self.thread, "x")
            ),
        )
        (later,) = map(accepted, await self.append(text(self.anna, self.bert, self.thread, "y", "x", "z")))
        self.assertEqual(
            [m.resent for m in (*one.messages, *again.messages, *later.messages)],
            [False, True, False, True, False],
        )
        self.assertEqual(len({m.msg_id for m in (one.messages[0], again.messages[0], later.messages[1])}), 1)
        self.assertEqual(len({m.prev_id for m in (one.messages[0], again.messages[0], later.messages[1])}), 1)
        self.assertEqual([r.content for r in await self.history()][2:], ["x", "y", "z"])
        self.assertEqual(later.messages[0].prev_id, one.messages[0].msg_id)
        self.assertEqual(later.messages[2].prev_id, later.messages[0].msg_id)

    async def test_unique_ids_are_bytes_and_per_sender(self) -> None:
        """``unique_id`` is compared byte for byte, and two senders may have made up the same."""
        results = await self.append(
            text(self.anna, self.bert, self.thread, "a", "A", "ä", "a "),
            text(self.bert, self.anna, self.thread, "a"),
        )
        self.assertFalse(any(m.resent for result in results for m in accepted(result).messages))
        self.assertEqual(len(await self.history()), 7)

    async def test_any_text(self) -> None:
        """Any characters come back as they were, NUL, quotes and those beyond the basic plane included."""
        strange = "\0'\"\\%s ? {lock} \U0001f600 \u202e é \x7f" + "\U0010fffd" * 4000
        await self.append(Submission(self.anna, self.bert, self.thread, (Draft("strange", strange),)))
        self.assertEqual((await self.history())[-1].content, strange)

    async def test_refusals(self) -> None:
        """Strangers, wrong receivers, ex-friends and the blocked are refused, each alone, and what is allowed
        beside them is stored.
        """
        other = await self.befriend(self.bert, self.carl)
        await self.stores.contacts.block(self.carl, self.bert, True)
        results = await self.append(
            text(self.carl, self.bert, self.thread, "not mine"),
            text(self.anna, self.bert, 10**18, "no such thread"),
            text(self.anna, self.carl, self.thread, "wrong receiver"),
            text(self.bert, self.carl, other, "blocked"),
            text(self.carl, self.bert, other, "the blocker may"),
            text(self.anna, self.bert, self.thread, "fine"),
        )
        denied = Status.PERMISSION_DENIED
        self.assertEqual([status(result) for result in results[:4]], [denied, denied, denied, Status.BLOCKED])
        self.assertEqual(
            [accepted(result).messages[0].content for result in results[4:]], ["the blocker may", "fine"]
        )
        await self.stores.contacts.block(self.carl, self.bert, False)
        await self.stores.contacts.unfriend(self.anna, self.bert)
        results = await self.append(
            text(self.bert, self.carl, other, "again"),
            text(self.bert, self.anna, self.thread, "gone"),
            text(self.anna, self.bert, self.thread, "fine"),
        )
        self.assertEqual(status(results[1]), Status.NOT_FRIENDS)
        self.assertEqual(accepted(results[2]).messages[0].resent, True)

    async def test_two_nodes_one_thread(self) -> None:
        """Two nodes whose clocks are 5 s apart write one thread at once: a reader that pages behind them
        misses nothing, sees no id twice, and every message names the one before it."""
        rounds, size = 25, 4
        ahead = MessageIds(lambda: time.time() + 5.0, 2)
        behind = MessageIds(time.time, 3)
        seen: list[Record] = []
        chains: dict[int, int] = {}
        writing = 2

        async def write(ids: MessageIds, stores: Stores, sender: int, receiver: int) -> None:
            nonlocal writing
            for number in range(rounds):
                submission = text(
                    sender, receiver, self.thread, *(f"{sender}-{number}-{i}" for i in range(size))
                )
                (result,) = await stores.messages.append(ids, [submission])
                chains.update({m.msg_id: m.prev_id for m in accepted(result).messages})
            writing -= 1

        async def read() -> None:
            cursor = 0
            while True:
                last_round = not writing
                while page := await self.stores.messages.page(self.anna, self.thread, cursor, 7):
                    seen.extend(page)
                    cursor = page[-1].msg_id
                if last_round:
                    return
                await deferLater(self.reactor, 0)

        other = Stores.on(self.open_database(), time.time)
        await gatherResults(
            [
                Deferred.fromCoroutine(write(ahead, self.stores, self.anna, self.bert)),
                Deferred.fromCoroutine(write(behind, other, self.bert, self.anna)),
                Deferred.fromCoroutine(read()),
            ]
        )
        stored = await self.history()
        self.assertEqual(len(stored), 2 + 2 * rounds * size)
        self.assertEqual([record.msg_id for record in seen], [record.msg_id for record in stored])
        order = [record.msg_id for record in stored]
        self.assertEqual(order, sorted(set(order)))
        for before, after in pairwise(order[1:]):
            self.assertEqual(chains[after], before)
        for sender in (self.anna, self.bert):
            mine = [r.content for r in stored[2:] if r.sender == sender]
            self.assertEqual(
                mine, [f"{sender}-{number}-{i}" for number in range(rounds) for i in range(size)]
            )

    async def test_many_writers_of_crossing_threads(self) -> None:
        """Batches that lock the same threads in different orders all get through."""
        other = await self.befriend(self.anna, self.carl)
        databases = [Stores.on(self.open_database(), time.time) for _ in range(3)]
        work = []
        for number, stores in enumerate(databases):
            ids = MessageIds(time.time, 10 + number)
            for turn in range(8):
                batch = [
                    text(self.anna, self.bert, self.thread, f"{number}.{turn}.a"),
                    text(self.anna, self.carl, other, f"{number}.{turn}.b"),
                ]
                work.append(
                    Deferred.fromCoroutine(stores.messages.append(ids, batch[:: 1 if turn % 2 else -1]))
                )
        for results in await gatherResults(work):
            for result in results:
                accepted(result)
        self.assertEqual(len(await self.history()), 2 + 24)

    async def test_pages_both_ways(self) -> None:
        """Pages go up from a cursor and down from one, and strangers get neither."""
        await self.append(text(self.anna, self.bert, self.thread, *map(str, range(25))))
        newest = await self.stores.messages.page_before(self.bert, self.thread, 0, 10)
        self.assertEqual([r.content for r in newest], [str(n) for n in range(15, 25)])
        before = await self.stores.messages.page_before(self.bert, self.thread, newest[0].msg_id, 10)
        self.assertEqual([r.content for r in before], [str(n) for n in range(5, 15)])
        after = await self.stores.messages.page(self.bert, self.thread, before[-1].msg_id, 3)
        self.assertEqual([r.content for r in after], ["15", "16", "17"])
        with self.assertRaises(Refused) as caught:
            await self.stores.messages.page(self.carl, self.thread, 0, 10)
        self.assertEqual(caught.exception.status, Status.PERMISSION_DENIED)

    async def test_read_status(self) -> None:
        """A record is read when its receiver's mark has passed it.

        Marks only grow, and never pass the last message.
        """
        (result,) = map(accepted, await self.append(text(self.anna, self.bert, self.thread, "1", "2", "3")))
        ids = [m.msg_id for m in result.messages]
        move = self.stores.threads.move_marks
        self.assertEqual(
            await move(self.bert, self.thread, 0, ids[1]),
            (Mark(self.thread, self.bert, ids[1], ids[1]), [self.anna], None),
        )
        self.assertEqual([r.status for r in await self.history()][2:], [1, 1, 0])
        for behind in ((ids[0], ids[0]), (ids[0], 0), (0, 0)):
            self.assertEqual((await move(self.bert, self.thread, *behind))[1], [])
        self.assertEqual(
            (await move(self.bert, self.thread, (1 << 63) - 1, 0))[0],
            Mark(self.thread, self.bert, ids[2], ids[1]),
        )


class SqliteAppendingTests(Appending, OnSqlite):
    """On SQLite."""


class MariaDbAppendingTests(Appending, OnMariaDb):
    """On MariaDB."""


class MariaDbPoolAppendingTests(Appending, OnMariaDbPool):
    """On MariaDB, in a thread."""


del Appending
