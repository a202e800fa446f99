from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QVariantAnimation
from PySide6.QtGui import QAccessible, QGuiApplication, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from client.core.model import Attachment, Kind, Mark, Message, Quote, Reaction, Stage, Transfer
from client.widgets.messages import accessible
from tests.client.widgets.messages.scene import ListCase, message

LEFT, NONE, SHIFT = (
    Qt.MouseButton.LeftButton,
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


class ScrollTests(ListCase):
    def many(self, count: int = 1000) -> list[Message]:
        return [
            message(
                number, f"Message {number} " + "and more words " * (number * 7 % 23), mine=number % 3 == 0
            )
            for number in range(1, count + 1)
        ]

    def wheel(self, notches: float) -> None:
        place = QPointF(self.list.viewport().rect().center())
        event = QWheelEvent(
            place, self.list.viewport().mapToGlobal(place), QPoint(), QPoint(0, round(notches * 120)), Qt.MouseButton.NoButton, NONE,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(self.list.viewport(), event)
        self.turn()

    def top(self) -> tuple[str, float]:
        """The first message that is seen whole, and where."""
        index = next(index for index in self.list.scroller.seen() if self.list.scroller.y(index) >= 0)
        return self.list.rows.messages[index].key, self.list.scroller.y(index)

    def test_begins_at_the_end(self) -> None:
        """It opens with the last message at the lower edge, having laid out what is seen and little more."""
        self.open(*self.many())
        last = self.list.rect_of("#1000")
        self.assertAlmostEqual(last.bottom() + 8, self.list.viewport().height(), delta=1)
        self.assertLess(len(self.list.rows._kept), 40)

    def test_bar_keeps_its_room(self) -> None:
        """Rows are as wide before there is something to scroll as after it."""
        few = self.open(message(1, "one"))
        self.assertEqual(few.verticalScrollBar().maximum(), 0)
        many = self.open(*self.many(200))
        self.assertGreater(many.verticalScrollBar().maximum(), 0)
        self.assertEqual(many.viewport().width(), few.viewport().width())

    def test_few_stand_below(self) -> None:
        """A few messages stand at the lower edge."""
        self.open(message(1, "one"))
        self.assertAlmostEqual(self.list.rect_of("#1").bottom() + 8, self.list.viewport().height(), delta=1)

    def test_up_without_a_jump(self) -> None:
        """Scrolled up through many pages, what is seen moves by the wheel alone, whatever comes in above."""
        self.open(*self.many())
        seen: set[str] = set()
        for _ in range(400):
            key, y = self.top()
            self.wheel(1)
            now = self.list.rect_of(key)
            if self.list.scroller.value > 0:
                self.assertAlmostEqual(now.top(), y + 40 * QApplication.wheelScrollLines(), delta=1.0)
            seen.update(self.list.rows.messages[index].key for index in self.list.scroller.seen())
        self.assertGreater(len(seen), 300)
        numbers = sorted(int(key[1:]) for key in seen)
        self.assertEqual(numbers, list(range(numbers[0], 1000)))

    def test_up_and_down_to_both_ends(self) -> None:
        """Home and page keys lead to the very beginning, End to the very end, over pages that were let go."""
        self.open(*self.many())
        self.list.setFocus()
        for _ in range(60):
            self.keys(self.list, Qt.Key.Key_Home)
        self.assertEqual(self.list.rows.messages[0].key, "#1")
        self.assertEqual(self.list.scroller.value, 0)
        self.assertFalse(self.window.at_end)
        self.keys(self.list, Qt.Key.Key_End)
        self.assertEqual(self.list.rows.messages[-1].key, "#1000")
        self.assertTrue(self.list.scroller.at_end)

    def test_dragged(self) -> None:
        """The handle of the bar is dragged up: pages come in, nothing jumps back, and at the top it goes on."""
        self.open(*self.many())
        bar = self.list.verticalScrollBar()
        bottom = bar.height() - 30
        QTest.mousePress(bar, LEFT, NONE, QPoint(5, bottom))
        firsts: list[int] = []
        for y in [*range(bottom, 0, -10), 0]:
            event = QMouseEvent(
                QEvent.Type.MouseMove, QPointF(5, y), bar.mapToGlobal(QPointF(5, y)), LEFT, LEFT, NONE
            )
            QApplication.sendEvent(bar, event)
            self.turn()
            firsts.append(int(self.top()[0][1:]))
        for _ in range(200):  # held there, it goes on by itself
            if firsts[-1] < 20:
                break
            QTest.qWait(20)
            firsts.append(int(self.top()[0][1:]))
        QTest.mouseRelease(bar, LEFT, NONE, QPoint(5, 0))
        self.assertEqual(firsts, sorted(firsts, reverse=True))
        self.assertLess(firsts[-1], 20)

    def test_stays(self) -> None:
        """At the end it stays there when something comes.

        Scrolled up it stays on what is read, and a button leads down.
        """
        self.open(*self.many(100))
        self.account.put(message(101, "new"))
        self.turn()
        self.assertTrue(self.list.scroller.at_end)
        self.assertFalse(self.list.down.isVisible())
        self.wheel(20)
        before = self.top()
        for number in range(102, 110):
            self.account.put(message(number, "new"))
        self.turn()
        self.list.refresh()
        self.assertEqual(self.top(), before)
        self.assertTrue(self.list.down.isVisible())
        self.click(self.list.down)
        self.assertTrue(self.list.scroller.at_end)
        self.assertFalse(self.list.down.isVisible())

    def test_taller_above(self) -> None:
        """A message above that grows moves nothing that is seen."""
        self.open(*self.many(100))
        self.wheel(20)
        before = self.top()
        above = self.list.rows.messages[self.list.rows.index[before[0]] - 3]
        self.account.put(message(above.id, "taller\n" * 20, mine=above.mine))
        self.list.refresh()
        self.assertEqual(self.top()[0], before[0])
        self.assertAlmostEqual(self.top()[1], before[1], delta=1)

    def test_resized(self) -> None:
        """Narrower or with larger texts, the same message is read."""
        self.open(*self.many(200))
        self.wheel(30)
        key, y = self.top()
        self.list.resize(450, 500)
        self.turn()
        self.assertAlmostEqual(self.list.rect_of(key).top(), y, delta=1)
        self.theme.set_scale(150)
        self.turn()
        self.assertAlmostEqual(self.list.rect_of(key).top(), y, delta=1)

    def test_opens_where_it_was(self) -> None:
        """A conversation that is opened again shows what was read there."""
        self.open(*self.many())
        self.assertEqual(self.list.reading_at(), 0)
        for _ in range(40):
            self.wheel(1)
        at = self.list.reading_at()
        self.list.set_window(None)
        self.list.set_window(self.window)
        self.window.open(at=at)
        self.turn()
        self.assertEqual(self.list.reading_at(), at)
        self.assertAlmostEqual(self.list.rect_of(f"#{at}").top(), 8, delta=1)

    def test_jumps(self) -> None:
        """A jump puts the message in the middle, and shows for a moment which it is."""
        self.theme.less_motion = False
        self.open(*self.many())
        self.list.jump(300)
        self.turn()
        middle = self.list.rect_of("#300").center().y()
        self.assertAlmostEqual(middle, self.list.viewport().height() / 2, delta=30)
        flashing = self.grab(self.list.viewport())
        self.list.canvas._flash.stop()
        self.turn()
        self.assertNotEqual(flashing, self.grab(self.list.viewport()))

    def test_day_floats(self) -> None:
        """While one scrolls, the day of what is seen floats at the top, and goes."""
        self.open(*self.many(100))
        for _ in range(5):
            self.wheel(1)
        scrolled = self.grab(self.list.viewport())
        self.assertEqual(scrolled.pixelColor(300, 12), self.theme.colours.chip)
        self.list.canvas._date.stop()
        self.assertNotEqual(scrolled, self.grab(self.list.viewport()))

    def test_slides_in(self) -> None:
        """What is new slides in at the end, and is at its place soon.

        With less motion it is there at once.
        """
        self.theme.less_motion = False
        self.open(*self.many(50))
        self.account.put(message(51, "new"))
        self.list.refresh()
        self.assertEqual(self.list.canvas._slide.state(), QVariantAnimation.State.Running)
        self.list.scroll_by(-10)
        self.assertEqual(self.list.canvas.slide(), 0)

    def test_unread(self) -> None:
        """It opens with the unread line near the top, and tells what has been seen as one goes on."""
        seen: list[int] = []
        many = [message(number, "words " * 10) for number in range(1, 200)]
        self.open(*many, unread=99, read=100)
        self.list.seen.connect(seen.append)
        rect = self.list.rect_of("#101")
        self.assertTrue(0 <= rect.top() < 200, rect)
        self.assertIsNotNone(self.row("#101").unread)
        for _ in range(100):
            self.wheel(-3)
        self.assertEqual((seen[-1], seen), (199, sorted(seen)))


class ClickTests(ListCase):
    def told(self, signal: object) -> list[object]:
        heard: list[object] = []
        signal.connect(lambda *values: heard.append(values[0] if len(values) == 1 else values))  # type: ignore[attr-defined]
        return heard

    def tap(self, key: str, action: str) -> None:
        self.click(self.list.viewport(), self.of_hit(key, action))

    def test_failed(self) -> None:
        """What was not sent says why, and is sent again or deleted with a click."""
        self.open(
            message(1, "lost", mine=True, mark=Mark.FAILED, failure="You are not friends any more.", id=0)
        )
        again, gone = self.told(self.list.resend), self.told(self.list.delete)
        self.tap("#1", "resend")
        self.tap("#1", "delete")
        self.assertEqual((again, gone), ([self.account.all[0]], [self.account.all[0]]))
        self.tap("#1", "time")
        menu = self.list.findChildren(QMenu)[-1]
        self.assertEqual([action.text() for action in menu.actions()][-2:], ["Try again", "Delete"])
        menu.close()

    def test_links(self) -> None:
        """A link is underlined while it is pointed at, and a click tells it, and whether to ask."""
        self.open(message(1, "see https://example.org/x ok"), message(2, "https://example.org@evil.example/"))
        links = self.told(self.list.link)
        plain = self.grab(self.list.viewport())
        place = self.of_text("#1", 12)
        self.point(self.list.viewport(), place)
        self.assertEqual(self.list.viewport().cursor().shape(), Qt.CursorShape.PointingHandCursor)
        self.assertNotEqual(plain, self.grab(self.list.viewport()))
        self.click(self.list.viewport(), place)
        self.click(self.list.viewport(), self.of_text("#2", 12))
        self.assertEqual(
            links, [("https://example.org/x", False), ("https://example.org@evil.example/", True)]
        )

    def test_others(self) -> None:
        """Quotes, reactions, people, pictures, files and streams are clicked."""
        file = Attachment("a.pdf", 1000)
        self.open(
            message(1, "first"),
            message(2, "answer", quote=Quote(1, 10001, "first"), reactions=(Reaction("👍", 2, False),)),
            message(3, kind=Kind.FILE, attachment=file),
            message(4, "Match", kind=Kind.LIVE, stream="live-1"),
        )
        opened, watched, reacted = (
            self.told(self.list.open_file),
            self.told(self.list.watch),
            self.told(self.list.react),
        )
        self.tap("#3", "file")
        self.tap("#4", "watch")
        self.tap("#2", "react")
        self.tap("#2", "quote")
        self.assertEqual((opened, watched), ([self.account.all[2]], ["live-1"]))
        self.assertEqual(reacted, [(self.account.all[1], "👍")])
        self.assertEqual(self.list.canvas.flash_key, "#1")

    def test_transfers(self) -> None:
        """A file on its way is paused, goes on, and is given up."""
        self.open(message(1, kind=Kind.FILE, attachment=Attachment("a.pdf", 1000)))
        paused, resumed, cancelled = (
            self.told(self.list.pause),
            self.told(self.list.resume),
            self.told(self.list.cancel),
        )
        self.account.set_transfer(Transfer("#1", 1, "a.pdf", False, 1000, 10, Stage.MOVING))
        self.tap("#1", "file")
        self.account.set_transfer(Transfer("#1", 1, "a.pdf", False, 1000, 10, Stage.PAUSED))
        self.tap("#1", "file")
        self.tap("#1", "cancel")
        self.assertEqual((paused, resumed, cancelled), (["#1"], ["#1"], ["#1"]))

    def test_menu(self) -> None:
        """The menu of a message can be added to by whoever shows it."""
        self.open(message(1, "hello", mine=True, mark=Mark.FAILED))
        self.list.menu.connect(lambda message, menu: menu.addAction("More"))
        menu = self.list.input.menu_for(self.row("#1"), QPointF())
        self.addCleanup(menu.deleteLater)
        self.assertIsInstance(menu, QMenu)
        words = ["Copy text", "Try again", "Delete", "More"]
        self.assertEqual([action.text() for action in menu.actions()], words)

    def test_answers(self) -> None:
        """A reply is offered where somebody hears of it."""
        self.open(message(1, "hello"))
        for answers in (False, True):
            self.list.answers = answers
            menu = self.list.input.menu_for(self.row("#1"), QPointF())
            self.addCleanup(menu.deleteLater)
            self.assertEqual("Reply" in [action.text() for action in menu.actions()], answers)

    def test_typing(self) -> None:
        """Letters typed here belong to the composer; Esc leaves once nothing is selected."""
        self.open(message(1, "hello"))
        typed, left = self.told(self.list.typed), self.told(self.list.escaped)
        self.list.setFocus()
        self.keys(self.list, "hi")
        self.keys(self.list, Qt.Key.Key_Escape)
        self.assertEqual((typed, len(left)), (["h", "i"], 1))


class SelectionTests(ListCase):
    def drag(self, start: QPoint, end: QPoint) -> None:
        viewport = self.list.viewport()
        QTest.mousePress(viewport, LEFT, NONE, start)
        for place in (start + (end - start) / 2, end):
            event = QMouseEvent(
                QEvent.Type.MouseMove, QPointF(place), viewport.mapToGlobal(QPointF(place)), LEFT, LEFT, NONE
            )
            QApplication.sendEvent(viewport, event)
        QTest.mouseRelease(viewport, LEFT, NONE, end)
        self.turn()

    def copied(self) -> str:
        QGuiApplication.clipboard().clear()
        QTest.keySequence(self.list, "Ctrl+C")
        return QGuiApplication.clipboard().text()

    def test_letters(self) -> None:
        """Dragged within a message, its letters are copied as they are shown.

        A click takes the selection away.
        """
        self.open(message(1, "some **bold** words"))
        self.drag(self.of_text("#1", 5), self.of_text("#1", 9))
        self.assertEqual(self.copied(), "bold")
        self.click(self.list.viewport(), self.of_text("#1", 1))
        self.assertEqual(self.copied(), "")

    def test_a_word(self) -> None:
        """A double click selects a word."""
        self.open(message(1, "some words"))
        QTest.mouseDClick(self.list.viewport(), LEFT, NONE, self.of_text("#1", 7))
        self.assertEqual(self.copied(), "words")

    def test_several(self) -> None:
        """Dragged over several messages, they are copied as lines with names and times, upwards too."""
        self.open(
            message(1, "one"),
            message(2, "**two**", mine=True),
            message(3, kind=Kind.FILE, attachment=Attachment("../a.pdf", 9)),
        )
        clock: Callable[[str], str] = lambda key: self.row(key).meta_text  # noqa: E731
        lines = [
            f"Anna, {clock('#1')}: one",
            f"Lena, {clock('#2')}: **two**",
            f"Anna, {clock('#3')}: File: a.pdf",
        ]
        self.drag(self.of_text("#1", 0), self.of_hit("#3", "file"))
        self.assertEqual(self.copied(), "\n".join(lines))
        self.drag(self.of_text("#2", 1), self.of_text("#1", 0))
        self.assertEqual(self.copied(), "\n".join(lines[:2]))

    def test_by_keys(self) -> None:
        """↑ and ↓ go from message to message, with Shift they select, Ctrl+A selects all."""
        self.open(message(1, "one"), message(2, "two"), message(3, "three"))
        self.list.clearFocus()
        self.list.setFocus(Qt.FocusReason.TabFocusReason)
        self.assertEqual(self.list.input.current, "#3")
        self.keys(self.list, Qt.Key.Key_Up)
        self.assertEqual((self.list.input.current, self.copied()), ("#2", ""))
        self.keys(self.list, Qt.Key.Key_Up, SHIFT)
        self.assertEqual([line.rpartition(": ")[2] for line in self.copied().split("\n")], ["one", "two"])
        QTest.keySequence(self.list, "Ctrl+A")
        self.assertEqual(len(self.copied().split("\n")), 3)
        self.keys(self.list, Qt.Key.Key_Escape)
        self.assertEqual(self.copied(), "")


class AccessibleTests(ListCase):
    def test_read_aloud(self) -> None:
        """The list is a list, each message an item that says who, when, what, and how far it has come."""
        self.open(message(1, "Hello **there**"), message(2, "Hi", mine=True, mark=Mark.READ))
        interface = QAccessible.queryAccessibleInterface(self.list)
        self.assertEqual((interface.role(), interface.childCount()), (QAccessible.Role.List, 2))
        first, second = interface.child(0), interface.child(1)
        time = [self.row(key).meta_text for key in ("#1", "#2")]
        self.assertEqual(first.role(), QAccessible.Role.ListItem)
        self.assertEqual(first.text(QAccessible.Text.Name), f"Anna, {time[0]}, Hello **there**")
        self.assertEqual(second.text(QAccessible.Text.Name), f"You, {time[1]}, Hi, read")
        self.assertTrue(first.rect().isValid())
        self.assertEqual(interface.indexOfChild(second), 1)
        place = second.rect().center()
        self.assertEqual(
            interface.childAt(place.x(), place.y()).text(QAccessible.Text.Name),
            second.text(QAccessible.Text.Name),
        )

    def test_let_go(self) -> None:
        """Items are let go with their messages, and all with the list, as Qt wants it: it keeps pointers to
        them.
        """
        QAccessible.setActive(True)
        self.addCleanup(QAccessible.setActive, False)
        many = [message(number, "words") for number in range(1, 300)]
        self.open(*many)
        for number in range(299, 0, -1):
            self.list.jump(number)
            interface = QAccessible.queryAccessibleInterface(self.list)
            for index in range(interface.childCount()):
                interface.child(index).text(QAccessible.Text.Name)
        self.list.deleteLater()
        self.turn()
        self.turn()
        self.assertEqual([one for one in accessible._kept if one.view() is self.list], [])
        self._showing.remove(self.list)

    async def test_gone(self) -> None:
        """An item whose message is gone is not valid, and says nothing."""
        self.open(message(1, "one"), message(2, "two"))
        interface = QAccessible.queryAccessibleInterface(self.list)
        item = interface.child(1)
        self.account.changes.removed.fire([self.account.all[1]])
        await self.until(lambda: not item.isValid())
        self.assertEqual((item.text(QAccessible.Text.Name), interface.childCount()), ("", 1))
