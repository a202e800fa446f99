"""Files of keys, as they are made and rotated."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import ConfigError
from imsys.security import keyring
from imsys.security.keyring import add_key, read_keys
from tests.support.children import folder


class AddingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = folder("keys") / "files.keys"

    def ids(self) -> list[str]:
        return [key_id for key_id, _ in read_keys(self.path, 10)]

    def test_rotated(self) -> None:
        """A new key is in front, as many former ones stay as are to, and so does who may read them."""
        first = add_key(self.path, 0)
        self.assertEqual((self.ids(), self.path.stat().st_mode & 0o777), ([first], 0o600))
        self.path.chmod(0o640)
        second = add_key(self.path, 5)
        self.assertEqual((self.ids(), self.path.stat().st_mode & 0o777), ([second, first], 0o640))
        third = add_key(self.path, 1)
        self.assertEqual(self.ids(), [third, second])
        self.assertEqual(os.listdir(self.path.parent), ["files.keys"])

    def test_durable(self) -> None:
        """The name of the file with the new key is durable before anybody is told of the key."""
        synced: list[tuple[Path, list[str]]] = []
        self.patch(keyring, "sync_folder", lambda path: synced.append((path, self.ids())))
        made = [add_key(self.path, 0)]
        made.insert(0, add_key(self.path, 1))
        self.assertEqual(synced, [(self.path.parent, made[1:]), (self.path.parent, made)])

    def test_made_at_once(self) -> None:
        """Of two processes that make the same file, the second does not replace the keys that the first may
        be using.
        """
        fsync = os.fsync
        first: list[str] = []

        def late(descriptor: int) -> None:
            fsync(descriptor)
            if not first:
                first.append("")
                first[0] = add_key(self.path, 0)

        self.patch(os, "fsync", late)
        self.assertRaises(ConfigError, add_key, self.path, 0)
        self.assertEqual((self.ids(), os.listdir(self.path.parent)), (first, ["files.keys"]))

    def test_not_written(self) -> None:
        """Where a rotation fails the keys are what they were, and no other file has the new one."""
        first = add_key(self.path, 0)

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        self.patch(os, "fsync", full)
        self.assertRaises(ConfigError, add_key, self.path, 1)
        self.assertEqual((self.ids(), os.listdir(self.path.parent)), ([first], ["files.keys"]))
