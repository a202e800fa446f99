"""What reading what is on this disk costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from client.core.changes import Changes
from client.core.model import Connection, Conversation, ConversationKind, Link, Message, Person
from client.store import messages, tables
from client.sync.known import Known
from client.viewmodels.message_window import PAGE, MessageWindow
from tests.client.sync.scene import AccountCase


class OpeningTests(AccountCase):
    async def test_a_long_conversation(self) -> None:
        """Opening one reads a page of it, however long it is, in a handful of questions, and one more page is
        a page.
        """
        anna = await self.account("anna-who-reads", start=False)

        def fill(db: Any) -> None:
            tables.put_people(db, [Person(2, "ben")])
            about = Conversation(7, ConversationKind.PRIVATE, "", (2,), read=3_000)
            tables.put_conversation(db, tables.Row(about, told=3_000, synced=3_000))
            tables.add_span(db, 7, 0, 3_000)
            for number in range(1, 3_001):
                messages.put(db, Message(f"#{number}", 7, 2, number * 1000, text="words", id=number))

        await anna.parts.keeper.store.write(fill)
        rows: list[object] = []
        asked: list[str] = []

        def row(cursor: object, values: object) -> object:
            rows.append(values)
            return values

        def statement(cursor: object, sql: str, values: object) -> bool:
            asked.append(sql)
            return True

        def watch(db: Any) -> None:
            db.row_trace, db.exec_trace = row, statement

        await anna.parts.keeper.store.read(watch)
        window = MessageWindow(anna, 7)
        self.addCleanup(window.close)
        await window.open()
        self.assertEqual(len(window.messages), PAGE)
        self.assertLessEqual(len(rows), PAGE + 2)
        self.assertLessEqual(len(asked), 3)
        window.more_before()
        await self.until(lambda: len(window.messages) == 2 * PAGE)
        self.assertLessEqual(len(rows), 2 * (PAGE + 2))


class KnownTests(SynchronousTestCase):
    def test_the_same_while_nothing_changes(self) -> None:
        """A conversation is the same value until something of it, or of its people, is different."""
        known = Known(Person(1, "me"), Connection(Link.OFFLINE, "x"), Changes())
        for number in (7, 8):
            known.persons[number] = Person(number, f"name{number}")
            known.row(number, number)
        before = known.conversations()
        self.assertTrue(all(a is b for a, b in zip(before, known.conversations(), strict=True)))
        known.change(replace(known.row(7).conversation, unread=3))
        known.persons[8] = replace(known.persons[8], alias="Ben")
        after = known.conversations()
        self.assertEqual([(one.unread, one.title) for one in after], [(3, "name7"), (0, "Ben")])
        known.change(replace(known.row(8).conversation, unread=1))
        self.assertIs(after[0], known.conversations()[0])
