"""Choosing what of a picture becomes an avatar."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from twisted.internet.threads import deferToThread

from client.core.cropping import Handle, Shape
from client.viewmodels.spool import Spool
from client.views.cropper import CropDialog, crop_with
from client.views.cropper.render import render
from tests.client.views.pictures import bomb, no_picture, quarters
from tests.support.qt import WidgetCase

LEFT = Qt.MouseButton.LeftButton
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class CropCase(WidgetCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    async def open(self, path: Path) -> CropDialog:
        self.dialog = self.show(CropDialog(self.theme, path), 560, 600)
        self.addCleanup(self.dialog._loader.close)
        await self.until(lambda: self.dialog.ready.isEnabled() or self.dialog.fault.isVisible())
        self.canvas = self.dialog.canvas
        return self.dialog

    def handle(self, handle: Handle) -> QPoint:
        return self.canvas._to_widget(*self.canvas.cut.at(handle)).toPoint()

    def drag(self, start: QPoint, end: QPoint) -> None:
        QTest.mousePress(self.canvas, LEFT, Qt.KeyboardModifier.NoModifier, start)
        self.point(self.canvas, (start + end) / 2, LEFT)
        self.point(self.canvas, end, LEFT)
        QTest.mouseRelease(self.canvas, LEFT, Qt.KeyboardModifier.NoModifier, end)
        self.turn()

    def box(self) -> tuple[int, ...]:
        cut = self.canvas.cut
        return round(cut.left), round(cut.top), round(cut.width), round(cut.height)


class CropperTests(CropCase):
    async def test_dragged(self) -> None:
        """Handles change the size, what is inside moves, and neither leaves the picture."""
        await self.open(quarters(self.folder / "a.png"))
        self.assertEqual(self.box(), (100, 0, 200, 200))
        scale = self.canvas.scale
        start = self.handle(Handle.BOTTOM_RIGHT)
        self.drag(start, start - QPoint(round(100 * scale), round(100 * scale)))
        self.assertEqual(self.box(), (100, 0, 100, 100))
        inside = self.canvas.box().center().toPoint()
        self.drag(inside, inside + QPoint(round(50 * scale), round(20 * scale)))
        left, top, width, height = self.box()
        self.assertEqual((left, top, width, height), (150, 20, 100, 100))
        self.drag(self.canvas.box().center().toPoint(), QPoint(5000, 5000))
        self.assertEqual(self.box(), (300, 100, 100, 100))
        self.click(self.dialog.reset)
        self.assertEqual(self.box(), (100, 0, 200, 200))

    async def test_shapes(self) -> None:
        """A rectangle and an ellipse have sides of their own."""
        await self.open(quarters(self.folder / "a.png"))
        self.click(self.dialog.shapes[Shape.RECTANGLE])
        start = self.handle(Handle.LEFT)
        self.drag(start, start - QPoint(5000, 0))
        self.assertEqual(self.box(), (0, 0, 300, 200))
        self.click(self.dialog.shapes[Shape.ELLIPSE])
        self.assertEqual((self.box(), self.canvas.cut.shape), ((0, 0, 300, 200), Shape.ELLIPSE))
        self.click(self.dialog.shapes[Shape.SQUARE])
        self.assertEqual(self.box(), (50, 0, 200, 200))

    async def test_cursors(self) -> None:
        """The pointer says what a press does."""
        await self.open(quarters(self.folder / "a.png"))
        expected = (
            (self.handle(Handle.TOP_LEFT), Qt.CursorShape.SizeFDiagCursor),
            (self.handle(Handle.TOP_RIGHT), Qt.CursorShape.SizeBDiagCursor),
            (self.handle(Handle.TOP), Qt.CursorShape.SizeVerCursor),
            (self.handle(Handle.LEFT), Qt.CursorShape.SizeHorCursor),
            (self.canvas.box().center().toPoint(), Qt.CursorShape.SizeAllCursor),
            (QPoint(2, 2), Qt.CursorShape.ArrowCursor),
        )
        for place, cursor in expected:
            self.point(self.canvas, place)
            self.assertEqual(self.canvas.cursor().shape(), cursor)

    async def test_by_keys(self) -> None:
        """Arrows move, Shift by more, Ctrl changes the size, + and 0 look closer and begin again.

        Esc leaves.
        """
        await self.open(quarters(self.folder / "a.png", 4000, 2000))
        self.assertTrue(self.canvas.hasFocus())
        before = self.canvas.cut.left
        self.keys(self.canvas, Qt.Key.Key_Left)
        once = before - self.canvas.cut.left
        self.keys(self.canvas, Qt.Key.Key_Left, SHIFT)
        self.assertAlmostEqual(before - self.canvas.cut.left, 11 * once, 3)
        self.keys(self.canvas, Qt.Key.Key_Down, CONTROL)
        self.assertLess(self.canvas.cut.width, 1024)
        scale = self.canvas.scale
        self.keys(self.canvas, Qt.Key.Key_Plus)
        self.assertAlmostEqual(self.canvas.scale / scale, 1.25)
        self.keys(self.canvas, Qt.Key.Key_0)
        self.assertEqual((self.canvas.scale, self.canvas.cut.width), (scale, 1024))
        self.keys(self.canvas, Qt.Key.Key_Escape)
        self.assertFalse(self.dialog.isVisible())

    async def test_zoomed(self) -> None:
        """Looked at closer, what is around is dragged, and the part stays where it is in the picture."""
        await self.open(quarters(self.folder / "a.png"))
        box, corner = self.box(), QPointF(40, self.canvas.height() / 2)
        self.canvas.zoom_by(1.6, corner)
        before = self.canvas._to_widget(0, 0)
        if self.canvas.box().contains(corner):
            self.fail("there is nothing around the part")
        self.drag(corner.toPoint(), corner.toPoint() - QPoint(30, 0))
        self.assertNotEqual(self.canvas._to_widget(0, 0), before)
        self.assertEqual(self.box(), box)

    async def test_no_pictures(self) -> None:
        """What is no picture, or a bomb, is refused in words, and cannot be used."""
        for number, (make, words) in enumerate(((no_picture, "no picture"), (bomb, "too large"))):
            dialog = await self.open(make(self.folder / f"bad-{number}.png"))
            self.assertTrue(dialog.fault.isVisible())
            self.assertIn(words, dialog.fault.accessibleName())
            self.assertFalse(dialog.ready.isEnabled())

    async def test_rendered(self) -> None:
        """512 × 512; a circle and an ellipse are cut out, a square fills it, a rectangle keeps its
        proportions.
        """
        await self.open(quarters(self.folder / "a.png"))
        image, cut = self.dialog._image, self.canvas.cut
        circle = render(image, cut)
        self.assertEqual(circle.size().toTuple(), (512, 512))
        self.assertEqual(circle.pixelColor(2, 2).alpha(), 0)
        self.assertEqual(circle.pixelColor(150, 150), QColor("#FF0000"))
        self.assertEqual(circle.pixelColor(362, 362), QColor("#FFFFFF"))
        square = render(image, cut.shaped(Shape.SQUARE))
        self.assertEqual(square.pixelColor(2, 2), QColor("#FF0000"))
        self.click(self.dialog.shapes[Shape.RECTANGLE])
        self.canvas._set(self.canvas.cut.dragged(Handle.LEFT, 0, 0).dragged(Handle.RIGHT, 400, 0))
        wide = render(image, self.canvas.cut)
        self.assertEqual((wide.pixelColor(256, 20).alpha(), wide.pixelColor(2, 140)), (0, QColor("#FF0000")))

    async def test_used_by_the_settings(self) -> None:
        """A press on the button makes a PNG, which whoever asked is told; the one before goes."""
        owner = self.show(QWidget(), 700, 700)
        spool = Spool(self.folder / "made", deferToThread)
        told: list[Path] = []
        for number in (1, 2):
            crop_with(self.theme, spool)(owner, quarters(self.folder / "a.jpg", 900, 900), told.append)
            dialog = next(
                one
                for one in QApplication.topLevelWidgets()
                if isinstance(one, CropDialog) and one.isVisible()
            )
            await self.until(dialog.ready.isEnabled)
            self.click(dialog.ready)
            await self.until(partial(lambda wanted: len(told) == wanted, number))
            self.turn()
        image = QImage(str(told[-1]))
        self.assertEqual((image.size().toTuple(), told[-1].read_bytes()[:4]), ((512, 512), b"\x89PNG"))
        self.assertEqual(list((self.folder / "made").iterdir()), [told[-1]])

    async def test_cannot_be_written(self) -> None:
        """A disk that takes nothing is said in the dialog, which stays."""
        owner = self.show(QWidget(), 700, 700)
        (self.folder / "made").write_text("a file where a folder is to be")
        told: list[Path] = []
        crop_with(self.theme, Spool(self.folder / "made", deferToThread))(
            owner, quarters(self.folder / "a.png"), told.append
        )
        dialog = next(
            one for one in QApplication.topLevelWidgets() if isinstance(one, CropDialog) and one.isVisible()
        )
        await self.until(dialog.ready.isEnabled)
        self.click(dialog.ready)
        await self.until(dialog.problem.text)
        self.assertEqual((told, dialog.isVisible(), dialog.ready.isEnabled()), ([], True, True))
        dialog.reject()
