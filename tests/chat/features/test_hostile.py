"""What one user, or a few, can do to a conversation as fast as they can: it is bounded, and the others go on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from imsys.config import LimitsConfig
from imsys.store.appending import Submission
from imsys.store.bulk import befriend, free_numbers, insert_accounts
from tests.chat.features.test_conversation import text_request
from tests.support.chat import ChatCase, ChatServer, RawClient
from tests.support.groups import GroupCase
from tests.support.stores import OnMariaDb, OnSqlite

EDIT, REACT = 192, 196
TOGGLES = 30
"""Of each of those who storm."""


class Storm(GroupCase):
    """A group of twenty, and two friends who have nothing to do with it."""

    names = (
        "anna",
        "bert",
        "carl",
        "dora",
        "emil",
        *(f"user{number}" for number in range(16)),
        "xena",
        "yuri",
    )

    async def setUp(self) -> None:
        await super().setUp()
        self.stormers = list(zip(self.uuids[5:-2], self.clients[5:-2], strict=True))
        for user, _ in self.stormers:
            await self.befriend(self.anna, user)
        await self.change(self.a, 216, members=[str(user) for user, _ in self.stormers])
        self.stormers += [(self.bert, self.b), (self.carl, self.c), (self.anna, self.a)]
        (self.xena, self.yuri), (self.x, self.y) = self.uuids[-2:], self.clients[-2:]
        self.private = str(await self.befriend(self.xena, self.yuri))
        self.batches: list[list[Submission]] = []
        self.waited: list[int] = []
        """Of each of Xena's texts: the transactions that began before its own, after it had come."""
        append, take = self.stores.messages.append, self.server.log.append
        came: dict[int, int] = {}

        def taken(submission: Submission, source: Any) -> Any:
            if submission.sender == self.xena:
                came[id(submission)] = len(self.batches)
            return take(submission, source)

        async def counted(ids: Any, submissions: Sequence[Submission], *, wait: bool = True) -> Any:
            self.waited += [len(self.batches) - came.pop(id(one)) for one in submissions if id(one) in came]
            self.batches.append(list(submissions))
            return await append(ids, submissions, wait=wait)

        self.patch(self.stores.messages, "append", counted)
        self.patch(self.server.log, "append", taken)

    async def test_reactions(self) -> None:
        """All toggle reactions without waiting: each is stored or refused, they leave nothing behind, and of others' texts each
        waits for the changes of one transaction at most.
        """
        said = (await self.say(self.a, "one"))["verified_msg"][0]["msg_id"]
        self.batches.clear()
        for number in range(TOGGLES):
            for user, client in self.stormers:
                emoji, on = "😀👍❤"[user % 3], number % 2 == 0
                unique_id = f"{user} {number}"
                client.send(REACT, thread_id=self.group, unique_id=unique_id, target=said, emoji=emoji, on=on)
        for number in range(20):
            answer = await self.x.ask(
                23, **text_request(self.xena, self.yuri, self.private, f"text {number}")
            )
            self.assertEqual(answer["error"], 0)
        errors = [
            (await client.next(REACT + 1))["error"] for _ in range(TOGGLES) for _, client in self.stormers
        ]
        self.assertEqual(set(errors), {0})
        stormed = [sum(one.change is not None for one in batch) for batch in self.batches]
        self.assertGreater(sum(stormed), 19 * TOGGLES // 2, "the texts were sent in the middle of it")
        self.assertEqual(len(self.waited), 20)
        self.assertLessEqual(max(self.waited), 1)
        self.assertLessEqual(max(stormed), 50)
        for _ in range(20):
            await self.y.next(25)
        self.assertEqual(await self.count("reactions"), 0)
        before = self.looks()
        page = await self.a.ask(13, thread_id=self.group, msg_id="0", details=True)
        self.assertEqual((len(page["chat_messages"]), page["is_complete"]), (1, True))
        self.assertEqual(self.looks() - before, 1)

    def looks(self) -> int:
        """How often the database was read, or written by others than the log."""
        answered = self.database.answered
        return answered["general"] + answered["small"]

    async def count(self, table: str) -> int:
        rows = await self.database.read(lambda tx: tx.rows(f"SELECT COUNT(*) FROM {table}"))
        return int(rows[0][0])

    async def test_edits(self) -> None:
        """A message that is edited again and again is kept once, and who catches up is told what it says once a page."""
        said = (await self.say(self.a, "one"))["verified_msg"][0]["msg_id"]
        after = (await self.ask(self.a, 212))["last_msg_id"]
        for number in range(120):
            content = f"{number:04}" + "é" * 4092
            answer = await self.ask(self.a, EDIT, target=said, content=content, mentions=[str(self.bert)])
            self.assertEqual(answer["error"], 0)
        self.assertEqual([await self.count(table) for table in ("mentions", "messages")], [1, 1 + 2 * 20])
        pages, edits, cursor = 0, 0, after
        while True:
            page = await self.b.ask(13, thread_id=self.group, msg_id=cursor, limit=40, entries=True)
            bodies = [record["body"] for record in page["chat_messages"]]
            self.assertEqual({body["target"] for body in bodies}, {said})
            self.assertEqual([body.get("content") for body in bodies], [None] * (len(bodies) - 1) + [content])
            self.assertLess(len(json.dumps(page, ensure_ascii=False)), 40_000)
            pages, edits, cursor = pages + 1, edits + len(bodies), page["next_msg_id"]
            if page["is_complete"]:
                break
        self.assertEqual((pages, edits), (3, 120))


class SqliteStormTests(Storm, OnSqlite):
    """On SQLite."""


class MariaDbStormTests(Storm, OnMariaDb):
    """On MariaDB."""


del Storm


class AllowedTests(ChatCase, OnSqlite):
    """Of everything that is stored or told for somebody there is only so much a minute."""

    async def setUp(self) -> None:
        self.patch(ChatServer, "allowed", LimitsConfig(text_minute=50, text_day=0))
        await super().setUp()
        (self.anna, self.a), (self.bert, self.b) = await self.users("anna", "bert")
        self.thread = str(await self.befriend(self.anna, self.bert))

    async def refused_after(self, client: RawClient, service: int, requests: Sequence[dict[str, Any]]) -> int:
        """How many of these pass, before one is refused with the time to wait."""
        for passed, request in enumerate(requests):
            answer = await client.ask(service, **request)
            if answer["error"]:
                self.assertEqual(answer["error"], 64)
                self.assertGreater(answer["retry_after"], 0)
                return passed
        raise AssertionError("nothing was refused")

    async def test_changes(self) -> None:
        """A change counts for five texts: all are told of it, and nobody who comes back can pass over it. Others' are counted
        on their own.
        """
        sent = await self.a.ask(23, **text_request(self.anna, self.bert, self.thread, "one"))
        said = sent["verified_msg"][0]["msg_id"]
        requests = [
            {"thread_id": self.thread, "unique_id": str(number), "target": said, "content": str(number)}
            for number in range(60)
        ]
        self.assertTrue(9 <= await self.refused_after(self.a, EDIT, requests) <= 12)
        answer = await self.b.ask(
            REACT, thread_id=self.thread, unique_id="r", target=said, emoji="👍", on=True
        )
        self.assertEqual(answer["error"], 0)

    async def test_own_changes(self) -> None:
        """So it is with settings and drafts, and what is hidden."""
        drafts = [{"thread_id": self.thread, "draft": str(number)} for number in range(100)]
        self.assertTrue(50 <= await self.refused_after(self.a, 272, drafts) <= 60)
        hiding = [{"thread_id": self.thread, "up_to": str(number)} for number in range(1, 100)]
        self.assertTrue(50 <= await self.refused_after(self.b, 204, hiding) <= 60)


THREADS = 5000


class ManyThreads(ChatCase):
    """A user with so many friends, who all have written."""

    async def setUp(self) -> None:
        await super().setUp()
        (self.anna,) = await self.people("anna")

        def fill(tx: Any) -> None:
            user, thread = free_numbers(tx)
            users = range(user, user + THREADS)
            insert_accounts(tx, [(uuid, f"user{uuid}") for uuid in users], 0)
            befriend(tx, self.ids, [(self.anna, uuid) for uuid in users], thread, 0)

        await self.database.write(fill)
        self.answered = 0

    def transactions(self) -> int:
        """Since this was asked last."""
        before, self.answered = self.answered, sum(self.database.answered.values())
        return self.answered - before

    async def test_first_screen(self) -> None:
        """A login, the first screen and catching up cost as many transactions as with few, and a frame each; presence is of
        those who are looked at alone.
        """
        client = await self.server.login(self.anna)
        self.transactions()
        page = await client.ask(270)
        self.assertEqual((len(page["threads"]), page["is_complete"]), (50, False))
        self.assertLessEqual(self.transactions(), 1)
        last = page["threads"][0]["last_msg_id"]
        page = await client.ask(270, cursor=page["next"])
        self.assertEqual((len(page["threads"]), self.transactions()), (50, 1))
        synced = await client.ask(68, since=last, own=True)
        self.assertLessEqual(len(synced["threads"]), 100)
        self.assertLessEqual(self.transactions(), 2)
        friend = page["threads"][0]["uuid"]
        self.assertEqual((await client.ask(290, users=[friend]))["error"], 0)
        other = await self.server.login(int(page["threads"][1]["uuid"]))
        watched = await self.server.login(int(friend))
        self.assertEqual([one["uuid"] for one in (await client.next(136))["states"]], [friend])
        for one in (other, watched):
            await one.abort()
        # who asks for all gets each thread once, by as many requests as there are pages
        found: list[str] = []
        cursor, pages = "", 0
        while True:
            page = await client.ask(68, since="0", cursor=cursor)
            found += [head["thread_id"] for head in page["threads"]]
            cursor, pages = page["next"], pages + 1
            if page["is_complete"]:
                break
        self.assertEqual((len(found), len(set(found)), pages), (THREADS, THREADS, THREADS // 100))


class SqliteManyThreadsTests(ManyThreads, OnSqlite):
    """On SQLite."""


class MariaDbManyThreadsTests(ManyThreads, OnMariaDb):
    """On MariaDB."""


del ManyThreads
