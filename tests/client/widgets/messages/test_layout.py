from __future__ import annotations

import time

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage

from client.core.model import Attachment, ConversationKind, Kind, Mark, Quote, Reaction, Stage, Transfer
from client.theme import Font, Scheme
from client.theme.tokens import BUBBLE_GAP, BUBBLE_MOST, GROUP_GAP
from client.widgets.messages.text import body, cut, units
from tests.client.widgets.messages.scene import MINUTE, TOM, ListCase, message, x_of

HOSTILE = {
    "one word": "a" * 4096,
    "emoji": "😀" * 10_000,
    "zalgo": ("Z" + "\u0301\u0316" * 40) * 100,
    "overrides": "\u202eabc\u2066def" * 600,
    "lines": "a\n" * 2000,
    "marks": "**a** `b` *c* " * 290,
    "fences": "```\nx\n```\n" * 400,
    "links": "http://a.b/c " * 300,
    "markup": "<img src=x onerror=alert(1)>" * 140,
    "directions": "שלום\nhello\n" * 340,
    "controls": "".join(map(chr, range(1, 32))) * 100,
    "half a pair": "\ud800" * 100,
    "joiners": "👩\u200d" * 1300,
    "nothing": "\u200b" * 4000,
}


class TextTests(ListCase):
    def test_units(self) -> None:
        """Places in a text are counted as Qt counts, whatever is in it."""
        self.assertEqual((units("a😀b"), cut("a😀b", 1, 3), cut("abc", 1, 2)), (4, "😀", "b"))

    def test_formats(self) -> None:
        """What is bold is bolder, code has its own block, and marks are not shown."""
        made = body("**bold** and\n```\ncode = 1\n```\nend", 400, self.theme)
        self.assertEqual([block.text for block in made.blocks], ["bold and", "code = 1", "end"])
        self.assertEqual([block.code for block in made.blocks], [False, True, False])
        self.assertEqual(made.blocks[0].layout.formats()[0].length, 4)
        self.assertEqual(made.part(0, made.length), "bold and\ncode = 1\nend")

    def test_links(self) -> None:
        """A link is found where it is, and nowhere else."""
        made = body("see https://example.org/x now", 1000, self.theme)
        line = made.blocks[0].layout.lineAt(0)

        def link_at(letter: int) -> str:
            link = made.link(QPointF(x_of(line, letter) + 2, line.y() + 8))
            return link.url if link else ""

        self.assertEqual((link_at(1), link_at(10), link_at(27)), ("", "https://example.org/x", ""))

    def test_right_to_left(self) -> None:
        """Lines of a right-to-left text end at the left and begin at the right edge, each by its own letters."""
        made = body("שלום לכולם\nhello there, this is a long line", 1000, self.theme)
        hebrew, english = made.blocks
        self.assertTrue(hebrew.rtl)
        self.assertFalse(english.rtl)
        self.assertAlmostEqual(hebrew.rect.right(), made.width)
        self.assertEqual(english.rect.left(), 0)
        long = body("שלום לכולם זו הודעה ארוכה " * 8, 300, self.theme)
        long.spread(340)
        for index in range(long.blocks[0].layout.lineCount()):
            line = (
                long.blocks[0].layout.lineAt(index).naturalTextRect().translated(long._origin(long.blocks[0]))
            )
            self.assertGreaterEqual(line.left(), -1)
            self.assertAlmostEqual(line.right(), 340, delta=8)  # a space at the end of a line hangs

    def test_words(self) -> None:
        """A double click takes a word."""
        made = body("two words", 400, self.theme)
        self.assertEqual((made.word(1), made.word(6)), ((0, 3), (4, 9)))

    def test_found(self) -> None:
        """A text is found without regard to case, after emoji too."""
        self.assertEqual(body("😀 Anna, anna", 400, self.theme).find("ANNA"), [(3, 7), (9, 13)])


class LayoutTests(ListCase):
    def test_groups(self) -> None:
        """Two pixels within a group, ten between groups.

        A group ends with the sender, and after five minutes.
        """
        self.open(
            message(1, "one"),
            message(2, "two"),
            message(3, "three", mine=True),
            message(9, "four", mine=True),
            message(10, "five", mine=True),
        )
        rows = [self.row(f"#{number}") for number in (1, 2, 3, 9, 10)]
        self.assertEqual([row.place.last for row in rows], [False, True, True, False, True])
        gaps = [
            self.list.scroller.y(at + 1)
            + rows[at + 1].bubble.top()
            - self.list.scroller.y(at)
            - rows[at].bubble.bottom()
            for at in range(4)
        ]
        self.assertEqual([round(gap) for gap in gaps], [BUBBLE_GAP, GROUP_GAP, GROUP_GAP, BUBBLE_GAP])

    def test_sides(self) -> None:
        """Mine are right, theirs left; from 960 pixels on all may be left."""
        self.open(message(1, "theirs"), message(2, "mine", mine=True))
        self.assertLess(self.row("#1").bubble.left(), 20)
        self.assertGreater(self.row("#2").bubble.right(), self.list.viewport().width() - 20)
        self.list.set_all_left(True)
        self.assertGreater(self.row("#2").bubble.left(), 300)
        self.list.resize(1100, 500)
        self.turn()
        self.assertLess(self.row("#2").bubble.left(), 20)

    def test_width(self) -> None:
        """A bubble is at most 66 % of the width, and 520 pixels."""
        self.open(message(1, "word " * 300))
        self.assertLessEqual(self.row("#1").bubble.width(), 0.66 * 600)
        self.list.resize(1600, 500)
        self.turn()
        self.assertLessEqual(self.row("#1").bubble.width(), BUBBLE_MOST)
        self.assertGreater(self.row("#1").bubble.width(), BUBBLE_MOST - 60)

    def test_time_in_the_last_line(self) -> None:
        """The time stands at the end of the last line where it fits, else below, and never on the text."""
        self.open(
            message(1, "short"), message(2, "x" * 200), message(3, "שלום"), message(4, "a\n```\ncode\n```")
        )
        one = self.row("#1")
        assert one.text is not None
        self.assertLess(one.bubble.height(), 42)
        self.assertGreater(one.meta.left(), one.text_at.x() + one.text.last_line()[0])
        for key in ("#3", "#4"):
            row = self.row(key)
            assert row.text is not None
            self.assertGreaterEqual(row.meta.top(), row.text_at.y() + row.text.height)

    def test_names_in_groups(self) -> None:
        """In groups the sender's name stands above a group of messages, and their avatar beside its end.

        Elsewhere nowhere.
        """
        self.open(
            message(1, "one", sender=TOM),
            message(2, "two", sender=TOM),
            message(3, "mine", mine=True),
            kind=ConversationKind.GROUP,
        )
        names = [self.row(f"#{number}").name is not None for number in (1, 2, 3)]
        avatars = [self.row(f"#{number}").avatar is not None for number in (1, 2, 3)]
        self.assertEqual((names, avatars), ([True, False, False], [False, True, False]))
        self.open(message(1, "one"))
        self.assertIsNone(self.row("#1").name)

    def test_days_and_unread(self) -> None:
        """A day begins with its name, and the unread line stands where reading stopped."""
        self.open(
            message(1, "old", at_ms=message(500).at_ms - 48 * 60 * MINUTE),
            message(900, "yes"),
            message(999, "today"),
            unread=1,
            read=900,
        )
        self.assertEqual(
            [self.row(f"#{number}").unread is not None for number in (1, 900, 999)], [False, False, True]
        )
        self.assertEqual(self.row("#999").day_text in ("Today", ""), True)
        self.assertTrue(self.row("#1").day_text)

    def test_emoji_alone(self) -> None:
        """Up to three emoji alone are big and have no bubble; with words they do."""
        self.open(message(1, "😀🎉"), message(2, "😀 hi"))
        big = self.row("#1")
        assert big.text is not None
        self.assertTrue(big.bubble.isEmpty())
        self.assertEqual(
            big.text.blocks[0].layout.font().pixelSize(), self.theme.font(Font.EMOJI_BIG).pixelSize()
        )
        self.assertFalse(self.row("#2").bubble.isEmpty())

    def test_everything_is_inside(self) -> None:
        """Whatever a message has lies within its bubble, in either direction of the interface and at every
        size of texts.
        """
        photo = Attachment("p.png", 1000, "image/png", width=4000, height=200)
        reactions = tuple(Reaction("👍", number, number == 2) for number in range(1, 30))
        messages = [
            message(1, "caption " * 30, kind=Kind.IMAGE, attachment=photo, reactions=reactions),
            message(2, "answer", mine=True, quote=Quote(1, TOM, "quoted " * 50), edited_ms=5),
            message(3, kind=Kind.FILE, attachment=Attachment("n" * 300 + ".pdf", 1 << 60), mine=True),
            message(4, "live " * 40, kind=Kind.LIVE, stream="s"),
            message(5, kind=Kind.UNKNOWN),
            message(6, "gone", recalled=True),
            message(7, "x", mine=True, mark=Mark.FAILED, failure="why " * 60),
            message(8, kind=Kind.IMAGE, attachment=Attachment("p", 1)),
        ]
        self.open(*messages, kind=ConversationKind.GROUP)
        for rtl in (False, True):
            self.list.setLayoutDirection(
                Qt.LayoutDirection.RightToLeft if rtl else Qt.LayoutDirection.LeftToRight
            )
            for scale in (80, 100, 200):
                self.theme.set_scale(scale)
                for width in (380, 700, 1200):
                    self.list.resize(width, 500)
                    self.turn()
                    for one in messages:
                        row = self.row(one.key)
                        self.assertGreaterEqual(row.bubble.left(), 0, (one.key, rtl, scale, width))
                        self.assertLessEqual(
                            row.bubble.right(), self.list.viewport().width(), (one.key, rtl, scale, width)
                        )
                        bubble = row.bubble.adjusted(-0.6, -0.6, 0.6, 0.6)
                        for name, rect in (
                            ("meta", row.meta),
                            ("quote", row.quote),
                            ("name", row.name),
                            ("part", row.part.rect if row.part else None),
                            *(("reaction", rect) for rect in row.reactions),
                        ):
                            if rect is not None:
                                self.assertTrue(
                                    bubble.contains(rect),
                                    (one.key, name, rtl, scale, width, rect, row.bubble),
                                )
                        if row.text is not None:
                            self.assertLessEqual(row.text.width, row.bubble.width())

    def test_hostile(self) -> None:
        """Whatever is written is laid out and painted within its bubble, quickly.

        The slowest takes a fraction of a second of CPU.
        """
        for name, text in HOSTILE.items():
            with self.subTest(name):
                begun = time.process_time()
                self.open(message(1, text))
                self.list.grab()
                taken = time.process_time() - begun
                row = self.row("#1")
                self.assertLessEqual(row.bubble.width(), 0.66 * 600, name)
                self.assertLess(taken, 2.0, name)

    def test_painted_by_tokens(self) -> None:
        """A bubble is filled with its token in both themes, its corner at the sender's side is sharper, and
        the others are round.
        """
        self.open(message(1, "theirs"), message(2, "mine", mine=True))
        for scheme in (Scheme.LIGHT, Scheme.DARK):
            self.theme.set_scheme(scheme)
            self.turn()
            image = self.grab(self.list.viewport())
            for key, colour in (("#1", self.theme.colours.theirs), ("#2", self.theme.colours.mine)):
                bubble = self.row(key).bubble.translated(0, self.list.scroller.y(self.list.rows.index[key]))
                self.assertEqual(_at(image, bubble.center().x(), bubble.top() + 3), colour)
                sharp = bubble.left() if key == "#1" else bubble.right() - 1
                self.assertEqual(_at(image, sharp + (2 if key == "#1" else -2), bubble.bottom() - 2), colour)
                self.assertEqual(
                    _at(image, bubble.left() + 1, bubble.top() + 1), self.theme.colours.conversation
                )

    def test_transfers(self) -> None:
        """A file says how far it is, how fast, and why it stopped; only its row is painted anew."""
        self.open(
            message(
                1, kind=Kind.FILE, attachment=Attachment("notes.pdf", 4_000_000), mine=True, mark=Mark.WAITING
            )
        )
        before = self.grab(self.list.viewport())
        for stage in Stage:
            self.account.set_transfer(
                Transfer(
                    "#1", 1, "notes.pdf", True, 4_000_000, 1_000_000, stage, 300_000.0, "The disk is full."
                )
            )
            self.turn()
            if stage is Stage.CANCELLED:
                self.assertEqual(before, self.grab(self.list.viewport()))
            elif stage is not Stage.DONE:
                self.assertNotEqual(before, self.grab(self.list.viewport()), stage)


def _at(image: QImage, x: float, y: float) -> QColor:
    return QColor(image.pixelColor(round(x), round(y)))
