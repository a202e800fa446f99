"""Files on their way, and what a crash leaves of them."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.files import blobs
from imsys.files import spool as spooling
from imsys.files.blobs import DiskStore, SealedFile
from imsys.files.sealing import SEGMENT, AesGcm, Bytes, Checked, Damaged, Seal
from imsys.files.spool import Spool
from tests.support.children import folder

SEALS: list[Callable[[], Seal]] = [lambda: AesGcm(bytes(32)), Checked]
SIZES = (0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT, 3 * SEGMENT + 77)


class SpoolTests(SynchronousTestCase):
    """One file."""

    def setUp(self) -> None:
        self.folder = folder("spool")

    def spool(self, size: int, seal: Seal, name: str = "x") -> Spool:
        spool = Spool(self.folder, name, seal, size)
        spool.open()
        return spool

    def test_whole(self) -> None:
        """Files of all sizes arrive in blocks of any size, and are read from the store as they were."""
        store = DiskStore("one", folder("blobs"))
        store.open()
        source = random.Random(5)
        for make in SEALS:
            for size in SIZES:
                seal, data = make(), os.urandom(size)
                spool, at = self.spool(size, seal), 0
                while at < size:
                    count = source.choice((1, 1000, SEGMENT // 2, SEGMENT, 2 * SEGMENT))
                    spool.write([data[at : at + count]])
                    at = min(at + count, size)
                    self.assertEqual(
                        (spool.offset, spool.settle() if source.random() < 0.5 else at), (at, at)
                    )
                self.assertTrue(spool.whole)
                self.assertEqual(spool.digest(), hashlib.sha256(data).digest())
                store.keep(spool.close(), "0abc")
                file = SealedFile(store, "0abc", seal, size)
                self.assertEqual(file.read(0, size + 10), data)
                for _ in range(20):
                    start, length = source.randrange(size + 1), source.randrange(size + 1)
                    self.assertEqual(file.read(start, length), data[start : start + length])
                self.assertEqual(list(self.folder.iterdir()), [])
                self.assertEqual([blob.name for blob in store.blobs()], ["0abc"])
                store.delete("0abc")
                self.assertRaises(FileNotFoundError, file.read, 0, 1) if size else None

    def test_resumed(self) -> None:
        """A new process finds all that was acknowledged, and the whole is hashed from the disk."""
        for make in SEALS:
            for size in SIZES:
                data, at = os.urandom(size), 0
                seal = make()
                spool = self.spool(size, seal)
                while at < size:
                    spool.write([data[at : at + 50_000]])
                    at = spool.settle()
                    spool = self.spool(size, seal)
                    self.assertEqual(spool.offset, at)
                self.assertEqual(spool.digest(), hashlib.sha256(data).digest())
                spool.discard()
                self.assertEqual(list(self.folder.iterdir()), [])

    def test_torn(self) -> None:
        """Wherever a write is cut or spoilt by a crash, what was acknowledged before it is there."""
        source = random.Random(7)
        for make in SEALS:
            for _ in range(60):
                size = source.choice((9 * SEGMENT, 3 * SEGMENT + 77, 70_000))
                data, seal = os.urandom(size), make()
                spool = self.spool(size, seal)
                spool.write([data[: source.randrange(1, size)]])
                acknowledged = spool.settle()
                before = self.snapshot()
                spool.write([data[acknowledged : source.randrange(acknowledged, size) + 1]])
                spool.settle()
                self.tear(before, source)
                again = self.spool(size, seal)
                self.assertGreaterEqual(again.offset, acknowledged)
                again.write([data[again.offset :]])
                self.assertEqual(again.digest(), hashlib.sha256(data).digest())
                again.discard()

    def test_lost_in_between(self) -> None:
        """Of what was written and not durable, a crash of the machine may leave any part: the first that is
        missing is where it goes on.
        """
        for make in SEALS:
            seal, data = make(), os.urandom(9 * SEGMENT + 5)
            spool = self.spool(len(data), seal)
            spool.write([data[: 2 * SEGMENT + 99]])
            durable = spool.settle()
            spool.write([data[durable : 7 * SEGMENT]])
            stored = SEGMENT + seal.overhead
            with (self.folder / "x.part").open("r+b") as part:
                part.seek(2 * stored)
                # a file system that has the length, and later parts, but not this one
                part.write(bytes(stored))
            again = self.spool(len(data), seal)
            self.assertEqual(again.offset, durable)
            again.write([data[durable:]])
            self.assertEqual(again.digest(), hashlib.sha256(data).digest())
            again.discard()

    def test_hashed_in_parts(self) -> None:
        """A file that has to be read to be hashed may be so a part at a time."""
        seal, data = AesGcm(bytes(32)), os.urandom(5 * SEGMENT + 1)
        self.spool(len(data), seal).write([data])
        again = self.spool(len(data), seal)
        self.assertEqual(
            [again.digest(2) for _ in range(4)], [None, None, *[hashlib.sha256(data).digest()] * 2]
        )

    def test_md5(self) -> None:
        """MD5 is there as well where it is wanted, of what was hashed behind each write, at the end, or anew."""
        seal, data = AesGcm(bytes(32)), os.urandom(3 * SEGMENT + 1)
        expected = hashlib.sha256(data).digest(), hashlib.md5(data, usedforsecurity=False).hexdigest()
        spool = Spool(self.folder, "x", seal, len(data), md5=True)
        spool.open()
        for at in range(0, len(data), SEGMENT // 2):
            spool.write([data[at : at + SEGMENT // 2]])
            if at % SEGMENT:
                spool.hash()
        self.assertEqual((spool.digest(), spool.md5), expected)
        again = Spool(self.folder, "x", seal, len(data), md5=True)
        again.open()
        self.assertEqual((again.digest(), again.md5), expected)

    def test_hashed_again(self) -> None:
        """A read that fails in the middle changes nothing of the hash, however often it is tried again."""
        seal, data = Checked(), os.urandom(5 * SEGMENT + 1)
        self.spool(len(data), seal).write([data])
        again = self.spool(len(data), seal)
        self.assertIsNone(again.digest(2))
        opened, calls = seal.open, []

        def failing(index: int, final: bool, stored: Bytes) -> bytes:
            calls.append(index)
            if len(calls) % 3 == 0:
                raise OSError(5, "Input/output error")
            return opened(index, final, stored)

        self.patch(seal, "open", failing)
        self.assertRaises(OSError, again.digest)
        self.patch(seal, "open", opened)
        self.assertEqual((again.digest(), calls), (hashlib.sha256(data).digest(), [2, 3, 4]))

    def snapshot(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.folder.iterdir()}

    def tear(self, before: dict[Path, bytes], source: random.Random) -> None:
        """Leave of every file what was there, and some of what was written since, the last of it as noise, or
        with a hole in it.
        """
        for path in self.folder.iterdir():
            now, then = path.read_bytes(), before.get(path, b"")
            if now == then:
                continue
            common = next(
                (i for i, (a, b) in enumerate(zip(now, then, strict=False)) if a != b),
                min(len(now), len(then)),
            )
            kept = source.randrange(common, len(now) + 1)
            hole = source.randrange(common, kept + 1), source.randrange(0, SEGMENT)
            if source.choice((True, False)):  # a disk may write the end first
                now = (now[: hole[0]] + bytes(hole[1]) + now[sum(hole) :])[: len(now)]
            path.write_bytes(now[:kept] + os.urandom(source.choice((0, 10))))

    def test_not_synced(self) -> None:
        """What the disk did not take is not found afterwards, although it can still be read from memory."""
        sync = os.fdatasync
        for make in SEALS:
            for good, found in enumerate((SEGMENT + 1000, 3 * SEGMENT)):
                data, seal = os.urandom(4 * SEGMENT), make()
                spool = self.spool(len(data), seal)
                spool.write([data[: SEGMENT + 1000]])
                spool.settle()
                calls = [good]

                def failing(descriptor: int, calls: list[int] = calls) -> None:
                    calls[0] -= 1
                    if calls[0] < 0:
                        raise OSError(5, "Input/output error")
                    sync(descriptor)

                self.patch(os, "fdatasync", failing)
                spool.write([data[SEGMENT + 1000 : 3 * SEGMENT + 10]])
                self.assertRaises(OSError, spool.settle)
                self.patch(os, "fdatasync", sync)
                self.assertEqual(self.spool(len(data), seal).offset, found)
                spool.discard()

    def test_killed(self) -> None:
        """What a process that was killed has written is durable before anybody is told that it is here."""
        data, seal = os.urandom(2 * SEGMENT), Checked()
        self.spool(len(data), seal).write([data[: SEGMENT + 5]])
        synced: list[int] = []
        self.patch(os, "fdatasync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
        self.assertEqual((self.spool(len(data), seal).offset, synced), (SEGMENT, [SEGMENT + seal.overhead]))

    def test_names(self) -> None:
        """The names of new files and folders are durable before what is in them, also where somebody died
        after making them.
        """
        for made in (False, True):
            synced: list[Path] = []
            for module in (spooling, blobs):
                self.patch(module, "sync_folder", synced.append)
            data, seal, kept = os.urandom(100), Checked(), folder("blobs")
            store = DiskStore("one", kept)
            store.open()
            if made:
                (kept / "0a").mkdir()
                for name in ("x.part", "x.tail0"):
                    (self.folder / name).touch()
            spool = self.spool(100, seal)
            self.assertEqual(synced, [self.folder])
            spool.write([data[:50]])
            spool.settle()
            self.assertEqual(synced, [self.folder] * 2)
            spool.write([data[50:]])
            store.keep(spool.close(), "0abc")
            self.assertEqual(synced, [self.folder] * 2 + [kept, kept / "0a", self.folder])
            self.assertEqual(SealedFile(store, "0abc", seal, 100).read(0, 100), data)

    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=300), st.integers(0, 2))
    def test_rubbish(self, rubbish: bytes, which: int) -> None:
        """Whatever lies in the spool, it opens, and what is not sealed by this key is nothing."""
        spool = self.spool(100_000, AesGcm(bytes(32)))
        names = ("x.part", "x.tail0", "x.tail1")
        (self.folder / names[which]).write_bytes(rubbish)
        again = self.spool(100_000, AesGcm(bytes(32)))
        self.assertEqual(again.offset, 0)
        spool.discard()

    def test_damaged_afterwards(self) -> None:
        """A flipped bit in the spool or in the store is an error, and never other bytes."""
        for make in SEALS:
            seal, data = make(), os.urandom(200_000)
            spool = self.spool(200_000, seal)
            spool.write([data])
            path = self.folder / "x.part"
            stored = bytearray(path.read_bytes())
            stored[70_000] ^= 4
            path.write_bytes(stored)
            again = Spool(self.folder, "x", seal, 200_000)
            again.open()
            if again.whole:
                self.assertRaises(Damaged, again.digest)
            again.discard()


class DiskStoreTests(SynchronousTestCase):
    def test_strangers(self) -> None:
        """What is in the folder and is no blob of ours is not listed: to remove it by its name would fail, or
        say what is not so.
        """
        home = folder("blobs")
        store = DiskStore("one", home)
        store.open()
        (home / "spooled").write_bytes(b"x")
        store.keep(home / "spooled", "0a" * 16)
        (home / "lost+found").mkdir()
        (home / "lost+found" / "#1234").write_bytes(b"x")
        (home / "0a" / ("0b" * 16)).write_bytes(b"x")
        (home / "0a" / "0a-folder").mkdir()
        (home / "0a" / "0alink").symlink_to("/")
        self.assertEqual([blob.name for blob in store.blobs()], ["0a" * 16])
