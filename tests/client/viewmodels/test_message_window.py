from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from client.core.memory import MemoryAccount
from client.core.model import Link, Mark, Message
from client.core.ports import Failure
from client.viewmodels.message_window import MessageWindow, Move, Where


class SlowAccount(MemoryAccount):
    """Answers when the test says so, where it is held."""

    def __init__(self) -> None:
        super().__init__(longest=1000)
        self.held: list[Deferred[None]] = []
        self.hold = False
        self.fails = False

    async def before(self, conversation: int, message: Message | None, most: int) -> list[Message]:
        if self.hold:
            waits: Deferred[None] = Deferred()
            self.held.append(waits)
            await waits
        if self.fails:
            raise Failure("The disk cannot be read.")
        return await super().before(conversation, message, most)


class WindowTests(TestCase):
    def setUp(self) -> None:
        self.account = SlowAccount()
        self.long = max(self.account.conversations(), key=lambda one: len(self.account.history(one.id)))
        self.account._conversations[self.long.id] = replace(self.long, unread=0)
        self.window = MessageWindow(self.account, self.long.id, page=50, most=200)
        self.addCleanup(self.window.close)
        self.moves: list[Move] = []
        self.window.moved.subscribe(self.moves.append)

    def ids(self) -> list[int]:
        return [message.id for message in self.window.messages]

    def no_gap(self) -> None:
        history = self.account.history(self.long.id)
        first = history.position(self.window.messages[0].order)
        there = [history[first + index].key for index in range(len(self.window.messages))]
        self.assertEqual([message.key for message in self.window.messages], there)

    async def test_opens_at_the_end(self) -> None:
        """It begins with one page at the end, however long the conversation is."""
        await self.window.open()
        self.assertEqual(
            (len(self.window.messages), self.window.at_end, self.window.at_start), (50, True, False)
        )
        self.assertEqual(self.moves, [Move("", Where.END)])

    async def test_opens_where_reading_stopped(self) -> None:
        """With unread messages, it begins at the first of them."""
        history = self.account.history(self.long.id)
        read = history[len(history) - 200]
        self.account._conversations[self.long.id] = replace(self.long, unread=199, read=read.id)
        await self.window.open()
        at = next(message for message in self.window.messages if message.key == self.moves[0].key)
        self.assertEqual((at.id > read.id, at.mine, self.moves[0].where), (True, False, Where.LINE))
        self.assertEqual(self.window.read, read.id)
        self.assertFalse(self.window.at_end)
        self.assertEqual(self.window.unread_after, read.id)
        await self.window.to_end()
        self.assertEqual((self.window.unread_after, self.window.read), (0, read.id))
        await self.window.jump(read.id)
        self.assertEqual(self.window.unread_after, read.id)
        await self.window.to_end()
        await self.account.send_text(self.long.id, "I have read it.")
        self.assertEqual(self.window.read, 0)

    async def test_pages(self) -> None:
        """Going up and down, it holds a bounded part without a gap, and knows where the conversation begins
        and ends.
        """
        await self.window.open()
        for _ in range(40):
            self.window.more_before()
            self.assertLessEqual(len(self.window.messages), 200)
            self.no_gap()
        self.assertTrue(self.window.at_start)
        self.assertFalse(self.window.at_end)
        for _ in range(40):
            self.window.more_after()
            self.no_gap()
        self.assertTrue(self.window.at_end)

    async def test_jumps(self) -> None:
        """A jump moves the window there, and to a message that is in it only the view."""
        await self.window.open()
        history = self.account.history(self.long.id)
        target = history[300]
        await self.window.jump(target.id)
        self.assertEqual(self.moves[-1], Move(target.key, Where.MIDDLE, flash=True))
        self.assertIn(target.id, self.ids())
        before = self.ids()
        await self.window.jump(history[305].id)
        self.assertEqual(self.ids(), before)
        await self.window.to_end()
        self.assertEqual((self.ids()[-1], self.moves[-1].where), (history[len(history) - 1].id, Where.END))
        await self.window.to_day(history[100].at_ms)
        self.assertEqual(self.moves[-1].key, history[100].key)

    async def test_late_pages_count_no_more(self) -> None:
        """A page that comes after a jump is not put in, and is asked for once."""
        await self.window.open()
        self.account.hold = True
        self.window.more_before()
        self.window.more_before()
        self.assertEqual(len(self.account.held), 1)
        target = self.account.history(self.long.id)[100]
        await self.window.jump(target.id)
        self.account.hold = False
        self.account.held[0].callback(None)
        self.no_gap()

    async def test_comes_and_goes(self) -> None:
        """What is written comes in at the end; marks change in place; what is deleted goes."""
        await self.window.open()
        written = await self.account.send_text(self.long.id, "Hello")
        self.assertEqual(self.window.messages[-1].text, "Hello")
        self.account.advance(self.window.messages[-1], Mark.READ)
        self.assertEqual(
            (self.window.messages[-1].mark, self.window.messages[-1].key), (Mark.READ, written.key)
        )
        self.account.set_connection(Link.WAITING)
        waiting = await self.account.send_text(self.long.id, "Later")
        self.assertEqual(self.window.messages[-1].key, waiting.key)
        await self.account.delete(waiting)
        self.assertNotIn(waiting.key, [message.key for message in self.window.messages])

    async def test_not_while_elsewhere(self) -> None:
        """Far from the end, what arrives is not put after a gap."""
        await self.window.open()
        await self.window.jump(self.account.history(self.long.id)[100].id)
        self.account.receive(self.long.id, "New")
        self.no_gap()
        self.assertNotIn("New", [message.text for message in self.window.messages])

    async def test_bounded_while_it_follows(self) -> None:
        """At the end for hours, it lets go of what is above."""
        await self.window.open()
        for number in range(500):
            self.account.receive(self.long.id, str(number))
        self.assertLessEqual(len(self.window.messages), 250)
        self.assertFalse(self.window.at_start)
        self.no_gap()

    async def test_fails(self) -> None:
        """A page that cannot be read is a sentence, and can be asked for again."""
        await self.window.open()
        told: list[str] = []
        self.window.failed.subscribe(told.append)
        self.account.fails = True
        self.window.more_before()
        self.account.fails = False
        self.window.more_before()
        self.assertEqual((told, len(self.window.messages)), (["The disk cannot be read."], 100))
