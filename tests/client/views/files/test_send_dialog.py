"""Looking at files before they are sent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QColor, QGuiApplication, QImage
from twisted.internet.threads import deferToThread

from client.core.memory import MemoryAccount
from client.viewmodels.sending_files import USUAL_MOST, SendingFiles, picked
from client.viewmodels.spool import Spool
from client.views.files.send_dialog import SendDialog
from client.widgets.pictures import Pictures
from tests.client.views.pictures import bomb, drawing, no_picture, quarters, torn
from tests.support.qt import WidgetCase

ANNA = 1


class SendCase(WidgetCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.account = MemoryAccount(longest=200)
        self.spool = Spool(self.folder / "made", deferToThread)
        self.presenter = SendingFiles(self.account, ANNA, self.spool)
        self.pictures = Pictures()
        self.addCleanup(self.pictures.close)

    async def open(self, *paths: Path, **more: Any) -> SendDialog:
        self.dialog = self.show(SendDialog(self.theme, self.pictures, self.presenter, **more), 440, 520)
        if paths:
            self.presenter.add(list(paths))
            await self.until(lambda: self.dialog.rows)
        return self.dialog

    def shows(self, row: int) -> bool:
        """Whether a picture is seen there."""
        self.grab(self.dialog)
        return self.dialog.rows[row].thumbnail.shows_picture

    def file(self, name: str, data: bytes = b"x") -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def sent(self) -> list[tuple[object, ...]]:
        return [command[1:] for command in self.account.commands if command[0] == "send_file"]


class SendTests(SendCase):
    async def test_sent(self) -> None:
        """Enter sends all; the caption goes with the first; the dialog closes."""
        one, two = quarters(self.folder / "a.png"), self.file("notes.txt", b"n" * 2048)
        await self.open(one, two)
        self.assertIn("2 files", self.dialog.heading.text())
        self.assertIn("Anna", self.dialog.heading.text())
        self.assertEqual(self.dialog.rows[1].about.text(), "2.0 kB")
        self.keys(self.dialog.caption, "Look")
        self.keys(self.dialog.caption, Qt.Key.Key_Return)
        await self.until(lambda: not self.dialog.isVisible())
        self.assertEqual(self.sent(), [(ANNA, one, "Look", False), (ANNA, two, "", False)])

    async def test_as_file(self) -> None:
        """Where there is a picture it can be sent as a file; where there is none, nobody is asked."""
        await self.open(self.file("a.txt"))
        self.assertFalse(self.dialog.as_file.isVisible())
        self.presenter.add([quarters(self.folder / "a.png")])
        await self.until(self.dialog.as_file.isVisible)
        self.click(self.dialog.as_file, QPoint(12, 16))
        self.click(self.dialog.ready)
        await self.until(lambda: not self.dialog.isVisible())
        self.assertEqual([command[3] for command in self.sent()], [True, True])

    async def test_one_is_removed(self) -> None:
        """By its cross; the focus goes to the next."""
        await self.open(self.file("a.txt"), self.file("b.txt"), self.file("c.txt"))
        self.dialog.rows[1].remove.setFocus()
        self.keys(self.dialog.rows[1].remove, Qt.Key.Key_Space)
        self.assertEqual([row.one.name for row in self.dialog.rows], ["a.txt", "c.txt"])
        self.assertTrue(self.dialog.rows[1].remove.hasFocus())
        self.click(self.dialog.rows[0].remove)
        self.click(self.dialog.rows[0].remove)
        self.assertFalse(self.dialog.ready.isEnabled())

    async def test_dropped_and_pasted(self) -> None:
        """More files are dropped on it.

        A picture that is pasted becomes a PNG, which goes where it is not sent.
        """
        await self.open(self.file("a.txt"))
        data = QMimeData()
        data.setUrls(
            [QUrl.fromLocalFile(str(self.file("b.txt"))), QUrl.fromLocalFile(str(self.file("a.txt")))]
        )
        self.assertTrue(self.drop(self.dialog, data))
        await self.until(lambda: len(self.dialog.rows) == 2)
        image = QImage(30, 20, QImage.Format.Format_RGB32)
        image.fill(QColor("#336699"))
        QGuiApplication.clipboard().setImage(image)
        self.keys(self.dialog.caption, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
        await self.until(lambda: len(self.dialog.rows) == 3)
        made = self.dialog.rows[2].one.path
        self.assertEqual((made.parent, made.read_bytes()[:4]), (self.folder / "made", b"\x89PNG"))
        await self.until(lambda: self.shows(2))
        left: list[str] = []
        self.dialog.left.connect(left.append)
        self.keys(self.dialog.caption, "later")
        self.keys(self.dialog.caption, Qt.Key.Key_Escape)
        self.assertEqual((self.dialog.isVisible(), left), (False, ["later"]))
        await self.until(lambda: not made.exists())
        self.assertEqual(self.sent(), [])
        self.assertTrue((self.folder / "a.txt").exists())

    async def test_cannot_be_sent(self) -> None:
        """Folders, files that are gone or cannot be read are said; the others are sent."""
        (self.folder / "holiday").mkdir()
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        await self.open(self.folder / "holiday", pipe, self.folder / "gone.txt", self.file("good.txt"))
        words = [row.about.text() for row in self.dialog.rows]
        self.assertIn("folder", words[0])
        self.assertIn("no file", words[1])
        self.assertIn("not there", words[2])
        self.assertIn("1 file", self.dialog.heading.text())
        self.click(self.dialog.ready)
        await self.until(lambda: not self.dialog.isVisible())
        self.assertEqual([Path(str(command[1])).name for command in self.sent()], ["good.txt"])

    async def test_large(self) -> None:
        """A file that a server may refuse is said so, before an hour is spent on it."""
        path = self.file("film.mkv")
        os.truncate(path, USUAL_MOST + 1)
        self.assertIn("2 GB", picked(path).doubt)
        await self.open(path)
        self.assertIn("may be refused", self.dialog.rows[0].about.text())
        self.assertTrue(self.dialog.ready.isEnabled())

    async def test_a_hundred(self) -> None:
        """At most a hundred at once, and it is said that there were more."""
        await self.open(*(self.file(f"{number}.txt") for number in range(105)))
        self.assertEqual(len(self.dialog.rows), 100)
        self.assertIn("100", self.dialog.problem.text())

    async def test_refused(self) -> None:
        """What the account does not take stays, with the reason; the dialog too."""
        await self.open(self.file("a.txt"))
        self.account.refusal = "There is no room left on this disk."
        self.click(self.dialog.ready)
        await self.until(self.dialog.problem.text)
        self.assertTrue(self.dialog.isVisible())
        self.assertEqual(self.dialog.rows[0].about.text(), "There is no room left on this disk.")

    async def test_a_long_caption(self) -> None:
        """It is counted before anything is sent."""
        await self.open(self.file("a.txt"))
        self.dialog.caption.setPlainText("x" * 4_100)
        self.click(self.dialog.ready)
        self.assertIn("4 are too many", self.dialog.problem.text())
        self.assertEqual(self.sent(), [])

    async def test_no_pictures(self) -> None:
        """Bombs, pages, drawings and torn pictures that call themselves PNG are shown as files."""
        bad = [make(self.folder / f"{make.__name__}.png") for make in (bomb, no_picture, drawing, torn)]
        good = quarters(self.folder / "good.png")
        await self.open(*bad, good)
        await self.until(lambda: self.shows(4))
        await self.until(lambda: all(self.pictures.broken(str(path)) for path in bad))
        self.grab(self.dialog)
        self.assertEqual([row.thumbnail.shows_picture for row in self.dialog.rows[:4]], [False] * 4)

    async def test_names(self) -> None:
        """A name that would turn the direction, or hold markup, is text."""
        await self.open(self.file("invoice\u202egnp.exe"), self.file("<b>bold<b>.txt"))
        self.assertEqual(self.dialog.rows[0].one.name, "invoicegnp.exe")
        self.assertEqual(self.dialog.rows[1].name.text(), "_b_bold_b_.txt")
        self.assertEqual(self.dialog.rows[1].name.textFormat(), Qt.TextFormat.PlainText)
