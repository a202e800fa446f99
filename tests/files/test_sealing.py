"""Segments on a disk."""

from __future__ import annotations

import os
from dataclasses import fields

from twisted.trial.unittest import SynchronousTestCase

from imsys.config import FilesConfig
from imsys.errors import ConfigError
from imsys.files.master import MasterKeys, UnknownKey
from imsys.files.sealing import SEGMENT, AesGcm, Checked, Damaged, Seal, segments, stored_size
from imsys.security.keyring import KEY_BYTES, parse_keys


class SealTests(SynchronousTestCase):
    """Both ways to put segments on a disk."""

    def seals(self) -> list[Seal]:
        return [AesGcm(os.urandom(KEY_BYTES)), Checked()]

    def test_there_and_back(self) -> None:
        """What is sealed opens, at its place, whatever its size; it takes as much room as is said."""
        for seal in self.seals():
            for size in (0, 1, 1000, SEGMENT):
                data = os.urandom(size)
                for final in (False, True):
                    stored = seal.seal(7, final, memoryview(data))
                    self.assertEqual(len(stored), size + seal.overhead)
                    self.assertEqual(seal.open(7, final, memoryview(stored)), data)

    def test_other_place(self) -> None:
        """At another place, or as another end, it does not open."""
        for seal in self.seals():
            stored = seal.seal(7, False, b"data")
            for index, final in ((8, False), (7, True)):
                self.assertRaises(Damaged, seal.open, index, final, stored)

    def test_damaged(self) -> None:
        """Not one bit may be another, and nothing may be missing or added."""
        for seal in self.seals():
            stored = seal.seal(0, True, b"some data")
            for bit in range(len(stored) * 8):
                flipped = bytearray(stored)
                flipped[bit // 8] ^= 1 << bit % 8
                self.assertRaises(Damaged, seal.open, 0, True, flipped)
            for wrong in (b"", stored[:3], stored[:-1], stored + b"x"):
                self.assertRaises(Damaged, seal.open, 0, True, wrong)

    def test_nonces(self) -> None:
        """The same segment never is the same on the disk."""
        seal = AesGcm(os.urandom(KEY_BYTES))
        self.assertEqual(len({seal.seal(0, True, b"x") for _ in range(1000)}), 1000)

    def test_sizes(self) -> None:
        """An empty file has a segment, too."""
        sizes = (0, 1, SEGMENT, SEGMENT + 1, 10 * SEGMENT)
        self.assertEqual([segments(size) for size in sizes], [1, 1, 1, 2, 10])
        self.assertEqual([stored_size(size, 28) - size for size in sizes], [28, 28, 28, 56, 280])

    def test_largest(self) -> None:
        """No configuration allows a file whose segments one key must not seal."""
        (largest,) = (f.metadata["parse"] for f in fields(FilesConfig) if f.name == "max_file")
        self.assertEqual(segments(largest(str(1 << 44))), 1 << 28)
        self.assertRaises(ValueError, largest, str((1 << 44) + 1))


class MasterTests(SynchronousTestCase):
    """Keys of files, under those of the deployment."""

    old, new = ("old", b"o" * 32), ("new", b"n" * 32)

    def test_rotation(self) -> None:
        """After a rotation what was wrapped before opens, and can be wrapped anew.

        Then the old key is not needed.
        """
        before, between, after = (
            MasterKeys([self.old]),
            MasterKeys([self.new, self.old]),
            MasterKeys([self.new]),
        )
        wrapped = before.new()
        stored = before.seal(wrapped).seal(0, True, b"x")
        self.assertEqual(between.seal(wrapped).open(0, True, stored), b"x")
        self.assertRaises(UnknownKey, after.seal, wrapped)
        again = between.rewrap(wrapped)
        self.assertEqual((again.key_id, between.rewrap(again)), ("new", again))
        self.assertEqual(after.seal(again).open(0, True, stored), b"x")

    def test_not_encrypted(self) -> None:
        """Where files are not encrypted there are no keys, and those that were stay readable."""
        keys = MasterKeys([self.old], encrypt=False)
        self.assertEqual(keys.new(), ("", b""))
        self.assertIsInstance(keys.seal(keys.new()), Checked)
        wrapped = MasterKeys([self.old]).new()
        self.assertIsInstance(keys.seal(wrapped), AesGcm)
        self.assertEqual(keys.rewrap(wrapped), wrapped)

    def test_tampered(self) -> None:
        """A wrapped key that was changed is no key."""
        keys = MasterKeys([self.old])
        wrapped = keys.new()
        self.assertRaises(Damaged, keys.seal, wrapped._replace(data=bytes(40)))

    def test_keys(self) -> None:
        """What is no line of a key file is said in one line that tells no key."""
        good = "a " + "A" * 43
        self.assertEqual(parse_keys(f"# made\n{good}\n", 2, "here"), [("a", bytes(32))])
        for wrong in (
            "",
            good + "\n" + good,
            "a",
            "a " + "B" * 42,
            "a-b " + "B" * 43,
            "\n".join(f"{n} {'A' * 43}" for n in range(3)),
        ):
            problem = self.assertRaises(ConfigError, parse_keys, wrong, 2, "here")
            self.assertRegex(str(problem), "^here: ")
            self.assertNotIn("BBBB", str(problem))
