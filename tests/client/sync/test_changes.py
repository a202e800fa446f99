"""The life of a message between the desktop client and somebody else, on a real server."""

from __future__ import annotations

from typing import TypeVar

from client.core.model import EVERYBODY, Message, Quote, Reaction
from client.core.ports import Failure
from tests.client.sync.scene import AccountCase

T = TypeVar("T")


def named(page: list[Message], text: str) -> Message:
    return next(one for one in page if one.text == text)


def given(value: T | None) -> T:
    assert value is not None
    return value


class ChangingTests(AccountCase):
    async def test_the_life_of_a_message(self) -> None:
        """Answered, changed, liked, pinned, forwarded, taken back: both see it, and the store has it after a restart."""
        anna, ben, thread = await self.pair()
        pins: list[int] = []
        anna.changes.pins.subscribe(pins.append)
        asked = await ben.send(thread, "Shall we meat at eight?")
        page = await self.shows(anna, thread, lambda page: any(one.id == asked.id for one in page))
        question = next(one for one in page if one.id == asked.id)
        await anna.send_text(thread, f"At nine, @{ben.me.username}", answers=question, mentions=[ben.me.uuid])
        await anna.react(question, "👍", on=True)
        await ben.react(thread, asked.id, "👍")
        await ben.edit(thread, asked.id, "Shall we meet at eight?")
        await anna.pin(question, on=True)
        await self.until(lambda: thread in pins)
        page = await self.shows(
            anna,
            thread,
            lambda page: page[-1].id and page[-1].quote and page[-1].quote.text.endswith("meet at eight?"),
        )
        answer, question = page[-1], named(page, "Shall we meet at eight?")
        self.assertEqual(answer.quote, Quote(asked.id, ben.me.uuid, "Shall we meet at eight?"))
        self.assertEqual(answer.mentions, (ben.me.uuid,))
        self.assertTrue(question.edited_ms)
        page = await self.shows(
            anna, thread, lambda page: any(one.reactions == (Reaction("👍", 2, True),) for one in page)
        )
        question = next(one for one in page if one.id == asked.id)
        self.assertTrue(question.pinned)
        self.assertEqual([one.id for one in await anna.pins(thread)], [asked.id])
        forwarded = await anna.forward(question, thread)
        page = await self.shows(anna, thread, lambda page: page[-1].key == forwarded.key and page[-1].id)
        self.assertEqual(page[-1].forward and page[-1].forward.sender, ben.me.uuid)
        await anna.edit(answer, "At nine.")
        await ben.recall(thread, [asked.id])
        page = await self.shows(anna, thread, lambda page: any(one.recalled for one in page))
        await self.shows(anna, thread, lambda page: any(one.text == "At nine." for one in page))
        gone = next(one for one in page if one.recalled)
        self.assertEqual((gone.id, gone.text, gone.reactions, gone.pinned), (asked.id, "", (), False))
        self.assertEqual(await anna.pins(thread), [])
        await anna.hide(page[-1])
        page = await self.shows(anna, thread, lambda page: page[-1].key != forwarded.key)
        theirs = [one async for one in ben.history.newest(thread)]
        self.assertIn("At nine.", [one.text for one in theirs])
        name = anna.me.username
        await anna.close()
        again = await self.account(name, start=False)
        self.assertEqual(await again.before(thread, None, 100), page)
        with self.assertRaises(Failure):
            await again.react(page[-1], "👍", on=True)

    async def test_two_clients(self) -> None:
        """Two people with the desktop client see the same of what either of them does."""
        anna_name, ben_name = await self.register("anna", "ben")
        anna, ben = await self.account(anna_name), await self.account(ben_name)
        await anna.ask_friend((await anna.search_person(ben_name)).uuid, "Hello?")
        await self.until(ben.requests)
        thread = await ben.accept(anna.me.uuid)
        await self.until(lambda: anna.conversation(thread))
        await anna.send_text(thread, "Shall we meat?")
        page = await self.shows(ben, thread, lambda page: page and page[-1].text == "Shall we meat?")
        await ben.send_text(thread, "Meat?", answers=page[-1])
        await ben.react(page[-1], "😂", on=True)
        page = await self.shows(anna, thread, lambda page: page[-1].quote and page[-2].reactions)
        self.assertEqual(page[-1].quote, Quote(page[-2].id, anna.me.uuid, "Shall we meat?"))
        self.assertEqual(page[-2].reactions, (Reaction("😂", 1, False),))
        await anna.edit(page[-2], "Shall we meet?")
        await anna.pin(page[-2], on=True)
        page = await self.shows(ben, thread, lambda page: page[-2].pinned and page[-2].edited_ms)
        self.assertEqual(page[-1].quote and page[-1].quote.text, "Shall we meet?")
        self.assertEqual(page[-2].reactions, (Reaction("😂", 1, True),))
        self.assertEqual([one.id for one in await ben.pins(thread)], [page[-2].id])
        with self.assertRaises(Failure):
            await ben.edit(page[-2], "Shall we eat?")
        await anna.recall(page[-2])
        page = await self.shows(ben, thread, lambda page: page[-2].recalled)
        self.assertEqual((page[-2].text, page[-1].quote and page[-1].quote.text), ("", ""))

    async def test_an_answer_to_what_is_not_here(self) -> None:
        """What it answers is fetched, and shown in it."""
        anna, ben, thread = await self.pair()
        asked = await ben.send(thread, "long ago")
        for number in range(130):
            ben.post(thread, f"number {number}")
        await ben.send(thread, "as I said", reply_to=asked.id)
        await self.shows(anna, thread, lambda page: page[-1].text == "as I said")
        name = anna.me.username
        await anna.close()
        new = await self.account(name, "elsewhere")
        await self.until(lambda: new.conversation(thread) and given(new.conversation(thread)).last)
        told: list[Message] = []
        new.changes.messages.subscribe(told.extend)
        page = await new.before(thread, None, 20)
        self.assertEqual(page[-1].quote, Quote(asked.id, 0, ""))
        await self.until(lambda: any(one.quote and one.quote.text == "long ago" for one in told))
        page = await new.before(thread, None, 20)
        self.assertEqual(page[-1].quote, Quote(asked.id, ben.me.uuid, "long ago"))

    async def test_who_has_read_it(self) -> None:
        """In a group the server says who has read a message."""
        anna, ben, _ = await self.pair()
        group = (await ben.groups.create("Cake", [anna.me.uuid])).thread_id
        await ben.send(group, "Who comes?")
        await self.shows(anna, group, lambda page: page and page[-1].text == "Who comes?")
        await anna.send_text(group, "I do.")
        page = await self.shows(anna, group, lambda page: page[-1].text == "I do." and page[-1].id)
        await ben.mark_read(group, page[-1].id)
        readers = await anna.readers(page[-1])
        self.assertEqual((readers.read, readers.people), (1, (ben.me.uuid,)))

    async def test_what_changed_while_one_was_away(self) -> None:
        """Comes when one is back, once; a mention of me is marked."""
        anna, ben, thread = await self.pair()
        asked = await ben.send(thread, "one")
        await ben.send(thread, "two")
        await self.shows(anna, thread, lambda page: any(one.text == "two" for one in page))
        name = anna.me.username
        await anna.close()
        await ben.react(thread, asked.id, "❤️")
        await ben.edit(thread, asked.id, "one, changed")
        await ben.send(thread, "You there?", reply_to=asked.id, mentions="all")
        again = await self.account(name)
        page = await self.shows(again, thread, lambda page: page[-1].text == "You there?")
        self.assertEqual(page[-1].mentions, (EVERYBODY,))
        page = await self.shows(again, thread, lambda page: any(one.text == "one, changed" for one in page))
        self.assertEqual(named(page, "one, changed").reactions, (Reaction("❤️", 1, False),))
        row = again.conversation(thread)
        assert row is not None
        self.assertTrue(row.mentioned)
        await again.mark_read(thread, page[-1].id)
        row = again.conversation(thread)
        assert row is not None
        self.assertFalse(row.mentioned)
