from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QImage
from twisted.internet.defer import Deferred

from client.core.memory import MemoryAccount
from client.core.model import FriendRequest, Link
from client.viewmodels.conversation_list import Shown
from tests.client.views.scene import ViewCase

CONTROL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
Key = Qt.Key


class ListTests(ViewCase):
    def click_row(self, conversation: int) -> None:
        rows = self.view.list.rows
        self.click(
            rows.viewport(),
            rows.visualRect(
                self.view.conversations.index(self.view.conversations.row_of(conversation))
            ).center(),
        )

    def titles(self) -> list[str]:
        model = self.view.conversations
        return [str(model.index(row).data()) for row in range(model.rowCount())]

    def test_open(self) -> None:
        """A click opens a conversation, and what was seen in it is read."""
        self.open()
        self.click_row(3)
        self.assertEqual(self.view.current, 3)
        self.assertIs(self.application.focusWidget(), self.view.conversation.composer.edit)
        self.turn()
        about = self.account.conversation(3)
        assert about is not None
        self.assertEqual(about.unread, 0)

    def test_a_new_message(self) -> None:
        """It moves its conversation up, below those that are pinned, and the count follows."""
        view = self.open()
        before = view.conversations.unread()
        self.account.now_ms += 3_600_000
        self.account.receive(13, "News!")
        view.conversations.refresh()
        self.assertEqual(view.conversations.row_of(13), 2)
        self.assertEqual(view.conversations.unread(), before + 1)
        self.assertIn("News!", str(view.conversations.index(2).data(Qt.ItemDataRole.AccessibleTextRole)))

    def test_search(self) -> None:
        """Letters filter; Enter opens the first; ↓ goes to the rows."""
        view = self.open()
        view.list.search.setFocus()
        self.keys(view.list.search, "wang")
        self.keys(view.list.search, Key.Key_Return)
        self.assertEqual(view.list.search.text(), "wang" if not view.current else "")
        view.list.search.setFocus()
        self.keys(view.list.search, "jonas")
        view.conversations.search("jonas")
        self.assertEqual(self.titles(), ["Jonas Weber"])
        self.keys(view.list.search, Key.Key_Down)
        self.assertIs(self.application.focusWidget(), view.list.rows)
        self.keys(view.list.rows, Key.Key_Return)
        self.assertEqual(view.current, 2)

    def test_nothing_found(self) -> None:
        """Where no conversation has the name, all people can be searched."""
        view = self.open()
        self.keys(view.list.search, "zzz")
        self.keys(view.list.search, Key.Key_Return)
        self.turn()
        self.assertTrue(view.find_page.isVisible())
        self.assertEqual(view.find_page.field.text(), "zzz")

    def test_arrange(self) -> None:
        """The menu pins, mutes and archives."""
        view = self.open()

        def choose(conversation: int, words: str) -> None:
            one = self.account.conversation(conversation)
            assert one is not None
            menu = view.list.menu_of(one)
            next(action for action in menu.actions() if action.text() == words).trigger()
            view.conversations.refresh()

        choose(2, "Pin")
        self.assertLess(view.conversations.row_of(2), 3)
        choose(2, "Unpin")
        choose(2, "Archive")
        self.assertEqual(view.conversations.row_of(2), -1)
        view.list.show_only(Shown.ARCHIVED)
        self.assertGreaterEqual(view.conversations.row_of(2), 0)
        choose(2, "Take out of the archive")
        view.list.show_only(Shown.UNREAD)
        self.assertEqual(
            {view.conversations.at(row).unread > 0 for row in range(view.conversations.rowCount())},  # type: ignore[union-attr]
            {True},
        )
        view.list.show_only(Shown.ALL)
        choose(8, "Unmute")
        about = self.account.conversation(8)
        assert about is not None
        self.assertEqual(about.muted_until_ms, 0)

    def test_keyboard_stays(self) -> None:
        """Where the keyboard is in the list, it stays when conversations come and move."""
        view = self.open()
        view.list.rows.setFocus(Qt.FocusReason.TabFocusReason)
        for _ in range(3):
            self.keys(view.list.rows, Key.Key_Down)
        here = view.list.rows.one(view.list.rows.currentIndex())
        assert here is not None
        self.account.now_ms += 3_600_000
        self.account.receive(13, "News!")
        view.conversations.refresh()
        stranger = next(
            one
            for one in self.account._people.values()
            if not one.friend and one.uuid != self.account.me.uuid
        )
        self.run_command(self.account.conversation_with(stranger.uuid))
        view.conversations.refresh()
        there = view.list.rows.one(view.list.rows.currentIndex())
        assert there is not None
        self.assertEqual(there.id, here.id)

    def run_command(self, work: Coroutine[Any, Any, object]) -> None:
        self.successResultOf(Deferred.fromCoroutine(work))

    def test_empty(self) -> None:
        """A new account says what to do."""
        self.account = MemoryAccount(empty=True)
        view = self.open()
        self.assertTrue(view.list.empty.isVisible())
        self.assertIn(
            "No conversations yet", view.list.empty.accessibleName() + str(view.list.empty._title.text())
        )
        view.list.empty.acted.emit()
        self.turn()
        self.assertTrue(view.find_page.isVisible())


class TalkTests(ViewCase):
    def test_send(self) -> None:
        """Enter sends; the draft of another conversation stays there."""
        view = self.open()
        view.open(2)
        edit = view.conversation.composer.edit
        self.keys(edit, "half a thought")
        view.open(1)
        self.assertEqual(edit.toPlainText(), "")
        self.keys(edit, "Hello Anna")
        self.keys(edit, Key.Key_Return)
        self.assertEqual(view.conversation.messages.rows.messages[-1].text, "Hello Anna")
        view.open(2)
        self.assertEqual(edit.toPlainText(), "half a thought")

    def test_typing_anywhere(self) -> None:
        """Letters on the messages go to the composer."""
        view = self.open()
        view.open(1)
        view.conversation.messages.setFocus()
        self.keys(view.conversation.messages, "x")
        self.assertEqual(view.conversation.composer.text(), "x")

    def test_too_long(self) -> None:
        """A text of more than 4,096 characters is counted, and offered as several or as a file."""
        view = self.open()
        view.open(1)
        composer = view.conversation.composer
        composer.set_text("word " * 1000)
        composer.send()
        self.turn()
        panel = view.conversation.long_text
        self.assertTrue(panel.isVisible())
        self.assertIn("4999", panel._words.text())
        self.click(panel.several_button)
        self.assertEqual([command[0] for command in self.account.commands].count("send_text"), 2)
        composer.set_text("word " * 1000)
        composer.send()
        self.click(panel.file_button)
        self.assertIn("send_file", [command[0] for command in self.account.commands])
        self.assertEqual(composer.text(), "")
        composer.set_text("word " * 1000)
        composer.send()
        self.keys(panel.several_button, Key.Key_Escape)
        self.assertFalse(panel.isVisible())
        self.assertEqual(len(composer.text()), 5000)

    def test_refused(self) -> None:
        """A text that could not be kept is in the composer again, and the reason is said."""
        view = self.open()
        view.open(1)
        self.account.refusal = "The disk is full."
        self.keys(view.conversation.composer.edit, "Hello")
        self.keys(view.conversation.composer.edit, Key.Key_Return)
        self.assertEqual(view.conversation.composer.text(), "Hello")
        self.assertIn("disk is full", view.conversation.toast.accessibleName())

    def test_find(self) -> None:
        """Ctrl+F finds, Enter goes to older ones, Esc leaves."""
        view = self.open()
        view.open(1)
        self.keys(view.conversation.composer.edit, Key.Key_F, CONTROL)
        bar = view.conversation.find_bar
        self.assertTrue(bar.isVisible())
        self.keys(bar.field, "the")
        self.keys(bar.field, Key.Key_Return)
        self.turn()
        self.assertIn(" of ", bar._count.text())
        self.keys(bar.field, Key.Key_Return)
        self.keys(bar.field, Key.Key_Escape)
        self.keys(bar.field, Key.Key_Escape)
        self.assertFalse(bar.isVisible())

    def test_day(self) -> None:
        """A day of the calendar is gone to."""
        view = self.open()
        view.open(1)
        view.conversation.begin_find()
        first = view.conversation.messages.rows.messages[0]
        view.conversation.find_bar.day.emit(first.at_ms - 86_400_000)
        self.turn()
        self.assertLess(view.conversation.messages.rows.messages[0].id, first.id)

    def test_dropped_files(self) -> None:
        """Files that are dropped, and a picture that is pasted, are shown together, and sent by Enter."""
        view = self.open()
        view.open(1)
        path = self.mktemp()
        Path(path).write_text("x")
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(Path(path).absolute()))])
        self.assertTrue(self.drop(view.conversation, data))
        image = QImage(10, 10, QImage.Format.Format_RGB32)
        image.fill(0)
        view.conversation.composer.picture.emit(image)
        dialog = view.files.dialog
        assert dialog is not None
        self.keys(dialog.caption, Qt.Key.Key_Return)
        sent = [command[2] for command in self.account.commands if command[0] == "send_file"]
        self.assertEqual(sent[0], Path(path).absolute())
        self.assertTrue(str(sent[1]).endswith("Picture.png"))
        self.assertIsNone(view.files.dialog)

    def test_blocked(self) -> None:
        """Nobody writes to whom they have blocked, or is no friend; it is said."""
        view = self.open()
        view.open(1)
        self.account.set_person(replace(self.account.person(10002), blocked=True))
        self.turn()
        self.assertFalse(view.conversation.composer.edit.isVisible())
        self.assertIn("blocked Anna", view.conversation.composer._blocked_why.text())
        self.account.set_person(replace(self.account.person(10002), blocked=False))
        self.assertTrue(view.conversation.composer.edit.isVisible())

    def test_hello(self) -> None:
        """Where nothing was said yet, one is asked to."""
        view = self.open()
        empty = next(one for one in self.account.conversations() if one.last is None)
        view.open(empty.id)
        self.turn()
        self.assertTrue(view.conversation.hello.isVisible())
        self.keys(view.conversation.composer.edit, "Hi")
        self.keys(view.conversation.composer.edit, Key.Key_Return)
        self.assertFalse(view.conversation.hello.isVisible())


class GoingTests(ViewCase):
    def test_switcher(self) -> None:
        """Ctrl+K, letters, Enter."""
        view = self.open()
        view.open(1)
        self.keys(view.conversation.composer.edit, Key.Key_K, CONTROL)
        self.assertTrue(view.switcher.isVisible())
        self.keys(view.switcher.field, "jon")
        self.keys(view.switcher.field, Key.Key_Return)
        self.assertEqual(view.current, 2)
        self.assertFalse(view.switcher.isVisible())
        view.switcher.begin()
        self.keys(view.switcher.field, Key.Key_Down)
        self.keys(view.switcher.field, Key.Key_Escape)
        self.assertFalse(view.switcher.isVisible())
        self.assertEqual(view.current, 2)

    def test_next(self) -> None:
        """Alt+↓ and Alt+↑ go through the list."""
        view = self.open()
        view.open(1)
        edit = view.conversation.composer.edit
        self.keys(edit, Key.Key_Down, ALT)
        self.assertEqual(view.current, 30)
        self.keys(edit, Key.Key_Up, ALT)
        self.assertEqual(view.current, 1)

    def test_one_pane(self) -> None:
        """In a narrow window there is the list, or a conversation with a way back."""
        view = self.open(400, 700)
        self.assertTrue(view.list.isVisible())
        self.assertFalse(view.conversation.isVisible())
        self.assertEqual(view.list.width(), view.width() - view.rail.width())
        view.open(1)
        self.turn()
        self.assertEqual(view.conversation.width(), view.width())
        self.assertFalse(view.list.isVisible())
        self.assertTrue(view.conversation.header.back_button.isVisible())
        self.click(view.conversation.header.back_button)
        self.assertTrue(view.list.isVisible())
        view.open(2)
        self.keys(view.conversation.composer.edit, Key.Key_Escape)
        self.assertTrue(view.list.isVisible())
        self.window.resize(1100, 720)
        self.turn()
        self.assertTrue(view.list.isVisible())
        self.assertTrue(view.conversation.isVisible())

    def test_details(self) -> None:
        """Ctrl+I shows who it is, beside the conversation where there is room, else in its place."""
        view = self.open(1200)
        view.open(1)
        self.keys(view.conversation.composer.edit, Key.Key_I, CONTROL)
        self.assertTrue(view.details.isVisible())
        self.assertTrue(view.conversation.isVisible())
        self.assertEqual(view.details.profile.name.text(), "Anna Berg")
        self.click(view.details.pin_button)
        self.turn()
        about = self.account.conversation(1)
        assert about is not None
        self.assertFalse(about.pinned)
        self.window.resize(800, 720)
        self.turn()
        self.assertFalse(view.details.isVisible())
        view.show_details(True)
        self.assertTrue(view.details.isVisible())
        self.assertFalse(view.conversation.isVisible())
        self.keys(view.details, Key.Key_Escape)
        self.assertTrue(view.conversation.isVisible())

    def test_connection(self) -> None:
        """A connection that is away is said, and can be tried at once."""
        view = self.open()
        self.assertFalse(view.banner.isVisible())
        self.account.set_connection(
            Link.WAITING,
            "Nothing answers at the server's address; is it running?",
            self.account.now_ms + 4000,
        )
        self.assertTrue(view.banner.isVisible())
        view.banner.retry.emit()
        self.assertIn(("retry_now",), self.account.commands)
        self.account.set_connection(Link.ONLINE)
        self.assertFalse(view.banner.isVisible())

    def test_text_size(self) -> None:
        """Ctrl and plus, minus, nought; it is remembered."""
        view = self.open()
        view.open(1)
        edit = view.conversation.composer.edit
        self.keys(edit, Key.Key_Plus, CONTROL)
        self.assertEqual((self.theme.scale, self.settings.value.scale), (110, 110))
        self.keys(edit, Key.Key_0, CONTROL)
        self.assertEqual(self.theme.scale, 100)


class BarredTests(ViewCase):
    def composer(self) -> Any:
        """Of the conversation with Anna, that is open."""
        view = self.open()
        view.contacts.talk(10002)
        self.turn()
        return view.conversation.composer

    def words(self) -> tuple[str, str]:
        """What stands in its place: the sentence, and the button."""
        composer = self.view.conversation.composer
        self.assertFalse(composer.edit.isVisible())
        button = composer.blocked_button
        return composer._blocked_why.text(), button.text() if button.isVisible() else ""

    def change(self, **fields: Any) -> None:
        self.account.set_person(replace(self.account.person(10002), **fields))
        self.turn()

    def test_blocked(self) -> None:
        """Whom I have blocked I can unblock where I would write."""
        composer = self.composer()
        name = self.account.person(10002).name
        self.change(blocked=True)
        self.assertEqual(self.words(), (f"You have blocked {name}.", "Unblock"))
        self.assertIs(self.application.focusWidget(), self.view.conversation.messages)
        composer.blocked_button.setFocus()
        self.keys(composer.blocked_button, Key.Key_Space)
        self.assertFalse(self.account.person(10002).blocked)
        self.assertIs(self.application.focusWidget(), composer.edit)

    def test_no_friends_any_more(self) -> None:
        """A request is sent where I would write, once; when they accept, I can write."""
        composer = self.composer()
        self.change(friend=False)
        self.assertIn("not friends", self.words()[0])
        self.account.refusal = "The server cannot be reached."
        self.click(composer.blocked_button)
        self.assertEqual(self.view.conversation.toast._text.text(), "The server cannot be reached.")
        self.account.refusal = ""
        self.click(composer.blocked_button)
        self.assertIn(("ask_friend", 10002, "", ""), self.account.commands)
        self.assertEqual(self.words()[1], "")
        self.assertIn("You have asked", self.words()[0])
        self.change(friend=True)
        self.assertTrue(composer.edit.isVisible())

    def test_they_ask(self) -> None:
        """Where they have asked already, the button accepts."""
        composer = self.composer()
        self.change(friend=False)
        self.account._requests = [FriendRequest(self.account.person(10002), "Again?")]
        self.account.changes.requests.fire(None)
        self.assertEqual(self.words()[1], "Accept")
        self.click(composer.blocked_button)
        self.assertTrue(self.account.person(10002).friend)
        self.assertTrue(composer.edit.isVisible())


class PeopleTests(ViewCase):
    def test_find(self) -> None:
        """Somebody is found, and asked with a note and a name of my own."""
        view = self.open()
        view.find_people()
        page = view.find_page
        self.keys(page.field, "nobody")
        self.keys(page.field, Key.Key_Return)
        self.assertIn("There is nobody of this name.", page._result._text.text())  # type: ignore[union-attr]
        page.field.clear()
        stranger = next(
            one
            for one in self.account._people.values()
            if not one.friend and one.uuid != self.account.me.uuid
        )
        self.keys(page.field, stranger.username)
        self.keys(page.field, Key.Key_Return)
        page._note.setText("It is me")
        page._alias.setText("Stranger")
        self.click(page.ask_button)
        self.assertIn(("ask_friend", stranger.uuid, "It is me", "Stranger"), self.account.commands)

    def test_requests(self) -> None:
        """One is accepted and their conversation opens; one is declined; the count follows."""
        view = self.open()
        view.go("contacts")
        self.click(view.friends.new_friends)
        cards = dict(view.requests_page.cards)
        first, second, *_ = cards.values()
        first.alias.setText("Carlchen")
        self.click(first.accept)
        self.assertIn(("accept", first.person.uuid, "Carlchen"), self.account.commands)
        self.assertEqual(view.conversation.header._whole, "Carlchen")
        view.show_requests()
        self.click(second.decline)
        self.assertEqual(len(view.requests_page.cards), len(cards) - 2)
        self.assertEqual(
            view.rail.buttons["contacts"].badge._count, len(cards) - 2 + len(self.account.invitations())
        )

    def test_refused(self) -> None:
        """What is not possible is said on its card."""
        view = self.open()
        view.show_requests()
        self.account.refusal = "The server cannot be reached."
        card = next(iter(view.requests_page.cards.values()))
        self.click(card.accept)
        self.assertEqual(card.problem.text(), "The server cannot be reached.")
        self.assertTrue(card.accept.isEnabled())

    def test_profile(self) -> None:
        """My own name for a friend, blocking, and the end of the friendship after a question."""
        view = self.open()
        view.go("contacts")
        rows = view.friends.rows
        self.keys(view.friends.search, "anna")
        view.friends.model.search("anna")
        self.click(rows.viewport(), rows.visualRect(view.friends.model.index(0)).center())
        profile = view.profile_page.profile
        self.assertTrue(profile.isVisible())
        profile.alias.setText("Annchen")
        self.keys(profile.alias, Key.Key_Return)
        self.assertEqual(self.account.person(10002).name, "Annchen")
        self.click(profile.block)
        self.assertTrue(self.account.person(10002).blocked)
        self.assertEqual(profile.block.text(), "Unblock")
        self.click(profile.unfriend)
        self.assertTrue(profile.sure.isVisible())
        self.click(profile.sure.no_button)
        self.assertTrue(self.account.person(10002).friend)
        self.click(profile.unfriend)
        self.click(profile.sure.yes_button)
        self.assertFalse(self.account.person(10002).friend)
