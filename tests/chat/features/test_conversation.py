"""Scenes between users of one chat server, frame by frame."""

from __future__ import annotations

import json
import struct
from typing import Any

from twisted.internet.task import deferLater

from imsys.config import ChatConfig
from imsys.errors import Refused, Status
from imsys.server.outcome import Outcome
from imsys.store.appending import Appended
from tests.support.chat import ChatCase, RawClient
from tests.support.stores import OnMariaDb, OnSqlite


def text_request(sender: int, receiver: int, thread_id: str, *contents: str, **more: Any) -> dict[str, Any]:
    """A request of service 23; the unique ids are the contents."""
    items = [
        {
            "unique_id": content[:60] or "empty",
            "msg_sender": str(sender),
            "msg_receiver": str(receiver),
            "msg_content": content,
        }
        for content in contents
    ]
    return {
        "text_sender": str(sender),
        "text_receiver": str(receiver),
        "thread_id": thread_id,
        "text_msg": items,
        **more,
    }


class Conversation(ChatCase):
    async def befriended(self) -> tuple[int, RawClient, int, RawClient, str]:
        """Anna and Bert, friends by the wire."""
        (anna, a), (bert, b) = await self.users("anna", "bert")
        await a.ask(17, src_uuid=str(anna), dst_uuid=str(bert), message="Hi Bert", nickname="Anni")
        await b.next(19)
        await b.ask(20, src_uuid=str(anna), dst_uuid=str(bert), alternative_name="A.")
        thread = (await a.next(22))["thread_id"]
        await b.next(22)
        return anna, a, bert, b, thread

    async def test_friends_and_texts(self) -> None:
        """A request, its confirmation, the hello messages, a text with its acknowledgement, and the history
        that both see.
        """
        (anna, a), (bert, b) = await self.users("anna", "bert")
        found = await a.ask(9, username="BERT", seq=7)
        self.assertEqual(
            (found["uuid"], found["username"], found["seq"], found["sex"]), (str(bert), "bert", 7, 0)
        )
        asked = await a.ask(17, src_uuid=str(anna), dst_uuid=str(bert), message="Hi Bert", nickname="Anni")
        self.assertEqual(asked, {"error": 0, "src_uuid": str(anna), "dst_uuid": str(bert)})
        push = await b.next(19)
        self.assertEqual(
            (push["error"], push["src_nickname"], push["src_message"], push["src_username"]),
            (0, "Anni", "Hi Bert", "anna"),
        )
        confirmed = await b.ask(20, src_uuid=str(anna), dst_uuid=str(bert), alternative_name="A.")
        self.assertEqual(confirmed, {"error": 0})
        for_a, for_b = await a.next(22), await b.next(22)
        self.assertEqual((for_a["friend_uuid"], for_b["friend_uuid"]), (str(bert), str(anna)))
        self.assertEqual(for_a["chat_type"], "PRIVATE")
        self.assertEqual([m["msg_content"] for m in for_a["hello_msg"]], ["Hi Bert", "We are friends now!"])
        self.assertEqual([m["msg_sender"] for m in for_a["hello_msg"]], [str(anna), str(bert)])
        thread = for_a["thread_id"]
        self.assertEqual(for_b["thread_id"], thread)
        ack = await a.ask(23, **text_request(anna, bert, thread, "one", "two", seq="s"))
        self.assertEqual(
            (ack["error"], ack["seq"], [m["unique_id"] for m in ack["verified_msg"]]),
            (0, "s", ["one", "two"]),
        )
        push = await b.next(25)
        self.assertEqual([m["msg_content"] for m in push["text_msg"]], ["one", "two"])
        self.assertEqual([m["msg_id"] for m in push["text_msg"]], [m["msg_id"] for m in ack["verified_msg"]])
        self.assertEqual(push["text_msg"][0]["prev_id"], for_a["hello_msg"][1]["msg_id"])
        self.assertRegex(push["text_msg"][0]["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        for client in (a, b):
            page = await client.ask(13, thread_id=thread, msg_id="0")
            self.assertEqual(
                [m["msg_content"] for m in page["chat_messages"]],
                ["Hi Bert", "We are friends now!", "one", "two"],
            )
            self.assertTrue(page["is_complete"])
            self.assertEqual(page["next_msg_id"], page["chat_messages"][-1]["msg_id"])
        self.assertEqual((await a.ask(15, my_uuid=str(anna), friend_uuid=str(bert)))["thread_id"], thread)
        threads = await b.ask(11, uuid=str(bert), thread_id="0")
        self.assertEqual(
            threads["threads"],
            [{"thread_id": thread, "type": "PRIVATE", "user1_uuid": str(anna), "user2_uuid": str(bert)}],
        )
        again = await b.ask(11, uuid=str(bert), thread_id=thread)
        self.assertEqual((again["threads"], again["is_complete"]), ([], True))
        friends = await b.ask(86, cursor="", limit=10)
        self.assertEqual(
            [(f["uuid"], f["alternative_name"], f["thread_id"]) for f in friends["friends"]],
            [(str(anna), "A.", thread)],
        )

    async def test_resend(self) -> None:
        """A resent text gets the same id, and is pushed once."""
        anna, a, bert, b, thread = await self.befriended()
        first = await a.ask(23, **text_request(anna, bert, thread, "x"))
        second = await a.ask(23, **text_request(anna, bert, thread, "x"))
        self.assertEqual(first, second)
        await a.ask(23, **text_request(anna, bert, thread, "y"))
        await b.next(25)
        self.assertEqual((await b.next(25))["text_msg"][0]["msg_content"], "y")

    async def test_offline_receiver(self) -> None:
        """What was sent to someone who is away is in SYNC and in the records at their next login.

        So is a friend request.
        """
        anna, a, bert, b, thread = await self.befriended()
        (carl,) = await self.people("carl")
        await self.server.tokens.issue(carl)
        assert b.transport is not None
        b.transport.loseConnection()
        await b.until_closed()
        ack = await a.ask(23, **text_request(anna, bert, thread, "later"))
        self.assertEqual(ack["error"], 0)
        c = await self.server.login(carl)
        self.assertEqual(
            (await c.ask(17, src_uuid=str(carl), dst_uuid=str(bert), message="hi", nickname="C"))["error"], 0
        )
        b = await self.server.connect()
        response = await b.ask(5, uuid=str(bert), token=await self.server.tokens.issue(bert))
        self.assertEqual([r["message"] for r in response["FriendRequestList"]], ["hi"])
        self.assertEqual([f["uuid"] for f in response["AuthFriendList"]], [str(anna)])
        heads = await b.ask(68, since="0")
        self.assertEqual(
            heads["threads"], [{"thread_id": thread, "last_msg_id": ack["verified_msg"][0]["msg_id"]}]
        )
        self.assertTrue(heads["is_complete"])
        pending = await b.ask(88, cursor="", limit=1)
        self.assertEqual([(r["src_uuid"], r["nickname"]) for r in pending["requests"]], [(str(carl), "C")])

    async def test_speaking_for_others(self) -> None:
        """Whoever names somebody else as themselves gets 65, and nothing is stored or forwarded."""
        anna, a, bert, b, thread = await self.befriended()
        forged = text_request(anna, bert, thread, "forged")
        self.assertEqual((await b.ask(23, **forged))["error"], 65)
        item = text_request(bert, anna, thread, "forged inside")
        item["text_msg"][0]["msg_sender"] = str(anna)
        self.assertEqual((await b.ask(23, **item))["error"], 65)
        for service, keys in (
            (7, {"uuid": str(anna), "token": "t"}),
            (11, {"uuid": str(anna), "thread_id": "0"}),
            (15, {"my_uuid": str(anna), "friend_uuid": str(bert)}),
            (17, {"src_uuid": str(anna), "dst_uuid": str(bert), "message": "", "nickname": ""}),
            (20, {"src_uuid": str(bert), "dst_uuid": str(anna), "alternative_name": ""}),
            (32, {"uuid": str(anna)}),
        ):
            self.assertEqual((await b.ask(service, **keys))["error"], 65, service)
        self.assertEqual(len((await a.ask(13, thread_id=thread, msg_id="0"))["chat_messages"]), 2)
        self.assertEqual((a.pending(25), b.pending(25)), ([], []))

    async def test_strangers(self) -> None:
        """Threads are closed to those who are not members."""
        _, _, bert, _, thread = await self.befriended()
        ((carl, c),) = await self.users("carl")
        self.assertEqual((await c.ask(13, thread_id=thread, msg_id="0"))["error"], 65)
        self.assertEqual((await c.ask(23, **text_request(carl, bert, thread, "x")))["error"], 65)
        self.assertEqual((await c.ask(100, thread_id=thread, read="1"))["error"], 65)
        self.assertEqual((await c.ask(15, my_uuid=str(carl), friend_uuid=str(bert)))["error"], 66)
        self.assertEqual((await c.ask(15, my_uuid=str(carl), friend_uuid="99"))["error"], 27)
        self.assertEqual((await c.ask(15, my_uuid=str(carl), friend_uuid=str(carl)))["error"], 28)

    async def test_friend_request_rules(self) -> None:
        """33 to oneself, 35 to nobody, 34 to a friend, 76 when blocked; a repeat changes nothing.

        A declined one is gone.
        """
        anna, a, bert, _b, _ = await self.befriended()
        ((carl, c),) = await self.users("carl")

        async def ask(dst: int, src: int = carl, client: RawClient = c, message: str = "m") -> int:
            response = await client.ask(
                17, src_uuid=str(src), dst_uuid=str(dst), message=message, nickname="n"
            )
            return int(response["error"])

        self.assertEqual(await ask(carl), 33)
        self.assertEqual(await ask(99), 35)
        self.assertEqual(await ask(bert, anna, a), 34)
        self.assertEqual(await ask(anna, message="x" * 256), 70)
        self.assertEqual([await ask(anna), await ask(anna, message="other")], [0, 0])
        self.assertEqual((await a.next(19))["src_message"], "m")
        self.assertEqual(len((await a.ask(88, cursor="", limit=10))["requests"]), 1)
        self.assertEqual(
            [(await a.ask(94, src_uuid=str(user)))["error"] for user in (carl, carl, bert)], [0, 0, 34]
        )
        self.assertEqual((await a.ask(88, cursor="", limit=10))["requests"], [])
        self.assertEqual(
            (await a.ask(20, src_uuid=str(carl), dst_uuid=str(anna), alternative_name=""))["error"], 34
        )
        self.assertEqual((await a.ask(98, uuid=str(carl), blocked=True))["error"], 0)
        self.assertEqual(await ask(anna), 76)
        self.assertEqual((await a.ask(98, uuid=str(carl), blocked=False))["error"], 0)
        self.assertEqual(await ask(anna), 0)
        self.assertEqual(a.pending(19)[0]["src_message"], "m")

    async def test_crossing_requests(self) -> None:
        """Two requests that cross become one friendship, and both hear of it once."""
        (anna, a), (bert, b) = await self.users("anna", "bert")
        a.send(17, src_uuid=str(anna), dst_uuid=str(bert), message="from a", nickname="")
        b.send(17, src_uuid=str(bert), dst_uuid=str(anna), message="from b", nickname="")
        first, second = await a.next(22), await b.next(22)
        self.assertEqual(first["thread_id"], second["thread_id"])
        self.assertEqual(((await a.next(18))["error"], (await b.next(18))["error"]), (0, 0))
        for client in (a, b):
            self.assertEqual(len((await client.ask(86, cursor="", limit=10))["friends"]), 1)
            self.assertEqual((await client.ask(88, cursor="", limit=10))["requests"], [])
            self.assertEqual(client.pending(22), [])

    async def test_unfriend_and_block(self) -> None:
        """Ex-friends keep their history and cannot write (66); a blocked friend gets 76.

        Befriending again goes on in the same thread.
        """
        anna, a, bert, b, thread = await self.befriended()
        await b.ask(98, uuid=str(anna), blocked=True)
        self.assertEqual((await a.ask(23, **text_request(anna, bert, thread, "x")))["error"], 76)
        await b.ask(98, uuid=str(anna), blocked=False)
        self.assertEqual(
            [(await a.ask(96, friend_uuid=str(user)))["error"] for user in (bert, bert, 99)], [0, 0, 66]
        )
        self.assertEqual((await b.ask(23, **text_request(bert, anna, thread, "x")))["error"], 66)
        self.assertEqual((await a.ask(15, my_uuid=str(anna), friend_uuid=str(bert)))["error"], 66)
        self.assertEqual(len((await b.ask(13, thread_id=thread, msg_id="0"))["chat_messages"]), 2)
        await b.ask(17, src_uuid=str(bert), dst_uuid=str(anna), message="again?", nickname="")
        await a.ask(20, src_uuid=str(bert), dst_uuid=str(anna), alternative_name="")
        self.assertEqual((await b.next(22))["thread_id"], thread)
        self.assertEqual((await b.ask(23, **text_request(bert, anna, thread, "x")))["error"], 0)
        contents = [
            m["msg_content"] for m in (await a.ask(13, thread_id=thread, msg_id="0"))["chat_messages"]
        ]
        self.assertEqual(contents, ["Hi Bert", "We are friends now!", "again?", "We are friends now!", "x"])

    async def test_positions(self) -> None:
        """Marks go to the other member, and make records read."""
        anna, a, bert, b, thread = await self.befriended()
        ack = await a.ask(23, **text_request(anna, bert, thread, "1", "2"))
        one, two = (m["msg_id"] for m in ack["verified_msg"])
        self.assertEqual((await b.ask(100, thread_id=thread, delivered=two))["error"], 0)
        self.assertEqual(
            await a.next(129),
            {"error": 0, "thread_id": thread, "uuid": str(bert), "delivered": two, "read": "0"},
        )
        await b.ask(100, thread_id=thread, read=one)
        self.assertEqual((await a.next(129))["read"], one)
        await b.ask(100, thread_id=thread, read="1", delivered="1")
        records = (await a.ask(13, thread_id=thread, msg_id="0"))["chat_messages"]
        self.assertEqual([r["status"] for r in records if r["msg_sender"] == str(anna)], [1, 1, 0])
        self.assertEqual(a.pending(129), [])

    async def test_profile(self) -> None:
        """A changed profile is answered, seen by friends at once, and by others when they look."""
        anna, a, bert, b, _ = await self.befriended()
        changed = await a.ask(92, nickname="Änni", description="d" * 500, sex=1)
        self.assertEqual(
            (changed["error"], changed["nickname"], changed["sex"], changed["username"]),
            (0, "Änni", 1, "anna"),
        )
        push = await b.next(130)
        self.assertEqual((push["uuid"], push["nickname"]), (str(anna), "Änni"))
        for wrong in ({"nickname": "x" * 51}, {"description": "x" * 501}, {"sex": 2}):
            self.assertEqual((await a.ask(92, **wrong))["error"], 70)
        cards = await b.ask(90, uuids=[str(bert), "99", str(anna)])
        self.assertEqual([card["uuid"] for card in cards["cards"]], [str(bert), str(anna)])
        self.assertEqual((await b.ask(90, uuids=["1"] * 51))["error"], 70)
        self.assertEqual((await b.ask(9, username="nobody"))["error"], 21)

    async def test_limits_of_texts(self) -> None:
        """67 for a text without or with too many characters, 70 for too many texts or a bad unique_id: the
        whole request is refused.
        """
        anna, a, bert, b, thread = await self.befriended()
        self.assertEqual(
            (await a.ask(23, **text_request(anna, bert, thread, "fine", "x" * 4097)))["error"], 67
        )
        self.assertEqual((await a.ask(23, **text_request(anna, bert, thread, "fine", "")))["error"], 67)
        self.assertEqual((await a.ask(23, **text_request(anna, bert, thread)))["error"], 70)
        self.assertEqual(
            (await a.ask(23, **text_request(anna, bert, thread, *map(str, range(101)))))["error"], 70
        )
        long = text_request(anna, bert, thread, "fine")
        long["text_msg"][0]["unique_id"] = "x" * 65
        self.assertEqual((await a.ask(23, **long))["error"], 70)
        self.assertEqual(b.pending(25), [])
        ack = await a.ask(23, **text_request(anna, bert, thread, "\U0001f600" * 4096))
        self.assertEqual(ack["error"], 0)
        self.assertEqual((await b.next(25))["text_msg"][0]["msg_content"], "\U0001f600" * 4096)

    async def test_pages_fit_into_frames(self) -> None:
        """Pages of long texts hold fewer items, and go on where they ended.

        Pushes of many texts are split.
        """
        anna, a, bert, b, thread = await self.befriended()
        for start in range(0, 24, 3):
            await a.ask(
                23,
                **text_request(
                    anna, bert, thread, *(f"{n:04}" + "\U0001f600" * 4000 for n in range(start, start + 3))
                ),
            )
        got: list[str] = []
        while len(got) < 24:
            got += [m["msg_content"][:4] for m in (await b.next(25))["text_msg"]]
        self.assertEqual(got, [f"{n:04}" for n in range(24)])
        for backwards in (False, True):
            seen: list[str] = []
            cursor = {"before": "0"} if backwards else {"msg_id": "0"}
            while True:
                page = await b.ask(13, thread_id=thread, limit=100, **cursor)
                part = [m["msg_content"][:4] for m in page["chat_messages"]]
                seen = part + seen if backwards else seen + part
                if page["is_complete"]:
                    break
                cursor = {"before" if backwards else "msg_id": page["next_msg_id"]}
            self.assertEqual(seen[2:], [f"{n:04}" for n in range(24)])
        small = text_request(anna, bert, thread, *(f"{n:03}" + "\U0001f600" * 60 for n in range(100)))
        body = json.dumps(small, ensure_ascii=False).encode()
        a.send_raw(struct.pack("!HH", 23, len(body) + 4) + body)
        self.assertEqual((await a.next(24))["error"], 0)
        got = []
        while len(got) < 100:
            got += [m["msg_content"][:3] for m in (await b.next(25))["text_msg"]]
        self.assertEqual(got, [f"{n:03}" for n in range(100)])

    async def test_order_of_a_pipeline(self) -> None:
        """Requests sent in one go are answered in their order, and a page sees the texts before it."""
        anna, a, bert, b, thread = await self.befriended()
        for number in range(50):
            a.send(23, **text_request(anna, bert, thread, str(number), seq=number))
        a.send(13, thread_id=thread, msg_id="0", limit=100, seq=50)
        a.send(23, **text_request(anna, bert, thread, "last", seq=51))
        acks = [await a.next(24) for _ in range(50)]
        self.assertEqual([ack["seq"] for ack in acks], list(range(50)))
        page = await a.next(14)
        self.assertEqual([m["msg_content"] for m in page["chat_messages"]][2:], list(map(str, range(50))))
        self.assertEqual((await a.next(24))["seq"], 51)
        pushed: list[str] = []
        while len(pushed) < 51:
            pushed += [m["msg_content"] for m in (await b.next(25))["text_msg"]]
        self.assertEqual(pushed, [*map(str, range(50)), "last"])

    async def test_login_elsewhere(self) -> None:
        """A new login signs the older session out, and wins; the other's texts go to the new one."""
        anna, a, bert, b, thread = await self.befriended()
        newer = await self.server.login(bert)
        gone = await b.next(8)
        self.assertEqual((gone["error"], gone["uuid"]), (0, str(bert)))
        await b.until_closed()
        await a.ask(23, **text_request(anna, bert, thread, "x"))
        self.assertEqual((await newer.next(25))["text_msg"][0]["msg_content"], "x")

    async def test_logout(self) -> None:
        """Logout answers, closes, and revokes the token; with another token it is refused (20)."""
        ((anna, _a),) = await self.users("anna")
        token = await self.server.tokens.issue(anna)
        other = await self.server.tokens.issue(anna)
        client = await self.server.connect()
        await client.ask(5, uuid=str(anna), token=token)
        self.assertEqual((await client.ask(7, uuid=str(anna), token=other))["error"], 20)
        self.assertEqual(await client.ask(7, uuid=str(anna), token=token), {"error": 0, "uuid": str(anna)})
        await client.until_closed()
        again = await self.server.connect()
        self.assertEqual((await again.ask(5, uuid=str(anna), token=token))["error"], 18)
        self.assertEqual((await again.ask(5, uuid=str(anna), token=other))["error"], 0)
        self.assertEqual((await again.ask(5, uuid=str(anna), token=other))["error"], 19)

    async def test_many_logins_at_once(self) -> None:
        """However many connections log a user in at once, one of them remains."""
        (anna,) = await self.people("anna")
        clients = [await self.server.connect() for _ in range(5)]
        token = await self.server.tokens.issue(anna)
        for client in clients:
            client.send(5, uuid=str(anna), token=token)
        while sum(client.closed for client in clients) < 4:
            await deferLater(self.reactor, 0.01)
        (winner,) = (client for client in clients if not client.closed)
        self.assertEqual((await winner.next(6))["error"], 0)
        self.assertEqual((await winner.ask(32, uuid=str(anna)))["error"], 0)
        for client in clients:
            self.assertEqual(len(client.pending(8)), int(client is not winner))
        self.assertEqual(len(self.server.connections), 1)


class SqliteConversationTests(Conversation, OnSqlite):
    """On SQLite."""


class MariaDbConversationTests(Conversation, OnMariaDb):
    """On MariaDB."""


del Conversation


class BadInputTests(ChatCase, OnSqlite):
    """What the server does about a client's faults (docs/protocol.md, 1)."""

    chat_config = ChatConfig(login_deadline=0.5, heartbeat_timeout=1.0)

    async def test_body(self) -> None:
        """A body that is no JSON object, or lacks or mistypes a key, gets 1 under the response's id.

        The connection stays.
        """
        ((_anna, a),) = await self.users("anna")
        for body in (
            b"",
            b"{",
            b"[]",
            b"7",
            b"\xff",
            b"{}",
            b'{"username": 7}',
            b"[" * 5000,
            b'{"username":"\\ud800"}',
        ):
            a.send_raw(struct.pack("!HH", 9, len(body) + 4) + body)
            response = await a.next(10)
            self.assertEqual(response["error"], 1, body)
            self.assertTrue(response["message"])
        a.send(9, seq="kept")
        self.assertEqual((await a.next(10))["seq"], "kept")
        self.assertEqual((await a.ask(13, thread_id="x", msg_id="0"))["error"], 1)
        self.assertEqual((await a.ask(9, username="anna", surplus=[1]))["error"], 0)

    async def test_seq(self) -> None:
        """``seq`` comes back as it was; one that is neither an integer nor a short string is an error."""
        ((anna, a),) = await self.users("anna")
        for seq in (0, -1, 2**70, "", "ä" * 64, '"\\\n'):
            self.assertEqual((await a.ask(32, uuid=str(anna), seq=seq))["seq"], seq)
        wrongs: tuple[Any, ...] = ("x" * 65, 1.5, [], None)
        for wrong in wrongs:
            response = await a.ask(32, uuid=str(anna), seq=wrong)
            self.assertEqual((response["error"], "seq" in response), (1, False))

    async def test_long_seq(self) -> None:
        """A number so long that a full page has no room for it is the client's mistake, and is answered."""
        (anna, a), (bert, b) = await self.users("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        for number in range(15):
            self.assertEqual(
                (await a.ask(23, **text_request(anna, bert, thread, f"{number:04}" + "x" * 4092)))["error"], 0
            )
        response = await b.ask(13, thread_id=thread, msg_id="0", limit=100, seq=10**4000)
        self.assertEqual((response["error"], response["seq"]), (1, 10**4000))
        self.assertEqual((await b.ask(13, thread_id=thread, msg_id="0", limit=100, seq=5))["error"], 0)

    async def test_heartbeat_out_of_turn(self) -> None:
        """A heartbeat is answered while a text waits for the database.

        What is asked after the text waits for it.
        """
        (anna, a), (bert, _) = await self.users("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        stored: Outcome[Appended] = Outcome()
        self.patch(self.server.log, "append", lambda *_: stored)
        a.send(23, **text_request(anna, bert, thread, "slow", seq=1))
        a.send(9, username="bert", seq=2)
        self.assertEqual(await a.ask(32, uuid=str(anna), seq=3), {"error": 0, "seq": 3})
        self.assertEqual((await a.ask(32, uuid=str(bert), seq=4))["error"], 65)
        self.assertEqual((a.pending(24), a.pending(10)), ([], []))
        stored.fail(Refused(Status.MYSQL_INTERNAL_ERROR, "The database did not answer."))
        self.assertEqual([(await a.next(service))["seq"] for service in (24, 10)], [1, 2])

    async def test_half_closed(self) -> None:
        """A client that closes its half has all its answers before the connection is closed."""
        (anna, a), (bert, _) = await self.users("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        for number in range(200):
            a.send(23, **text_request(anna, bert, thread, str(number)))
        a.send(13, thread_id=thread, msg_id="0", before="0", limit=1)
        a.transport.loseWriteConnection()  # type: ignore[union-attr]
        self.assertEqual({(await a.next(24))["error"] for _ in range(200)}, {0})
        self.assertEqual((await a.next(14))["chat_messages"][0]["msg_content"], "199")
        await a.until_closed()
        a = await self.server.login(anna)
        a.transport.loseWriteConnection()  # type: ignore[union-attr]
        await a.until_closed()
        a = await self.server.login(anna)
        session = self.server.session(anna)
        a.send(13, thread_id=thread, msg_id="0", before="0", limit=1)
        a.send(32, uuid=str(anna))  # waits, and is then answered at once
        a.transport.loseWriteConnection()  # type: ignore[union-attr]
        await a.next(33)
        await a.until_closed()
        self.assertEqual(session.why, "the client closed it")

    async def test_unknown_service(self) -> None:
        """An unknown service gets 1 under id 34.

        The third in a row closes, one that is known in between does not count on.
        """
        ((anna, a),) = await self.users("anna")
        for service in (63, 35):
            a.send(service, seq=5)
            response = await a.next(34)
            self.assertEqual((response["error"], response["seq"]), (1, 5))
        await a.ask(32, uuid=str(anna))
        for service in (2000, 64000, 40):
            a.send(service)
            self.assertEqual((await a.next(34))["error"], 1)
        await a.until_closed()

    async def test_before_login(self) -> None:
        """Before login everything but login and heartbeat gets 18 under its response id; the third closes."""
        client = await self.server.connect()
        self.assertEqual((await client.ask(32, uuid="1"))["error"], 0)
        for service in (9, 13, 23):
            self.assertEqual((await client.ask(service))["error"], 18)
        await client.until_closed()

    async def test_wrong_tokens(self) -> None:
        """A wrong, malformed or foreign token gets 18, and the connection stays."""
        anna, bert = await self.people("anna", "bert")
        client = await self.server.connect()
        for token in ("", "x", "x" * 5000, await self.server.tokens.issue(bert)):
            self.assertEqual((await client.ask(5, uuid=str(anna), token=token))["error"], 18)
        self.assertEqual(
            (await client.ask(5, uuid=str(anna), token=await self.server.tokens.issue(anna)))["error"], 0
        )

    async def test_bad_lengths(self) -> None:
        """A length below the header's size closes the connection, after what came before it was answered."""
        ((anna, _a),) = await self.users("anna")
        for header in (b"\x00\x20\x00\x03", b"\x00\x20\x00\x00"):
            client = await self.server.login(anna)
            body = b'{"seq": 1}'
            client.send_raw(struct.pack("!HH", 32, 4 + len(body)) + body + header)
            await client.until_closed()
            self.assertEqual(client.pending(33), [{"error": 0, "seq": 1}])

    async def test_byte_by_byte(self) -> None:
        """A frame may come one byte at a time."""
        ((anna, a),) = await self.users("anna")
        body = json.dumps({"uuid": str(anna), "seq": 3}).encode()
        for byte in struct.pack("!HH", 32, len(body) + 4) + body:
            a.send_raw(bytes([byte]))
        self.assertEqual((await a.next(33))["seq"], 3)

    async def test_silence(self) -> None:
        """A connection that does not log in, and a session without a frame, are closed when their time is
        over.
        """
        (anna,) = await self.people("anna")
        silent, session = await self.server.connect(), await self.server.login(anna)
        await silent.until_closed()
        await session.until_closed()

    async def test_flood(self) -> None:
        """A client that sends without reading is not read from without bound, and loses nothing of what it
        sent.
        """
        ((anna, a),) = await self.users("anna")
        body = json.dumps({"uuid": str(anna)}).encode()
        frame = struct.pack("!HH", 32, len(body) + 4) + body
        a.send_raw(frame * 5000)
        for _ in range(5000):
            await a.next(33)


class SlowReaderTests(ChatCase, OnSqlite):
    """Who does not read is cut off, and catches up later."""

    chat_config = ChatConfig(high_water=65536)

    async def test_cut_off(self) -> None:
        """Past the high-water mark a client that does not read is closed; all it missed is in the store."""
        (anna, a), (bert, b) = await self.users("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        assert b.transport is not None
        b.transport.pauseProducing()  # type: ignore[attr-defined]
        sent = 0
        while self.server.directory.local(bert) is not None and sent < 4000:
            for _ in range(10):
                a.send(23, **text_request(anna, bert, thread, f"{sent:05}" + "x" * 4000))
                sent += 1
            for _ in range(10):
                self.assertEqual((await a.next(24))["error"], 0)
        self.assertIsNone(self.server.directory.local(bert))
        again = await self.server.login(bert)
        seen, cursor = 0, "0"
        while True:
            page = await again.ask(13, thread_id=thread, msg_id=cursor, limit=100)
            seen += len(page["chat_messages"])
            cursor = page["next_msg_id"]
            if page["is_complete"]:
                break
        self.assertEqual(seen, sent + 2)
