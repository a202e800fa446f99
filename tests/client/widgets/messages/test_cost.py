"""What is painted, laid out and measured when something happens: no more than what is different."""

from __future__ import annotations

import random
from typing import Any

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QPainter, QRegion, QWheelEvent
from PySide6.QtWidgets import QApplication

from client.core.grouping import places
from client.core.model import Attachment, Kind, Mark, Message, Stage, Transfer
from client.widgets.messages import MessageList, layout, rows
from tests.client.widgets.messages.scene import ListCase, message


class CostCase(ListCase):
    def many(self, count: int = 400) -> list[Message]:
        return [
            message(
                number, f"Message {number} " + "and more words " * (number * 7 % 23), mine=number % 3 == 0
            )
            for number in range(1, count + 1)
        ]

    def settled(self, *messages: Message, **more: Any) -> None:
        """Shown, painted, and what is near laid out."""
        self.open(*messages, **more)
        self.rest()
        self.painted: list[QRegion] = []
        self.laid: list[str] = []
        paint, lay_out = self.list.canvas.paint, layout.lay_out

        def painting(painter: QPainter, region: QRegion) -> None:
            self.painted.append(QRegion(region))
            paint(painter, region)

        def laying(message: Message, *more: Any) -> Any:
            self.laid.append(message.key)
            return lay_out(message, *more)

        self.patch(self.list.canvas, "paint", painting)
        self.patch(rows, "lay_out", laying)

    def rest(self) -> None:
        """Until there is nothing more to lay out ahead."""
        while self.list.scroller.next_ahead() >= 0:
            self.list._lay_ahead()
        self.turn()

    def lines(self) -> int:
        """How many lines of the viewport were painted since the last time, each as often as it was."""
        self.turn()
        rects = [rect for region in self.painted for rect in region]  # type: ignore[attr-defined]
        found: int = sum(rect.height() for rect in rects if rect.width() > 300)
        self.painted.clear()
        return found

    def wheel(self, pixels: int) -> None:
        place = QPointF(self.list.viewport().rect().center())
        event = QWheelEvent(
            place, self.list.viewport().mapToGlobal(place), QPoint(0, pixels), QPoint(), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(self.list.viewport(), event)


class PaintTests(CostCase):
    def test_wheel(self) -> None:
        """A step of the wheel paints what comes in, and neither lays out nor measures what is seen then."""
        self.settled(*self.many())
        for pixels in (60, 60, 120, -60):
            self.wheel(pixels)
            self.assertEqual(self.laid, [])
            self.assertLessEqual(self.lines(), abs(pixels))
            self.rest()
            self.laid.clear()

    def test_never_twice(self) -> None:
        """Scrolled over several pages, no message is laid out twice but where its neighbours have changed."""
        self.settled(*self.many())
        for _ in range(60):
            self.wheel(120)
            self.rest()
        self.assertGreater(len(set(self.laid)), 60)
        self.assertLess(len(self.laid) - len(set(self.laid)), 10)

    def test_new_at_the_end(self) -> None:
        """A new message at the end paints itself and the one before, which it may stand together with."""
        self.settled(*self.many())
        self.account.put(message(401, "new"))
        self.list.refresh()
        heights = [round(self.list.rows.height(self.list.rows.index[key])) for key in ("#400", "#401")]
        self.assertLessEqual(self.lines(), sum(heights) + 8)
        self.assertLessEqual(set(self.laid), {"#400", "#401"})

    def test_slides(self) -> None:
        """While it slides in, each picture paints what comes in, and the whole never more than twice that."""
        self.theme.less_motion = False
        self.settled(*self.many())
        self.account.put(message(401, "new\n" * 4))
        self.list.refresh()
        slide, high = self.list.canvas._slide, self.list.rows.height(self.list.rows.index["#401"])
        self.assertGreater(self.list.canvas.slide(), 0)
        slide.pause()
        self.lines()
        for at in range(0, slide.duration(), 16):
            slide.setCurrentTime(at)
            self.list.canvas.show()
            self.turn()
        self.assertLessEqual(self.lines(), 2 * high + 16 * 12)

    def test_quick_ones_do_not_slide(self) -> None:
        """Who comes right after another is at its place at once: nobody could follow."""
        self.theme.less_motion = False
        self.settled(*self.many())
        for number in (401, 402):
            self.account.put(message(number, "new"))
            self.list.refresh()
        self.assertEqual(self.list.canvas.slide(), 0)

    def test_page_above(self) -> None:
        """A page that comes in above paints nothing, and only it is measured and grouped."""
        self.settled(*self.many())
        grouped: list[int] = []

        def counting(some: list[Message], *more: Any, **named: Any) -> Any:
            grouped.append(len(some))
            return places(some, *more, **named)

        self.patch(rows, "places", counting)
        before = len(self.list.rows)
        self.window.more_before()
        self.list.refresh()
        self.assertGreater(len(self.list.rows), before)
        self.assertEqual(self.lines(), 0)
        self.assertLess(sum(grouped), len(self.list.rows) - before + 5)
        self.assertEqual(self.list.rows.places, places(self.list.rows.messages, 0))

    def test_one_touched(self) -> None:
        """A file that comes further, a ring that turns and a mark paint the row that is concerned."""
        file = Attachment("a.pdf", 1000)
        self.settled(
            *self.many(), message(401, kind=Kind.FILE, attachment=file), message(402, "x", mine=True)
        )
        self.account.set_transfer(Transfer("#401", 1, "a.pdf", False, 1000, 10, Stage.WAITING))
        high = [round(self.list.rows.height(self.list.rows.index[key])) for key in ("#401", "#402")]
        self.assertLessEqual(self.lines(), sum(high) + 8)  # it has become higher
        self.theme.less_motion = False
        self.list.canvas._advance()
        self.assertLessEqual(self.lines(), high[0] + 2)
        self.account.put(message(402, "x", mine=True, mark=Mark.READ))
        self.list.refresh()
        self.assertLessEqual(self.lines(), high[1] + 2)

    def test_screen_is_right(self) -> None:
        """Whatever happens, what is on the screen is what would be painted anew, to the pixel."""
        luck = random.Random(7)
        self.settled(*self.many(300))
        number = 301
        for _ in range(120):
            match luck.randrange(7):
                case 0:
                    self.account.put(
                        message(number, "new " * luck.randrange(1, 40), mine=luck.random() < 0.4)
                    )
                    number += 1
                case 1:
                    some = luck.choice(self.list.rows.messages)
                    self.account.put(message(some.id, "other words", mine=some.mine, key=some.key))
                case 2:
                    self.account.changes.removed.fire([luck.choice(self.list.rows.messages)])
                case 3:
                    self.list.go_to_end()
                case _:
                    self.wheel(luck.choice((-400, -120, -40, -7, 13, 40, 120, 120, 300)))
            if luck.random() < 0.5:
                self.turn()
            if luck.random() < 0.2:
                self.list.canvas._date.stop()
                self.list.canvas._float(0)
            if luck.random() < 0.3:
                self.rest()
            self.list.refresh()
            self.turn()
            screen = self.list.screen().grabWindow(self.list.winId()).toImage()
            self.assertEqual(screen, self.list.grab().toImage().convertToFormat(screen.format()))


class RowsTests(CostCase):
    def test_kept_and_right(self) -> None:
        """Whatever comes, goes or changes, places and heights are those that would be found anew."""
        luck, self.theme.less_motion = random.Random(3), True
        everything = self.many(200)
        self.settled(*everything)
        low, high = 80, 120
        for _ in range(200):
            if luck.random() < 0.2:
                at = luck.randrange(200)
                everything[at] = message(at + 1, "other " * luck.randrange(1, 30), mine=luck.random() < 0.5)
            low, high = sorted((luck.randrange(200), luck.randrange(200)))
            some = everything[low:high]
            if some and luck.random() < 0.2:
                del some[luck.randrange(len(some))]
            kept = self.list.rows
            kept.set_messages(some, 0)
            self.assertEqual(kept.places, places(some, 0))
            self.assertEqual(len(kept._heights), len(some))
            for index in range(len(some)):
                if kept.laid(index):
                    self.assertEqual(kept.height(index), kept.row(index).height)
            if some:
                kept.ensure(range(luck.randrange(len(some)), len(some)))


class OpeningTests(CostCase):
    def test_lays_out_what_is_seen(self) -> None:
        """A conversation that opens in its middle lays out each row that is seen once, and few others."""
        laid: list[str] = []
        lay_out = layout.lay_out

        def laying(message: Message, *more: Any) -> Any:
            laid.append(message.key)
            return lay_out(message, *more)

        self.patch(rows, "lay_out", laying)
        self.patch(MessageList, "_lay_ahead", lambda view: None)
        self.open(*self.many(400), unread=200, read=200)
        seen = {self.list.rows.messages[index].key for index in self.list.scroller.seen()}
        self.assertEqual(len(laid), len(set(laid)))
        self.assertLessEqual(len(laid), len(seen) + 4)
        self.assertLessEqual(seen, set(laid))
