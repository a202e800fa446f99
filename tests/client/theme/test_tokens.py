from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from client.theme.contrast import contrast
from client.theme.tokens import AVATARS, DARK, LIGHT, MARK_PAIRS, ON_AVATAR, TEXT_PAIRS


class ContrastTests(SynchronousTestCase):
    def test_black_on_white(self) -> None:
        """The measure is the one of WCAG: 21 for black on white, 1 for a colour on itself."""
        self.assertAlmostEqual(contrast("#000000", "#FFFFFF"), 21)
        self.assertAlmostEqual(contrast("#767676", "#FFFFFF"), 4.54, 2)
        self.assertEqual(contrast("#123456", "#123456"), 1)

    def test_texts_are_read(self) -> None:
        """Every text stands out from every ground that it is on by 4.5:1."""
        for name, scheme in (("light", LIGHT), ("dark", DARK)):
            for text, ground in TEXT_PAIRS:
                with self.subTest(scheme=name, text=text, ground=ground):
                    self.assertGreaterEqual(contrast(getattr(scheme, text), getattr(scheme, ground)), 4.5)
            for colour in scheme.names:
                for ground in ("theirs", "quote_theirs", "window", "list"):
                    self.assertGreaterEqual(
                        contrast(colour, getattr(scheme, ground)), 4.5, (name, colour, ground)
                    )

    def test_marks_are_seen(self) -> None:
        """Every icon, border of a control and focus ring stands out by 3:1."""
        for name, scheme in (("light", LIGHT), ("dark", DARK)):
            for mark, ground in MARK_PAIRS:
                self.assertGreaterEqual(
                    contrast(getattr(scheme, mark), getattr(scheme, ground)), 3, (name, mark, ground)
                )

    def test_initials_are_read(self) -> None:
        """Initials are white on eight grounds, which hold for both themes."""
        self.assertEqual(len(AVATARS), 8)
        for ground in AVATARS:
            self.assertGreaterEqual(contrast(ON_AVATAR, ground), 4.5, ground)
