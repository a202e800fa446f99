"""Looking at the pictures of a conversation."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from client.core.memory import NOW_MS
from client.core.model import Message, Stage
from client.views.viewer import Viewer
from tests.client.views.filed import FileCase
from tests.client.views.pictures import bomb, no_picture, quarters, torn

CONTROL, NONE = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


class ViewerCase(FileCase):
    def setUp(self) -> None:
        super().setUp()
        for conversation in self.account._histories.values():  # only what the test sends
            conversation._made, conversation._since = 0, []
        self.viewer = Viewer(self.theme, self.actions, now=lambda: NOW_MS)

    async def open(self, message: Message, *, shows: bool = True) -> Viewer:
        self.viewer.open(message)
        self.show(self.viewer, 900, 700)
        if shows:
            await self.until(lambda: not self.viewer.canvas.empty)
            self.turn()
        self.canvas = self.viewer.canvas
        return self.viewer

    def says(self, words: str) -> bool:
        """Whether it says that something is wrong."""
        return words in self.viewer.trouble.text()

    async def opened(self, name: str) -> None:
        await self.until(lambda: self.viewer.windowTitle() == name and not self.viewer.canvas.empty)

    def colour(self, x: float, y: float) -> QColor:
        """Of a place of the picture, as shares of it."""
        box, image = self.canvas.box(), self.grab(self.canvas)
        ratio = image.width() / self.canvas.width()
        return image.pixelColor(
            round((box.left() + box.width() * x) * ratio), round((box.top() + box.height() * y) * ratio)
        )


class ViewerTests(ViewerCase):
    async def test_the_next(self) -> None:
        """Arrow keys and buttons go through the pictures of the conversation, to its ends and no further."""
        sent = [self.account.add(quarters(self.folder / f"{name}.png")) for name in "abc"]
        viewer = await self.open(sent[1])
        self.assertEqual(
            (viewer.windowTitle(), viewer.place.text(), viewer.who.text()), ("b.png", "2 of 3", "Anna Berg")
        )
        self.keys(self.canvas, Qt.Key.Key_Right)
        await self.opened("c.png")
        self.assertFalse(viewer.newer.isEnabled())
        self.keys(self.canvas, Qt.Key.Key_Right)
        self.assertEqual(viewer.place.text(), "3 of 3")
        self.click(viewer.older)
        self.keys(self.canvas, Qt.Key.Key_Home)
        await self.opened("a.png")
        self.keys(viewer, Qt.Key.Key_Escape)
        self.assertFalse(viewer.isVisible())
        self.assertIsNone(viewer.gallery)

    async def test_zoomed(self) -> None:
        """The wheel zooms where the pointer is, keys about the middle; 0 fits, 1 is full size, dragging
        moves.
        """
        viewer = await self.open(self.account.add(quarters(self.folder / "a.png", 3000, 1500)))
        fitted = self.canvas.scale
        self.assertLess(fitted, 0.31)
        self.assertEqual(self.colour(0.25, 0.25), QColor("#FF0000"))
        corner = QPointF(self.canvas.box().left() + 3, self.canvas.box().center().y())
        before = self.canvas._to_picture(corner)
        for _ in range(4):
            self.wheel(corner, 120)
        after = self.canvas._to_picture(corner)
        self.assertLess((before - after).manhattanLength(), 1)
        self.assertAlmostEqual(self.canvas.scale / fitted, 1.25**4, 3)
        self.keys(self.canvas, Qt.Key.Key_1)
        self.assertEqual((self.canvas.scale, viewer.percent.text()), (1.0, "100%"))
        middle = self.canvas.rect().center()
        place = self.canvas._middle
        QTest.mousePress(self.canvas, LEFT, NONE, middle)
        self.point(self.canvas, middle + QPoint(-40, -30), LEFT)
        QTest.mouseRelease(self.canvas, LEFT, NONE, middle + QPoint(-40, -30))
        self.assertEqual(self.canvas._middle - place, QPointF(40, 30))
        self.keys(self.canvas, Qt.Key.Key_Up)
        self.assertEqual((self.canvas._middle - place).y(), 30 - 60)
        self.keys(self.canvas, Qt.Key.Key_Minus)
        self.assertAlmostEqual(self.canvas.scale, 0.8)
        self.keys(self.canvas, Qt.Key.Key_0)
        self.assertEqual((self.canvas.scale, self.canvas.fitted), (fitted, True))
        QTest.mouseDClick(self.canvas, LEFT, NONE, middle)
        self.assertEqual(self.canvas.scale, 1.0)

    async def test_small_ones_are_not_enlarged(self) -> None:
        """Fitting makes smaller only."""
        await self.open(self.account.add(quarters(self.folder / "a.png", 40, 20)))
        self.assertEqual(self.canvas.scale, 1.0)
        self.wheel(QPointF(400, 300), 12000)
        self.assertEqual(self.canvas.scale, 16.0)

    async def test_copied_and_saved(self) -> None:
        """Ctrl+C copies the whole picture, Ctrl+S asks where to save it, and it can be shown in its folder."""
        path = quarters(self.folder / "a.png")
        viewer = await self.open(self.account.add(path, name="../../x/sun\u202egnp.desktop"))
        await self.until(lambda: viewer._whole_shown)
        self.keys(self.canvas, Qt.Key.Key_C, CONTROL)
        self.assertEqual(QGuiApplication.clipboard().image().size().toTuple(), (400, 200))
        self.keys(self.canvas, Qt.Key.Key_S, CONTROL)
        dialog = next(
            one for one in QApplication.topLevelWidgets() if isinstance(one, QFileDialog) and one.isVisible()
        )
        self.assertEqual(Path(dialog.selectedFiles()[0]).name, "sungnp.desktop")
        dialog.fileSelected.emit(str(self.folder / "copy.png"))
        dialog.reject()
        await self.until((self.folder / "copy.png").exists)
        self.assertIn("copy.png", viewer.caption.text())
        self.click(viewer.folder)
        self.assertEqual(self.desktop.revealed, [path])

    async def test_broken(self) -> None:
        """What is no picture, torn or a bomb says so, and the next one is shown."""
        expected = ((no_picture, "no picture"), (torn, "damaged"), (bomb, "too large"))
        sent = [self.account.add(make(self.folder / f"{make.__name__}.png")) for make, _ in expected]
        good = self.account.add(quarters(self.folder / "good.png"))
        viewer = await self.open(sent[0], shows=False)
        for _, words in expected:
            await self.until(partial(self.says, words))
            self.assertTrue(viewer.trouble.isVisible())
            self.assertFalse(viewer.copy_button.isEnabled())
            self.keys(viewer, Qt.Key.Key_Right)
        await self.opened("good.png")
        self.assertEqual(viewer.gallery and viewer.gallery.current.key, good.key)

    async def test_cannot_be_had(self) -> None:
        """It says why, and tries again."""
        message = self.account.add(quarters(self.folder / "a.png"))
        self.account.sentence = "The server cannot be reached."
        viewer = await self.open(message, shows=False)
        await self.until(viewer.trouble.isVisible)
        self.assertEqual(viewer.trouble.text(), "The server cannot be reached.")
        self.account.sentence = ""
        self.click(viewer.again)
        await self.until(lambda: not self.canvas.empty)

    async def test_too_large_to_fetch(self) -> None:
        """A picture of a gigabyte is not fetched only to be looked at."""
        viewer = await self.open(self.account.add(quarters(self.folder / "a.png"), size=1 << 30), shows=False)
        await self.until(viewer.trouble.isVisible)
        self.assertIn("too large", viewer.trouble.text())
        self.assertEqual(self.account.asked("fetch"), [])

    async def test_progress(self) -> None:
        """While it comes, how far it is."""
        message = self.account.add(quarters(self.folder / "a.png"), size=4096)
        viewer = await self.open(message, shows=False)
        self.account.move(message, 1024)
        self.assertIn("1.0 kB of 4.0 kB", viewer.how_far.text())
        self.account.move(message, 4096, Stage.DONE)
        await self.until(lambda: not self.canvas.empty)

    async def test_what_happens_meanwhile(self) -> None:
        """A new picture is counted; one that is deleted goes; with the last one the window closes."""
        first = self.account.add(quarters(self.folder / "a.png"))
        viewer = await self.open(first)
        second = self.account.add(quarters(self.folder / "b.png"))
        self.assertEqual(viewer.place.text(), "1 of 2")
        self.account.changes.removed.fire([first])
        await self.opened("b.png")
        self.account.changes.removed.fire([second])
        self.assertFalse(viewer.isVisible())

    async def test_many(self) -> None:
        """Older ones are asked for page by page, up to the one that was opened and some before."""
        path = quarters(self.folder / "a.png", 20, 10)
        sent = [self.account.add(path, here=True) for _ in range(250)]
        viewer = await self.open(sent[120])
        assert viewer.gallery is not None
        await self.until(lambda: viewer.gallery is not None and len(viewer.gallery.messages) >= 200)
        self.assertEqual(viewer.gallery.current.key, sent[120].key)
        for _ in range(120):
            viewer.step(-1)
        self.assertEqual((viewer.gallery.current.key, viewer.place.text()), (sent[0].key, "1 of 250"))

    async def test_right_to_left(self) -> None:
        """The arrows follow the direction of reading."""
        sent = [self.account.add(quarters(self.folder / f"{name}.png")) for name in "ab"]
        self.viewer.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        await self.open(sent[0])
        self.keys(self.canvas, Qt.Key.Key_Left)
        await self.opened("b.png")

    def wheel(self, place: QPointF, turn: int) -> None:
        event = QWheelEvent(
            place,
            self.canvas.mapToGlobal(place),
            QPoint(),
            QPoint(0, turn),
            Qt.MouseButton.NoButton,
            NONE,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.canvas, event)
        self.turn()
