"""What becomes of messages, by clicks and keys, in a conversation of an account in memory."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QPushButton, QToolButton

from client.core.model import EVERYBODY, Message, Quote, Reaction
from client.views.conversation.view import ConversationView
from tests.client.views.scene import ViewCase

Key = Qt.Key
ANNA, GROUP = 1, 30
T = TypeVar("T")


def given(value: T | None) -> T:
    assert value is not None
    return value


class LivingCase(ViewCase):
    def enter(self, conversation: int = ANNA) -> ConversationView:
        """A conversation, in which the other says something and I do."""
        self.open()
        self.theirs = self.account.receive(conversation, "Shall we **meat** at eight?")
        self.view.open(conversation)
        self.conversation = self.view.conversation
        self.edit = self.conversation.composer.edit
        self.keys(self.edit, "At nine")
        self.keys(self.edit, Key.Key_Return)
        self.settle()
        self.mine = self.last()
        return self.conversation

    def settle(self) -> None:
        self.turn()
        self.conversation.messages.refresh()
        self.turn()

    def last(self) -> Message:
        return self.conversation.messages.rows.messages[-1]

    def now(self, message: Message) -> Message:
        return given(self.conversation.messages.message(message.key))

    def menu(self, message: Message) -> QMenu:
        messages = self.conversation.messages
        return messages.input.menu_for(messages.rows.row(messages.rows.index[message.key]), QPointF(-1, -1))

    def action(self, message: Message, words: str) -> QAction:
        return next(one for one in self.menu(message).actions() if one.text() == words)

    def hit(self, message: Message, action: str) -> QPoint:
        """Where a click does that."""
        messages = self.conversation.messages
        row = messages.rows.row(messages.rows.index[message.key])
        rect = next(one.rect for one in row.hits if one.action == action)
        return (rect.center() + QPointF(0, messages.rect_of(message.key).top())).toPoint()

    def words(self, message: Message) -> set[str]:
        return {one.text() for one in self.menu(message).actions() if one.text()}


class AnswerTests(LivingCase):
    def test_an_answer(self) -> None:
        """It stands above the composer, goes with what is sent, and a click on it leads back."""
        view = self.enter()
        self.action(self.theirs, "Reply").trigger()
        self.assertTrue(view.composer._context.isVisible())
        self.keys(self.edit, "Yes")
        self.keys(self.edit, Key.Key_Return)
        self.settle()
        answer = self.last()
        sender = self.theirs.sender
        self.assertEqual(answer.quote, Quote(self.theirs.id, sender, self.theirs.text))
        self.assertFalse(view.composer._context.isVisible())
        self.click(view.messages.viewport(), self.hit(answer, "quote"))
        self.assertEqual(view.messages.canvas.flash_key, self.theirs.key)

    def test_not_any_more(self) -> None:
        """Esc takes it away, and what is written stays; another conversation knows nothing of it."""
        view = self.enter()
        self.action(self.theirs, "Reply").trigger()
        self.keys(self.edit, "Yes")
        self.keys(self.edit, Key.Key_Escape)
        self.assertFalse(view.composer._context.isVisible())
        self.assertEqual(view.composer.text(), "Yes")
        self.action(self.theirs, "Reply").trigger()
        self.view.open(3)
        self.assertFalse(view.composer._context.isVisible())


class EditTests(LivingCase):
    def test_up(self) -> None:
        """↑ in an empty composer edits my last text; Enter has it changed, and it says so."""
        view = self.enter()
        self.keys(self.edit, Key.Key_Up)
        self.assertEqual(view.composer.text(), "At nine")
        self.keys(self.edit, " sharp")
        self.keys(self.edit, Key.Key_Return)
        self.settle()
        now = self.now(self.mine)
        self.assertEqual((now.text, now.edited_ms), ("At nine sharp", self.account.now_ms))
        row = view.messages.rows.row(view.messages.rows.index[now.key])
        self.assertTrue(row.meta_text.startswith("edited "))
        self.assertEqual(view.composer.text(), "")

    def test_the_draft_comes_back(self) -> None:
        """Esc leaves the text as it was, and what was being written before is there again."""
        view = self.enter()
        self.keys(self.edit, "by the w")
        self.action(self.mine, "Edit").trigger()
        self.keys(self.edit, "x")
        view.composer.tell_draft()
        self.assertEqual(given(self.account.conversation(ANNA)).draft, "by the w")
        self.keys(self.edit, Key.Key_Escape)
        self.assertEqual(view.composer.text(), "by the w")
        self.assertEqual(self.now(self.mine).text, "At nine")

    def test_refused(self) -> None:
        """Nothing of what was written is lost."""
        view = self.enter()
        self.keys(self.edit, Key.Key_Up)
        self.keys(self.edit, "!")
        self.account.refusal = "It is too late."
        self.keys(self.edit, Key.Key_Return)
        self.settle()
        self.assertEqual(view.composer.text(), "At nine!")
        self.assertTrue(view.composer._context.isVisible())
        self.assertEqual(self.now(self.mine).text, "At nine")

    def test_only_mine(self) -> None:
        """Texts of others cannot be edited."""
        self.enter()
        self.assertIn("Edit", self.words(self.mine))
        self.assertNotIn("Edit", self.words(self.theirs))


class DeleteTests(LivingCase):
    def delete(self, message: Message, words: str) -> None:
        self.action(message, "Delete …").trigger()
        box = given(self.conversation.living.menu.question)
        self.click(next(one for one in box.findChildren(QPushButton) if one.text() == words))
        self.settle()

    def test_for_everybody(self) -> None:
        """It is shown as deleted, and can be answered no more."""
        self.enter()
        self.delete(self.mine, "Delete for everybody")
        now = self.now(self.mine)
        self.assertTrue(now.recalled)
        self.assertNotIn("Reply", self.words(now))

    def test_for_me(self) -> None:
        """It is gone here; of others' messages that is all that can be."""
        view = self.enter()
        self.action(self.theirs, "Delete …").trigger()
        box = given(view.living.menu.question)
        self.assertNotIn("Delete for everybody", [one.text() for one in box.findChildren(QPushButton)])
        box.reject()
        self.delete(self.theirs, "Delete for me")
        self.assertIsNone(view.messages.message(self.theirs.key))

    def test_what_was_answered_is_gone(self) -> None:
        """Then nothing is answered."""
        view = self.enter()
        self.action(self.theirs, "Reply").trigger()
        given(view.presenter).hide(self.theirs)
        self.settle()
        self.assertFalse(view.composer._context.isVisible())


class ReactionTests(LivingCase):
    def test_quick(self) -> None:
        """One of the menu's is put to a message; a click on the pill takes it back."""
        view = self.enter()
        self.account.reacted(self.theirs, "👍", on=True)
        self.settle()
        menu = self.menu(self.theirs)
        menu.popup(QPoint(0, 0))
        button = next(one for one in menu.findChildren(QToolButton) if one.text() == "👍")
        self.assertEqual(button.accessibleName(), "thumbs up")
        closed: list[bool] = []
        menu.aboutToHide.connect(lambda: closed.append(True))
        self.click(button)
        self.settle()
        self.assertEqual(closed, [True])
        self.assertEqual(self.now(self.theirs).reactions, (Reaction("👍", 2, True),))
        self.click(view.messages.viewport(), self.hit(self.now(self.theirs), "react"))
        self.settle()
        self.assertEqual(self.now(self.theirs).reactions, (Reaction("👍", 1, False),))

    def test_any(self) -> None:
        """The panel has all of them."""
        view = self.enter()
        menu = self.menu(self.theirs)
        menu.popup(QPoint(0, 0))
        self.click(
            next(one for one in menu.findChildren(QToolButton) if one.accessibleName() == "More emoji")
        )
        picker = given(view.living.menu._picker)
        self.keys(picker.search, "rocket")
        self.keys(picker.search, Key.Key_Return)
        self.settle()
        self.assertEqual(self.now(self.theirs).reactions, (Reaction("🚀", 1, True),))


class PinTests(LivingCase):
    def test_pins(self) -> None:
        """The newest stands below the header; presses lead to it, and to the one before, and it can be taken down."""
        view = self.enter()
        bar = view.living.pins
        self.assertFalse(bar.isVisible())
        for message in (self.theirs, self.mine):
            self.action(self.now(message), "Pin").trigger()
            self.settle()
        self.assertTrue(bar.isVisible())
        self.assertEqual(bar.button.accessibleName(), "Pinned message 1 of 2: At nine")
        self.click(bar.button, QPoint(60, 10))
        self.assertEqual(view.messages.canvas.flash_key, self.mine.key)
        self.assertEqual(bar.button.accessibleName(), "Pinned message 2 of 2: Shall we meat at eight?")
        self.click(bar.button, QPoint(60, 10))
        self.assertEqual(view.messages.canvas.flash_key, self.theirs.key)
        self.action(self.now(self.mine), "Unpin").trigger()
        self.settle()
        self.assertEqual(bar.button.accessibleName(), "Pinned message: Shall we meat at eight?")
        self.click(bar.unpin_button)
        self.settle()
        self.assertFalse(bar.isVisible())
        self.view.open(3)
        self.assertFalse(bar.isVisible())


class ReadersTests(LivingCase):
    def test_seen_by(self) -> None:
        """Of my messages in a group one can see who has read them."""
        view = self.enter(GROUP)
        self.assertNotIn("Seen by …", self.words(self.theirs))
        self.action(self.mine, "Seen by …").trigger()
        self.turn()
        dialog = given(view.living.readers)
        people = given(view.presenter).about.people
        names = [dialog.names.item(row).text() for row in range(dialog.names.count())]
        self.assertEqual(sorted(names), sorted(self.account.person(uuid).name for uuid in people[2:]))
        self.assertIn(str(len(people) - 1), dialog.words.text())
        dialog.reject()

    def test_refused(self) -> None:
        """It says why it cannot be had."""
        view = self.enter(GROUP)
        self.account.refusal = "Nobody answers."
        self.action(self.mine, "Seen by …").trigger()
        self.settle()
        self.assertIsNone(view.living.readers)


class ForwardTests(LivingCase):
    def test_forward(self) -> None:
        """It asks where to, goes there, and says whose it was."""
        view = self.enter()
        self.action(self.theirs, "Forward …").trigger()
        self.assertTrue(self.view.forwarding.isVisible())
        self.keys(self.view.forwarding.field, "jonas")
        self.view.forwarding.model.search("jonas")
        self.keys(self.view.forwarding.field, Key.Key_Return)
        self.settle()
        self.assertEqual(self.view.current, 2)
        rows = view.messages.rows
        at, sent = next((at, one) for at, one in enumerate(rows.messages) if one.forward is not None)
        self.assertEqual((given(sent.forward).sender, sent.text), (self.theirs.sender, self.theirs.text))
        row = rows.row(at)
        name = self.account.person(self.theirs.sender).name
        self.assertEqual(row.forwarded_text, f"Forwarded from {name}")


class MentionTests(LivingCase):
    def test_completion(self) -> None:
        """@ offers the members; what is chosen is mentioned, and told with the text."""
        view = self.enter(GROUP)
        member = given(view.presenter).members[0]
        completion = view.living.completion
        self.keys(self.edit, "Hi @" + member.username[:3])
        self.assertTrue(completion.isVisible())
        view.composer.tell_draft()
        self.account.receive(GROUP, "Meanwhile")
        self.assertTrue(completion.isVisible())
        self.keys(self.edit, Key.Key_Return)
        self.assertFalse(completion.isVisible())
        self.assertEqual(view.composer.text(), f"Hi @{member.username} ")
        self.keys(self.edit, Key.Key_Return)
        self.settle()
        self.assertEqual(self.last().mentions, (member.uuid,))

    def test_left(self) -> None:
        """Esc leaves the text as it is, and the conversation open; Enter then sends."""
        view = self.enter(GROUP)
        self.keys(self.edit, "@al")
        self.assertTrue(view.living.completion.isVisible())
        self.keys(self.edit, Key.Key_Escape)
        self.assertFalse(view.living.completion.isVisible())
        self.keys(self.edit, "l")
        self.keys(self.edit, Key.Key_Tab)
        self.keys(self.edit, Key.Key_Return)
        self.settle()
        self.assertEqual((self.last().text, self.last().mentions), ("@all", (EVERYBODY,)))

    def test_in_private(self) -> None:
        """Nobody is offered where there is nobody else."""
        view = self.enter()
        self.keys(self.edit, "@")
        self.assertFalse(view.living.completion.isVisible())
