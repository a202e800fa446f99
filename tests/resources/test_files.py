"""Files on the disk."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import ConfigError
from imsys.resources.files import Files
from tests.support.children import folder


class FilesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = folder("store") / "files"
        self.files = Files(self.folder, "one")
        self.files.open()

    def test_leftovers(self) -> None:
        """What a crash left behind is removed at the next start, but not what another server of the store has on its way."""
        for server in ("one", "two"):
            Files(self.folder, server).open()
            Files(self.folder, server).part().append(b"half")
        self.files.open()
        self.assertEqual([path.parent.name for path in (self.folder / "incoming").rglob("*") if path.is_file()], ["two"])

    def test_private(self) -> None:
        """Folders and files are their owner's only, whatever the umask is."""
        before = os.umask(0)
        try:
            part = self.files.part()
            part.append(b"data")
            self.files.keep(part, 7, "name")
        finally:
            os.umask(before)
        modes = {path.stat().st_mode & 0o777 for path in (self.folder / "users").rglob("*")}
        self.assertEqual(modes, {0o700, 0o600})

    def test_over(self) -> None:
        """A part is over when it was kept or removed, and removing what was kept removes nothing."""
        part = self.files.part()
        self.assertFalse(part.over)
        self.files.keep(part, 7, "name")
        self.assertTrue(part.over)
        part.discard()
        self.assertEqual(len([path for path in (self.folder / "users").rglob("*") if path.is_file()]), 1)
        self.assertRaises(OSError, part.append, b"more")
        self.assertFalse(part.path.exists())

    def test_replacing(self) -> None:
        """An older file of the name is replaced in one step: who has it open goes on reading the old one."""
        for content in (b"old", b"newer"):
            part = self.files.part()
            part.append(content)
            if content == b"newer":
                (path,) = (path for path in (self.folder / "users").rglob("name"))
                with path.open("rb") as reader:
                    self.files.keep(part, 7, "name")
                    self.assertEqual((reader.read(), path.read_bytes()), (b"old", b"newer"))
            else:
                self.files.keep(part, 7, "name")

    def test_unusable(self) -> None:
        """A store that cannot be made is one line naming section, key and folder."""
        (self.folder / "file").write_bytes(b"")
        error = self.assertRaises(ConfigError, Files(self.folder / "file" / "store", "one").open)
        self.assertRegex(str(error), r"^\[resources\] path: .*/file.* cannot be used: Not a directory$")
