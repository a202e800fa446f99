"""Links, formatting, lengths, names and what is shown, as pure functions."""

from __future__ import annotations

import time
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from client.core.counting import LONGEST_TEXT, split
from client.core.display import colour_index, emoji_only, initials, shown, shown_name
from client.core.filenames import may_run, numbered, safe_name
from client.core.formatting import Run, plain, runs
from client.core.lifelike.texts import HOSTILE
from client.core.links import find_links, may_open

MARKED = st.text(alphabet="*`a b\n\u4e2d\u200f.https://x", max_size=80)


class LinkTests(SynchronousTestCase):
    def test_only_the_web_and_mail(self) -> None:
        """Other schemes are text."""
        text = "javascript:alert(1) file:///etc data:text/html,x ftp://a smb://b HTTPS://Example.org/x mailto:a@b.c http://"
        self.assertEqual([link.url for link in find_links(text)], ["HTTPS://Example.org/x", "mailto:a@b.c"])
        self.assertFalse(may_open("file:///etc/passwd"))
        self.assertTrue(may_open("https://example.org/a?b=c"))

    def test_the_end_of_a_sentence_is_no_link(self) -> None:
        """Brackets count when they are pairs."""
        for text, url in (
            ("see https://example.org.", "https://example.org"),
            ("(https://example.org/a_(b))", "https://example.org/a_(b)"),
            ("看https://example.org/路线。", "https://example.org/路线"),
            ("**https://example.org**", "https://example.org"),
        ):
            self.assertEqual([link.url for link in find_links(text)], [url] if url else [], text)

    def test_what_leads_elsewhere_is_asked_about(self) -> None:
        """A user in front of the host, letters that look like others, a name in Punycode."""
        (link,) = find_links("https://bank.example@evil.example/login")
        self.assertEqual((link.host, link.asks), ("evil.example", True))
        self.assertTrue(find_links("http://b\u00fccher.example")[0].asks)
        self.assertEqual(find_links("http://b\u00fccher.example")[0].host, "xn--bcher-kva.example")
        self.assertFalse(find_links("https://example.org:8443/a")[0].asks)
        (cut,) = find_links("https://example.org/\u202egnp.exe")
        self.assertEqual(cut.url, "https://example.org/")


class FormattingTests(SynchronousTestCase):
    def test_marks_become_looks(self) -> None:
        """And go from the text."""
        self.assertEqual(
            runs("a **b *c* d** `e*f*` g"),
            [
                Run("a "),
                Run("b ", bold=True),
                Run("c", bold=True, italic=True),
                Run(" d", bold=True),
                Run(" "),
                Run("e*f*", code=True),
                Run(" g"),
            ],
        )

    def test_what_is_no_mark_stays(self) -> None:
        """Products, lists, a mark alone, one that is never closed."""
        for text in ("2*3*4", "* a\n* b", "**", "a ** b ** c", "`", "``", "**a", "```a", "snake*case*x"):
            self.assertEqual("".join(run.text for run in runs(text)), text)
            self.assertFalse(any(run.bold or run.italic or run.code for run in runs(text)), text)

    def test_chinese_needs_no_spaces(self) -> None:
        """There are none between words."""
        self.assertEqual(runs("这是**重点**吗"), [Run("这是"), Run("重点", bold=True), Run("吗")])

    def test_a_block_is_code(self) -> None:
        """With the line breaks around it taken away, and its language."""
        self.assertEqual(
            runs("so:\n```python\nx = 1 ** 2\n```\nyes"),
            [Run("so:"), Run("x = 1 ** 2", code=True, block=True), Run("yes")],
        )

    def test_links_are_left_alone(self) -> None:
        """An asterisk in one is its own."""
        (before, link) = runs("to https://example.org/*a*/b")
        self.assertEqual((before.text, link.text, link.italic), ("to ", "https://example.org/*a*/b", False))
        assert link.link is not None
        self.assertEqual(link.link.host, "example.org")

    @given(MARKED)
    def test_nothing_but_marks_is_lost(self, text: str) -> None:
        """Whatever is written."""
        kept = "".join(run.text for run in runs(text))
        self.assertEqual(
            [c for c in kept if c not in "*` \n"],
            [c for c in text if c not in "*` \n"]
            if "```" not in text
            else [c for c in kept if c not in "*` \n"],
        )

    @given(st.text())
    def test_any_text_is_taken(self, text: str) -> None:
        """Nothing raises."""
        runs(text)
        plain(text)
        shown(text)
        shown_name(text)
        find_links(text)

    def test_hostile_texts_take_no_time(self) -> None:
        """A bound with much room."""
        started = time.process_time()
        for text in [line for _, line in HOSTILE] + [
            "*" * 4096,
            "`" * 4096,
            "**a " * 1024,
            "https://" * 512,
            "(" * 4096,
            "*a\n\n" * 1000,
        ]:
            runs(shown(text))
            emoji_only(text)
        self.assertLess(time.process_time() - started, 2.0)


class LengthTests(SynchronousTestCase):
    @settings(deadline=None)
    @given(st.text(max_size=300), st.integers(1, 60))
    def test_parts_fit_and_hold_everything(self, text: str, longest: int) -> None:
        """But white space at the cuts."""
        parts = split(text, longest)
        for part in parts:
            self.assertTrue(1 <= len(part) <= longest)
        self.assertEqual("".join("".join(parts).split()), "".join(text.split()))

    def test_cuts_are_where_a_reader_would_make_them(self) -> None:
        """Paragraphs before sentences before words."""
        text = "One sentence. " * 200 + "\n\n" + "Another one! " * 200
        self.assertTrue(split(text)[0].endswith("One sentence."))
        self.assertEqual(split("aaa bbb ccc", 8), ["aaa bbb", "ccc"])
        family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
        self.assertEqual(split(family * 4, 11), [family * 2, family * 2])
        self.assertEqual(len(split("x" * (LONGEST_TEXT + 1))), 2)


class NameTests(SynchronousTestCase):
    def test_hostile_names(self) -> None:
        """One harmless name each."""
        for name, safe in (
            ("../../etc/passwd", "passwd"),
            ("C:\\Windows\\cmd.exe", "cmd.exe"),
            ("invoice\u202efdp.exe", "invoicefdp.exe"),
            ("con.txt", "_con.txt"),
            (".bashrc", "_bashrc"),
            ("a.txt. . ", "a.txt"),
            ("x\n<b>y</b>.png", "b_.png"),
            ("", "file"),
            ("..", "file"),
            ("\u200b", "file"),
            ("\u62a5\u544a.pdf", "\u62a5\u544a.pdf"),
        ):
            self.assertEqual(safe_name(name), safe)
        self.assertTrue(safe_name("a" * 300 + ".pdf").endswith("a.pdf"))
        self.assertTrue(may_run("Photo.JPG.exe"))
        self.assertFalse(may_run("photo.jpg"))
        self.assertEqual(numbered("a.tar.gz", 2), "a.tar (2).gz")
        self.assertEqual(numbered("README", 2), "README (2)")

    @given(st.text())
    def test_every_name_is_one_file(self, name: str) -> None:
        """On any system, and again."""
        safe = safe_name(name)
        self.assertTrue(0 < len(safe.encode()) <= 180)
        self.assertFalse(set(safe) & set('/\\:*?"<>|\0'))
        self.assertFalse(safe.startswith((".", " ")) or safe.endswith((".", " ")))
        self.assertEqual(safe_name(safe), safe)

    def test_initials(self) -> None:
        """Of names of all kinds."""
        for name, letters in (
            ("Anna Berg", "AB"), ("lena", "L"), ("王芳", "芳"), ("佐藤健二", "佐"), ("Олег Петров", "ОП"), ("<b>Admin</b>", "BB"),
            ("", "?"), ("😀", "😀"), ("Mei (running club)", "MC"), ("يوسف العلي", "يا"),
        ):  # fmt: skip
            self.assertEqual(initials(name), letters, name)
        self.assertEqual({colour_index(number) for number in range(64)}, set(range(8)))


class ShownTests(SynchronousTestCase):
    def test_zalgo_is_cut_down(self) -> None:
        """Four marks stay on a character; languages keep theirs."""
        text = shown("Z" + "\u0301" * 50 + "a")
        self.assertEqual(sum(unicodedata.combining(character) > 0 for character in text), 4)
        for word in ("שָׁלוֹם", "ที่นี่", "tiếng Việt", "हिन्दी", "👨‍👩‍👧"):
            self.assertEqual(shown(word), word)

    def test_directions_end_with_their_line(self) -> None:
        """Overrides go; an isolate that is open is closed."""
        self.assertEqual(shown("a\u202eb\u202cc"), "abc")
        self.assertEqual(shown("\u2067a\nb\u2069"), "\u2067a\u2069\nb")

    def test_controls_are_seen(self) -> None:
        """They do nothing."""
        self.assertEqual(shown("a\0b\x1b[31m\x7f"), "a\u2400b\u241b[31m\u2421")
        self.assertEqual(shown("a" + "\n" * 500 + "b"), "a\n\nb")
        self.assertEqual(shown_name("a\nb\u202ec"), "a bc")

    def test_emoji_alone(self) -> None:
        """Are counted, up to three."""
        for text, count in (
            ("😀", 1),
            ("👍🏽 ❤️", 2),
            ("👨‍👩‍👧🇩🇪1️⃣", 3),
            ("😀😀😀😀", 0),
            ("a😀", 0),
            ("12", 0),
            ("", 0),
            ("🏴󠁧󠁢󠁳󠁣󠁴󠁿", 1),
        ):
            self.assertEqual(emoji_only(text), count, text)
