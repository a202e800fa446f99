"""Files in the window of an account: dropping and pasting, bubbles and their menus, the way to all files."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QMenu, QMessageBox
from twisted.internet.threads import deferToThread

from client.core.memory import NOW_MS
from client.core.model import Kind, Mark, Message, Stage
from client.platform.settings import Settings
from client.viewmodels.spool import Spool
from client.views.files.send_dialog import SendDialog
from client.views.main.account_view import AccountView
from client.views.main.window import Window
from tests.client.views.filed import ANNA, FileCase
from tests.client.views.pictures import quarters


class JoinedCase(FileCase):
    def setUp(self) -> None:
        super().setUp()
        settings = Settings(None)
        self.window = Window(self.theme, settings)
        spool = Spool(self.folder / "made", deferToThread)
        self.view = AccountView(
            self.theme, self.pictures, self.account, settings, spool, now=lambda: NOW_MS, desktop=self.desktop
        )
        self.window.show_account(self.view)
        self.show(self.window, 1100, 720)
        self.addCleanup(self.view.close_view)  # before the window goes
        self.view.open(ANNA)
        self.turn()
        self.conversation = self.view.conversation

    async def dialog(self) -> SendDialog:
        await self.until(lambda: self.view.files.dialog is not None and self.view.files.dialog.rows)
        dialog = self.view.files.dialog
        assert dialog is not None
        return dialog

    def sent(self) -> list[tuple[object, ...]]:
        return self.account.asked("send_file")

    async def arrive(self, name: str, kind: Kind = Kind.FILE, **more: object) -> Message:
        """Anna sends a file, and its bubble is seen."""
        message = self.account.add(self.file(name), kind, **more)  # type: ignore[arg-type]
        await self.until(lambda: message.key in self.conversation.messages.rows.index)
        self.turn()
        return message

    def press(self, message: Message, action: str) -> None:
        """A click on a part of its bubble."""
        messages = self.conversation.messages
        row = messages.rows.row(messages.rows.index[message.key])
        hit = next(hit for hit in row.hits if hit.action == action)
        y = messages.scroller.y(messages.rows.index[message.key])
        self.click(messages.viewport(), hit.rect.translated(0, y).center().toPoint())

    def menu(self, message: Message) -> dict[str, object]:
        menu = QMenu()
        self.addCleanup(menu.deleteLater)
        self.conversation.menu.emit(message, menu)
        return {action.text(): action for action in menu.actions()}

    def question(self) -> QMessageBox:
        return next(
            one for one in QApplication.topLevelWidgets() if isinstance(one, QMessageBox) and one.isVisible()
        )


class SendingTests(JoinedCase):
    async def test_dropped(self) -> None:
        """Files that are dropped on the conversation are shown first.

        What was written becomes the caption.
        """
        one, two = self.file("a.txt"), quarters(self.folder / "b.png")
        self.conversation.composer.set_text("Both of them")
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in (one, two)])
        self.assertTrue(self.drop(self.conversation, data))
        dialog = await self.dialog()
        self.assertEqual(
            (self.sent(), dialog.caption.toPlainText(), self.conversation.composer.text()),
            ([], "Both of them", ""),
        )
        self.keys(dialog.caption, Qt.Key.Key_Return)
        await self.until(lambda: self.view.files.dialog is None)
        self.assertEqual(self.sent(), [(ANNA, one, "Both of them", False), (ANNA, two, "", False)])

    async def test_pasted_and_left(self) -> None:
        """A picture that is pasted is shown first; left by Esc, nothing is sent and the text is back."""
        image = QImage(30, 20, QImage.Format.Format_RGB32)
        image.fill(QColor("#336699"))
        QGuiApplication.clipboard().setImage(image)
        edit = self.conversation.composer.edit
        edit.setFocus()
        self.keys(edit, "Look at this")
        self.keys(edit, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
        dialog = await self.dialog()
        self.assertEqual(dialog.rows[0].one.name, "Picture.png")
        self.keys(dialog.caption, Qt.Key.Key_Escape)
        await self.until(lambda: self.view.files.dialog is None)
        self.assertEqual((self.sent(), self.conversation.composer.text()), ([], "Look at this"))


class BubbleTests(JoinedCase):
    async def test_opened(self) -> None:
        """A click fetches a file, and opens it with the system's program once."""
        message = await self.arrive("notes.txt")
        self.press(message, "file")
        await self.until(lambda: self.desktop.opened)
        self.assertEqual(self.desktop.opened, [self.folder / "notes.txt"])

    async def test_programs_are_asked_about(self) -> None:
        """What can run is opened only after a question, whose way out is the default."""
        for name in ("setup.exe", "run.sh", "click me.desktop", "picture.png\u202e.scr", "report.pdf.lnk"):
            message = self.account.add(self.file(f"f{len(name)}"), Kind.FILE, name=name)
            self.view.files.look(message)
            await self.until(
                lambda: any(
                    isinstance(one, QMessageBox) and one.isVisible() for one in QApplication.topLevelWidgets()
                )
            )
            box = self.question()
            self.assertIn("Anna Berg", box.informativeText())
            self.keys(box, Qt.Key.Key_Return)
            self.assertFalse(
                any(
                    isinstance(one, QMessageBox) and one.isVisible() for one in QApplication.topLevelWidgets()
                )
            )
            self.assertEqual(self.desktop.opened, [])
        self.view.files.look(message)
        await self.until(
            lambda: any(
                isinstance(one, QMessageBox) and one.isVisible() for one in QApplication.topLevelWidgets()
            )
        )
        box = self.question()
        self.click(next(button for button in box.buttons() if button.text() == "Open anyway"))
        self.assertEqual(len(self.desktop.opened), 1)

    async def test_its_transfer(self) -> None:
        """Pause, go on, give up, and try again after a failure, by clicks on the bubble."""
        message = await self.arrive("film.mkv")
        self.account.move(message, 3)
        self.press(message, "file")
        self.assertEqual(self.account.transfers()[-1].stage, Stage.PAUSED)
        self.press(message, "file")
        self.assertEqual(self.account.transfers()[-1].stage, Stage.MOVING)
        self.account.move(message, 3, Stage.FAILED, "The connection was lost.")
        self.press(message, "file")
        self.assertEqual(len(self.account.asked("fetch")), 1)
        self.account.move(message, 5)
        self.press(message, "cancel")
        self.assertEqual(self.account.asked("cancel"), [(message.key,)])

    async def test_given_up(self) -> None:
        """What somebody cancels is no news: the bubble is as it was before."""
        message = await self.arrive("film.mkv")
        self.account.given_up = True
        self.account.move(message, 0, Stage.CANCELLED)
        self.press(message, "file")
        await self.until(lambda: self.account.asked("fetch"))
        self.turn()
        self.assertFalse(self.view.conversation.toast.isVisible())
        self.assertIsNone(self.actions.transfer(message))

    async def test_failed(self) -> None:
        """Why is said, with a way to try again."""
        message = await self.arrive("notes.txt")
        self.account.sentence = "There is no room left on this disk."
        self.press(message, "file")
        toast = self.conversation.toast
        await self.until(toast.isVisible)
        self.assertEqual(toast._text.text(), "There is no room left on this disk.")
        self.account.sentence = ""
        self.click(toast._button)
        await self.until(
            lambda: self.account.history(ANNA)[len(self.account.history(ANNA)) - 1].attachment.path  # type: ignore[union-attr]
        )

    async def test_no_program_for_it(self) -> None:
        """A system that knows no program for a file is said so."""
        self.desktop.knows = False
        message = await self.arrive("data.xyz")
        self.press(message, "file")
        await self.until(self.conversation.toast.isVisible)
        self.assertIn("no program", self.conversation.toast._text.text())

    async def test_the_menu(self) -> None:
        """It has what fits: a file that is elsewhere is downloaded, one that is here is shown in its folder
        or removed.
        """
        message = await self.arrive("notes.txt")
        self.assertEqual(list(self.menu(message)), ["Open", "Download", "Save as …"])
        self.account.move(message, 3)
        self.assertEqual(list(self.menu(message)), ["Open", "Pause", "Cancel", "Save as …"])
        self.account.move(message, 7, Stage.DONE)
        self.menu(message)["Download"].trigger()  # type: ignore[attr-defined]
        await self.until(lambda: self.account.asked("fetch"))
        here = self.conversation.messages.message(message.key)
        await self.until(lambda: self.view.files.actions.removable(self._now(message)))
        self.assertEqual(
            list(self.menu(self._now(message))),
            ["Open", "Show in folder", "Save as …", "Remove from this disk"],
        )
        self.assertIsNotNone(here)

    def _now(self, message: Message) -> Message:
        history = self.account.history(ANNA)
        return next(history[at] for at in range(len(history)) if history[at].key == message.key)

    async def test_sent_again(self) -> None:
        """An upload that failed is sent again as a message."""
        sent = await self.account.send_file(ANNA, self.file("a.txt"))
        failed = self.account.advance(sent, Mark.FAILED, "The server is full.")
        self.view.files.actions.resume(failed)
        self.assertEqual([one[0].key for one in self.account.asked("resend")], [sent.key])  # type: ignore[attr-defined]

    async def test_a_picture(self) -> None:
        """A click shows the viewer, from which one goes back to the message."""
        path = quarters(self.folder / "a.png")
        message = self.account.add(path)
        await self.until(lambda: message.key in self.conversation.messages.rows.index)
        self.press(message, "open")
        viewer = self.view.files.viewer
        assert viewer is not None
        await self.until(lambda: not viewer.canvas.empty)
        self.click(viewer.go)
        self.assertFalse(viewer.isVisible())
        self.assertEqual(self.view.current, ANNA)

    async def test_a_film(self) -> None:
        """It is played where somebody plays films, in its conversation; else the system's program does."""
        message = await self.arrive("film.mp4", Kind.VIDEO)
        self.press(message, "open")
        await self.until(lambda: self.desktop.opened)
        played: list[Message] = []
        self.view.files.play = played.append
        self.view.open(2)
        self.view.go("files")
        self.view.files.page.look.emit(message)
        self.assertEqual(([one.key for one in played], self.view.current), ([message.key], ANNA))
        self.assertTrue(self.conversation.isVisible())


class AllFilesTests(JoinedCase):
    async def test_the_way_there_and_back(self) -> None:
        """By the side bar or Ctrl+3; Esc leads back to the conversation, and a file to its message."""
        message = await self.arrive("notes.txt")
        self.click(self.view.rail.buttons["files"])
        page = self.view.files.page
        await self.until(lambda: page.isVisible() and page.model.rowCount())
        self.keys(page.search, Qt.Key.Key_Escape)
        self.assertTrue(self.conversation.isVisible())
        self.assertTrue(self.view.rail.buttons["conversations"].isChecked())
        self.view.go("files")
        await self.until(page.isVisible)
        page.to_message.emit(message)
        self.assertTrue(self.conversation.isVisible())
