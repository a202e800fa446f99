"""A member who does too much gets 64 and is told when to try again; whatever is limited, by a chat server."""

from __future__ import annotations

from typing import Any

from imsys.config import LimitsConfig
from tests.chat.features.test_conversation import text_request
from tests.support.chat import ChatCase, ChatServer
from tests.support.stores import OnSqlite

FEW = LimitsConfig(
    lookup_minute=3,
    request_minute=1,
    text_minute=20,
    text_day=0,
    offer_minute=1,
    thread_minute=1,
    profile_minute=1,
)


class AllowedTests(ChatCase, OnSqlite):
    async def setUp(self) -> None:
        self.patch(ChatServer, "allowed", FEW)
        await super().setUp()
        (self.anna, self.a), (self.bert, self.b) = await self.users("anna", "bert")
        self.thread = str(await self.befriend(self.anna, self.bert))

    async def test_limits(self) -> None:
        """Names, cards, friend requests, files, live streams, threads and profiles.

        One's own, and not those of others.
        """
        (carl,) = await self.people("carl")
        offer = {"thread_id": self.thread, "filename": "a", "size": 1}
        asked: list[tuple[int, dict[str, Any]]] = [
            (9, {"username": "bert"}),
            (90, {"uuids": [str(self.bert), str(carl)]}),
            (17, {"src_uuid": str(self.anna), "dst_uuid": str(carl), "message": "", "nickname": ""}),
            (64, offer),
            (15, {"my_uuid": str(self.anna), "friend_uuid": str(self.bert)}),
            (92, {"nickname": "n"}),
        ]
        for service, body in asked:
            answer = await self.a.ask(service, **body)
            self.assertEqual(answer["error"], 0, (service, answer))
        for service, body in asked:
            answer = await self.a.ask(service, **body)
            self.assertEqual(answer["error"], 64, service)
            self.assertGreater(answer["retry_after"], 0)
        self.assertEqual((await self.a.ask(80, thread_id=self.thread, title="t"))["error"], 64)
        self.assertEqual((await self.b.ask(9, username="anna"))["error"], 0)

    async def test_texts(self) -> None:
        """A flood of texts is acknowledged as far as it is allowed, and then refused.

        Nothing of what is refused is stored.
        """
        answers = []
        for number in range(60):
            answers.append(
                await self.a.ask(23, **text_request(self.anna, self.bert, self.thread, f"text {number}"))
            )
        errors = [answer["error"] for answer in answers]
        stored = errors.index(64)
        self.assertTrue(20 <= stored <= 25, stored)
        self.assertEqual(set(errors[stored:]), {64})
        self.assertGreater(answers[-1]["retry_after"], 0)
        found = await self.stores.messages.page(self.anna, int(self.thread), 0, 100)
        self.assertEqual(len(found), 2 + stored)
        answer = await self.b.ask(23, **text_request(self.bert, self.anna, self.thread, "mine"))
        self.assertEqual(answer["error"], 0)
