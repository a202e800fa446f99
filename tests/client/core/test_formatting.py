from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from client.core.formatting import Run, Style, count_emoji, plain, runs
from client.core.links import host, shown


class FormattingTests(SynchronousTestCase):
    def test_marks(self) -> None:
        """Bold, italic and code are told by their marks, also in each other."""
        self.assertEqual(
            runs("Hi **bold *both* x** `c*d*`"),
            (
                Run("Hi "),
                Run("bold ", Style.BOLD),
                Run("both", Style.BOLD | Style.ITALIC),
                Run(" x", Style.BOLD),
                Run(" "),
                Run("c*d*", Style.CODE),
            ),
        )
        self.assertEqual(runs("***x***"), (Run("x", Style.BOLD | Style.ITALIC),))

    def test_no_marks(self) -> None:
        """What only looks like a mark stays as it was written."""
        for text in (
            "a * b * c",
            "2*3*4",
            "**open",
            "`` ` ``",
            "****",
            "<b>bold</b> &amp;",
            "```",
            "``` ```",
            "snake_case_name",
            "* one\n* two",
        ):
            self.assertEqual(runs(text), (Run(text),))
        self.assertEqual(runs(""), ())

    def test_block(self) -> None:
        """A fenced block keeps its lines and spaces; the language's name is not shown."""
        self.assertEqual(
            runs("see:\n```py\nif *x*:\n    y()\n```\ndone"),
            (Run("see:\n"), Run("if *x*:\n    y()", Style.BLOCK), Run("done")),
        )

    def test_links(self) -> None:
        """A link ends where the sentence goes on."""
        found = [run.url for run in runs("(https://a.org/x), http://b.org/c_(d)! **https://c.org** javascript:x https:// e") if run.url]
        self.assertEqual(found, ["https://a.org/x", "http://b.org/c_(d)", "https://c.org"])

    @given(st.text(alphabet="*`a b\n:/htps.()", max_size=60))
    def test_nothing_is_lost(self, text: str) -> None:
        """Whatever is written, everything but marks is shown, in its order."""
        left = iter(text)
        for character in "".join(run.text for run in runs(text)):
            self.assertIn(character, left)

    def test_plain(self) -> None:
        """For a list, a text is one line without marks."""
        self.assertEqual(plain("**Hi**\n\nthere `x`"), "Hi there x")

    def test_emoji_alone(self) -> None:
        """Up to three emoji alone are counted: with skin tones, joined, flags, keycaps; anything else is not."""
        for text, count in (
            ("😀👍🏽 ❤️", 3),
            ("👨‍👩‍👧‍👦", 1),
            ("🇩🇪", 1),
            ("1️⃣", 1),
            ("12", 0),
            ("a", 0),
            ("😀a", 0),
            ("©", 0),
            ("", 0),
            ("😀" * 4, 0),
        ):
            self.assertEqual(count_emoji(text, 3), count, text)


class LinkTests(SynchronousTestCase):
    def test_hosts(self) -> None:
        """Only the web's addresses are opened, and the host is the one that is asked."""
        self.assertEqual(host("https://Example.org:8443/x"), "example.org")
        self.assertEqual(host("https://bücher.example/"), "xn--bcher-kva.example")
        for url in ("javascript:alert(1)", "file:///etc/passwd", "https://", "https://[", "https://a:99999999/"):
            self.assertEqual(host(url), "", url)

    def test_asked_first(self) -> None:
        """A host that the text does not show plainly is asked about."""
        self.assertTrue(shown("https://example.org/a?b=@c", "https://example.org/a?b=@c"))
        for url in (
            "https://google.com@evil.example/",
            "https://gооgle.com/",
            "https://xn--ggle-55da.com/",
            "https://example.org\\@evil.example/",
            f"https://example.org/{unicodedata.lookup('RIGHT-TO-LEFT OVERRIDE')}gpj.exe",
        ):
            self.assertFalse(shown(url, url), url)
        self.assertFalse(shown("https://example.org", "https://evil.example"))
