from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QColor, QGuiApplication, QImage

from client.widgets.composer import Composer
from client.widgets.emoji.catalogue import by_text, find
from client.widgets.emoji.picker import EmojiPicker
from tests.support.qt import WidgetCase

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


class ComposerTests(WidgetCase):
    def setUp(self) -> None:
        super().setUp()
        self.composer = self.show(Composer(self.theme), 500, 60)
        self.edit = self.composer.edit
        self.sent: list[str] = []
        self.composer.sent.connect(self.sent.append)
        self.edit.setFocus()

    def test_enter(self) -> None:
        """Enter sends, Shift+Enter begins a line; nothing is sent that is only space."""
        self.keys(self.edit, Qt.Key.Key_Return)
        self.keys(self.edit, " ")
        self.keys(self.edit, Qt.Key.Key_Return)
        self.assertEqual(self.sent, [])
        self.keys(self.edit, "Hi")
        self.keys(self.edit, Qt.Key.Key_Return, SHIFT)
        self.keys(self.edit, "there")
        self.keys(self.edit, Qt.Key.Key_Return)
        self.assertEqual(self.sent, ["Hi\nthere"])
        self.composer.clear()
        self.assertFalse(self.composer.send_button.isEnabled())

    def test_enter_is_a_line(self) -> None:
        """Where Enter is set to begin a line, Ctrl+Enter sends."""
        self.composer.set_enter_sends(False)
        self.keys(self.edit, "a")
        self.keys(self.edit, Qt.Key.Key_Return)
        self.keys(self.edit, "b")
        self.assertEqual(self.sent, [])
        self.keys(self.edit, Qt.Key.Key_Return, CONTROL)
        self.assertEqual(self.sent, ["a\nb"])

    def test_up(self) -> None:
        """↑ in an empty composer edits the last message; with a text in it, it moves."""
        edited: list[bool] = []
        self.composer.edit_last.connect(lambda: edited.append(True))
        self.keys(self.edit, "x")
        self.keys(self.edit, Qt.Key.Key_Up)
        self.assertEqual(edited, [])
        self.composer.clear()
        self.keys(self.edit, Qt.Key.Key_Up)
        self.assertEqual(edited, [True])

    def test_grows(self) -> None:
        """The field grows with its lines, up to eight, and shrinks again."""
        one = self.edit.height()
        self.edit.insertPlainText("a\nb\nc")
        self.turn()
        three = self.edit.height()
        self.assertGreater(three, 2 * one)
        self.edit.insertPlainText("\n" * 30)
        self.turn()
        self.assertLess(self.edit.height(), 9 * one)
        self.composer.clear()
        self.turn()
        self.assertEqual(self.edit.height(), one)

    def test_too_long(self) -> None:
        """Characters are counted near 4,096 as the server counts them, and more are offered, not sent."""
        offered: list[str] = []
        self.composer.too_long.connect(offered.append)
        self.composer.set_text("😀" * 4096)
        self.composer.send()
        self.assertEqual(len(self.sent), 1)
        self.composer.set_text("😀" * 4097)
        self.composer.send()
        self.assertEqual((len(self.sent), offered), (1, ["😀" * 4097]))
        shown = [
            label.text()
            for label in self.composer.findChildren(type(self.composer._count))
            if label.isVisible()
        ]
        self.assertIn("-1", shown)

    async def test_draft(self) -> None:
        """What is written is told once one stops typing; a draft that is put in is not told again."""
        told: list[str] = []
        self.composer.draft.connect(told.append)
        self.composer.set_text("before")
        self.keys(self.edit, "!")
        self.keys(self.edit, "?")
        await self.until(lambda: told)
        self.assertEqual(told, ["before!?"])

    def test_pasted(self) -> None:
        """A picture and files are told, a text is put in as plain text, and a book is not."""
        pictures: list[QImage] = []
        files: list[list[Path]] = []
        books: list[str] = []
        self.composer.picture.connect(pictures.append)
        self.composer.files.connect(files.append)
        self.composer.too_long.connect(books.append)
        clipboard = QGuiApplication.clipboard()
        image = QImage(3, 2, QImage.Format.Format_RGB32)
        image.fill(QColor("red"))
        clipboard.setImage(image)
        self.edit.paste()
        self.assertEqual(pictures[0].size().toTuple(), (3, 2))
        path = Path(self.mktemp()).absolute()
        path.write_text("x")
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)), QUrl("https://example.org/")])
        clipboard.setMimeData(data)
        self.edit.paste()
        self.assertEqual(files, [[path]])
        data = QMimeData()
        data.setHtml("<b>bold</b><img src='https://example.org/spy.png'>")
        data.setText("bold")
        clipboard.setMimeData(data)
        self.edit.paste()
        self.assertEqual(self.composer.text(), "bold")
        clipboard.setText("x" * 100_000)
        self.edit.paste()
        self.assertEqual((len(books), self.composer.text()), (1, "bold"))

    def test_dropped(self) -> None:
        """Files that are dropped on it are told."""
        files: list[list[Path]] = []
        self.composer.files.connect(files.append)
        paths = [Path(self.mktemp()).absolute() for _ in range(2)]
        for path in paths:
            path.write_text("x")
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        self.assertTrue(self.drop(self.edit.viewport(), data))
        self.assertEqual(files, [paths])

    def test_blocked(self) -> None:
        """Where one cannot write, it says why, and offers what can be done about it."""
        pressed: list[bool] = []
        self.composer.overcome.connect(lambda: pressed.append(True))
        self.composer.set_blocked("You have blocked Anna.")
        self.assertFalse(self.edit.isVisible())
        self.assertFalse(self.composer.blocked_button.isVisible())
        self.composer.set_blocked("You have blocked Anna.", "Unblock")
        self.click(self.composer.blocked_button)
        self.assertEqual(pressed, [True])
        self.composer.set_blocked("")
        self.assertTrue(self.edit.isVisible())

    def test_context(self) -> None:
        """What is answered stands above until it is closed."""
        closed: list[bool] = []
        self.composer.context_closed.connect(lambda: closed.append(True))
        self.composer.set_context("reply", "Anna", "<i>Hello</i>")
        self.assertTrue(self.composer._context.isVisible())
        button = next(b for b in self.composer._context.findChildren(type(self.composer.send_button)))
        self.click(button)
        self.assertEqual(closed, [True])


class EmojiTests(WidgetCase):
    def test_found(self) -> None:
        """Emoji are found by the beginnings of words, in English and Chinese, and by themselves."""
        self.assertEqual(find("grinning face")[0].text, "😀")
        self.assertIn("🐱", [emoji.text for emoji in find("猫")])
        self.assertEqual([emoji.text for emoji in find("thumbs up")], ["👍️"])
        self.assertEqual(find("🎉")[0].name, "party popper")
        self.assertEqual(find("qwertz"), [])
        self.assertEqual(by_text()["👋"].tone(3), "👋🏽")

    def test_picked_by_keys(self) -> None:
        """Typing searches, Enter picks the first; arrows go through the grid.

        What was picked comes first next time.
        """
        picker = EmojiPicker(self.theme)
        picked: list[str] = []
        kept: list[list[str]] = []
        picker.picked.connect(picked.append)
        picker.remembered.connect(lambda recent, tone: kept.append(recent))
        picker.open_at(QPoint(500, 500))
        self.addCleanup(picker.deleteLater)
        self.turn()
        self.keys(picker.search, "rocket")
        self.keys(picker.search, Qt.Key.Key_Return)
        self.assertEqual((picked, picker.isVisible()), (["🚀"], False))
        picker.open_at(QPoint(500, 500))
        self.assertEqual(picker.grid.current(), "🚀")
        picker.grid.setFocus()
        self.keys(picker.grid, Qt.Key.Key_Down)
        self.keys(picker.grid, Qt.Key.Key_Right)
        self.keys(picker.grid, Qt.Key.Key_Return)
        self.assertEqual(picked[1], "😃")
        self.assertEqual(kept[-1], ["😃", "🚀"])

    def test_picked_by_a_click(self) -> None:
        """A click picks what is under the pointer; a search that finds nothing says so."""
        picker = EmojiPicker(self.theme)
        picked: list[str] = []
        picker.picked.connect(picked.append)
        picker.open_at(QPoint(500, 500))
        self.addCleanup(picker.deleteLater)
        self.turn()
        self.click(picker.grid.viewport(), picker.grid.rect_of(2).center().toPoint())
        self.assertEqual(picked, ["😄"])
        picker.open_at(QPoint(500, 500))
        self.keys(picker.search, "qwertz")
        self.assertFalse(picker.grid.isVisible())
