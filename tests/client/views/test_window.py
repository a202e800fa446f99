from __future__ import annotations

from PySide6.QtCore import Qt

from client.core.shortcuts import SHORTCUTS
from client.views.main.window import Window
from tests.client.views.scene import ViewCase

Key = Qt.Key
CONTROL = Qt.KeyboardModifier.ControlModifier


class WindowTests(ViewCase):
    def test_place(self) -> None:
        """It opens where it was, as large as it was."""
        self.open()
        self.window.setGeometry(40, 50, 700, 600)
        self.turn()
        self.window.keep_place()
        again = Window(self.theme, self.settings)
        self.addCleanup(again.deleteLater)
        self.assertEqual(again.geometry(), self.window.geometry())

    def test_opens_without_a_ring(self) -> None:
        """Where nothing is open keys go to the list; no ring is shown before somebody uses them."""
        view = self.open()
        self.assertTrue(view.list.rows.hasFocus())
        self.assertFalse(view.list.rows.property("byKeys"))

    def test_nonsense(self) -> None:
        """What cannot be a place is none."""
        self.settings.change(window="zz")
        again = Window(self.theme, self.settings)
        self.addCleanup(again.deleteLater)
        self.assertEqual(again.width(), 1100)

    def test_shortcuts(self) -> None:
        """Those that are the program's are told; the rest go to the account; all are there once."""
        view = self.open()
        told: list[str] = []
        self.window.acted.connect(told.append)
        view.open(1)
        edit = view.conversation.composer.edit
        self.keys(edit, Key.Key_F1)
        self.keys(edit, Key.Key_Comma, CONTROL)
        self.keys(edit, Key.Key_Q, CONTROL)
        self.assertEqual(told, ["shortcuts", "settings", "quit"])
        self.keys(edit, Key.Key_2, CONTROL)
        self.assertTrue(view.friends.isVisible())
        self.keys(view.friends.search, Key.Key_1, CONTROL)
        self.assertTrue(view.list.isVisible())
        self.keys(view.list.search, Key.Key_N, CONTROL)
        self.assertTrue(view.find_page.isVisible())
        self.keys(view.find_page.field, Key.Key_Escape)
        self.assertTrue(view.conversation.isVisible())
        keys = [key for one in SHORTCUTS for key in one.keys]
        self.assertEqual(len(keys), len(set(keys)))

    def test_closed(self) -> None:
        """Closing it is told, once."""
        self.open()
        told: list[bool] = []
        self.window.closed.connect(lambda: told.append(True))
        self.keys(self.window, Key.Key_W, CONTROL)
        self.assertEqual(told, [True])

    def test_count(self) -> None:
        """The title says how much is unread."""
        view = self.open()
        self.window.tell_count(view.conversations.unread())
        self.assertIn(f"({view.conversations.unread()})", self.window.windowTitle())
        self.window.tell_count(0)
        self.assertEqual(self.window.windowTitle(), "imsys")
