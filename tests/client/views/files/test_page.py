"""All files of all conversations."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from client.core.memory import NOW_MS
from client.core.model import Kind, Message, Stage
from client.viewmodels.files import FilesModel
from client.views.files.page import FilesPage
from tests.client.views.filed import ANNA, FileCase
from tests.client.views.pictures import no_picture, quarters


class PageCase(FileCase):
    def setUp(self) -> None:
        super().setUp()
        for history in self.account._histories.values():  # only what the test sends
            history._made, history._since = 0, []
        self.page = FilesPage(self.theme, self.pictures, self.actions, now=lambda: NOW_MS)
        self.addCleanup(self.page.close_view)

    async def open(self) -> FilesPage:
        self.show(self.page, 800, 600)
        self.page.opened()
        await self.until(lambda: self.page.model.complete or self.page.model.rowCount())
        self.turn()
        return self.page

    def names(self) -> list[str]:
        model = self.page.model
        found = [model.message(row) for row in range(model.rowCount())]
        return [one.attachment.filename for one in found if one is not None and one.attachment is not None]

    def row(self, name: str) -> QPoint:
        """The middle of a row."""
        return self.page.rows.visualRect(self.page.model.index(self.names().index(name))).center()

    def button(self, name: str) -> QPoint:
        index = self.page.model.index(self.names().index(name))
        return self.page.rows.button_of(index).center().toPoint()

    def menu(self, message: Message) -> dict[str, object]:
        menu = self.page.menu_of(message)
        self.addCleanup(menu.deleteLater)
        return {action.text(): action for action in menu.actions()}

    def sample(self) -> None:
        self.picture = self.account.add(quarters(self.folder / "beach.png"))
        self.song = self.account.add(self.file("song.ogg", b"s" * 3000), Kind.AUDIO)
        self.film = self.account.add(self.file("film.mp4", b"f" * 9000), Kind.VIDEO)
        self.letter = self.account.add(self.file("letter.pdf", b"l" * 5000), Kind.FILE, here=True)


class PageTests(PageCase):
    async def test_kinds(self) -> None:
        """The newest is first; tabs show one kind, the search a name, and what is on this disk is told apart."""
        self.sample()
        page = await self.open()
        self.assertEqual(self.names(), ["letter.pdf", "film.mp4", "song.ogg", "beach.png"])
        for kind, names in (
            (Kind.IMAGE, ["beach.png"]),
            (Kind.VIDEO, ["film.mp4"]),
            (Kind.AUDIO, ["song.ogg"]),
            (Kind.FILE, ["letter.pdf"]),
        ):
            self.click(page.kinds[kind.value])
            self.assertEqual(self.names(), names)
        self.click(page.kinds[""])
        self.keys(page.search, "LETTER")
        self.keys(page.search, Qt.Key.Key_Return)
        self.assertEqual(self.names(), ["letter.pdf"])
        page.search.clear()
        page.here.setChecked(True)
        self.assertEqual(self.names(), ["letter.pdf"])
        page.here.setChecked(False)
        page.order.setCurrentIndex(1)
        self.assertEqual(self.names()[:2], ["film.mp4", "letter.pdf"])

    async def test_what_is_told(self) -> None:
        """Each is read with its size, who sent it, when, and whether it is here."""
        self.sample()
        await self.open()
        words = self.page.model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
        self.assertIn("letter.pdf, 4.9 kB · Anna Berg · Today", words)
        self.assertIn(", on this disk", words)
        self.assertIn("not on this disk", self.page.model.index(1).data(Qt.ItemDataRole.AccessibleTextRole))

    async def test_opened(self) -> None:
        """Enter and a double click open: pictures and films are looked at, others go to the system's program."""
        self.sample()
        page = await self.open()
        looked: list[Message] = []
        page.look.connect(looked.append)
        QTest.mouseDClick(
            page.rows.viewport(),
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
            self.row("beach.png"),
        )
        self.assertEqual([one.key for one in looked], [self.picture.key])
        page.rows.setFocus()
        self.keys(page.rows, Qt.Key.Key_Home)
        self.keys(page.rows, Qt.Key.Key_Return)
        await self.until(lambda: self.desktop.opened)
        self.assertEqual(self.desktop.opened, [self.folder / "letter.pdf"])

    async def test_the_button(self) -> None:
        """It downloads, pauses, goes on, tries again, and shows what is here in its folder."""
        self.sample()
        page = await self.open()
        view = page.rows.viewport()
        self.account.move(self.song, 1000)
        self.assertEqual(page.model.index(2).data(FilesModel.TRANSFER).done, 1000)
        self.click(view, self.button("song.ogg"))
        self.assertEqual(self.account.transfers()[-1].stage, Stage.PAUSED)
        self.click(view, self.button("song.ogg"))
        self.assertEqual(self.account.transfers()[-1].stage, Stage.MOVING)
        self.account.move(self.song, 1000, Stage.FAILED, "There is no room left on this disk.")
        self.click(view, self.button("song.ogg"))
        self.assertEqual(len(self.account.asked("fetch")), 1)
        self.account.move(self.song, 3000, Stage.DONE)
        self.click(view, self.button("song.ogg"))
        await self.until(lambda: self.desktop.revealed)
        self.assertEqual(self.desktop.revealed, [self.folder / "song.ogg"])
        self.click(view, self.button("film.mp4"))
        self.assertEqual(len(self.account.asked("fetch")), 3)

    async def test_the_menu(self) -> None:
        """Going to the message, saving, and removing the copy that is here.

        What I have sent myself is no copy.
        """
        self.sample()
        page = await self.open()
        went: list[Message] = []
        page.to_message.connect(went.append)
        actions = self.menu(self.letter)
        self.assertNotIn("Download", actions)
        self.trigger(actions["Go to the message"])
        self.trigger(actions["Save as …"])
        dialog = next(
            one for one in QApplication.topLevelWidgets() if isinstance(one, QFileDialog) and one.isVisible()
        )
        dialog.fileSelected.emit(str(self.folder / "copy.pdf"))
        dialog.reject()
        await self.until((self.folder / "copy.pdf").exists)
        self.assertIn("copy.pdf", page.problem.text())
        self.trigger(actions["Remove from this disk"])
        await self.until(lambda: not (self.folder / "letter.pdf").exists())
        self.assertEqual([one.key for one in went], [self.letter.key])
        self.assertIn("Download", self.menu(self.message("letter.pdf")))
        mine = await self.account.send_file(ANNA, self.file("mine.txt"))
        self.assertNotIn("Remove from this disk", self.menu(mine))
        self.assertEqual(self.names()[0], "mine.txt")

    async def test_by_keys(self) -> None:
        """↓ from the search, Delete removes the copy, letters go to the search, Esc leaves."""
        self.sample()
        page = await self.open()
        left: list[bool] = []
        page.back.connect(lambda: left.append(True))
        self.keys(page.search, Qt.Key.Key_Down)
        self.assertTrue(page.rows.hasFocus())
        self.keys(page.rows, Qt.Key.Key_Delete)
        self.assertFalse((self.folder / "letter.pdf").exists())
        self.keys(page.rows, "b")
        self.assertEqual((page.search.text(), page.search.hasFocus()), ("b", True))
        self.keys(page.search, Qt.Key.Key_Escape)
        self.keys(page.search, Qt.Key.Key_Escape)
        self.assertEqual(left, [True])

    async def test_what_happens_meanwhile(self) -> None:
        """A new file comes first, one that is deleted goes, and what does not fit is not shown."""
        self.sample()
        page = await self.open()
        self.click(page.kinds[Kind.FILE.value])
        self.account.now_ms += 1000
        self.account.add(self.file("new.txt"), Kind.FILE)
        self.account.add(self.file("new.ogg"), Kind.AUDIO)
        self.assertEqual(self.names(), ["new.txt", "letter.pdf"])
        self.account._put(replace(self.letter, recalled=True))
        self.assertEqual(self.names(), ["new.txt"])
        self.account.changes.removed.fire([self.message("new.txt")])
        self.assertEqual(self.names(), [])
        self.assertIn("Nothing found", page.empty.accessibleName())

    async def test_nothing(self) -> None:
        """Where there are none it says what will be here."""
        page = await self.open()
        self.assertIn("No files yet", page.empty.accessibleName())
        self.assertTrue(page.empty.isVisible())

    async def test_cleared(self) -> None:
        """What is kept is told, and removed after a question."""
        self.sample()
        page = await self.open()
        self.assertIn("46.1 MB", page.kept.text())
        self.click(page.clear)
        box = next(
            one for one in QApplication.topLevelWidgets() if isinstance(one, QMessageBox) and one.isVisible()
        )
        self.keys(box, Qt.Key.Key_Escape)
        self.assertEqual(self.account.asked("clear_cache"), [])
        box = page.ask_clear()
        self.click(next(button for button in box.buttons() if button.text() == "Remove"))
        await self.until(lambda: not page.clear.isEnabled())
        self.assertEqual(len(self.account.asked("clear_cache")), 1)

    async def test_cannot_be_had(self) -> None:
        """Why is said above the list."""
        self.sample()
        page = await self.open()
        self.account.sentence = "The server cannot be reached."
        self.click(page.rows.viewport(), self.button("film.mp4"))
        await self.until(page.problem.text)
        self.assertEqual(page.problem.text(), "The server cannot be reached.")

    async def test_thousands(self) -> None:
        """Pages are asked for as one scrolls; only what is seen is painted."""
        path = self.file("a.txt")
        for _ in range(950):
            self.account.add(path, Kind.FILE)
        page = await self.open()
        self.assertEqual(page.model.rowCount(), 200)
        bar = page.rows.verticalScrollBar()
        for _ in range(6):
            bar.setValue(bar.maximum())
            self.turn()
        self.assertEqual((page.model.rowCount(), page.model.complete), (950, True))
        self.assertEqual(len({page.model.message(row) for row in range(950)}), 950)

    async def test_hostile_names(self) -> None:
        """A path, markup and marks of direction are a name; no picture is shown for what is none."""
        self.account.add(no_picture(self.folder / "a.png"), name="../../etc/<b>x\u202egnp.exe", here=True)
        page = await self.open()
        words = page.model.index(0).data(Qt.ItemDataRole.DisplayRole)
        self.assertTrue(words.startswith("_b_xgnp.exe, "), words)
        self.grab(page)
        await self.until(lambda: self.pictures.broken(str(self.folder / "a.png")))
        self.grab(page)

    def message(self, name: str) -> Message:
        found = self.page.model.message(self.names().index(name))
        assert found is not None
        return found

    def trigger(self, action: object) -> None:
        action.trigger()  # type: ignore[attr-defined]
        self.turn()
