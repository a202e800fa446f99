"""More than the server can store, and clients that do not wait or do not read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from imsys.config import ChatConfig
from imsys.store.appending import Submission
from tests.chat.features.test_conversation import text_request
from tests.support.chat import ChatCase, RawClient
from tests.support.reading import is_read
from tests.support.stores import OnSqlite


class Stalled(ChatCase, OnSqlite):
    """A server whose store stalls until the test lets it go on."""

    async def setUp(self) -> None:
        await super().setUp()
        self.gate: Deferred[None] = Deferred()
        append, store = self.stores.messages.append, self.stores.messages

        async def gated(ids: Any, submissions: Sequence[Submission], *, wait: bool = True) -> Any:
            if not self.gate.called:
                waiting: Deferred[None] = Deferred()
                self.gate.addCallback(lambda _: waiting.callback(None))
                await waiting
            return await append(ids, submissions, wait=wait)

        self.patch(store, "append", gated)

    async def pairs(self, count: int) -> list[tuple[int, int, str, RawClient]]:
        """Senders, each with a friend of their own and their thread."""
        made = []
        for number in range(count):
            one, two = await self.people(f"a{number}", f"b{number}")
            made.append((one, two, str(await self.befriend(one, two)), await self.server.login(one)))
        return made

    def sessions_waiting(self) -> int:
        """Texts of all users that are not stored yet."""
        return sum(session.waiting for session in self.server.directory.sessions() if session.open)

    def most_waiting(self, user: int) -> list[int]:
        """How many texts of a user were waiting after each one that came, from now on."""
        found: list[int] = []
        append = self.server.log.append

        def counted(submission: Submission, source: Any) -> Any:
            outcome = append(submission, source)
            if submission.sender == user:
                found.append(source.waiting)
            return outcome

        self.patch(self.server.log, "append", counted)
        return found

    async def until(self, condition: Any) -> None:
        for _ in range(2000):
            if condition():
                return
            await deferLater(self.reactor, 0.005)
        raise AssertionError("it did not come to that")

    async def answers(self, client: RawClient, count: int) -> list[dict[str, Any]]:
        return [await client.next(24) for _ in range(count)]


class FloodTests(Stalled):
    chat_config = ChatConfig(inflight=16, log_queue=400)

    async def test_slows_itself_alone(self) -> None:
        """A client that sends without waiting is not read from.

        Another's text is stored as if it were not there; all are answered.
        """
        (anna, bert, thread, flood), (carl, dora, other, quiet) = await self.pairs(2)
        total, most = 3000, self.most_waiting(anna)
        for number in range(total):
            flood.send(23, **text_request(anna, bert, thread, f"{number:04}" + "x" * 200))
        session = self.server.session(anna)
        await self.until(lambda: session.waiting == 16 and not is_read(self.reactor, flood))
        quiet.send(23, **text_request(carl, dora, other, "hello"))
        quiet_session = self.server.session(carl)
        await self.until(lambda: quiet_session.waiting == 1)
        self.gate.callback(None)
        self.assertEqual((await quiet.next(24))["error"], 0)
        answers = await self.answers(flood, total)
        self.assertEqual(
            [a["verified_msg"][0]["unique_id"][:4] for a in answers],
            [f"{number:04}" for number in range(total)],
        )
        self.assertEqual(max(most), 16, "no more of its texts were waiting than may be")
        page = await flood.ask(13, thread_id=thread, msg_id="0", before="0", limit=1)
        self.assertEqual(page["chat_messages"][0]["msg_content"][:4], f"{total - 1:04}")


class SmallQueueTests(Stalled):
    chat_config = ChatConfig(inflight=64, log_queue=200)

    async def test_a_flood_of_large_requests(self) -> None:
        """Of what was read already no more is begun than the client's share: there is room for others, and
        nobody hears 73.
        """
        (anna, bert, thread, flood), (carl, dora, other, quiet) = await self.pairs(2)
        for number in range(20):
            flood.send(23, **text_request(anna, bert, thread, *(f"{number}.{n}" for n in range(100))))
        session = self.server.session(anna)
        await self.until(lambda: session.waiting)
        quiet.send(23, **text_request(carl, dora, other, "hello"))
        quiet_session = self.server.session(carl)
        await self.until(lambda: quiet_session.waiting)
        self.gate.callback(None)
        self.assertEqual((await quiet.next(24))["error"], 0)
        self.assertEqual({answer["error"] for answer in await self.answers(flood, 20)}, {0})


class FullTests(Stalled):
    chat_config = ChatConfig(inflight=64, log_queue=8)

    async def test_busy(self) -> None:
        """When the queue is full the answer is 73 with a time to wait.

        What was acknowledged is stored, and the rest can be sent again.
        """
        pairs = await self.pairs(10)
        for one, two, thread, client in pairs:
            for number in range(6):
                client.send(23, **text_request(one, two, thread, f"{number:02}"))
        await self.until(lambda: self.sessions_waiting() >= 8)
        self.gate.callback(None)
        refused = 0
        for one, two, thread, client in pairs:
            acknowledged = set()
            for _ in range(6):
                busy = await client.next(24)
                if busy["error"] == 0:
                    acknowledged.add(busy["verified_msg"][0]["msg_id"])
                    continue
                self.assertEqual((busy["error"], busy["retry_after"]), (73, 1.0))
                refused += 1
            for number in range(6):
                again = await client.ask(23, **text_request(one, two, thread, f"{number:02}"))
                self.assertEqual(again["error"], 0)
            page = await client.ask(13, thread_id=thread, msg_id="0", limit=100)
            stored = [m["msg_id"] for m in page["chat_messages"]][2:]
            self.assertEqual(len(stored), 6)
            self.assertLessEqual(acknowledged, set(stored))
        self.assertGreater(refused, 0)


class ManySlowReadersTests(ChatCase, OnSqlite):
    chat_config = ChatConfig(high_water=1 << 20, unsent=300_000)

    async def test_bounded_together(self) -> None:
        """What all clients together do not read has a bound, too: the one that would pass it is closed."""
        senders = []
        for number in range(4):
            one, two = await self.people(f"a{number}", f"b{number}")
            thread = str(await self.befriend(one, two))
            reader = await self.server.login(two)
            assert reader.transport is not None
            reader.transport.pauseProducing()  # type: ignore[attr-defined]
            senders.append((one, two, thread, await self.server.login(one)))
        unsent = self.server.connections.unsent
        highest = 0
        closed = False
        for number in range(3000):
            for one, two, thread, client in senders:
                ack = await client.ask(
                    23, **text_request(one, two, thread, *(f"{number}.{n}" + "x" * 4000 for n in range(10)))
                )
                self.assertEqual(ack["error"], 0)
                highest = max(highest, unsent.bytes)
                closed = closed or self.server.directory.local(two) is None
            if closed:
                break
        self.assertTrue(closed)
        self.assertLessEqual(highest, 300_000)
        self.assertGreater(highest, 100_000)
