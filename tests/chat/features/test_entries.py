"""Changes to a conversation, frame by frame: what is acknowledged, what the other is told, and what a page has."""

from __future__ import annotations

from typing import Any

from imsys.errors import Status
from tests.chat.features.test_conversation import text_request
from tests.support.chat import ChatCase, RawClient
from tests.support.stores import OnMariaDb, OnSqlite

EDIT, RECALL, REACT, PIN, PINS, REACTORS, HIDE = 192, 194, 196, 198, 200, 202, 204


class Entries(ChatCase):
    async def setUp(self) -> None:
        await super().setUp()
        (self.anna, self.a), (self.bert, self.b) = await self.users("anna", "bert")
        self.thread = await self.befriend(self.anna, self.bert)

    async def say(self, client: RawClient, content: str, **more: Any) -> dict[str, Any]:
        """Send a text; gives back its acknowledgement, after the other has it."""
        sender, receiver, other = (
            (self.anna, self.bert, self.b) if client is self.a else (self.bert, self.anna, self.a)
        )
        request = text_request(sender, receiver, str(self.thread), content)
        request["text_msg"][0] |= more
        answer = await client.ask(23, **request)
        self.assertEqual(answer["error"], 0, answer)
        self.pushed = (await other.next(25))["text_msg"][0]
        verified: dict[str, Any] = answer["verified_msg"][0]
        return verified

    async def change(self, client: RawClient, service: int, unique_id: str, **fields: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await client.ask(
            service, thread_id=str(self.thread), unique_id=unique_id, **fields
        )
        return answer

    async def entry(self, client: RawClient) -> dict[str, Any]:
        """The next change that a client is told of."""
        (entry,) = (await client.next(133))["entries"]
        found: dict[str, Any] = entry
        return found

    async def page(self, client: RawClient, **more: Any) -> list[dict[str, Any]]:
        answer = await client.ask(13, thread_id=str(self.thread), limit=100, **more)
        found: list[dict[str, Any]] = answer["chat_messages"]
        return found

    async def test_life_of_a_message(self) -> None:
        """It is edited, reacted to, pinned and taken back; the other hears each, in one chain."""
        said = await self.say(self.a, "one")
        target = said["msg_id"]
        edited = await self.change(self.a, EDIT, "e", target=target, content="uno", mentions=[str(self.bert)])
        told = await self.entry(self.b)
        self.assertEqual(
            (told["msg_id"], told["prev_id"], told["msg_type"], told["msg_sender"], told["body"]),
            (
                edited["msg_id"],
                target,
                16,
                str(self.anna),
                {"target": target, "content": "uno", "mentions": [str(self.bert)]},
            ),
        )
        reacted = await self.change(self.b, REACT, "r", target=target, emoji="👍🏽", on=True)
        told = await self.entry(self.a)
        self.assertEqual(told["prev_id"], edited["msg_id"])
        self.assertEqual(told["body"], {"target": target, "emoji": "👍🏽", "on": True})
        await self.change(self.b, PIN, "p", target=target, on=True)
        self.assertEqual((await self.entry(self.a))["body"], {"target": target, "on": True})
        self.assertEqual((await self.a.ask(PINS, thread_id=str(self.thread)))["pins"], [target])
        records = await self.page(self.b, entries=True)
        self.assertEqual([one["msg_type"] for one in records], [1, 1, 1, 16, 18, 19])
        message, entry = records[2], records[3]
        self.assertEqual(
            (message["msg_content"], message["number"], message["reactions"], message["pinned"]),
            ("uno", 3, [{"emoji": "👍🏽", "count": 1, "mine": True}], True),
        )
        self.assertIn("edited", message)
        self.assertEqual(entry["body"]["content"], "uno")
        self.assertEqual(records[4]["unique_id"], "r")
        plain = await self.page(self.b)
        self.assertEqual(
            plain[2],
            {key: message[key] for key in plain[2]},
        )
        self.assertEqual(len(plain), 3)
        details = await self.b.ask(13, thread_id=str(self.thread), limit=100, details=True)
        self.assertEqual(details["chat_messages"], records[:3])
        self.assertEqual(details["as_of"], records[-1]["msg_id"])
        recalled = await self.change(self.a, RECALL, "x", targets=[target])
        self.assertEqual((await self.entry(self.b))["msg_id"], recalled["msg_id"])
        self.assertEqual((await self.page(self.b))[2]["status"], 2)
        again = await self.change(self.b, REACT, "r", target=target, emoji="👍🏽", on=True)
        self.assertEqual((again["error"], again["msg_id"]), (0, reacted["msg_id"]))

    async def test_extras(self) -> None:
        """A text that answers, mentions or forwards says so in its push and in the page."""
        first = (await self.say(self.a, "one"))["msg_id"]
        await self.say(self.b, "yes", reply_to=first, mentions=[str(self.anna)])
        self.assertEqual((self.pushed["reply_to"], self.pushed["mentions"]), (first, [str(self.anna)]))
        await self.say(self.b, "ignored", forward={"thread_id": str(self.thread), "msg_id": first})
        source = {"thread_id": str(self.thread), "msg_id": first, "sender": str(self.anna)}
        self.assertEqual((self.pushed["msg_content"], self.pushed["forward"]), ("one", source))
        forwarded = self.pushed["msg_id"]
        await self.say(self.a, "again", forward={"thread_id": str(self.thread), "msg_id": forwarded})
        self.assertEqual(self.pushed["forward"], source)  # the first author's, however often
        records = await self.page(self.a, entries=True)
        self.assertEqual(
            (records[3]["reply_to"], records[3]["mentions"], records[4]["forward"]),
            (first, [str(self.anna)], source),
        )

    async def test_hidden(self) -> None:
        """What one hides is gone for one alone, on all devices; the others of them are told."""
        first = (await self.say(self.a, "one"))["msg_id"]
        phone = await self.server.login(self.anna, "phone")
        answer = await self.a.ask(HIDE, thread_id=str(self.thread), msg_ids=[first])
        self.assertEqual(answer["error"], 0)
        self.assertEqual((await phone.next(140))["msg_ids"], [first])
        self.assertEqual([client.pending(140) for client in (self.a, self.b)], [[], []])
        self.assertNotIn(first, [one["msg_id"] for one in await self.page(self.a)])
        self.assertIn(first, [one["msg_id"] for one in await self.page(self.b)])
        await self.a.ask(HIDE, thread_id=str(self.thread), up_to=str(1 << 62))
        self.assertEqual((await phone.next(140))["up_to"], first)  # not what is said after that
        second = (await self.say(self.b, "two"))["msg_id"]
        self.assertEqual([one["msg_id"] for one in await self.page(self.a)], [second])

    async def test_mentioned_twice(self) -> None:
        """Who is mentioned twice is mentioned."""
        bert = str(self.bert)
        await self.say(self.a, "you and you", mentions=[bert, f"0{bert}", bert])
        self.assertEqual(self.pushed["mentions"], [bert])

    async def test_bad_input(self) -> None:
        """Each is refused with its status, and nothing is stored or told."""
        target = (await self.say(self.a, "one"))["msg_id"]
        ((_, c),) = await self.users("carl")
        before = await self.page(self.a, entries=True)
        for client, service, fields, status in (
            (self.a, EDIT, {"target": target, "content": ""}, Status.MESSAGE_TOO_LONG),
            (self.a, EDIT, {"target": target, "content": "x" * 4097}, Status.MESSAGE_TOO_LONG),
            (self.a, EDIT, {"target": "no id", "content": "x"}, Status.JSONPARSE_ERROR),
            (self.a, EDIT, {"target": target, "content": "x", "mentions": "you"}, Status.INVALID_FIELD),
            (self.a, EDIT, {"target": target, "content": "x", "mentions": ["1"] * 101}, Status.INVALID_FIELD),
            (self.a, EDIT, {"target": "5", "content": "x"}, Status.CHATRECORD_NOT_EXIST),
            (self.b, EDIT, {"target": target, "content": "x"}, Status.PERMISSION_DENIED),
            (c, EDIT, {"target": target, "content": "x"}, Status.PERMISSION_DENIED),
            (self.a, RECALL, {"targets": []}, Status.INVALID_FIELD),
            (self.a, RECALL, {"targets": [str(one) for one in range(101)]}, Status.INVALID_FIELD),
            (self.b, RECALL, {"targets": [target]}, Status.PERMISSION_DENIED),
            (c, RECALL, {"targets": [target]}, Status.PERMISSION_DENIED),
            (self.a, REACT, {"target": target, "emoji": "", "on": True}, Status.INVALID_FIELD),
            (self.a, REACT, {"target": target, "emoji": " ", "on": True}, Status.INVALID_FIELD),
            (self.a, REACT, {"target": target, "emoji": "ab", "on": True}, Status.INVALID_FIELD),
            (
                self.a,
                REACT,
                {"target": target, "emoji": "x" + "\u0301" * 16, "on": True},
                Status.INVALID_FIELD,
            ),
            (c, REACT, {"target": target, "emoji": "👍", "on": True}, Status.PERMISSION_DENIED),
            (c, PIN, {"target": target, "on": True}, Status.PERMISSION_DENIED),
        ):
            answer = await self.change(client, service, f"bad {service} {fields}"[:64], **fields)
            self.assertEqual(answer["error"], status, fields)
            self.assertIn("message", answer)
        for service, fields in (
            (PINS, {}),
            (REACTORS, {"msg_id": target}),
            (HIDE, {"msg_ids": [target]}),
        ):
            answer = await c.ask(service, thread_id=str(self.thread), **fields)
            self.assertEqual(answer["error"], Status.PERMISSION_DENIED, service)
        for unique_id in ("", "x" * 65):
            answer = await self.change(self.a, PIN, unique_id, target=target, on=True)
            self.assertEqual(answer["error"], Status.INVALID_FIELD)
        self.assertEqual(await self.page(self.a, entries=True), before)


class SqliteEntriesTests(Entries, OnSqlite):
    """On SQLite."""


class MariaDbEntriesTests(Entries, OnMariaDb):
    """On MariaDB."""


del Entries
