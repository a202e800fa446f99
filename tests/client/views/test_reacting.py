"""Reactions by the pointer and by keys, and who reacted."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip

from client.core.model import Message, Reaction
from client.views.conversation.reactors import ReactorsDialog
from client.widgets.messages.reaction_bar import ReactionBar
from tests.client.views.test_living import GROUP, Key, LivingCase, given

CONTROL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class BarTests(LivingCase):
    def middle(self, message: Message) -> QPoint:
        messages = self.conversation.messages
        row = messages.rows.row(messages.rows.index[message.key])
        return (row.bubble.center() + QPointF(0, messages.rect_of(message.key).top())).toPoint()

    @property
    def bar(self) -> ReactionBar:
        return self.conversation.messages.reaction_bar

    async def test_hover(self) -> None:
        """It comes beside the bubble that the pointer rests on; a press reacts, and it is gone."""
        view = self.enter()
        viewport = view.messages.viewport()
        self.point(viewport, self.middle(self.theirs))
        self.assertFalse(self.bar.isVisible())
        await self.until(self.bar.isVisible)
        bubble = view.messages.rows.row(view.messages.rows.index[self.theirs.key]).bubble
        self.assertGreaterEqual(self.bar.x(), bubble.right())
        self.click(given(self.bar.row).buttons[0])
        self.settle()
        self.assertEqual(self.now(self.theirs).reactions, (Reaction("👍", 1, True),))
        self.assertFalse(self.bar.isVisible())
        self.point(viewport, self.middle(self.mine))
        await self.until(self.bar.isVisible)
        self.assertLess(self.bar.geometry().right(), self.middle(self.mine).x())
        view.messages.scroll_by(-40)
        self.assertFalse(self.bar.isVisible())

    def test_keys(self) -> None:
        """Ctrl+Shift+E offers them for the message that is chosen; → and Enter take one, Esc leaves."""
        view = self.enter()
        self.assertTrue(self.bar.begin(self.theirs.key))
        self.bar.leave()
        view.messages.input.current = self.theirs.key
        view.messages.setFocus()
        self.keys(view.messages, Key.Key_E, CONTROL_SHIFT)
        self.assertTrue(self.bar.isVisible())
        buttons = given(self.bar.row).buttons
        self.assertTrue(buttons[0].hasFocus())
        self.keys(buttons[0], Key.Key_Right)
        self.keys(buttons[1], Key.Key_Return)
        self.settle()
        self.assertEqual(self.now(self.theirs).reactions, (Reaction("❤️", 1, True),))
        self.assertTrue(view.messages.hasFocus())
        view.messages.begin_reaction()
        self.assertTrue(given(self.bar.row).buttons[1].isChecked())
        self.keys(given(self.bar.row).buttons[0], Key.Key_Escape)
        self.assertFalse(self.bar.isVisible())
        self.assertTrue(view.messages.hasFocus())

    def test_more(self) -> None:
        """The smile leads to all emoji."""
        view = self.enter()
        self.bar.begin(self.theirs.key)
        self.click(given(self.bar.row).buttons[-1])
        picker = given(view.living.menu._picker)
        self.keys(picker.search, "rocket")
        self.keys(picker.search, Key.Key_Return)
        self.settle()
        self.assertEqual(self.now(self.theirs).reactions, (Reaction("🚀", 1, True),))

    def test_not_where_nothing_can_be(self) -> None:
        """What was taken back, and what one has left, takes no reaction."""
        self.enter(GROUP)
        recalled = self.account.receive(GROUP, "x")
        self.account._put(
            Message(recalled.key, GROUP, recalled.sender, recalled.at_ms, id=recalled.id, recalled=True)
        )
        self.settle()
        self.assertFalse(self.bar.begin(recalled.key))
        self.account.lose(GROUP)
        self.settle()
        self.assertFalse(self.bar.begin(self.theirs.key))


class WhoTests(LivingCase):
    def react(self) -> None:
        self.enter(GROUP)
        for emoji, mine in (("🎂", False), ("🎂", True), ("😱", False)):
            self.account.reacted(self.now(self.theirs), emoji, on=True, mine=mine)
        self.settle()

    def test_chip(self) -> None:
        """A right click on a reaction tells who; all, or those of one emoji; a press on a name leads to them."""
        self.react()
        viewport, place = self.conversation.messages.viewport(), self.hit(self.now(self.theirs), "react")
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, viewport.mapToGlobal(place))
        QApplication.sendEvent(viewport, event)
        self.turn()
        dialog = given(self.conversation.living.reactors)
        people = given(self.conversation.presenter).about.people
        anna = self.account.person(people[0]).name
        self.assertEqual(self.names(dialog), ["Lena Hoffmann", anna])
        self.click(dialog.tabs.buttons()[0])
        self.assertEqual(self.names(dialog), ["🎂  Lena Hoffmann", f"🎂  {anna}", f"😱  {anna}"])
        asked: list[int] = []
        dialog.person.connect(asked.append)
        rect = dialog.names.visualItemRect(dialog.names.item(1))
        self.click(dialog.names.viewport(), rect.center())
        self.assertEqual(asked, [people[0]])
        self.assertEqual(self.view.profile_page.profile.uuid, people[0])

    def names(self, dialog: ReactorsDialog) -> list[str]:
        return [dialog.names.item(row).text() for row in range(dialog.names.count())]

    def test_menu(self) -> None:
        """The menu of the message has it too."""
        self.react()
        self.assertNotIn("Reactions …", self.words(self.mine))
        self.action(self.now(self.theirs), "Reactions …").trigger()
        self.turn()
        dialog = given(self.conversation.living.reactors)
        self.assertEqual(len(self.names(dialog)), 3)
        dialog.reject()

    def test_tip(self) -> None:
        """Beside the pointer it says who, once that is known."""
        self.react()
        viewport, place = self.conversation.messages.viewport(), self.hit(self.now(self.theirs), "react")
        QApplication.sendEvent(viewport, QHelpEvent(QEvent.Type.ToolTip, place, viewport.mapToGlobal(place)))
        self.turn()
        people = given(self.conversation.presenter).about.people
        self.assertEqual(QToolTip.text(), f"Lena Hoffmann, {self.account.person(people[0]).name}")

    def test_refused(self) -> None:
        """It says why that cannot be had."""
        self.react()
        self.account.refusal = "Nobody answers."
        self.action(self.now(self.theirs), "Reactions …").trigger()
        self.settle()
        self.assertIsNone(self.conversation.living.reactors)
