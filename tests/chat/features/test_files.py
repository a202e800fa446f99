"""Files at the chat port: offers, grants, and the message or the avatar when one is whole."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from imsys.errors import Refused, Status
from imsys.protocols.identifiers import decode_id, encode_id, new_file_id
from imsys.security.tickets import Right, Ticket
from imsys.store.files import Content, File, Offer, Purpose
from tests.support.chat import ChatCase, ChatServer, RawClient
from tests.support.stores import OnMariaDb, OnSqlite

DATA = b"a cat"


class Filing(ChatCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.anna, self.bert, self.carl = await self.people("anna", "bert", "carl")
        self.thread = await self.befriend(self.anna, self.bert)

    async def offer(self, client: RawClient, **changes: Any) -> dict[str, Any]:
        keys = {"thread_id": str(self.thread), "filename": "katze.jpg", "size": len(DATA)}
        return await client.ask(64, **(keys | changes))

    def ticket(self, response: dict[str, Any], right: Right) -> Ticket:
        return self.server.tickets.check(response["ticket"], decode_id(response["file_id"]), right)

    async def arrive(
        self, file_id: bytes, data: bytes = DATA, mime: str = "image/jpeg", thumbnail: bytes | None = None
    ) -> File:
        """What a resources server does when all bytes are there."""
        file = await self.stores.files.find(file_id)
        assert file is not None
        content = Content(0, file.server, hashlib.sha256(data).digest(), len(data), file_id.hex(), "", b"")
        finished = await self.stores.files.finish(
            file_id, content, mime=mime, thumbnail_id=thumbnail, announce=thumbnail is None
        )
        assert finished is not None
        return finished[0]

    async def refused(self, status: Status, file_id: bytes) -> None:
        with self.assertRaises(Refused) as caught:
            await self.server.announcer.announce(file_id)
        self.assertEqual(caught.exception.status, status)

    # -- offers

    async def test_offer(self) -> None:
        """An offer is answered with where to send the file, and a ticket to write this one and no other."""
        a = await self.server.login(self.anna)
        response = await self.offer(a, mime="Image/JPEG; q=1", sha256="AB" * 32, seq=7)
        where = (
            response["error"],
            response["seq"],
            response["host"],
            response["port"],
            response["http_port"],
            response["offset"],
        )
        self.assertEqual(where, (0, 7, "files.example", 7000, 7002, 0))
        self.assertEqual(self.ticket(response, Right.WRITE).user, self.anna)
        file = await self.stores.files.find(decode_id(response["file_id"]))
        assert file is not None
        kept = (
            file.owner,
            file.thread_id,
            file.server,
            file.filename,
            file.size,
            file.mime,
            file.offered_sha256,
            file.purpose,
        )
        self.assertEqual(
            kept,
            (
                self.anna,
                self.thread,
                "resources1",
                "katze.jpg",
                5,
                "image/jpeg",
                b"\xab" * 32,
                Purpose.MESSAGE,
            ),
        )
        self.assertEqual(self.server.places.asked, [(5, True)])

    async def test_refused_offers(self) -> None:
        """Each field has its status, and nothing is kept of an offer that is refused."""
        a, c = await self.server.login(self.anna), await self.server.login(self.carl)
        for status, changes in (
            (37, {"filename": "../x"}),
            (37, {"filename": "a\u0007b"}),
            (37, {"filename": ""}),
            (70, {"size": -1}),
            (68, {"size": 1001}),
            (70, {"sha256": "ab"}),
            (70, {"sha256": "x" * 64}),
            (70, {"mime": "jpeg"}),
            (70, {"mime": "a/" + "b" * 126}),
            (70, {"purpose": "poster"}),
            (70, {"purpose": "avatar"}),
            (65, {"thread_id": "0"}),
            (65, {"thread_id": "999999"}),
            (1, {"thread_id": "x"}),
            (1, {"size": "5"}),
        ):
            self.assertEqual((await self.offer(a, **changes))["error"], status, changes)
        self.assertEqual((await self.offer(c))["error"], 65)
        await self.stores.contacts.block(self.bert, self.anna, True)
        self.assertEqual((await self.offer(a))["error"], 76)
        await self.stores.contacts.block(self.bert, self.anna, False)
        await self.stores.contacts.unfriend(self.anna, self.bert)
        self.assertEqual((await self.offer(a))["error"], 66)
        self.assertEqual(await self.stores.files.page(b"", 10), [])

    async def test_quota(self) -> None:
        """What all files of a user may take is the quota."""
        a = await self.server.login(self.anna)
        self.assertEqual(
            [(await self.offer(a, size=size))["error"] for size in (1000, 501, 500, 1)], [0, 68, 0, 68]
        )

    async def test_many_on_their_way(self) -> None:
        """A user whose files on their way are too many is told to come back, however small they are.

        Others are not concerned.
        """
        a, b = await self.server.login(self.anna), await self.server.login(self.bert)
        for _ in range(20):
            self.assertEqual((await self.offer(a, size=0))["error"], 0)
        refused = await self.offer(a, size=0)
        self.assertEqual((refused["error"], refused["retry_after"]), (73, 60))
        self.assertEqual((await self.offer(b, size=0))["error"], 0)

    async def test_no_server(self) -> None:
        """Without a resources server an offer is answered with 11, and nothing is kept."""
        a = await self.server.login(self.anna)
        self.server.places.name = ""
        self.assertEqual((await self.offer(a))["error"], 11)
        self.assertEqual(await self.stores.files.page(b"", 10), [])

    # -- grants

    async def test_get(self) -> None:
        """Members may read a whole file, where it is.

        Only its owner may know of one that is on its way, and go on with it.
        """
        a, b, c = [await self.server.login(user) for user in (self.anna, self.bert, self.carl)]
        offered = await self.offer(a)
        name = offered["file_id"]
        self.assertEqual([(await one.ask(66, file_id=name))["error"] for one in (a, b, c)], [38, 38, 38])
        self.assertEqual([(await one.ask(66, file_id=name, write=True))["error"] for one in (b, c)], [38, 38])
        more = await a.ask(66, file_id=name, write=True)
        self.assertEqual(
            (more["error"], more["whole"], more["size"], self.ticket(more, Right.WRITE).user),
            (0, False, 5, self.anna),
        )
        await self.arrive(decode_id(name))
        got = await b.ask(66, file_id=name)
        self.assertEqual(
            (got["filename"], got["size"], got["mime"], got["port"]), ("katze.jpg", 5, "image/jpeg", 7000)
        )
        self.assertEqual((got["sha256"], got["whole"]), (hashlib.sha256(DATA).hexdigest(), True))
        self.assertEqual(self.ticket(got, Right.READ).user, self.bert)
        self.assertEqual((await b.ask(66, file_id=name, write=True))["error"], 65)
        self.assertEqual((await c.ask(66, file_id=name))["error"], 38)
        self.assertTrue((await a.ask(66, file_id=name, write=True))["whole"])
        for wrong in ("", "x" * 22, encode_id(new_file_id()), "../../../etc/passwd"):
            self.assertIn((await b.ask(66, file_id=wrong))["error"], (38, 70))
        self.server.places.name = "resources2"
        self.assertEqual((await b.ask(66, file_id=name))["error"], 11)

    async def test_shared_store(self) -> None:
        """A file in the store that all share is read from any server."""
        b = await self.server.login(self.bert)
        offer = await self.message()
        content = Content(0, "s3", b"\0" * 32, 5, offer.file_id.hex(), "", b"")
        await self.stores.files.finish(offer.file_id, content, mime="", announce=False)
        self.server.places.name = "resources9"
        self.assertEqual((await b.ask(66, file_id=encode_id(offer.file_id)))["error"], 0)

    async def message(self, **changes: Any) -> Offer:
        made = {
            "owner": self.anna,
            "purpose": Purpose.MESSAGE,
            "thread_id": self.thread,
            "filename": "katze.jpg",
            "mime": "x/y",
        } | changes
        offer = Offer(file_id=new_file_id(), server="resources1", size=len(DATA), **made)  # type: ignore[arg-type]
        await self.stores.files.offer(offer, life=60, quota=0)
        return offer

    async def pictures(self, **changes: Any) -> tuple[bytes, bytes]:
        """A whole file, and its smaller picture."""
        small, large = await self.message(purpose=Purpose.DERIVED, thread_id=0), await self.message(**changes)
        await self.arrive(small.file_id, b"small", "image/webp", thumbnail=b"")
        await self.stores.files.told(small.file_id)
        await self.arrive(large.file_id, thumbnail=small.file_id)
        return large.file_id, small.file_id

    async def test_thumbnail(self) -> None:
        """A smaller picture is asked for by the file, or by its own identifier, by those who may see the
        file.
        """
        b, c = await self.server.login(self.bert), await self.server.login(self.carl)
        large, small = await self.pictures()
        for keys in ({"file_id": encode_id(large), "thumbnail": True}, {"file_id": encode_id(small)}):
            got = await b.ask(66, **keys)
            self.assertEqual((got["error"], got["file_id"], got["mime"]), (0, encode_id(small), "image/webp"))
            self.assertEqual(self.ticket(got, Right.READ).file_id, small)
            self.assertEqual((await c.ask(66, **keys))["error"], 38)
        self.assertEqual((await b.ask(66, file_id=encode_id(small), thumbnail=True))["error"], 38)
        self.assertEqual((await b.ask(66, file_id=encode_id(large), thumbnail=True, write=True))["error"], 70)

    # -- when a file is whole

    async def test_announced(self) -> None:
        """A whole file is a message to all members, its sender too, stored and paged like any other."""
        a, b = await self.server.login(self.anna), await self.server.login(self.bert)
        large, small = await self.pictures()
        await self.server.announcer.announce(large)
        pushes = [await one.next(25) for one in (a, b)]
        self.assertEqual(pushes[0], pushes[1])
        (message,) = pushes[0]["text_msg"]
        self.assertEqual(
            (message["msg_type"], message["msg_sender"], message["msg_receiver"]),
            (2, str(self.anna), str(self.bert)),
        )
        self.assertEqual(
            (message["unique_id"], message["thread_id"]), (f"file:{encode_id(large)}", str(self.thread))
        )
        wanted = {
            "file_id": encode_id(large),
            "filename": "katze.jpg",
            "size": 5,
            "mime": "image/jpeg",
            "sha256": hashlib.sha256(DATA).hexdigest(),
            "thumbnail": encode_id(small),
        }
        self.assertEqual(json.loads(message["msg_content"]), wanted)
        page = await b.ask(13, thread_id=str(self.thread), msg_id="0")
        last = page["chat_messages"][-1]
        self.assertEqual(
            (last["msg_id"], last["msg_type"], last["msg_content"]),
            (message["msg_id"], 2, message["msg_content"]),
        )

    async def test_kinds(self) -> None:
        """What a file is decides the kind of its message."""
        b = await self.server.login(self.bert)
        for mime, kind in (
            ("image/png", 2),
            ("image/svg+xml", 3),
            ("text/plain", 3),
            ("audio/ogg", 4),
            ("video/mp4", 5),
            ("", 3),
        ):
            offer = await self.message()
            await self.arrive(offer.file_id, mime=mime)
            await self.server.announcer.announce(offer.file_id)
            self.assertEqual((await b.next(25))["text_msg"][0]["msg_type"], kind, mime)

    async def test_announced_again(self) -> None:
        """A file that is announced at once and again, here and at another server, is one message.

        Then the members are to catch up.
        """
        b = await self.server.login(self.bert)
        offer = await self.message()
        await self.arrive(offer.file_id)
        other = ChatServer(self, self.chat_config, self.redis)
        await other.start()
        calls = [
            server.announcer.announce(offer.file_id) for server in (self.server, other, self.server, other)
        ]
        await gatherResults([Deferred.fromCoroutine(call) for call in calls])
        await self.server.announcer.announce(offer.file_id)
        history = (await b.ask(13, thread_id=str(self.thread), msg_id="0"))["chat_messages"]
        self.assertEqual([one["msg_type"] for one in history], [1, 1, 2])
        await b.next(128)

    async def test_caller_gone(self) -> None:
        """What has begun is done to its end, and pushed, even if whoever asked waits no more."""
        b = await self.server.login(self.bert)
        offer = await self.message()
        await self.arrive(offer.file_id)
        asked = Deferred.fromCoroutine(self.server.announcer.announce(offer.file_id))
        asked.addErrback(lambda _: None)
        asked.cancel()
        await b.next(25)

    async def test_not_announced(self) -> None:
        """A file that is not whole, is for nobody, or whose owner may not write any more is refused, and
        stays its owner's.
        """
        a = await self.server.login(self.anna)
        await self.refused(Status.FILE_OPEN_ERROR, new_file_id())
        offer = await self.message()
        await self.refused(Status.FILE_OPEN_ERROR, offer.file_id)
        await self.arrive(offer.file_id)
        await self.stores.contacts.block(self.bert, self.anna, True)
        await self.refused(Status.BLOCKED, offer.file_id)
        await self.stores.contacts.block(self.bert, self.anna, False)
        await self.stores.contacts.unfriend(self.bert, self.anna)
        await self.refused(Status.NOT_FRIENDS, offer.file_id)
        self.assertEqual((await a.ask(66, file_id=encode_id(offer.file_id)))["error"], 0)
        original = await self.message(purpose=Purpose.ORIGINAL, thread_id=0)
        await self.arrive(original.file_id)
        await self.refused(Status.INVALID_FIELD, original.file_id)
        history = (await a.ask(13, thread_id=str(self.thread), msg_id="0"))["chat_messages"]
        self.assertEqual([one["msg_type"] for one in history], [1, 1])

    async def test_group(self) -> None:
        """In a group everybody gets it."""
        clients = [await self.server.login(user) for user in (self.anna, self.bert, self.carl)]

        def make(tx: Any) -> int:
            group: int = tx.insert("INSERT INTO threads (kind, created_at) VALUES (1, 0)")
            rows = [(group, user) for user in (self.anna, self.bert, self.carl)]
            tx.execute_many("INSERT INTO members (thread_id, user_id) VALUES (?, ?)", rows)
            return group

        group = await self.database.write(make)
        offered = await self.offer(clients[0], thread_id=str(group))
        await self.arrive(decode_id(offered["file_id"]))
        await self.server.announcer.announce(decode_id(offered["file_id"]))
        for client in clients:
            (message,) = (await client.next(25))["text_msg"]
            self.assertEqual((message["thread_id"], message["msg_receiver"]), (str(group), "0"))

    # -- avatars

    async def test_avatar(self) -> None:
        """A whole avatar is in its owner's profile, friends hear of it, anybody may read it, and the one
        before it is gone.
        """
        a, b, c = [await self.server.login(user) for user in (self.anna, self.bert, self.carl)]
        offered = [
            await self.offer(a, thread_id="0", purpose="avatar", filename=f"{number}.png")
            for number in range(2)
        ]
        for number, one in enumerate(offered):
            file_id = decode_id(one["file_id"])
            await self.arrive(file_id, b"%d" % number, "image/png")
            await self.server.announcer.announce(file_id)
            for friend in (a, b):
                self.assertEqual((await friend.next(130))["avator"], one["file_id"])
            self.assertEqual((await c.ask(9, username="anna"))["avator"], one["file_id"])
            got = await c.ask(66, file_id=one["file_id"])
            self.assertEqual(
                (got["error"], got["size"], got["sha256"]), (0, 1, hashlib.sha256(b"%d" % number).hexdigest())
            )
        self.assertEqual((await c.ask(66, file_id=offered[0]["file_id"]))["error"], 38)
        self.assertEqual(c.pending(130), [])
        self.assertEqual((await self.offer(a, thread_id=str(self.thread), purpose="avatar"))["error"], 70)


class SqliteFilingTests(Filing, OnSqlite):
    """On SQLite."""


class MariaDbFilingTests(Filing, OnMariaDb):
    """On MariaDB."""


del Filing
