"""Texts of one line."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused, Status
from imsys.files.names import check_filename
from imsys.server.fields import shown
from imsys.util.texts import is_seen


class ShownTests(SynchronousTestCase):
    def test_refused(self) -> None:
        """70 (of a file 37) for control characters, ends of lines, and what turns the direction of text."""
        for character in (
            "\0\t\n\r\x1b\x7f\x85\x9b\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ud800"
        ):
            error = self.assertRaises(Refused, shown, f"a{character}b", 50, "nickname")
            self.assertEqual(
                (error.status, "nickname" in error.message), (Status.INVALID_FIELD, True), ascii(character)
            )
            error = self.assertRaises(Refused, check_filename, f"photo{character}gpj.exe")
            self.assertEqual(error.status, Status.FILE_CREATE_ERROR, ascii(character))
        self.assertRaises(Refused, shown, "x" * 51, 50, "nickname")

    def test_allowed(self) -> None:
        """Anything else: signs of the direction of letters, joined emojis, spaces."""
        for text in (
            "",
            "Anna Müller",
            "محمد\u200f",
            "👩\u200d👩\u200d👧",
            "नमस्\u200dते",
            "a\u00a0b",
            "\u061c٣",
        ):
            self.assertEqual(shown(text, 50, "nickname"), text)

    def test_seen(self) -> None:
        """People see letters, signs and emojis of any version of Unicode, but no space, joiner or mark by itself."""
        for text in (
            "x",
            "👍",
            "👍🏽",
            "👩\u200d👩\u200d👧",
            "❤\ufe0f",
            "🇨🇳",
            "1\ufe0f\u20e3",
            "\U0001fae8",
            "x\u0301",
        ):
            self.assertTrue(is_seen(text), ascii(text))
        for text in (
            "",
            " ",
            "\u00a0",
            "\u200b",
            "\u200d",
            "\ufe0f",
            "\u0301",
            "\0",
            "\n",
            "\u202e",
            "\U000e0041",
        ):
            self.assertFalse(is_seen(text), ascii(text))
