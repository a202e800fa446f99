"""One account's store, on a real disk."""

from __future__ import annotations

import os
import random
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import apsw
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from client.core.model import (
    Attachment,
    Conversation,
    ConversationKind,
    Forward,
    FriendRequest,
    Kind,
    Mark,
    Message,
    Person,
    Quote,
    Reaction,
)
from client.core.spans import Spans
from client.store import messages, tables
from client.store.schema import MIGRATIONS, VERSION
from client.store.store import Store, StoreDamaged, StoreFull
from client.store.tables import Row
from tests.support.children import folder

KEY = bytes(range(32))


def said(number: int, **more: Any) -> Message:
    return Message(f"#{number}", 7, 2, 1_000_000 + number * 1000, text=f"text {number}", id=number, **more)


def written(key: str, at_ms: int, **more: Any) -> Message:
    return Message(key, 7, 1, at_ms, text=key, mine=True, mark=Mark.WAITING, **more)


class StoreCase(TestCase):
    timeout = 30

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.path = folder("store") / "a" / "store.db"

    async def store(self, key: bytes = KEY, *, rows: bool = True) -> Store:
        store = Store(self.reactor, self.path, key)
        self.opened = await store.open()
        self.addCleanup(lambda: Deferred.fromCoroutine(store.close()))
        if rows:
            await store.write(
                lambda db: tables.put_conversation(
                    db, Row(Conversation(7, ConversationKind.PRIVATE, "Ben", (2,)))
                )
            )
        return store

    async def put(self, store: Store, *some: Message) -> None:
        await store.write(lambda db: [messages.put(db, one) for one in some])


class KeepingTests(StoreCase):
    async def test_messages_come_back_as_they_were(self) -> None:
        """In order, what is not sent last, page by page in both directions."""
        store = await self.store()
        photo = Attachment("a.png", 5, "image/png", "f1", "00", "t1", 4, 3, "/tmp/a.png")
        some = [
            said(3),
            said(1),
            written("b", 3_000_000),
            said(2, kind=Kind.IMAGE, attachment=photo),
            written("a", 2_000_000),
        ]
        await self.put(store, *some)
        page = await store.read(lambda db: messages.before(db, 7, None, 10))
        self.assertEqual(page, [some[1], some[3], some[0], some[4], some[2]])
        self.assertEqual(
            await store.read(lambda db: messages.before(db, 7, messages.order(page[3]), 2)), page[1:3]
        )
        self.assertEqual(
            await store.read(lambda db: messages.after(db, 7, messages.order(page[1]), 2)), page[2:4]
        )
        self.assertEqual(await store.read(messages.unsent), page[3:])
        self.assertEqual(
            await store.read(lambda db: messages.find(db, 7, "TEXT 2", None, 5, 100)), ([some[3]], None)
        )
        self.assertEqual(await store.read(lambda db: messages.files(db, "image", "A.P", 5, 0)), [some[3]])
        self.assertEqual(await store.read(lambda db: messages.by_file(db, 7, "f1")), None)
        large = said(9, attachment=Attachment("b.bin", 9_000_000_000_000_000, file_id="f9", path="/b.bin"))
        await self.put(store, large)

        async def files(**more: Any) -> list[int]:
            return [one.id for one in await store.read(lambda db: messages.files(db, "", "", 9, 0, **more))]

        self.assertEqual(await files(largest=True), [9, some[3].id])
        self.assertEqual((await files(here=True), await files(conversation=8)), ([9, 2], []))

    async def test_one_that_was_written_here_and_came_back_is_one(self) -> None:
        """Whether the answer or the history comes first."""
        store = await self.store()
        await self.put(store, written("mine", 5), said(4, mine=True))
        stored = Message("mine", 7, 1, 1_004_000, text="mine", id=4, mine=True)
        self.assertEqual(await store.write(lambda db: messages.put(db, stored)), ["#4"])
        self.assertEqual(
            [one.key for one in await store.read(lambda db: messages.before(db, 7, None, 9))], ["mine"]
        )

    async def test_marks_follow_what_the_other_has_read(self) -> None:
        """Nothing is written for each message."""
        store = await self.store()
        await self.put(store, *(said(number, mine=True) for number in (1, 2, 3)))
        row = Row(Conversation(7, ConversationKind.PRIVATE, "Ben", (2,)), their_delivered=2, their_read=1)
        await store.write(lambda db: tables.put_conversation(db, row))
        page = await store.read(lambda db: messages.before(db, 7, None, 9))
        self.assertEqual([one.mark for one in page], [Mark.READ, Mark.DELIVERED, Mark.STORED])
        self.assertEqual(
            [one.id for one in await store.read(lambda db: messages.mine_between(db, 7, 1, 3))], [2, 3]
        )

    async def test_the_rest_comes_back_too(self) -> None:
        """Conversations, people, requests, settings, ranges."""
        store = await self.store(rows=False)
        ben = Person(2, "ben", "Ben", "Benny", "av", "about", 1, True, True)
        one = Conversation(
            7,
            ConversationKind.PRIVATE,
            "Ben",
            (2,),
            unread=3,
            read=9,
            draft="dr\ud800aft",
            pinned=True,
            muted_until_ms=-1,
        )
        row = Row(one, 8, 4, 3, 10)

        def write(db: apsw.Connection) -> None:
            tables.put_people(db, [ben])
            tables.put_conversation(db, row)
            tables.set_requests(db, [FriendRequest(ben, "hi", 5)])
            tables.set_setting(db, "a", "1")
            for low, high in ((5, 9), (20, 30), (9, 12), (1, 2), (11, 19), (25, 26), (32, 32)):
                tables.add_span(db, 7, low, high)

        await store.write(write)
        await store.close()
        store = await self.store(rows=False)
        self.assertEqual(await store.read(tables.people), [ben])
        (found,) = await store.read(tables.conversations)
        self.assertEqual(found.conversation.draft, "dr?aft")
        self.assertEqual((found.told, found.their_delivered, found.their_read, found.synced), (8, 4, 3, 10))
        self.assertEqual(
            await store.read(lambda db: tables.requests(db, {2: ben})), [FriendRequest(ben, "hi", 5)]
        )
        self.assertEqual(await store.read(tables.settings), {"a": "1"})
        self.assertEqual(list(await store.read(lambda db: tables.spans(db, 7))), [(1, 2), (5, 30), (32, 32)])

    async def test_a_day_is_found(self) -> None:
        """The first message at or after a time, among those that are known."""
        store = await self.store()
        await self.put(store, *(said(number) for number in (10, 20, 30, 1 << 50)))
        for at_ms, number in (
            (0, 10),
            (1_010_000, 10),
            (1_010_001, 20),
            (1_030_000, 30),
            (1_030_001, 1 << 50),
            (1 << 62, 0),
        ):
            self.assertEqual(
                await store.read(lambda db, at=at_ms: messages.first_at(db, 7, at, 0, 1 << 60)),  # type: ignore[misc]
                number,
            )

    async def test_a_hundred_thousand_messages_open_at_once(self) -> None:
        """By the order alone: the newest page, one in the middle, and the counts (bounds with much room)."""
        store = await self.store()
        await store.write(lambda db: [messages.put(db, said(number)) for number in range(1, 100_001)])
        await store.close()
        store = await self.store(rows=False)
        started = time.perf_counter()
        await store.read(tables.conversations)
        page = await store.read(lambda db: messages.before(db, 7, None, 100))
        middle = await store.read(lambda db: messages.before(db, 7, (50_000, 0, ""), 100))
        self.assertLess(time.perf_counter() - started, 1.0)
        self.assertEqual((page[-1].id, middle[-1].id), (100_000, 49_999))
        self.assertEqual(await store.read(lambda db: messages.unread(db, 7, 99_990)), 10)


class TroubleTests(StoreCase):
    async def test_a_store_of_the_version_before(self) -> None:
        """What it had is there, and takes what changes."""
        self.path.parent.mkdir(parents=True)
        db = apsw.Connection(str(self.path))
        db.pragma("key", f"raw:{KEY.hex()}")
        db.execute(MIGRATIONS[0])
        db.pragma("user_version", 1)
        db.execute(
            "INSERT INTO conversations (id, kind, title, people, their_read, draft, synced, pinned, muted_until_ms)"
            " VALUES (7, 'private', 'Ben', '[2]', 5, 'dear b', 5, 1, -1), (8, 'private', 'Carl', '[3]', 0, '', 0, 0, 0)"
        )
        db.execute(
            "INSERT INTO messages (conversation, ord, at_ms, key, sender, kind, text, mine, mark)"
            " VALUES (7, 5, 1000, 'a', 1, 'text', 'hello', 1, 4), (7, 4, 900, '#4', 2, 'text', 'hi', 0, 2)"
        )
        db.close()
        store = await self.store(rows=False)
        self.assertEqual(self.opened.notice, "")
        rows = await store.read(tables.conversations)
        self.assertEqual(
            {row.conversation.id: row.untold for row in rows},
            {7: {"draft", "pinned", "muted_until_ms"}, 8: frozenset()},  # it was known to this computer alone
        )
        page = await store.read(lambda db: messages.before(db, 7, None, 10))
        self.assertEqual(
            [(one.id, one.text, one.mark) for one in page], [(4, "hi", Mark.STORED), (5, "hello", Mark.READ)]
        )
        changed = replace(
            page[1], text="hello!", edited_ms=9, reactions=(Reaction("👍", 2, True),), mentions=(2,), pinned=True,
            quote=Quote(4, 2, "hi"), forward=Forward(3, 4, 5), as_of=8,
        )  # fmt: skip
        await self.put(store, changed)
        self.assertEqual(await store.read(lambda db: messages.before(db, 7, None, 10)), [page[0], changed])
        self.assertEqual(await store.read(lambda db: messages.pinned(db, 7, 9)), [changed])
        self.assertEqual(await store.read(lambda db: messages.answers(db, 7, 4)), [changed])
        await self.put(store, page[1])  # what knows less of its changes takes none of them away
        self.assertEqual(await store.read(lambda db: messages.by_id(db, 7, 5)), changed)

    async def test_nobody_else_can_read_it(self) -> None:
        """It is for its owner, and encrypted: no text is in its files."""
        store = await self.store()
        await self.put(store, Message("#1", 7, 2, 1, text="a very secret sentence", id=1))
        await store.close()
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.path.parent.stat().st_mode & 0o777, 0o700)
        for path in self.path.parent.iterdir():
            self.assertNotIn(b"secret sentence", path.read_bytes())
            self.assertNotIn(b"SQLite format", path.read_bytes())

    async def test_another_key_opens_a_new_one(self) -> None:
        """The old one is set aside, not lost."""
        store = await self.store()
        await self.put(store, said(1))
        await store.close()
        store = await self.store(b"x" * 32)
        self.assertIn("set aside", self.opened.notice)
        self.assertEqual(await store.read(lambda db: messages.before(db, 7, None, 9)), [])
        self.assertEqual(len(list(self.path.parent.glob("store.db.aside-*"))), 1)

    async def test_one_of_a_newer_version_is_set_aside(self) -> None:
        """And is as it was, should that version come back."""
        store = await self.store()
        await self.put(store, said(1))
        await store.write(lambda db: db.pragma("user_version", VERSION + 1))
        await store.close()
        await self.store()
        self.assertIn("newer version", self.opened.notice)
        (aside,) = (
            path
            for path in self.path.parent.glob("store.db.aside-*")
            if not path.name.endswith(("-wal", "-shm"))
        )
        aside.rename(self.path.with_name("other.db"))

    async def test_a_damaged_one_is_set_aside(self) -> None:
        """Rubbish, half of it, nothing of it: each time a new one is begun, with a sentence."""
        for damage in (b"rubbish" * 1000, b"\0" * 8192):
            store = await self.store()
            await self.put(store, said(1))
            await store.close()
            self.path.write_bytes(damage)
            store = await self.store()
            self.assertIn("damaged", self.opened.notice)
            self.assertEqual(await store.read(messages.unsent), [])
            await store.close()

    async def test_what_was_not_sent_is_saved_from_a_damaged_one(self) -> None:
        """As far as it can be read: texts and drafts."""
        store = await self.store()
        await self.put(store, written("unsent", 5))
        one = Conversation(7, ConversationKind.PRIVATE, "Ben", (2,), draft="almost")
        await store.write(lambda db: tables.put_conversation(db, Row(one)))
        await store.write(lambda db: db.execute("DROP TABLE people"))
        await store.close()
        await self.store()
        self.assertIn("damaged", self.opened.notice)
        self.assertEqual([message.text for message in self.opened.rescued], ["unsent"])
        self.assertEqual(self.opened.drafts, ((7, "almost"),))

    async def test_damage_that_comes_to_light_later(self) -> None:
        """Is told apart from a disk that is full."""
        store = await self.store()
        await self.put(store, *(said(number) for number in range(1, 3000)))
        await store.close()
        data = bytearray(self.path.read_bytes())
        data[len(data) // 2 : len(data) // 2 + 200_000] = os.urandom(200_000)
        self.path.write_bytes(data)
        store = await self.store(rows=False)
        if not self.opened.notice:
            with self.assertRaises(StoreDamaged):
                await store.read(lambda db: messages.before(db, 7, None, 5000))

    async def test_a_full_disk_loses_nothing(self) -> None:
        """A write that does not fit fails as a whole.

        Reading goes on, and so does writing when there is room.
        """
        store = await self.store()
        await self.put(store, said(1))
        await store.read(lambda db: db.pragma("max_page_count", int(db.pragma("page_count")) + 2))
        with self.assertRaises(StoreFull):
            await self.put(store, *(said(number) for number in range(2, 5000)))
        self.assertEqual(await store.read(lambda db: messages.before(db, 7, None, 9)), [said(1)])
        await store.read(lambda db: db.pragma("max_page_count", 1 << 20))
        await self.put(store, said(2))

    async def test_a_place_where_nothing_can_be_written(self) -> None:
        """Is said as such."""
        Path(self.path.parent).parent.joinpath("file").write_text("")
        self.path = self.path.parent.parent / "file" / "store.db"
        store = Store(self.reactor, self.path, KEY)
        with self.assertRaises(StoreFull):
            await store.open()


class SpansTests(StoreCase):
    async def test_ranges_in_the_store_are_those_in_memory(self) -> None:
        """However they come: overlapping, next to one another, within one another."""
        store = await self.store()
        chance = random.Random(3)

        def add(db: apsw.Connection, conversation: int, told: list[tuple[int, int]]) -> list[Any]:
            for low, high in told:
                tables.add_span(db, conversation, low, high)
            return db.execute(
                "SELECT low, high FROM spans WHERE conversation = ? ORDER BY low", (conversation,)
            ).fetchall()

        for conversation in range(40):
            told = [(low := chance.randrange(60), low + chance.randrange(8)) for _ in range(12)]
            kept = await store.write(partial(add, conversation=conversation, told=told))
            self.assertEqual(kept, list(Spans(told)), told)
