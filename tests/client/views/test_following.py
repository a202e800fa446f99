"""What others do now, and drafts of other devices, as they are seen."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt

from client.core.following import Activity, Presence
from client.core.memory import NOW_MS
from client.core.model import Link
from client.views.presence_words import doing, seen
from tests.client.views.scene import ViewCase

Key = Qt.Key
ANNA, JONAS, GROUP = 1, 2, 30
ANNA_BERG = 10002


class OthersTests(ViewCase):
    def said(self) -> str:
        return self.view.conversation.header._about.text()

    def spoken(self, conversation: int) -> str:
        model = self.view.conversations
        index = model.index(model.row_of(conversation))
        return str(index.data(Qt.ItemDataRole.AccessibleTextRole))

    def test_in_words(self) -> None:
        """To the minute, in words that do not grow old."""
        minute = 60_000
        for presence, words in (
            (None, ""),
            (Presence(online=True), "online"),
            (Presence(hidden=True), "last seen recently"),
            (Presence(), "offline"),
            (Presence(last_seen_ms=NOW_MS - 5 * minute), "9:55"),
            (Presence(last_seen_ms=NOW_MS - 24 * 60 * minute), "last seen yesterday at 10:00"),
            (Presence(last_seen_ms=NOW_MS - 3 * 24 * 60 * minute), "last seen Saturday at 10:00"),
            (Presence(last_seen_ms=NOW_MS - 40 * 24 * 60 * minute), "last seen on "),
        ):
            self.assertIn(words, seen(presence, NOW_MS))
        person = self.account.person
        one, two = {ANNA_BERG: Activity.SENDING}, {ANNA_BERG: Activity.WRITING, 10003: Activity.WRITING}
        self.assertEqual(doing({}, person), "")
        self.assertEqual(doing(one, person), "Anna Berg is sending a file…")
        self.assertEqual(doing(two, person), "Anna Berg and Jonas Weber are writing…")
        self.assertEqual(doing(two, person, names=False), "2 people are writing…")
        self.assertEqual(doing({**two, 10004: Activity.RECORDING}, person), "3 people are writing…")

    def test_header(self) -> None:
        """Who is online, or was; who writes, until they have written; nothing without a connection."""
        view = self.open()
        view.open(ANNA)
        self.assertEqual(self.said(), "online")
        self.account.set_presence(ANNA_BERG, Presence(last_seen_ms=NOW_MS - 60_000))
        self.assertTrue(self.said().startswith("last seen at"))
        self.account.does(ANNA, ANNA_BERG)
        self.assertEqual(self.said(), "Anna Berg is writing…")
        self.assertEqual(view.conversation.header.accessibleDescription(), "Anna Berg is writing…")
        self.assertEqual(view.conversation.header._about.property("role"), "doing")
        self.assertIn("is writing", self.spoken(ANNA))
        self.account.receive(ANNA, "There.")
        self.assertTrue(self.said().startswith("last seen at"))
        self.assertEqual(view.conversation.header._about.property("role"), "meta")
        self.account.set_connection(Link.WAITING)
        self.assertEqual(self.said(), "anna")
        self.account.set_connection(Link.ONLINE)
        self.assertTrue(self.said().startswith("last seen at"))
        view.open(GROUP)
        people = view.conversation.presenter.about.people  # type: ignore[union-attr]
        for uuid in people[:3]:
            self.account.does(GROUP, uuid)
        self.assertEqual(self.said(), "3 people are writing…")

    def test_rows(self) -> None:
        """Whoever comes or writes paints the row of that conversation, and no other."""
        view = self.open()
        painted: list[int] = []
        paint = view.list.delegate.paint

        def painting(painter: Any, option: Any, index: Any) -> None:
            painted.append(index.data(view.conversations.CONVERSATION).id)
            paint(painter, option, index)

        self.turn()
        self.patch(view.list.delegate, "paint", painting)
        self.account.set_presence(ANNA_BERG, Presence())
        self.turn()
        self.assertEqual(painted, [ANNA])
        painted.clear()
        self.account.does(JONAS, 10003)
        self.turn()
        self.assertEqual(painted, [JONAS])
        painted.clear()
        self.account.set_presence(10_999, Presence(online=True))  # nobody who is seen
        self.account.does(4_711, 10003)
        self.turn()
        self.assertEqual(painted, [])

    def test_who_is_looked_at(self) -> None:
        """Those in the rows that are seen and the one in front; nobody once the window is hidden."""
        view = self.open()
        looking = view.sight.looking
        looking.look()
        rows, model = view.list.rows, view.conversations
        last = model.at(model.rowCount() - 1)
        assert last is not None
        self.assertIn(ANNA_BERG, self.account.looked_at)
        self.assertNotIn(last.people[0], self.account.looked_at)
        self.assertNotIn(self.account.me.uuid, self.account.looked_at)
        view.open(last.id)
        looking.look()
        self.assertIn(last.people[0], self.account.looked_at)
        self.assertLess(len(self.account.looked_at), 20)
        self.assertFalse(looking._rest.isActive())
        view.open(ANNA)
        rows.verticalScrollBar().setValue(rows.verticalScrollBar().maximum())
        self.assertTrue(looking._rest.isActive())
        looking.look()
        self.assertIn(last.people[0], self.account.looked_at)
        self.click(view.rail.buttons["contacts"])
        looking.look()
        self.assertIn(10019, self.account.looked_at)  # a friend without a row in sight
        view.show_page(view.find_page)
        view.list.hide()
        view.friends.hide()
        view.switcher.begin()
        self.keys(view.switcher.field, "jonas")
        self.assertTrue(looking._rest.isActive())
        looking.look()
        self.assertEqual(self.account.looked_at, (10003,))
        self.window.hide()
        looking.look()
        self.assertEqual(self.account.looked_at, ())

    def test_mine(self) -> None:
        """Keys tell that I write; an empty field, a draft that is shown and another text of a message do not."""
        view = self.open()
        self.account.set_draft(JONAS, "draft")
        view.open(JONAS)
        composer = view.conversation.composer
        self.assertEqual((composer.text(), self.account.told), ("draft", []))
        self.keys(composer.edit, "s")
        self.assertEqual(self.account.told, [(JONAS, Activity.WRITING)])
        self.keys(composer.edit, Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        self.account.told.clear()
        self.keys(composer.edit, Key.Key_Backspace)
        self.assertEqual(self.account.told, [])
        self.keys(composer.edit, "Hi")
        self.keys(composer.edit, Key.Key_Return)
        self.account.told.clear()
        self.keys(composer.edit, Key.Key_Up)  # edits it
        self.assertIsNotNone(view.conversation.living.writing.edited)
        self.keys(composer.edit, "!")
        self.assertEqual(self.account.told, [])


class DraftTests(ViewCase):
    def test_of_another_device(self) -> None:
        """It is in the composer and in the list, unless somebody writes here: then that is told, and counts."""
        view = self.open()
        view.open(JONAS)
        composer = view.conversation.composer
        self.account.set_draft(JONAS, "from the train")
        self.assertEqual(composer.text(), "from the train")
        self.assertTrue(composer.edit.textCursor().atEnd())
        self.keys(composer.edit, ", soon")
        self.account.set_draft(JONAS, "from the office")
        self.assertEqual(composer.text(), "from the train, soon")
        composer.tell_draft()
        self.assertEqual(self.draft(JONAS), "from the train, soon")
        self.account.set_draft(JONAS, "")  # it was sent there
        self.assertEqual(composer.text(), "")

    def test_while_a_message_is_edited(self) -> None:
        """It is there when that is over."""
        view = self.open()
        view.open(JONAS)
        composer = view.conversation.composer
        self.keys(composer.edit, "Hello")
        self.keys(composer.edit, Key.Key_Return)
        self.keys(composer.edit, Key.Key_Up)
        self.account.set_draft(JONAS, "from the train")
        self.assertEqual(composer.text(), "Hello")
        self.keys(composer.edit, Key.Key_Escape)
        self.assertEqual(composer.text(), "from the train")

    def test_when_it_is_told(self) -> None:
        """Not at each key; when another conversation is opened, and when the window is hidden."""
        view = self.open()
        view.open(JONAS)
        composer = view.conversation.composer
        self.keys(composer.edit, "almost")
        self.assertEqual(self.draft(JONAS), "")
        view.open(ANNA)
        self.assertEqual(self.draft(JONAS), "almost")
        self.keys(composer.edit, "here")
        self.assertEqual(self.draft(ANNA), "")
        self.window.hide()
        self.assertEqual(self.draft(ANNA), "here")

    def test_a_text_that_was_refused(self) -> None:
        """It comes back, and stays when something else of the conversation changes."""
        view = self.open()
        view.open(JONAS)
        composer = view.conversation.composer
        self.keys(composer.edit, "precious")
        composer.tell_draft()
        self.account.refusal = "Not now."
        self.keys(composer.edit, Key.Key_Return)
        self.turn()
        self.assertEqual((composer.text(), self.draft(JONAS)), ("precious", "precious"))
        self.account.refusal = ""
        self.account.receive(JONAS, "Hm?")
        self.assertEqual(composer.text(), "precious")

    def draft(self, conversation: int) -> str:
        about = self.account.conversation(conversation)
        assert about is not None
        return about.draft
