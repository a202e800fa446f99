"""How far members have received and read their threads."""

from __future__ import annotations

from typing import Any

from imsys.errors import Refused
from imsys.store.threads import Mark
from tests.support.stores import OnMariaDb, OnSqlite, StoreCase, text

LAST = (1 << 63) - 1


class Marking(StoreCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.anna, self.bert, self.carl = await self.people("anna", "bert", "carl")
        self.thread = await self.befriend(self.anna, self.bert)
        self.move = self.stores.threads.move_marks

    async def append(self, sender: int, receiver: int, thread_id: int, *contents: str) -> list[int]:
        (appended,) = await self.stores.messages.append(
            self.ids, [text(sender, receiver, thread_id, *contents)]
        )
        assert not isinstance(appended, Refused)
        return [message.msg_id for message in appended.messages]

    async def group(self, *members: int) -> int:
        def make(tx: Any) -> int:
            thread = int(tx.insert("INSERT INTO threads (kind, created_at) VALUES (1, 0)"))
            tx.execute_many(
                "INSERT INTO members (thread_id, user_id) VALUES (?, ?)",
                [(thread, member) for member in members],
            )
            return thread

        return await self.database.write(make)

    async def test_again(self) -> None:
        """A mark that stands there already is news for the others still, since whoever set it may not have
        come to tell.
        """
        one, two = await self.append(self.anna, self.bert, self.thread, "1", "2")
        for _ in range(2):
            self.assertEqual(
                await self.move(self.bert, self.thread, two, one),
                (Mark(self.thread, self.bert, two, one), [self.anna], None),
            )
        for at, others in (((0, one), [self.anna]), ((two, 0), [self.anna]), ((one, 0), []), ((0, 0), [])):
            self.assertEqual((await self.move(self.bert, self.thread, *at))[1], others, at)

    async def test_of_others(self) -> None:
        """How far the others have come is read by pages, of all of one's threads, and of nobody else's."""
        thread = await self.befriend(self.anna, self.carl)
        group = await self.group(self.anna, self.bert, self.carl)
        await self.append(self.anna, 0, group, "1")
        private = (self.bert, self.thread), (self.anna, self.thread), (self.carl, thread)
        for user, where in (*private, (self.bert, group), (self.carl, group)):
            await self.move(user, where, LAST, 0)
        found: list[Mark] = []
        while page := await self.stores.threads.marks(
            self.anna, (found[-1].thread_id, found[-1].user) if found else (0, 0), 2
        ):
            found += page
        wanted = [(self.thread, self.bert), (thread, self.carl), (group, self.bert), (group, self.carl)]
        self.assertEqual([(mark.thread_id, mark.user) for mark in found], sorted(wanted))
        self.assertTrue(all(mark.delivered and not mark.read for mark in found))
        self.assertEqual(
            [mark.user for mark in await self.stores.threads.marks(self.bert, (0, 0), 9)],
            [self.anna, self.carl],
        )


class SqliteMarkingTests(Marking, OnSqlite):
    """On SQLite."""


class MariaDbMarkingTests(Marking, OnMariaDb):
    """On MariaDB."""


del Marking
