"""Texts that are sent later, and messages that do not stay, by clicks and keys."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from client.core.groups import MEMBER
from client.core.model import Kind
from client.core.timed import DAY, HOUR
from client.views.later.when import WhenDialog
from client.widgets.times import lasting
from tests.client.views.test_living import ANNA, GROUP, Key, LivingCase, given

CONTROL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def chosen(menu: QMenu, words: str) -> QAction:
    return next(one for one in menu.actions() if one.text() == words)


class LaterCase(LivingCase):
    def press(self, within: QWidget, words: str) -> None:
        self.click(next(one for one in within.findChildren(QPushButton) if one.text() == words))

    def when(self) -> WhenDialog:
        return given(self.conversation.later.when)

    def write_later(self, text: str) -> WhenDialog:
        self.keys(self.edit, text)
        chosen(self.conversation.composer.send_menu(), "Send later …").trigger()
        self.turn()
        return self.when()


class ScheduleTests(LaterCase):
    def test_schedule(self) -> None:
        """A text gets a time; it is off the composer then, a button says that it waits, and it comes on time."""
        view = self.enter()
        self.assertFalse(view.composer.waiting_button.isVisible())
        dialog = self.write_later("Good morning")
        self.assertEqual(dialog.text.toPlainText(), "Good morning")
        self.press(dialog, "Tomorrow morning")
        self.press(dialog, "Schedule")
        self.turn()
        self.assertIsNone(view.later.when)
        self.assertEqual(view.composer.text(), "")
        self.assertTrue(view.composer.waiting_button.isVisible())
        self.assertIn("1", view.composer.waiting_button.accessibleName())
        (later,) = self.account.scheduled(ANNA)
        self.assertEqual(later.text, "Good morning")
        self.account.pass_to(later.at_ms)
        self.settle()
        self.assertEqual(self.last().text, "Good morning")
        self.assertFalse(view.composer.waiting_button.isVisible())

    def test_keys(self) -> None:
        """Ctrl+Shift+Enter asks for the time, Enter takes it; Esc leaves the text where it was."""
        view = self.enter()
        self.keys(self.edit, "Later")
        self.keys(self.edit, Key.Key_Return, CONTROL_SHIFT)
        dialog = self.when()
        self.keys(dialog, Key.Key_Escape)
        self.turn()
        self.assertEqual(view.composer.text(), "Later")
        self.assertEqual(list(self.account.scheduled(ANNA)), [])
        self.keys(self.edit, Key.Key_Return, CONTROL_SHIFT)
        self.keys(self.when().time, Key.Key_Return)
        self.turn()
        (later,) = self.account.scheduled(ANNA)
        self.assertEqual(later.at_ms, self.account.now_ms + HOUR * 1000)

    def test_times(self) -> None:
        """A time that is over cannot be chosen; what the server refuses is said, and nothing is lost."""
        view = self.enter()
        dialog = self.write_later("Too late")
        dialog.time.setTime(dialog.time.time().addSecs(-2 * HOUR))
        self.assertFalse(dialog.ready.isEnabled())
        self.assertTrue(dialog.problem.isVisible())
        dialog.time.setTime(dialog.time.time().addSecs(3 * HOUR))
        self.account.refusal = "There are as many as there may be."
        self.press(dialog, "Schedule")
        self.assertEqual(dialog.problem.text(), "There are as many as there may be.")
        self.assertEqual(view.composer.text(), "Too late")
        self.account.refusal = ""
        self.press(dialog, "Schedule")
        self.turn()
        self.assertEqual(len(self.account.scheduled(ANNA)), 1)

    def test_list(self) -> None:
        """What waits is listed by its time; it is changed, sent at once, or not sent at all."""
        view = self.enter()
        for text in ("Second", "First"):
            dialog = self.write_later(text)
            if text == "Second":
                self.press(dialog, "Monday morning")
            self.press(dialog, "Schedule")
            self.turn()
        self.keys(self.edit, "A draft")
        self.click(view.composer.waiting_button)
        waiting = given(view.later.list)
        self.assertEqual([row.words.text() for row in waiting.rows.values()], ["First", "Second"])
        first, second = waiting.rows.values()
        chosen(second.menu, "Change …").trigger()
        self.turn()
        dialog = self.when()
        dialog.text.setPlainText("The second")
        self.press(dialog, "Save")
        self.turn()
        self.assertEqual([row.words.text() for row in waiting.rows.values()], ["First", "The second"])
        self.assertEqual(view.composer.text(), "A draft")
        first, second = waiting.rows.values()
        chosen(first.menu, "Send now").trigger()
        self.settle()
        self.assertEqual(self.last().text, "First")
        (second,) = waiting.rows.values()
        chosen(second.menu, "Do not send it").trigger()
        self.turn()
        self.assertEqual(waiting.rows, {})
        self.assertTrue(waiting._nothing.isVisible())
        self.keys(waiting, Key.Key_Escape)
        self.assertIsNone(view.later.list)

    def test_not_what_is_edited(self) -> None:
        """The new text of a message cannot be sent later."""
        view = self.enter()
        self.keys(self.edit, Key.Key_Up)
        self.assertFalse(chosen(view.composer.send_menu(), "Send later …").isEnabled())

    def test_another_conversation(self) -> None:
        """The button is that of the conversation that is open."""
        view = self.enter()
        self.press(self.write_later("For Anna"), "Schedule")
        self.turn()
        self.view.open(3)
        self.assertFalse(view.composer.waiting_button.isVisible())
        self.view.open(ANNA)
        self.assertTrue(view.composer.waiting_button.isVisible())


class TimerTests(LaterCase):
    def test_timer(self) -> None:
        """It is chosen in the details, the header shows it, a line says who set it, and messages go in time."""
        view = self.enter()
        self.view.show_details(True)
        self.assertEqual(self.view.details.timer_button.text(), "Messages stay")
        menu = view.later.timer_menu(view)
        chosen(menu, lasting(DAY)).trigger()
        self.settle()
        self.assertEqual(given(self.account.conversation(ANNA)).timer, DAY)
        self.assertEqual(self.view.details.timer_button.text(), f"Messages disappear after {lasting(DAY)}")
        self.assertTrue(view.later.timer_button.isVisible())
        self.assertEqual(view.later.timer_button.accessibleName(), f"Messages disappear after {lasting(DAY)}")
        self.assertIs(self.last().kind, Kind.NOTICE)
        row = view.messages.rows.row(len(view.messages.rows) - 1)
        self.assertEqual(
            given(row.text).blocks[0].text, f"You set messages to disappear after {lasting(DAY)}"
        )
        self.keys(self.edit, "Soon gone")
        self.keys(self.edit, Key.Key_Return)
        self.settle()
        gone = self.last()
        self.assertEqual(gone.text, "Soon gone")
        self.account.pass_to(gone.expires_ms)
        self.settle()
        self.assertIsNone(view.messages.message(gone.key))
        chosen(view.later.timer_menu(view), "Never: they stay").trigger()
        self.settle()
        self.assertFalse(view.later.timer_button.isVisible())

    def test_not_a_member(self) -> None:
        """In a group admins alone set it; others see how it is."""
        view = self.enter(GROUP)
        self.account._set(replace(given(self.account.conversation(GROUP)), role=MEMBER, timer=HOUR))
        self.settle()
        self.assertTrue(view.later.timer_button.isVisible())
        menu = view.later.timer_menu(view)
        self.assertTrue(chosen(menu, lasting(HOUR)).isChecked())
        self.assertFalse(chosen(menu, lasting(DAY)).isEnabled())
        self.assertIn("Only admins change this", [one.text() for one in menu.actions()])

    def test_by_the_pointer(self) -> None:
        """The mark in the header opens the choice."""
        view = self.enter()
        self.account._set(replace(given(self.account.conversation(ANNA)), timer=HOUR))
        self.settle()
        self.click(view.later.timer_button, QPoint(10, 10))
        menu = next(one for one in view.later.timer_button.findChildren(QMenu) if one.isVisible())
        self.assertTrue(chosen(menu, lasting(HOUR)).isChecked())
        menu.close()
