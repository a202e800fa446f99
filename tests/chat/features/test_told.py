"""What is stored is told: when the answer to a commit is lost, when a commit comes late, and when something
is done twice.
"""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from imsys.chat import outbound
from imsys.chat import unconfirmed as unconfirmed
from imsys.chat.features import live
from imsys.chat.live_reaper import LiveReaper
from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.identifiers import decode_id, encode_id, new_file_id
from imsys.store.files import Content, Offer, Purpose
from imsys.store.live import LiveState
from tests.support.chat import ChatCase, ChatServer, RawClient
from tests.support.stores import OnMariaDb, OnSqlite

AWAY = 60.0


def away() -> Unavailable:
    return Unavailable(Status.MYSQL_INTERNAL_ERROR, "The database did not answer.")


class Told(ChatCase):
    """Anna and Bert, who are friends, and Carl, who is nobody's."""

    async def setUp(self) -> None:
        await super().setUp()
        for module in (unconfirmed, outbound):
            self.patch(module, "RETRY", 0.05)
        self.anna, self.bert, self.carl = await self.people("anna", "bert", "carl")
        self.thread = str(await self.befriend(self.anna, self.bert))

    async def everybody(self) -> list[RawClient]:
        return [await self.server.login(user) for user in (self.anna, self.bert, self.carl)]

    def lose_answers(self, count: int = 1) -> None:
        """Transactions that are committed, and of which nobody hears it."""
        write, left = self.database.write, [count]

        async def lossy(function: Any, *arguments: Any, **more: Any) -> Any:
            result = await write(function, *arguments, **more)
            if left[0]:
                left[0] -= 1
                raise away()
            return result

        self.patch(self.database, "write", lossy)

    async def make_request(self, client: RawClient, src: int, dst: int, message: str = "hi") -> int:
        return int(
            (await client.ask(17, src_uuid=str(src), dst_uuid=str(dst), message=message, nickname="n"))[
                "error"
            ]
        )

    async def confirm(self, client: RawClient, src: int, dst: int) -> int:
        return int((await client.ask(20, src_uuid=str(src), dst_uuid=str(dst), alternative_name=""))["error"])

    # -- friends

    async def test_request(self) -> None:
        """A friend request of which nobody heard that it was stored reaches whom it is for, whether it is
        made again or not.
        """
        a, _, c = await self.everybody()
        self.lose_answers()
        self.assertEqual(await self.make_request(a, self.anna, self.carl), 14)
        push = await c.next(19)
        found = push["src_uuid"], push["dst_uuid"], push["src_message"], push["src_nickname"]
        self.assertEqual(found, (str(self.anna), str(self.carl), "hi", "n"))
        self.assertEqual(await self.make_request(a, self.anna, self.carl), 0)
        await c.next(128)  # this server cannot know whether it was told
        self.assertEqual(len((await c.ask(88, cursor="", limit=10))["requests"]), 1)

    async def test_group(self) -> None:
        """A group of which nobody heard that it was made is told to its members, and to who is invited; who makes it again
        has made it.
        """
        a, b, c = await self.everybody()
        members = [str(self.bert), str(self.carl)]
        self.lose_answers()
        self.assertEqual((await a.ask(210, unique_id="g", title="G", members=members))["error"], 14)
        for attempt in range(2):
            added, invited = await b.next(138), await c.next(138)
            self.assertEqual([one["change"] for one in (added, invited)], ["added", "invited"])
            self.assertEqual({one["title"] for one in (added, invited)}, {"G"})
            await b.next(128)
            if not attempt:
                made = await a.ask(210, unique_id="g", title="G", members=members)
                self.assertEqual((made["error"], made["thread_id"]), (0, added["thread_id"]))
                self.assertEqual((made["joined"], made["invited"]), ([str(self.bert)], [str(self.carl)]))

    async def test_invited_again(self) -> None:
        """Who adds somebody again has done so; who was invited then is told once more."""
        dora = (await self.people("dora"))[0]
        await self.befriend(self.anna, dora)
        a, _, c = await self.everybody()
        group = (await a.ask(210, unique_id="g", title="G"))["thread_id"]
        for _ in range(2):
            answer = await a.ask(216, thread_id=group, unique_id="a", members=[str(dora), str(self.carl)])
            self.assertEqual((answer["joined"], answer["invited"]), ([str(dora)], [str(self.carl)]))
            self.assertEqual((await c.next(138))["change"], "invited")

    async def test_confirmation(self) -> None:
        """A friendship of which nobody heard that it was made is told to both.

        Who accepts again has accepted, and it is told again.
        """
        a, _, c = await self.everybody()
        self.assertEqual(await self.make_request(a, self.anna, self.carl), 0)
        self.lose_answers()
        self.assertEqual(await self.confirm(c, self.anna, self.carl), 14)
        for attempt in range(2):
            for client, friend in ((a, self.carl), (c, self.anna)):
                push = await client.next(22)
                self.assertEqual((push["friend_uuid"], push["hello_msg"]), (str(friend), []))
                await client.next(128)  # for the messages that it began with
            if not attempt:
                self.assertEqual(await self.confirm(c, self.anna, self.carl), 0)
        self.assertEqual(len((await a.ask(13, thread_id=push["thread_id"], msg_id="0"))["chat_messages"]), 2)
        self.assertEqual(await self.confirm(a, self.carl, self.anna), 34)

    async def test_crossing(self) -> None:
        """So it is where a request met another.

        Who asks again hears that they are friends, and both are asked to catch up.
        """
        a, _, c = await self.everybody()
        self.assertEqual(await self.make_request(a, self.anna, self.carl), 0)
        self.lose_answers()
        self.assertEqual(await self.make_request(c, self.carl, self.anna), 14)
        for client in (a, c):
            await client.next(22)
            await client.next(128)
        self.assertEqual(await self.make_request(c, self.carl, self.anna), 34)
        for client in (a, c):
            await client.next(128)

    async def test_refusals_repeated(self) -> None:
        """Who did not hear that a request was declined, or a friendship ended, and does it again, has done
        it.
        """
        a, b, c = await self.everybody()
        await self.make_request(c, self.carl, self.anna)
        for client, service, keys in (
            (a, 94, {"src_uuid": str(self.carl)}),
            (b, 96, {"friend_uuid": str(self.anna)}),
        ):
            self.lose_answers()
            self.assertEqual([(await client.ask(service, **keys))["error"] for _ in range(2)], [14, 0])
        self.lose_answers()
        self.assertEqual(
            [(await a.ask(98, uuid=str(self.carl), blocked=True))["error"] for _ in range(2)], [14, 0]
        )

    # -- cards and marks

    async def test_profile(self) -> None:
        """A card of which nobody heard that it was changed is told to friends, and to who changed it."""
        a, b, c = await self.everybody()
        self.lose_answers()
        self.assertEqual((await a.ask(92, nickname="Anni"))["error"], 14)
        for client in (a, b):
            push = await client.next(130)
            self.assertEqual((push["uuid"], push["nickname"]), (str(self.anna), "Anni"))
        await c.ask(32)
        self.assertEqual(c.pending(130), [])

    async def test_marks(self) -> None:
        """A mark that is set again, since nobody heard that it was, is told."""
        a, b, _ = await self.everybody()
        last = (await a.ask(13, thread_id=self.thread, msg_id="0"))["chat_messages"][-1]["msg_id"]
        self.lose_answers()
        keys = {"thread_id": self.thread, "delivered": last, "read": last}
        self.assertEqual([(await b.ask(100, **keys))["error"] for _ in range(2)], [14, 0])
        wanted = {"thread_id": self.thread, "uuid": str(self.bert), "delivered": last, "read": last}
        self.assertEqual(await a.next(129), {"error": 0, **wanted})
        self.assertEqual(a.pending(129), [])
        page = await a.ask(102, cursor="", limit=1)
        self.assertEqual((page["positions"], page["is_complete"]), ([wanted], True))
        self.assertEqual((await a.ask(102, cursor=page["next"], limit=1))["positions"], [])
        self.assertEqual((await b.ask(102))["positions"], [])
        for bad, status in (
            ({"limit": 0}, 70),
            ({"limit": 101}, 70),
            ({"cursor": "x"}, 1),
            ({"cursor": "1:x"}, 1),
        ):
            self.assertEqual((await a.ask(102, **bad))["error"], status, bad)

    # -- live streams

    async def go_live(self, client: RawClient) -> dict[str, Any]:
        return await client.ask(80, thread_id=self.thread, title="Cats")

    async def test_stream_in_doubt(self) -> None:
        """A stream that its owner did not hear of is over, with nobody told of it, and takes no place of
        theirs.
        """
        a, b, _ = await self.everybody()
        self.lose_answers()
        self.assertEqual((await self.go_live(a))["error"], 14)
        while (await a.ask(84))["streams"]:
            await deferLater(self.reactor, 0.05)
        self.assertEqual([(await self.go_live(a))["error"] for _ in range(2)], [0, 0])
        self.assertEqual({push["state"] for push in [await b.next(131) for _ in range(2)]}, {"waiting"})
        self.assertEqual(b.pending(131), [])

    async def test_stop_in_doubt(self) -> None:
        """A stream of which nobody heard that it was stopped is over for both.

        Who stops it again has stopped it.
        """
        a, b, _ = await self.everybody()
        name = (await self.go_live(a))["stream_id"]
        for client in (a, b):
            await client.next(131)
        self.lose_answers()
        self.assertEqual((await a.ask(82, stream_id=name))["error"], 14)
        for client in (a, b):
            self.assertEqual((await client.next(131))["state"], "ended")
        self.assertEqual((await a.ask(82, stream_id=name))["error"], 0)
        self.assertEqual((await b.next(131))["state"], "ended")
        old = round(live.AGAIN * 1000) + 1
        await self.database.write(
            lambda tx: tx.execute("UPDATE live_streams SET ended_at = ended_at - ?", old)
        )
        self.assertEqual((await a.ask(82, stream_id=name))["error"], 0)
        await b.ask(32)
        self.assertEqual(b.pending(131), [])  # who stops it again and again is a nuisance

    async def live_stream(self, client: RawClient) -> bytes:
        """One that has begun, and of which its owner has heard everything."""
        stream_id = decode_id((await self.go_live(client))["stream_id"])
        await client.next(131)
        await self.stores.live.mark_live(stream_id, "resources1", away=AWAY)
        return stream_id

    async def pass_time(self, seconds: float) -> None:
        ms = round(seconds * 1000)
        move = "UPDATE live_streams SET seen_at = seen_at - ?, due_at = due_at - ?"
        await self.database.write(lambda tx: tx.execute(move, ms, ms))

    async def test_due_in_doubt(self) -> None:
        """Nobody heard that a stream that was due has ended, and it is told all the same."""
        a, _, _ = await self.everybody()
        await self.live_stream(a)
        await self.pass_time(AWAY + 1)
        self.lose_answers()
        await LiveReaper(self.reactor, self.stores.live, self.server.live_announcer).look()
        self.assertEqual((await a.next(131))["state"], "ended")

    async def test_end_not_told(self) -> None:
        """That a stream is over is told as soon as the database answers again."""
        a, _, _ = await self.everybody()
        stream_id = await self.live_stream(a)
        told, left = self.stores.live.recipients, [2]

        async def slow(wanted: bytes) -> Any:
            if left[0]:
                left[0] -= 1
                raise away()
            return await told(wanted)

        self.patch(self.stores.live, "recipients", slow)
        self.assertEqual((await a.ask(82, stream_id=encode_id(stream_id)))["error"], 0)
        self.assertEqual((await a.next(131))["state"], "ended")

    async def test_moved(self) -> None:
        """A stream that its owner is to send to another server has paused by it, and both hear so."""
        a, b, _ = await self.everybody()
        await self.live_stream(a)
        await b.next(131)
        await self.pass_time(AWAY)
        self.server.places.name = "resources2"
        self.assertIn("publish_url", (await a.ask(84))["streams"][0])
        for client in (a, b):
            self.assertEqual((await client.next(131))["state"], LiveState.WAITING.name.lower())

    # -- files

    async def whole(self, purpose: Purpose) -> bytes:
        thread = int(self.thread) if purpose is Purpose.MESSAGE else 0
        offer = Offer(
            file_id=new_file_id(),
            owner=self.anna,
            purpose=purpose,
            thread_id=thread,
            server="r",
            filename="f",
            size=1,
            mime="image/png",
        )
        await self.stores.files.offer(offer, life=60, quota=0)
        content = Content(0, "r", hashlib.sha256(offer.file_id).digest(), 1, offer.file_id.hex(), "", b"")
        await self.stores.files.finish(offer.file_id, content, mime="image/png", announce=True)
        return offer.file_id

    async def test_file_of_a_former_friend(self) -> None:
        """A file's message that a server stored, and did not come to tell of, is found by both, although they
        are friends no more.
        """
        a, b, _ = await self.everybody()
        file_id = await self.whole(Purpose.MESSAGE)
        other = ChatServer(self, dataclasses.replace(self.chat_config, name="other"), self.redis)
        await other.start()
        await other.announcer.announce(file_id)  # it knows nobody who is online, and is as good as dead
        await self.stores.contacts.unfriend(self.bert, self.anna)
        await self.server.announcer.announce(file_id)
        for client in (a, b):
            await client.next(128)
            self.assertEqual(client.pending(25), [])

    async def test_avatar(self) -> None:
        """An avatar of which nobody heard that it is one is announced again, and then told."""
        a, b, _ = await self.everybody()
        file_id = await self.whole(Purpose.AVATAR)
        self.lose_answers()
        with self.assertRaises(Refused):
            await self.server.announcer.announce(file_id)
        await self.server.announcer.announce(file_id)
        for client in (a, b):
            self.assertEqual((await client.next(130))["avator"], encode_id(file_id))


class SqliteToldTests(Told, OnSqlite):
    """On SQLite."""


class MariaDbToldTests(Told, OnMariaDb):
    """On MariaDB."""

    async def unheard(self, client: RawClient, service: int, **keys: Any) -> Callable[[], None]:
        """A request whose commit lies in some buffer, while the client is answered with 14.

        The result lets it through.
        """
        write = self.database.write
        ready: Deferred[None] = Deferred()
        through = threading.Event()
        self.addCleanup(through.set)

        async def held(function: Any, *arguments: Any, **more: Any) -> Any:
            def hold(*inner: Any, **more: Any) -> Any:
                result = function(*inner, **more)
                self.reactor.callFromThread(ready.callback, None)
                through.wait(20)
                return result

            self.database.write = write  # type: ignore[method-assign]
            Deferred.fromCoroutine(write(hold, *arguments, **more))
            await ready
            raise away()

        self.patch(self.database, "write", held)
        self.assertEqual((await client.ask(service, **keys))["error"], 14)
        return through.set

    async def asked_again(self) -> None:
        """Wait until the server has begun to ask what became of it."""
        while self.server.unconfirmed._idle.is_set:
            await deferLater(self.reactor, 0.02)

    async def test_late(self) -> None:
        """A commit that comes late is told when it is there, and not looked for before."""
        a, b, c = await self.everybody()
        let_through = await self.unheard(
            a, 17, src_uuid=str(self.anna), dst_uuid=str(self.carl), message="hi", nickname=""
        )
        await self.asked_again()
        self.assertEqual((len(self.server.unconfirmed), c.pending(19)), (1, []))
        let_through()
        self.assertEqual((await c.next(19))["src_message"], "hi")
        let_through = await self.unheard(a, 92, nickname="Anni")
        await self.asked_again()
        self.assertEqual((len(self.server.unconfirmed), b.pending(130)), (1, []))
        let_through()
        self.assertEqual((await b.next(130))["nickname"], "Anni")
        let_through = await self.unheard(a, 80, thread_id=self.thread, title="Cats")
        await self.asked_again()
        let_through()
        while len(self.server.unconfirmed):
            await deferLater(self.reactor, 0.02)
        self.assertEqual((await a.ask(84))["streams"], [])


del Told
