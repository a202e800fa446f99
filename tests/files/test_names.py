"""Names of files."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused
from imsys.files.names import LONGEST, check_filename


class NameTests(SynchronousTestCase):
    def test_kept(self) -> None:
        """An ordinary name is one."""
        for name in (
            "a",
            "Holiday 2026.JPG",
            ".profile",
            "übersicht.pdf",
            "履歴.txt",
            "a.b.c",
            "con",
            "a:b",
            "x" * LONGEST,
        ):
            self.assertEqual(check_filename(name), name)

    @given(
        st.text(max_size=20),
        st.text(max_size=20),
        st.sampled_from(["/", "\\", "\0", "\n", "\x7f", "\x9b", "\udc80", ".."]),
    )
    def test_paths(self, before: str, after: str, evil: str) -> None:
        """No path is a name, and no control character is in one."""
        self.assertRaises(Refused, check_filename, before + evil + after)
