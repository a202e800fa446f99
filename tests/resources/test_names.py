"""Names of files, and where they lie."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused
from imsys.resources.names import LONGEST, check_filename, place


class NameTests(SynchronousTestCase):
    def test_kept(self) -> None:
        """An ordinary name is the name on the disk."""
        for name in ("a", "Holiday 2026.JPG", ".profile", "übersicht.pdf", "履歴.txt", "a.b.c", "x" * 255):
            self.assertEqual(check_filename(name), name)
            self.assertEqual(place(name)[1], name)

    def test_not_portable(self) -> None:
        """What some system does not allow in a name is replaced."""
        for name, on_disk in (
            ("a:b?.txt", "a_b_.txt"),
            ("evil\u202egpj.exe", "evil_gpj.exe"),
            ("end.", "end_"),
            ("end ", "end_"),
            ("CON", "_CON"),
            ("con .tar.gz", "_con .tar.gz"),
            ("lpt1.txt", "_lpt1.txt"),
            ("console", "console"),
        ):
            self.assertEqual(place(check_filename(name))[1], on_disk)

    @given(st.text(min_size=1, max_size=300))
    def test_any(self, text: str) -> None:
        """Whatever is not refused lies in a folder of its own, as one name that no system takes for a path."""
        try:
            name = check_filename(text)
        except Refused:
            return
        folder, on_disk = place(name)
        self.assertRegex(folder, "^[0-9a-f]{32}$")
        self.assertTrue(0 < len(on_disk.encode()) <= LONGEST)
        for path in (PurePosixPath("/store") / on_disk, PureWindowsPath("C:/store") / on_disk):
            self.assertEqual((path.name, len(path.parts)), (on_disk, 3))
        self.assertNotIn(on_disk, (".", ".."))
        self.assertTrue(on_disk.isprintable())

    @given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(["/", "\\", "\0", "\n", "\x7f", "\x9b", "\udc80", ".."]))
    def test_paths(self, before: str, after: str, evil: str) -> None:
        """No path is a name, and no control character is in one."""
        self.assertRaises(Refused, check_filename, before + evil + after)
