"""What two users learn of each other no more once one blocks the other, or they are no friends."""

from __future__ import annotations

from typing import Any

from tests.support.chat import ChatCase, RawClient
from tests.support.stores import OnMariaDb, OnSqlite


class _Cut(ChatCase):
    async def setUp(self) -> None:
        await super().setUp()
        (self.anna, self.a), (self.bert, self.b), (self.carl, self.c) = await self.users(
            "anna", "bert", "carl"
        )
        self.thread = str(await self.befriend(self.anna, self.bert))
        self.other = str(await self.befriend(self.anna, self.carl))
        # the greetings came to nobody: these friends were made past the server
        records = await self.a.ask(13, thread_id=self.thread, msg_id="0")
        self.last = records["chat_messages"][-1]["msg_id"]

    async def heard(self, client: RawClient) -> set[int]:
        """The pushes that a client has got, after all that was asked for before."""
        for _ in range(2):
            self.assertEqual((await client.ask(32))["error"], 0)
        return {number for number in (129, 130, 19, 22) if client.pending(number)}

    async def moves(self, client: RawClient, mark: str = "0") -> None:
        answer = await client.ask(100, thread_id=self.thread, delivered=mark, read=mark)
        self.assertEqual(answer["error"], 0)

    async def marks(self, client: RawClient) -> list[Any]:
        found: list[Any] = (await client.ask(102, cursor="", limit=100))["positions"]
        return found

    async def both_learn_nothing(self) -> None:
        for client in (self.a, self.b):
            await self.moves(client, self.last)
            self.assertEqual((await client.ask(92, nickname="new"))["error"], 0)
        self.assertEqual((await self.heard(self.a), await self.heard(self.b)), (set(), set()))
        self.assertEqual((await self.marks(self.a), await self.marks(self.b)), ([], []))
        for client in (self.a, self.b):
            records = await client.ask(13, thread_id=self.thread, msg_id="0")
            self.assertEqual({record["status"] for record in records["chat_messages"]}, {0})
        self.assertEqual(await self.heard(self.c), {130})  # Anna's other friend hears as ever

    async def test_blocked(self) -> None:
        """Of two of whom one blocks the other neither hears how far the other has read, nor of a new profile;
        nor finds it by asking.
        """
        self.assertEqual((await self.a.ask(98, uuid=str(self.bert), blocked=True))["error"], 0)
        await self.both_learn_nothing()
        self.assertEqual((await self.a.ask(98, uuid=str(self.bert), blocked=False))["error"], 0)
        await self.moves(self.b, self.last)
        self.assertEqual((await self.a.next(129))["read"], self.last)
        self.assertEqual((await self.b.ask(92, nickname="newer"))["error"], 0)
        self.assertEqual((await self.a.next(130))["nickname"], "newer")

    async def test_blocked_by_the_other(self) -> None:
        """It is the same whoever of the two blocks."""
        self.assertEqual((await self.b.ask(98, uuid=str(self.anna), blocked=True))["error"], 0)
        await self.both_learn_nothing()

    async def test_no_friends_any_more(self) -> None:
        """Nor do two who are no friends any more."""
        self.assertEqual((await self.a.ask(96, friend_uuid=str(self.bert)))["error"], 0)
        await self.both_learn_nothing()

    async def test_requests_end(self) -> None:
        """Who blocks somebody has no request of theirs waiting, and one's own cannot be accepted.

        Nor is one made while one blocks.
        """
        ask = {"message": "hi", "nickname": "n"}
        self.assertEqual(
            (await self.b.ask(17, src_uuid=str(self.bert), dst_uuid=str(self.carl), **ask))["error"], 0
        )
        await self.c.next(19)
        self.assertEqual((await self.b.ask(98, uuid=str(self.carl), blocked=True))["error"], 0)
        confirm = {"src_uuid": str(self.bert), "dst_uuid": str(self.carl), "alternative_name": ""}
        self.assertEqual((await self.c.ask(20, **confirm))["error"], 34)
        self.assertEqual((await self.c.ask(88, cursor="", limit=10))["requests"], [])
        self.assertEqual(
            (await self.c.ask(17, src_uuid=str(self.carl), dst_uuid=str(self.bert), **ask))["error"], 76
        )
        self.assertEqual(
            (await self.b.ask(17, src_uuid=str(self.bert), dst_uuid=str(self.carl), **ask))["error"], 76
        )
        self.assertEqual((await self.heard(self.b), await self.heard(self.c)), (set(), set()))


class SqliteCutTests(_Cut, OnSqlite):
    pass


class MariaDbCutTests(_Cut, OnMariaDb):
    pass


del _Cut
