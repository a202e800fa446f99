"""Files on the screens of two people, by clicks and keys alone, over a real server."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QUrl
from PySide6.QtGui import QColor, QContextMenuEvent, QImage
from PySide6.QtWidgets import QApplication, QCheckBox, QFileDialog, QLineEdit, QMenu, QWidget

from client.core.model import Kind, Mark, Message, Stage
from client.views.files.send_dialog import SendDialog
from tests.cli.running import PASSWORD, CliCase, server
from tests.client.screen.clients import ENTER, ClientsCase, Desktop

LARGE = 80_000_000
"""Bytes: enough to be met on its way."""
GREEN = QColor(40, 160, 80)


class FilesTests(ClientsCase):
    async def people(self) -> list[Desktop]:
        """Two friends, each with the conversation open."""
        friends = CliCase("friends")
        friends.setUp()
        names = await friends.friends("anna", "ben")
        found = server()
        environ = {"IMSYS_GATEWAY_PORT": found.url.rpartition(":")[2], "IMSYS_HOME": str(found.home)}
        desktops = [Desktop(self, name, environ) for name in names]
        for desktop in desktops:
            await desktop.sign_in(PASSWORD)
            await desktop.open()
        return desktops

    def picture(self, path: Path) -> Path:
        image = QImage(640, 480, QImage.Format.Format_RGB32)
        image.fill(GREEN)
        self.assertTrue(image.save(str(path)))
        return path

    async def drop_several(self, desktop: Desktop, paths: list[Path], caption: str = "") -> SendDialog:
        """Drag files onto the conversation and let go; what shows them before they go."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        self.assertTrue(self.drop(desktop.view.conversation, data))
        await self.until(lambda: desktop.view.files.dialog is not None, "nothing is shown")
        dialog = desktop.view.files.dialog
        assert dialog is not None
        await self.until(lambda: len(dialog.rows) == len(paths) and dialog.ready.isEnabled())
        if caption:
            self.keys(dialog.caption, caption)
        return dialog

    def stage(self, desktop: Desktop, message: Message) -> Stage | None:
        transfers = desktop.view.account.transfers()
        return next((one.stage for one in transfers if one.key == message.key), None)

    def named(self, desktop: Desktop, name: str) -> list[Message]:
        """The messages with a file of this name."""
        return [
            one for one in desktop.messages if one.attachment is not None and one.attachment.filename == name
        ]

    async def arrives(self, desktop: Desktop, name: str) -> Message:
        await self.until(lambda: self.named(desktop, name), f"{name} is not on the screen of {desktop.name}")
        return self.named(desktop, name)[0]

    def choose(self, desktop: Desktop, message: Message, words: str) -> None:
        """Press the right button on a bubble, and choose."""
        messages = desktop.view.conversation.messages
        row = messages.rows.row(messages.rows.index[message.key])
        y = messages.scroller.y(messages.rows.index[message.key])
        place = row.bubble.translated(0, y).center().toPoint()
        viewport = messages.viewport()
        reason = QContextMenuEvent.Reason.Mouse
        QApplication.sendEvent(viewport, QContextMenuEvent(reason, place, viewport.mapToGlobal(place)))
        self.pick(words)

    def pick(self, words: str) -> None:
        """Click what the menu that is open says."""
        menu = next(
            one for one in QApplication.topLevelWidgets() if isinstance(one, QMenu) and one.isVisible()
        )
        action = next((one for one in menu.actions() if one.text() == words), None)
        assert action is not None, [one.text() for one in menu.actions()]
        self.click(menu, menu.actionGeometry(action).center())

    async def save_as(self, within: QWidget, path: Path) -> None:
        """Type where, in the dialog that asks."""
        await self.until(lambda: within.findChildren(QFileDialog), "nobody asks where")
        edit = within.findChildren(QFileDialog)[0].findChild(QLineEdit, "fileNameEdit")
        assert isinstance(edit, QLineEdit)
        edit.selectAll()
        self.keys(edit, str(path))
        self.keys(edit, ENTER)
        await self.until(path.exists, "it was not saved")

    async def test_from_dropping_to_all_files(self) -> None:
        """Several are dropped, looked at and sent with a caption.

        A large one is paused and goes on, another is cancelled and never comes. The other opens one, looks at
        the picture and saves it, gives up a download, and finds all of them on the page of all files.
        """
        anna, ben = await self.people()
        text = anna.home / "notes.txt"
        text.write_text("Bring the tent.")
        large = anna.home / "walk.bin"
        large.write_bytes(os.urandom(LARGE))
        picture = self.picture(anna.home / "lake.png")
        dialog = await self.drop_several(anna, [picture, text, large], "From the lake")
        self.assertIn("3 files", dialog.heading.text())
        self.assertIn(ben.name, dialog.heading.text())
        self.assertTrue(dialog.findChildren(QCheckBox)[0].isVisible())  # pictures as files
        self.click(dialog.ready)
        sent = await self.arrives(anna, "walk.bin")
        await self.until(lambda: anna.view.files.dialog is None)

        # the large one
        await self.until(lambda: self.stage(anna, sent) is Stage.MOVING, "it does not move")
        anna.click_part(sent.key, "file")
        await self.until(lambda: self.stage(anna, sent) is Stage.PAUSED, "it is not paused")
        self.assertEqual(self.named(ben, "walk.bin"), [])
        self.choose(anna, sent, "Go on")
        arrived = await self.arrives(ben, "walk.bin")
        await self.until(lambda: self.named(anna, "walk.bin")[0].mark >= Mark.STORED)

        # one that is cancelled
        other = anna.home / "mistake.bin"
        other.write_bytes(os.urandom(LARGE))
        self.click((await self.drop_several(anna, [other])).ready)
        mistake = await self.arrives(anna, "mistake.bin")
        await self.until(lambda: self.stage(anna, mistake) is Stage.MOVING, "it does not move")
        self.choose(anna, mistake, "Cancel")
        await self.until(lambda: not self.named(anna, "mistake.bin"), "it is there still")
        self.assertFalse(anna.view.conversation.toast.isVisible())
        anna.write("That was all")
        await self.until(lambda: "That was all" in ben.texts)
        self.assertEqual(self.named(ben, "mistake.bin"), [])
        self.assertIn("From the lake", ben.texts)

        # on the other side: opened
        notes = await self.arrives(ben, "notes.txt")
        await ben.go_and_click(notes, "file")
        await self.until(lambda: self.opener.opened, "it was not opened")
        self.assertEqual(Path(self.opener.opened[0]).read_text(), "Bring the tent.")

        # a download that is given up is as if it had never begun
        await ben.go_and_click(arrived, "file")
        await self.until(lambda: self.stage(ben, arrived) is Stage.MOVING, "it does not come")
        self.choose(ben, arrived, "Cancel")
        await self.until(lambda: self.stage(ben, arrived) is None)
        self.turn()
        self.assertFalse(ben.view.conversation.toast.isVisible())
        self.assertEqual(len(self.opener.opened), 1)

        # the picture, looked at and saved
        shown = next(one for one in ben.messages if one.kind is Kind.IMAGE)
        await ben.go_and_click(shown, "open")
        await self.until(lambda: ben.view.files.viewer is not None and not ben.view.files.viewer.canvas.empty)
        viewer = ben.view.files.viewer
        assert viewer is not None
        await self.until(lambda: self.near(self.grab(viewer.canvas), GREEN), "it is not shown")
        self.click(viewer.save_button)
        await self.save_as(viewer, ben.home / "saved.png")
        self.assertEqual((ben.home / "saved.png").read_bytes(), picture.read_bytes())
        self.click(viewer.leave)

        # all files
        self.click(ben.view.rail.buttons["files"])
        page = ben.view.files.page
        await self.until(lambda: page.model.rowCount() == 3, "they are not all there")
        self.assertTrue(page.isVisible())
        self.keys(page.search, "walk")
        await self.until(lambda: page.model.rowCount() == 1, "it is not found")
        index = page.model.index(0)
        self.click(page.rows.viewport(), page.rows.button_of(index).center().toPoint())
        await self.until(lambda: page.rows.one(index).attachment.path, "it was not fetched")  # type: ignore[union-attr]
        page.rows.setCurrentIndex(index)
        place = page.rows.visualRect(index).center()
        reason = QContextMenuEvent.Reason.Mouse
        viewport = page.rows.viewport()
        QApplication.sendEvent(viewport, QContextMenuEvent(reason, place, viewport.mapToGlobal(place)))
        self.pick("Save as …")
        await self.save_as(page, ben.home / "walk.bin")
        await self.until(lambda: (ben.home / "walk.bin").stat().st_size == LARGE)
        self.assertTrue((ben.home / "walk.bin").read_bytes() == large.read_bytes())
        page.search.clear()
        page.here.click()
        await self.until(lambda: page.model.rowCount() == 3)

    def near(self, image: QImage, colour: QColor) -> bool:
        """Whether its middle is of this colour."""
        found = image.pixelColor(QPoint(image.width() // 2, image.height() // 2))
        parts = ((found.red(), colour.red()), (found.green(), colour.green()), (found.blue(), colour.blue()))
        return all(abs(one - other) <= 3 for one, other in parts)
