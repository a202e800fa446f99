"""The account in memory behaves as ``ports.Account`` says."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from twisted.trial.unittest import TestCase

from client.core.memory import MemoryAccount
from client.core.model import Kind, Link, Mark, Message
from client.core.ports import Account, Failure


class ReadingTests(TestCase):
    def setUp(self) -> None:
        self.account = MemoryAccount()

    def test_it_is_an_account(self) -> None:
        account: Account = MemoryAccount()
        self.assertEqual(account.me.username, "lena")

    def test_it_has_a_couple_of_dozen_conversations_with_the_pinned_ones_first(self) -> None:
        """Rows stand as a list shows them."""
        rows = self.account.conversations()
        self.assertGreaterEqual(len(rows), 24)
        pinned = [row.pinned for row in rows]
        self.assertEqual(pinned, sorted(pinned, reverse=True))
        for flag in (True, False):
            times = [row.at_ms for row in rows if row.pinned is flag]
            self.assertEqual(times, sorted(times, reverse=True))

    async def test_pages_upward_meet_without_gaps_or_repeats(self) -> None:
        """A hundred thousand messages are read page by page, and each is there once, in order."""
        page = await self.account.before(1, None, 500)
        seen = list(page)
        while len(seen) < 3_000:
            page = await self.account.before(1, seen[0], 500)
            seen = page + seen
        self.assertEqual([message.order for message in seen], sorted({message.order for message in seen}))
        self.assertEqual([message.at_ms for message in seen], sorted(message.at_ms for message in seen))
        self.assertEqual(await self.account.after(1, seen[0], 2_000), seen[1:2_001])

    async def test_the_beginning_is_reached(self) -> None:
        """Before the first message there is nothing."""
        first = (await self.account.around(1, 0, 2))[0]
        self.assertEqual(await self.account.before(1, first, 10), [])

    async def test_every_history_is_in_order(self) -> None:
        """Also where messages wait."""
        for row in self.account.conversations():
            messages = await self.account.before(row.id, None, 300)
            self.assertEqual(
                [one.order for one in messages], sorted(one.order for one in messages), row.title
            )
            if messages:
                self.assertEqual(row.last, messages[-1])
                known = [one.at_ms for one in messages]
                self.assertEqual(known, sorted(known), row.title)
            self.assertLessEqual(row.at_ms, self.account.now_ms)
            unread = [one for one in messages if one.id > row.read and not one.mine]
            self.assertEqual(len(unread), row.unread, row.title)

    async def test_a_jump_to_a_day_finds_its_first_message(self) -> None:
        """What is before it is older."""
        at_ms = self.account.now_ms - 40 * 86_400_000
        found = await self.account.on_day(1, at_ms)
        around = await self.account.around(1, found, 3)
        self.assertLess(around[0].at_ms, at_ms)
        self.assertGreaterEqual(around[1].at_ms, at_ms)

    async def test_texts_and_files_are_found(self) -> None:
        """Newest first, without regard to case."""
        found = await self.account.find(1, "TRIPOD", 5)
        self.assertEqual(found[0].text, "I bring the tripod")
        files = await self.account.files("image", "", 20, 0)
        self.assertEqual({one.kind for one in files}, {Kind.IMAGE})
        self.assertEqual([one.at_ms for one in files], sorted((one.at_ms for one in files), reverse=True))

    def test_opening_costs_little(self) -> None:
        """Nothing is made that nobody looks at (a bound with much room)."""
        started = time.process_time()
        MemoryAccount()
        self.assertLess(time.process_time() - started, 2.0)


class ActingTests(TestCase):
    def setUp(self) -> None:
        self.account = MemoryAccount()
        self.told: list[Message] = []
        self.account.changes.messages.subscribe(self.told.extend)

    async def test_a_text_is_there_at_once_and_then_stored(self) -> None:
        """The view hears of both, under one key."""
        sent = await self.account.send_text(5, "Hello")
        self.assertEqual([one.mark for one in self.told], [Mark.WAITING, Mark.STORED])
        self.assertEqual({one.key for one in self.told}, {sent.key})
        self.assertEqual(self.account.conversations()[2].last, sent)

    async def test_what_is_written_offline_goes_when_the_connection_is_there(self) -> None:
        """In order, after all that have a number."""
        self.account.set_connection(Link.WAITING, "The server does not answer.", self.account.now_ms + 4_000)
        first, second = await self.account.send_text(5, "one"), await self.account.send_text(5, "two")
        self.assertEqual((await self.account.before(5, None, 2)), [first, second])
        self.account.set_connection(Link.ONLINE)
        stored = await self.account.before(5, None, 2)
        self.assertEqual(
            [(one.text, one.mark) for one in stored], [("one", Mark.STORED), ("two", Mark.STORED)]
        )

    async def test_a_failed_text_can_be_sent_again_or_deleted(self) -> None:
        """One that is stored stays."""
        failed = next(one for one in await self.account.before(2, None, 20) if one.mark is Mark.FAILED)
        await self.account.resend(failed)
        self.assertEqual(self.told[-1].mark, Mark.STORED)
        with self.assertRaises(Failure):
            await self.account.delete(self.told[-1])

    async def test_reading_lowers_the_count(self) -> None:
        """Up to what was seen, and no further."""
        one = self.account.conversation(3)
        assert one is not None
        unread = [message for message in await self.account.before(3, None, 10) if message.id > one.read]
        await self.account.mark_read(3, unread[0].id)
        changed = self.account.conversation(3)
        assert changed is not None
        self.assertEqual(changed.unread, 2)
        received = self.account.receive(3, "还在吗？")
        await self.account.mark_read(3, received.id)
        changed = self.account.conversation(3)
        assert changed is not None
        self.assertEqual(changed.unread, 0)

    async def test_pictures_are_made_for_screenshots(self) -> None:
        """They are PNG files of the shape of the picture."""
        with tempfile.TemporaryDirectory() as folder:
            account = MemoryAccount(Path(folder))
            message = (await account.files("image", "", 1, 0))[0]
            path = await account.preview(message)
            face = await account.avatar("face-10002")
            assert path is not None
            assert face is not None
            self.assertTrue(path.read_bytes().startswith(b"\x89PNG"))
            self.assertTrue(face.read_bytes().startswith(b"\x89PNG"))

    async def test_a_refusal_is_a_sentence(self) -> None:
        """Whatever is asked."""
        self.account.refusal = "The server is busy."
        with self.assertRaisesRegex(Failure, "busy"):
            await self.account.send_text(1, "x")
