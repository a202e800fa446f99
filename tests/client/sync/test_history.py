"""Filling what is missing of a conversation, at the edges of what is here."""

from __future__ import annotations

from typing import Any

from client.store import tables
from client.sync.account import AccountSync
from imsys.sdk import Client
from tests.client.sync.scene import AccountCase


class EdgeTests(AccountCase):
    async def test_what_is_known_begins_at_the_id_of_somebody_elses_message(self) -> None:
        """Then the page before it is asked for once, and joins what is there.

        So it is after a crash: the last message that counts as received may have come without what is before
        it, and what is known begins at the id after it. Ids are those of the whole server: the message of
        that id is in another conversation.
        """
        anna, ben, thread = await self.pair()
        name = anna.me.username
        other_name, *_ = await self.register("carl")
        carl = await self.other(other_name)
        await carl.contacts.add(anna.me.uuid, "And me?")
        await self.until(lambda: anna.requests())
        elsewhere = await anna.accept(carl.me.uuid)
        for number in range(3):  # one by one: their ids follow each other
            await self.said(ben, thread, f"before {number}")
        between = await self.said(carl, elsewhere, "somewhere else")
        for number in range(3):
            await self.said(ben, thread, f"after {number}")
        whole = await self.shows(anna, thread, lambda page: page[-1].text == "after 2")
        await anna.close()

        anna = await self.account(name, start=False)
        last = whole[-1].id
        await anna.parts.keeper.store.write(lambda db: begin_at(db, thread, between, last))
        self.assertEqual(
            [one.text for one in await anna.before(thread, None, 100)], ["after 0", "after 1", "after 2"]
        )
        asked = self.count(anna)
        anna.start()
        page = await self.shows(anna, thread, lambda page: len(page) == len(whole))
        self.assertEqual([one.id for one in page], [one.id for one in whole])
        self.assertEqual(await anna.before(thread, None, 100), page)
        self.assertEqual([edge for edge in asked if edge], [between], "each page is asked for once")
        self.assertEqual(
            list(await anna.parts.keeper.store.read(lambda db: tables.spans(db, thread))), [(0, last)]
        )

    async def said(self, somebody: Client, thread: int, text: str) -> int:
        """Say something; its id."""
        return (await somebody.post(thread, text).when_stored()).id

    def count(self, account: AccountSync) -> list[int]:
        """The ids before which pages are asked for, from now on, while there is a connection."""
        asked: list[int] = []
        fetch = account.parts.history._fetch_before

        async def counting(conversation: int, edge: int) -> bool:
            if there := await fetch(conversation, edge):
                asked.append(edge)
            return there

        account.parts.history._fetch_before = counting  # type: ignore[method-assign]
        return asked


def begin_at(db: Any, thread: int, low: int, high: int) -> None:
    """Forget what is before an id, and that it was known."""
    db.execute("DELETE FROM messages WHERE conversation = ? AND ord < ?", (thread, low))
    db.execute("DELETE FROM spans WHERE conversation = ?", (thread,))
    tables.add_span(db, thread, low, high)
