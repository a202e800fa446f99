"""Live streams at the chat port: started, stopped and listed, and who hears of it."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from twisted.internet.defer import Deferred, gatherResults

from imsys.chat.live_reaper import LiveReaper
from imsys.config import LiveConfig
from imsys.errors import Refused, Status
from imsys.protocols.identifiers import decode_id, encode_id, new_file_id
from imsys.security.tickets import Right, Ticket
from imsys.store.appending import Draft
from imsys.store.live import LOST, LiveStream
from tests.support.chat import ChatCase, ChatServer, RawClient
from tests.support.stores import OnMariaDb, OnSqlite

AWAY = 60.0


class Living(ChatCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.anna, self.bert, self.carl = await self.people("anna", "bert", "carl")
        self.thread = await self.befriend(self.anna, self.bert)

    async def start(self, client: RawClient, **changes: Any) -> dict[str, Any]:
        return await client.ask(80, **({"thread_id": str(self.thread), "title": "Katzen 🐈"} | changes))

    async def started(self, client: RawClient, **changes: Any) -> bytes:
        response = await self.start(client, **changes)
        self.assertEqual(response["error"], 0, response)
        return decode_id(response["stream_id"])

    def key(self, url: str, right: Right) -> Ticket:
        parts = urlsplit(url)
        name = parts.path.rpartition("/")[2].removesuffix(".flv")
        (key,) = parse_qs(parts.query)["key"]
        return self.server.tickets.check(key, decode_id(name), right)

    async def stream(self, stream_id: bytes) -> LiveStream:
        found = await self.stores.live.find(stream_id)
        assert found is not None
        return found

    async def group(self, *members: int) -> int:
        def make(tx: Any) -> int:
            thread = int(tx.insert("INSERT INTO threads (kind, created_at) VALUES (1, 0)"))
            tx.execute_many(
                "INSERT INTO members (thread_id, user_id) VALUES (?, ?)",
                [(thread, member) for member in members],
            )
            return thread

        return await self.database.write(make)

    async def pass_time(self, seconds: float) -> None:
        ms = round(seconds * 1000)
        move = "UPDATE live_streams SET seen_at = seen_at - ?, due_at = due_at - ?"
        await self.database.write(lambda tx: tx.execute(move, ms, ms))

    async def other_server(self) -> ChatServer:
        """Another chat server on the same database and Redis, that this one does not know."""
        server = ChatServer(self, dataclasses.replace(self.chat_config, name="other"), self.redis)
        await server.start()
        return server

    # -- starting

    async def test_start(self) -> None:
        """Who goes live is told where to send it and where to watch, with keys for that and nothing else."""
        anna = await self.server.login(self.anna)
        before = int(time.time())
        response = await self.start(anna, seq=7)
        stream = await self.stream(decode_id(response["stream_id"]))
        self.assertEqual((response["error"], response["seq"]), (0, 7))
        self.assertEqual(
            (stream.owner, stream.thread_id, stream.title, stream.server),
            (self.anna, self.thread, "Katzen 🐈", "resources1"),
        )
        self.assertFalse(stream.record)
        name = response["stream_id"]
        # these connections have no TLS
        self.assertTrue(
            response["publish_url"].startswith(f"rtmp://files.example:1935/live/{name}?key=v2."), response
        )
        self.assertTrue(
            response["play_url"].startswith(f"rtmp://files.example:1935/live/{name}?key=v2."), response
        )
        self.assertTrue(
            response["flv_url"].startswith(f"https://files.example:7002/live/{name}.flv?key=v2."), response
        )
        self.assertTrue(
            response["watch_url"].startswith(f"https://files.example:7002/watch/{name}?key=v2."), response
        )
        publish = self.key(response["publish_url"], Right.PUBLISH)
        self.assertEqual(publish.user, self.anna)
        self.assertTrue(before + 43199 <= publish.expires <= before + 43230, (before, publish))
        for kind in ("play_url", "flv_url", "watch_url"):
            play = self.key(response[kind], Right.PLAY)
            self.assertEqual(play.user, self.anna)
            self.assertTrue(
                before + 600 <= play.expires <= response["key_expires"] <= before + 630, (before, play)
            )
            with self.assertRaises(Refused):
                self.key(response[kind], Right.PUBLISH)

    async def test_told(self) -> None:
        """Both in a thread get the message and the push, and the message is a record like any other."""
        anna, bert, carl = [await self.server.login(user) for user in (self.anna, self.bert, self.carl)]
        name = (await self.start(anna))["stream_id"]
        for client in (anna, bert):
            (item,) = (await client.next(25))["text_msg"]
            self.assertEqual(
                (item["msg_type"], item["unique_id"], item["msg_sender"]), (5, f"live:{name}", str(self.anna))
            )
            self.assertEqual(json.loads(item["msg_content"]), {"stream_id": name, "title": "Katzen 🐈"})
            push = await client.next(131)
            wanted = {
                "stream_id": name,
                "thread_id": str(self.thread),
                "owner": str(self.anna),
                "title": "Katzen 🐈",
            }
            self.assertEqual(push, {"error": 0, **wanted, "state": "waiting", "viewers": 0})
        records = (await bert.ask(13, thread_id=str(self.thread), msg_id="0"))["chat_messages"]
        self.assertEqual([one["msg_type"] for one in records], [1, 1, 5])
        await carl.ask(32)
        self.assertEqual((carl.pending(25), carl.pending(131)), ([], []))

    async def test_what_is_refused(self) -> None:
        """Who may not write cannot go live, nor can anybody under a title that is none.

        Nothing is left of it.
        """
        anna, carl = await self.server.login(self.anna), await self.server.login(self.carl)
        self.assertEqual((await self.start(carl))["error"], Status.PERMISSION_DENIED)
        self.assertEqual((await self.start(carl, thread_id="77"))["error"], Status.PERMISSION_DENIED)
        self.assertEqual((await self.start(carl, thread_id="x"))["error"], Status.JSONPARSE_ERROR)
        for title in ("", " ", "x" * 101, "a\nb", "a\0b", "\x7f", "\x9b"):
            self.assertEqual((await self.start(anna, title=title))["error"], Status.INVALID_FIELD, title)
        self.assertEqual((await self.start(anna, title=5))["error"], Status.JSONPARSE_ERROR)
        await self.stores.contacts.block(self.bert, self.anna, True)
        self.assertEqual((await self.start(anna))["error"], Status.BLOCKED)
        await self.stores.contacts.block(self.bert, self.anna, False)
        await self.started(anna, title="🐈" * 100)
        await self.stores.contacts.unfriend(self.bert, self.anna)
        self.assertEqual((await self.start(anna))["error"], Status.NOT_FRIENDS)
        self.assertEqual((await carl.ask(84))["streams"], [])

    async def test_no_server(self) -> None:
        """Without a resources server that takes live streams nobody goes live, and nothing is left of it."""
        anna = await self.server.login(self.anna)
        self.server.places.name = ""
        self.assertEqual((await self.start(anna))["error"], Status.NO_AVAILABLE_RESOURCES_SERVER)
        self.assertEqual((await anna.ask(84))["streams"], [])

    async def test_too_many(self) -> None:
        """The third stream of a user is refused until one of the others is over."""
        anna = await self.server.login(self.anna)
        first = await self.started(anna)
        await self.started(anna)
        self.assertEqual((await self.start(anna))["error"], Status.SERVER_BUSY)
        await anna.ask(82, stream_id=encode_id(first))
        await self.started(anna)

    async def test_not_announced(self) -> None:
        """A stream that its thread cannot be told of is over at once."""
        anna = await self.server.login(self.anna)

        async def refuse(*_: Any) -> None:
            raise Refused(Status.SERVER_BUSY, "There is too much to store.")

        self.server.live_announcer._post = refuse
        self.assertEqual((await self.start(anna))["error"], Status.SERVER_BUSY)
        self.assertEqual((await anna.ask(84))["streams"], [])

    async def test_record(self) -> None:
        """Who goes live says whether it is recorded; else the configuration does."""
        anna = await self.server.login(self.anna)
        self.assertTrue((await self.stream(await self.started(anna, record=True))).record)
        self.assertFalse((await self.stream(await self.started(anna, record=False))).record)

    # -- while it lives

    async def announced(self, stream_id: bytes, *clients: RawClient) -> list[str]:
        """What the members hear when a resources server has a stream announced."""
        await self.server.live_announcer.announce(stream_id)
        return [(await client.next(131))["state"] for client in clients]

    async def test_comes_and_goes(self) -> None:
        """Both hear when the publisher comes, goes and comes back; there is one message of it."""
        anna, bert = await self.server.login(self.anna), await self.server.login(self.bert)
        stream_id = await self.started(anna)
        for client in (anna, bert):
            await client.next(131)
            await client.next(25)
        await self.stores.live.mark_live(stream_id, "resources1", away=AWAY)
        self.assertEqual(await self.announced(stream_id, anna, bert), ["live"] * 2)
        await self.stores.live.mark_waiting(stream_id, "resources1", away=AWAY)
        self.assertEqual(await self.announced(stream_id, anna, bert), ["waiting"] * 2)
        await self.stores.live.mark_live(stream_id, "resources1", away=AWAY)
        self.assertEqual(await self.announced(stream_id, anna, bert), ["live"] * 2)
        self.assertEqual((anna.pending(25), bert.pending(25)), ([], []))
        records = (await bert.ask(13, thread_id=str(self.thread), msg_id="0"))["chat_messages"]
        self.assertEqual([one["msg_type"] for one in records], [1, 1, 5])

    async def crashed(self, *, stored: bool) -> None:
        bert = await self.server.login(self.bert)
        draft = LiveStream(
            stream_id=new_file_id(), owner=self.anna, thread_id=self.thread, title="x", server="resources1"
        )
        await self.stores.live.start(draft, 2, wait=600, longest=600)
        await self.stores.live.mark_live(draft.stream_id, "resources1", away=AWAY)
        name = encode_id(draft.stream_id)
        if stored:
            content = json.dumps({"stream_id": name, "title": "x"})
            other = await self.other_server()
            await other.announcer.post(self.anna, self.bert, self.thread, Draft(f"live:{name}", content, 5))
        for _ in range(2):
            await self.server.live_announcer.announce(draft.stream_id)
            self.assertEqual((await bert.next(131))["state"], "live")
        self.assertEqual((await bert.next(128 if stored else 25))["error"], 0)
        records = (await bert.ask(13, thread_id=str(self.thread), msg_id="0"))["chat_messages"]
        self.assertEqual([one["msg_type"] for one in records], [1, 1, 5])

    async def test_crash_before_the_message(self) -> None:
        """A stream whose chat server died before it told anybody is told of when its publisher comes, once."""
        await self.crashed(stored=False)

    async def test_crash_after_the_message(self) -> None:
        """If it came to store the message, there is but that one, and the members are to catch up."""
        await self.crashed(stored=True)

    async def test_unknown(self) -> None:
        """To announce a stream that is not there is refused for good."""
        with self.assertRaises(Refused) as caught:
            await self.server.live_announcer.announce(new_file_id())
        self.assertEqual(caught.exception.status, Status.STREAM_NOT_FOUND)

    # -- stopping

    async def test_stop(self) -> None:
        """Who went live stops it: both hear of it, its server is told at once, and to stop it again changes
        nothing, but tells again.
        """
        anna, bert = await self.server.login(self.anna), await self.server.login(self.bert)
        stream_id = await self.started(anna)
        for client in (anna, bert):
            await client.next(131)
        for _ in range(2):
            self.assertEqual(
                await anna.ask(82, stream_id=encode_id(stream_id), seq=1), {"error": 0, "seq": 1}
            )
        for client in (anna, bert):
            self.assertEqual([(await client.next(131))["state"] for _ in range(2)], ["ended"] * 2)
            self.assertEqual(client.pending(131), [])
        self.assertEqual(self.server.ends.told, [("resources1", stream_id)] * 2)
        self.assertEqual((await bert.ask(84))["streams"], [])

    async def test_who_may_stop(self) -> None:
        """Nobody else stops a stream, and what is no stream cannot be stopped."""
        anna, bert, carl = [await self.server.login(user) for user in (self.anna, self.bert, self.carl)]
        name = encode_id(await self.started(anna))
        self.assertEqual((await bert.ask(82, stream_id=name))["error"], Status.PERMISSION_DENIED)
        self.assertEqual((await carl.ask(82, stream_id=name))["error"], Status.STREAM_NOT_FOUND)
        self.assertEqual(
            (await anna.ask(82, stream_id=encode_id(new_file_id())))["error"], Status.STREAM_NOT_FOUND
        )
        self.assertEqual((await anna.ask(82, stream_id="x"))["error"], Status.STREAM_NOT_FOUND)
        self.assertEqual(len((await bert.ask(84))["streams"]), 1)

    async def test_stopped_while_its_server_is_away(self) -> None:
        """A stream whose server cannot be told is over all the same, for its thread and for that server's
        next beat.
        """
        anna, bert = await self.server.login(self.anna), await self.server.login(self.bert)
        stream_id = await self.started(anna)
        await bert.next(131)
        await self.stores.live.mark_live(stream_id, "resources1", away=AWAY)
        self.server.ends.away = True
        self.assertEqual((await anna.ask(82, stream_id=encode_id(stream_id)))["error"], 0)
        self.assertEqual((await bert.next(131))["state"], "ended")
        self.assertEqual(await self.stores.live.beat("resources1", {stream_id: 3}, away=AWAY), {stream_id})

    # -- what is live

    async def test_list(self) -> None:
        """The members of a thread see what is live there, each with keys of their own.

        Only its owner may publish.
        """
        anna, bert, carl = [await self.server.login(user) for user in (self.anna, self.bert, self.carl)]
        stream_id = await self.started(anna)
        await self.stores.live.mark_live(stream_id, "resources1", away=AWAY)
        await self.stores.live.beat("resources1", {stream_id: 12}, away=AWAY)
        response = await bert.ask(84, thread_id=str(self.thread))
        (item,) = response["streams"]
        name = encode_id(stream_id)
        self.assertEqual((response["error"], response["next"], response["is_complete"]), (0, name, True))
        wanted = (name, str(self.thread), str(self.anna), "Katzen 🐈", "live", 12)
        self.assertEqual(
            tuple(item[key] for key in ("stream_id", "thread_id", "owner", "title", "state", "viewers")),
            wanted,
        )
        self.assertNotIn("publish_url", item)
        self.assertEqual(
            [self.key(item[kind], Right.PLAY).user for kind in ("play_url", "flv_url", "watch_url")],
            [self.bert] * 3,
        )
        (item,) = (await anna.ask(84))["streams"]
        self.assertEqual(self.key(item["publish_url"], Right.PUBLISH).user, self.anna)
        self.assertEqual((await carl.ask(84, thread_id=str(self.thread)))["error"], Status.PERMISSION_DENIED)
        self.assertEqual((await carl.ask(84))["streams"], [])

    async def test_group(self) -> None:
        """In a group everybody hears of a stream and sees it, and nobody who is not in it."""
        anna, bert, carl = [await self.server.login(user) for user in (self.anna, self.bert, self.carl)]
        group = await self.group(self.anna, self.carl)
        name = encode_id(await self.started(carl, thread_id=str(group)))
        for client in (anna, carl):
            self.assertEqual((await client.next(131))["stream_id"], name)
            self.assertEqual([one["stream_id"] for one in (await client.ask(84))["streams"]], [name])
        await bert.ask(32)
        self.assertEqual((bert.pending(131), (await bert.ask(84))["streams"]), ([], []))

    async def test_no_friends(self) -> None:
        """Who is blocked, or no friend any more, sees no stream of the other and hears of none, but hears
        that one is over.
        """
        anna, bert = await self.server.login(self.anna), await self.server.login(self.bert)
        stream_id = await self.started(anna)
        await bert.next(131)
        await anna.next(131)
        await self.stores.live.mark_live(stream_id, "resources1", away=AWAY)
        await self.stores.contacts.block(self.anna, self.bert, True)
        self.assertEqual((await bert.ask(84))["streams"], [])
        self.assertEqual(len((await anna.ask(84))["streams"]), 1)
        self.assertEqual(await self.announced(stream_id, anna), ["live"])
        await bert.ask(32)
        self.assertEqual(bert.pending(131), [])
        await anna.ask(82, stream_id=encode_id(stream_id))
        self.assertEqual((await bert.next(131))["state"], "ended")

    async def test_pages(self) -> None:
        """All that is live is found page by page, however few a page has.

        Other limits and cursors are refused.
        """
        anna, bert = await self.server.login(self.anna), await self.server.login(self.bert)
        names = {encode_id(await self.started(client)) for client in (anna, bert) for _ in range(2)}
        found, cursor, complete = [], "", False
        while not complete:
            page = await anna.ask(84, cursor=cursor, limit=1)
            found += [item["stream_id"] for item in page["streams"]]
            cursor, complete = page["next"], page["is_complete"]
        self.assertEqual((sorted(found), len(found)), (sorted(names), 4))
        self.assertEqual(len((await anna.ask(84, limit=100))["streams"]), 4)
        for bad in ({"limit": 0}, {"limit": 101}, {"cursor": "x"}):
            self.assertEqual((await anna.ask(84, **bad))["error"], Status.INVALID_FIELD, bad)

    async def test_server_away(self) -> None:
        """While its server is away a stream cannot be watched.

        Its owner is sent to another, where nobody publishes it.
        """
        anna, bert = await self.server.login(self.anna), await self.server.login(self.bert)
        stream_id = await self.started(anna)
        await self.stores.live.mark_live(stream_id, "resources1", away=AWAY)
        self.server.places.name = "resources2"
        (item,) = (await bert.ask(84))["streams"]
        self.assertEqual((item["state"], "play_url" in item, "key_expires" in item), ("live", False, False))
        (item,) = (await anna.ask(84))["streams"]
        self.assertEqual(
            ("publish_url" in item, (await self.stream(stream_id)).server), (False, "resources1")
        )
        await self.pass_time(LOST + 1)
        (item,) = (await anna.ask(84))["streams"]
        self.assertEqual((item["state"], "publish_url" in item), ("waiting", True))
        self.assertEqual((await self.stream(stream_id)).server, "resources2")
        (item,) = (await bert.ask(84))["streams"]
        self.assertIn("play_url", item)
        self.server.places.name = ""
        (item,) = (await anna.ask(84))["streams"]
        self.assertNotIn("publish_url", item)

    # -- when nobody is heard of

    async def test_abandoned(self) -> None:
        """A stream to which nobody comes ends by itself, on one of the servers that look, and both hear of it
        once.
        """
        anna, bert = await self.server.login(self.anna), await self.server.login(self.bert)
        stream_id = await self.started(anna)
        await bert.next(131)
        other = await self.other_server()
        cares = [
            LiveReaper(self.reactor, self.stores.live, server.live_announcer)
            for server in (self.server, other)
        ]
        await cares[0].look()
        self.assertEqual(len((await bert.ask(84))["streams"]), 1)
        await self.pass_time(601)
        await gatherResults([Deferred.fromCoroutine(care.look()) for care in cares * 2])
        self.assertEqual(self.server.ends.told + other.ends.told, [("resources1", stream_id)])
        self.assertEqual((await bert.ask(84))["streams"], [])

    async def test_looked_after(self) -> None:
        """As long as a server runs it ends streams that are due, also those of an earlier life."""
        anna = await self.server.login(self.anna)
        stream_id = await self.started(anna)
        await anna.next(131)
        await self.pass_time(601)
        care = LiveReaper(self.reactor, self.stores.live, self.server.live_announcer)
        care.startService()
        try:
            self.assertEqual((await anna.next(131))["state"], "ended")
        finally:
            care.stopService()
        self.assertEqual(self.server.ends.told, [("resources1", stream_id)])


class SqliteLivingTests(Living, OnSqlite):
    """On SQLite."""


class MariaDbLivingTests(Living, OnMariaDb):
    """On MariaDB."""


class OffTests(ChatCase, OnSqlite):
    """Where there are no live streams."""

    async def test_off(self) -> None:
        """Nobody goes live where that is switched off; there is nothing to list."""
        self.server.live = dataclasses.replace(self.server.live, config=LiveConfig(enabled=False))
        self.server.serve()
        ((anna, client),) = await self.users("anna")
        bert = (await self.people("bert"))[0]
        thread = await self.befriend(anna, bert)
        self.assertEqual(
            (await client.ask(80, thread_id=str(thread), title="x"))["error"], Status.PERMISSION_DENIED
        )
        self.assertEqual((await client.ask(84))["streams"], [])


del Living
