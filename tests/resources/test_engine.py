"""Files on their way, and whole ones, behind the doors."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import threading
from collections.abc import Awaitable
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from imsys.config import ResourcesConfig
from imsys.errors import Refused, Status
from imsys.files.blobs import SealedFile
from imsys.files.master import MasterKeys
from imsys.files.spool import Spool
from imsys.resources.engine import upload_manager
from imsys.resources.engine.inspection import Inspection
from imsys.resources.engine.upload_handle import PROGRESS
from imsys.resources.transfers import READ, TransferError
from imsys.store.files import File, Purpose, State
from tests.resources.engine import Connection, EngineCase, feed


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def wait(event: threading.Event) -> None:
    """In a thread."""
    if not event.wait(30):
        raise AssertionError("nobody went on")


class Case(EngineCase):
    async def refused(self, work: Awaitable[Any], status: int) -> Refused:
        """It is refused with this status."""
        try:
            await work
        except Refused as refused:
            self.assertEqual(refused.status, status)
            return refused
        raise AssertionError("it was granted")

    async def state(self, file_id: bytes) -> State | None:
        """How far a file is."""
        file = await self.parts.files.find(file_id)
        return None if file is None else file.state

    async def restart(self, **more: Any) -> None:
        """Stop, and start anew on what is on the disk."""
        await self.parts.stop()
        self.parts = self.start(**more)

    def busy(self) -> threading.Event:
        """Have all threads of the disk wait for an event."""
        release = threading.Event()
        self.addCleanup(release.set)
        for _ in range(self.config.disk_workers):
            self.parts.disk.soon(lambda: wait(release))
        return release


class UploadTests(Case):
    async def test_whole(self) -> None:
        """Files of all sizes, none included, arrive in pieces, are whole when they are finished, and are read
        as they were.
        """
        for size in (0, 1, 65536, 65537, 300_000):
            data = os.urandom(size)
            file_id = await self.send(data, sha256=sha256(data))
            file = await self.parts.files.find(file_id)
            assert file is not None
            assert file.content is not None
            self.assertEqual(
                (file.state, file.content.size, file.content.sha256), (State.WHOLE, size, sha256(data))
            )
            self.assertEqual(await self.fetch(file_id), data)
        await self.quiet()
        self.assertEqual((self.spooled(), len(self.blobs()), self.parts.uploads.memory.used), ([], 5, 0))
        self.assertEqual(self.parts.announced, 5)

    async def test_not_the_next(self) -> None:
        """36 for a gap, an overlap, and too many bytes, with the offset where to go on.

        And nothing of them is taken.
        """
        data = os.urandom(1000)
        one = await self.take(await self.offer(1000))
        one.upload.feed(0, data[:500])
        for offset, piece in ((501, b"x"), (0, data[:500]), (499, b"x"), (500, data[:501])):
            misplaced = self.assertRaises(TransferError, one.upload.feed, offset, piece)
            self.assertEqual((misplaced.status, misplaced.offset), (Status.FILE_UPLOAD_ERROR, 500))
        await self.refused(one.upload.finish(), 36)
        feed(one.upload, data)
        self.assertEqual(await one.upload.flushed(), 1000)
        self.assertEqual((one.durable[-1], one.lost), (1000, []))
        file = await one.upload.finish()
        self.assertEqual(await self.fetch(file.file_id), data)

    async def test_not_for_you(self) -> None:
        """38 for a file that is not there, is somebody else's, or another server's, or was refused, or whose
        time is over.
        """
        await self.refused(self.take(bytes(16)), 38)
        await self.refused(self.take(await self.offer(5), 8), 38)
        await self.refused(self.take(await self.offer(5, server="other")), 38)
        refused = await self.offer(5)
        await self.parts.files.refuse(refused)
        await self.refused(self.take(refused), 38)
        await self.refused(self.parts.downloads.open(refused), 38)
        await self.refused(self.parts.downloads.open(await self.offer(5)), 38)
        self.assertEqual(self.spooled(), [])

    async def test_resumed(self) -> None:
        """What was durable is there for the next connection, and for the next process, and the hash is right
        either way.
        """
        data = os.urandom(400_000)
        for restart in (False, True):
            file_id = await self.offer(len(data), sha256=sha256(data))
            one = await self.take(file_id)
            one.upload.feed(0, data[:250_001])
            self.assertEqual(await one.upload.flushed(), 250_001)
            one.upload.release()
            if restart:
                await self.restart()
            self.assertEqual(file_id in self.parts.uploads, not restart)
            other = await self.take(file_id)
            self.assertEqual((other.upload.offset, other.upload.fed), (250_001, 250_001))
            feed(other.upload, data)
            await other.upload.finish()
            self.assertEqual(await self.fetch(file_id), data)

    async def test_takeover(self) -> None:
        """A second connection takes the file.

        The first hears so, can do nothing any more, and what it fed is still written.
        """
        data = os.urandom(200_000)
        file_id = await self.offer(len(data))
        one = await self.take(file_id)
        release = self.busy()
        one.upload.feed(0, data[:150_000])
        taking = Deferred.fromCoroutine(self.take(file_id))
        await self.until(lambda: bool(one.lost))
        release.set()
        other = await taking
        self.assertEqual(
            (other.upload.offset, other.upload.fed, len(self.parts.uploads._idle)), (150_000, 150_000, 0)
        )
        self.assertEqual([reason.status for reason in one.lost], [36])
        self.assertRaises(TransferError, one.upload.feed, 150_000, data[150_000:])
        await self.refused(one.upload.finish(), 36)
        one.upload.release()
        feed(other.upload, data)
        file = await other.upload.finish()
        self.assertEqual((await self.fetch(file.file_id), other.lost), (data, []))

    async def test_taken_at_once(self) -> None:
        """Of many that take one file at the same time, the last has it, and all others hear so."""
        file_id = await self.offer(10)
        takings = [Deferred.fromCoroutine(self.take(file_id)) for _ in range(5)]
        hands = [await taking for taking in takings]
        holders = [one for one in hands if not one.lost]
        self.assertEqual(len(holders), 1)
        holders[0].upload.feed(0, b"0123456789")
        await holders[0].upload.finish()

    async def test_finished_again(self) -> None:
        """Finishing is done once, however often it is asked for; who comes later gets the whole file."""
        data = os.urandom(100_000)
        file_id = await self.offer(len(data))
        one = await self.take(file_id)
        feed(one.upload, data)
        files = [Deferred.fromCoroutine(one.upload.finish()) for _ in range(3)]
        self.assertEqual({(await file).state for file in files}, {State.WHOLE})
        one.upload.release()
        other = await self.take(file_id)
        self.assertEqual((other.upload.offset, await other.upload.flushed()), (100_000, 100_000))
        self.assertRaises(TransferError, other.upload.feed, 100_000, b"x")
        self.assertEqual((await other.upload.finish()).file_id, file_id)
        self.assertEqual(self.parts.announced, 1)

    async def test_other_bytes(self) -> None:
        """69 for a file that is not what was offered: nothing of it is visible or kept, and it can be sent
        anew from 0.
        """
        data = os.urandom(100_000)
        file_id = await self.offer(len(data), sha256=sha256(data))
        one = await self.take(file_id)
        feed(one.upload, data[:-1] + bytes([data[-1] ^ 1]))
        misplaced = await self.refused(one.upload.finish(), 69)
        assert isinstance(misplaced, TransferError)
        self.assertEqual((misplaced.offset, one.upload.fed, one.upload.offset, self.blobs()), (0, 0, 0, []))
        feed(one.upload, data)
        await one.upload.finish()
        self.assertEqual(await self.fetch(file_id), data)

    async def test_given_up(self) -> None:
        """A file on its way can be given up, again and again, but not by others, and not when it is whole."""
        file_id = await self.offer(100_000)
        one = await self.take(file_id)
        one.upload.feed(0, bytes(70_000))
        await self.refused(self.parts.uploads.terminate(file_id, 8), 38)
        for _ in range(2):
            await self.parts.uploads.terminate(file_id, 7)
        self.assertEqual((await self.state(file_id), self.spooled(), one.lost[0].status), (None, [], 38))
        await self.refused(self.take(file_id), 38)
        self.assertEqual(await self.parts.files.used(7), (0, 0))
        whole = await self.send(b"data")
        await self.refused(self.parts.uploads.terminate(whole, 7), 38)
        self.assertEqual(await self.fetch(whole), b"data")

    async def test_given_up_while_taken(self) -> None:
        """Who takes a file at the moment at which it is given up hears so, and nothing is left of it."""
        file_id = await self.offer(100_000)
        give_up = self.parts.files.give_up
        hands: list[Connection] = []

        async def late(file_id: bytes) -> bool:
            if not hands:
                hands.append(await self.take(file_id))
            return await give_up(file_id)

        self.patch(self.parts.files, "give_up", late)
        await self.parts.uploads.terminate(file_id, 7)
        self.assertEqual([reason.status for reason in hands[0].lost], [38])
        self.assertEqual((self.spooled(), await self.parts.files.used(7)), ([], (0, 0)))

    async def test_other_bytes_twice(self) -> None:
        """Who finishes a file of which another has just found that it is not what was offered hears where to
        go on.
        """
        file_id = await self.offer(5, sha256=sha256(b"01234"))
        one = await self.take(file_id)
        feed(one.upload, b"01235")
        finishings = [Deferred.fromCoroutine(one.upload.finish()) for _ in range(2)]
        await self.refused(finishings[0], 69)
        misplaced = await self.refused(finishings[1], 36)
        assert isinstance(misplaced, TransferError)
        self.assertEqual(misplaced.offset, 0)

    async def test_stopped_while_finished(self) -> None:
        """A server that stops ends what it has begun: a file whose last bytes are being written becomes
        whole.
        """
        file_id = await self.offer(90_000)
        one = await self.take(file_id)
        release = self.busy()
        one.upload.feed(0, bytes(90_000))
        finishing = Deferred.fromCoroutine(one.upload.finish())
        stopped = Deferred.fromCoroutine(self.parts.stop())
        release.set()
        await stopped
        self.assertEqual((await finishing).state, State.WHOLE)

    async def test_stopped(self) -> None:
        """A server that stops writes what was fed, and tells those who send."""
        file_id = await self.offer(100_000)
        one = await self.take(file_id)
        release = self.busy()
        one.upload.feed(0, bytes(90_000))
        stopped = Deferred.fromCoroutine(self.parts.stop())
        self.assertEqual([reason.status for reason in one.lost], [73])
        release.set()
        await stopped
        self.parts = self.start()
        self.assertEqual((await self.take(file_id)).upload.offset, 90_000)

    async def test_not_encrypted(self) -> None:
        """Without encryption files are kept as they are; what was encrypted before stays readable."""
        secret = os.urandom(1000)
        sealed = await self.send(secret)
        await self.restart(masters=MasterKeys([("k1", bytes(range(32)))], encrypt=False))
        plain = await self.send(b"in the clear" * 10_000)
        self.assertEqual(
            (await self.fetch(sealed), await self.fetch(plain)), (secret, b"in the clear" * 10_000)
        )
        on_disk = {name: self.parts.store.read(name, 0, 1 << 20) for name in self.blobs()}
        self.assertIn(b"in the clear", on_disk[plain.hex()])
        self.assertNotIn(secret[:16], on_disk[sealed.hex()])


class ContentTests(Case):
    async def test_equal(self) -> None:
        """Equal content is kept once, whoever sends it, and goes with its last reference."""
        data = os.urandom(100_000)
        one, other = await self.send(data), await self.send(data, user=8)
        await self.quiet()
        self.assertEqual(self.blobs(), [one.hex()])
        self.assertEqual(await self.fetch(other), data)
        await self.parts.uploads.free(await self.parts.files.delete(one))
        self.assertEqual((self.blobs(), await self.fetch(other)), ([one.hex()], data))
        await self.parts.uploads.free(await self.parts.files.delete(other))
        self.assertEqual(self.blobs(), [])

    async def test_flipped(self) -> None:
        """39 for a file of which the disk has other bytes, or none; the log names it.

        Other parts of it are read as they were.
        """
        data = os.urandom(300_000)
        file_id = await self.send(data)
        path = self.folder / "files" / "blobs" / file_id.hex()[:2] / file_id.hex()
        stored = bytearray(path.read_bytes())
        stored[70_000] ^= 16
        path.write_bytes(stored)
        download = await self.parts.downloads.open(file_id)
        self.assertEqual(await download.read(0, 65536), data[:65536])
        await self.refused(download.read(65530, 10), 39)
        self.assertEqual(await download.read(200_000, 100_000), data[200_000:])
        path.write_bytes(stored[:-1])
        await self.refused(download.read(299_999, 1), 39)
        path.unlink()
        await self.refused(download.read(0, 1), 39)

    async def test_lost_key(self) -> None:
        """39 where the master key is not here any more, and 39 to go on with what is sealed under it."""
        file_id, arriving = await self.send(b"data"), await self.offer(10)
        (await self.take(arriving)).upload.release()
        await self.restart(masters=MasterKeys([("k2", bytes(32))]))
        await self.refused(self.parts.downloads.open(file_id), 39)
        await self.refused(self.take(arriving), 39)

    async def test_reads(self) -> None:
        """A read gives up to a mebibyte, and nothing behind the end."""
        data = os.urandom(2 * READ)
        download = await self.parts.downloads.open(await self.send(data))
        self.assertEqual(await download.read(5, 1 << 30), data[5 : 5 + READ])
        self.assertEqual(await download.read(len(data) - 1, 100), data[-1:])
        self.assertEqual(await download.read(len(data), 1), b"")


class ShareTests(Case):
    config = ResourcesConfig(disk_workers=2, chunk=65536, window=8, uploads=3, memory=4194304)

    async def test_window(self) -> None:
        """A connection is held when its window is full, and goes on when half of it is written."""
        one = await self.take(await self.offer(10 << 20))
        release = self.busy()
        for number in range(8):
            self.assertFalse(one.held)
            one.upload.feed(number * 65536, bytes(65536))
        self.assertTrue(one.held)
        release.set()
        await one.upload.flushed()
        self.assertEqual((one.held, one.holds, self.parts.uploads.memory.used), (False, 1, 0))

    async def test_let_go_of_while_held(self) -> None:
        """Who loses an upload, or lets go of it, while held, may go on to read."""
        for takes in (True, False):
            file_id = await self.offer(10 << 20)
            one = await self.take(file_id)
            release = self.busy()
            feed(one.upload, bytes(8 * 65536))
            self.assertTrue(one.held)
            taking = Deferred.fromCoroutine(self.take(file_id)) if takes else None
            if not takes:
                one.upload.release()
            await self.until(partial(self.goes_on, one))
            release.set()
            if taking is not None:
                self.assertEqual((await taking).upload.offset, 8 * 65536)
                self.assertEqual(len(one.lost), 1)

    def goes_on(self, connection: Connection) -> bool:
        return not connection.held

    async def test_fair(self) -> None:
        """Many that fill the memory of all together get equal parts of it; one more gets one at once.

        All of it is written.
        """
        crowd = [await self.take(await self.offer(4 << 20, user=user), user) for user in range(1, 33)]
        idle = await self.take(await self.offer(65536, user=99), 99)
        release = self.busy()
        for _ in range(20):
            for one in crowd:
                if not one.held:
                    one.upload.feed(one.upload.fed, bytes(32768))
        waiting = [one.upload.fed for one in crowd]
        self.assertTrue(all(one.held for one in (*crowd, idle)))
        self.assertLessEqual(max(waiting) - min(waiting), 32768)
        self.assertLess(abs(sum(waiting) - 4194304), 32768)
        self.assertEqual(self.parts.uploads.memory.used, sum(waiting))
        release.set()
        await self.until(lambda: not idle.held)
        idle.upload.feed(0, bytes(65536))
        await idle.upload.finish()
        for one in crowd:
            self.assertEqual(await one.upload.flushed(), one.upload.fed)
        self.assertEqual((self.parts.uploads.memory.used, [one for one in crowd if one.held]), (0, []))

    async def test_greedy(self) -> None:
        """One that sends much leaves room for those that come later."""
        await self.restart(config=dataclasses.replace(self.config, window=64))
        greedy, late = (
            await self.take(await self.offer(8 << 20)),
            await self.take(await self.offer(65536, user=8), 8),
        )
        self.busy()
        while not greedy.held:
            greedy.upload.feed(greedy.upload.fed, bytes(65536))
        self.assertEqual(greedy.upload.fed, 2097152)
        late.upload.feed(0, bytes(65536))
        self.assertFalse(late.held)

    async def test_turns(self) -> None:
        """An upload with much to write lets others write in between: each has one job at a time."""
        config = dataclasses.replace(self.config, disk_workers=1, window=64, chunk=262144, memory=1 << 30)
        await self.restart(config=config)
        large, small = await self.take(await self.offer(16 << 20)), await self.take(await self.offer(65536))
        order: list[str] = []
        large.durable, small.durable = [], []
        self.watch(large, "large", order)
        self.watch(small, "small", order)
        release = threading.Event()
        self.parts.disk.soon(lambda: wait(release))
        feed(large.upload, bytes(16 << 20))
        feed(small.upload, bytes(65536))
        release.set()
        await large.upload.flushed()
        self.assertIn("small", order[:2])
        self.assertGreater(order.count("large"), 4)

    def watch(self, connection: Connection, name: str, order: list[str]) -> None:
        connection.upload._handle._listener.durable = lambda offset: order.append(name)

    async def test_nothing_more_comes(self) -> None:
        """What is too little for a job, and ends in the middle of a segment, is durable after a moment, and
        acknowledged once.
        """
        one = await self.take(await self.offer(1 << 20))
        feed(one.upload, bytes(70_000), 1000)
        await self.until(lambda: bool(one.durable))
        self.assertEqual(one.durable, [70_000])

    async def test_disk_fails_behind_a_write(self) -> None:
        """When the disk fails while more is written, the upload is lost when neither is at work, and goes on
        where it was durable.
        """
        writing, failed = threading.Event(), threading.Event()

        def sync(spool: Spool) -> int:
            wait(writing)
            failed.set()
            raise OSError(errno.EIO, "no")

        write = Spool.write

        def slowly(spool: Spool, blocks: Any) -> int:
            if spool.written:
                writing.set()
                wait(failed)
            return write(spool, blocks)

        await self.restart(config=dataclasses.replace(self.config, chunk=262144, window=64, memory=1 << 30))
        file_id = await self.offer(8 << 20)
        one = await self.take(file_id)
        self.patch(Spool, "sync", sync)
        self.patch(Spool, "write", slowly)
        feed(one.upload, bytes(6 << 20), 1 << 20)
        await self.until(lambda: bool(one.lost))
        self.assertEqual(
            (self.parts.disk.pending, self.parts.uploads.memory.used, one.lost[0].status), (0, 0, 39)
        )

    async def test_batches(self) -> None:
        """What waits while the disk is busy is written at once: one write for many chunks."""
        one = await self.take(await self.offer(1 << 20))
        release = self.busy()
        feed(one.upload, bytes(500_000), 1000)
        release.set()
        await one.upload.flushed()
        self.assertLessEqual(len(one.durable), 2)

    async def test_small_blocks(self) -> None:
        """Bytes that come in very small blocks take no more memory than they are counted with."""
        data = os.urandom(20_001)
        one = await self.take(await self.offer(len(data)))
        release = self.busy()
        feed(one.upload, data, 2)
        self.assertLess(len(one.upload._state._blocks), 10)
        release.set()
        self.assertEqual(await self.fetch((await one.upload.finish()).file_id), data)

    async def test_of_one_user(self) -> None:
        """73 for more files at the same time than a user may send.

        A file that is let go makes room, and others have their own.
        """
        offers = [await self.offer(10) for _ in range(4)]
        hands = [await self.take(file_id) for file_id in offers[:3]]
        await self.refused(self.take(offers[3]), 73)
        await self.take(await self.offer(10, user=8), 8)
        again = await self.take(offers[0])
        self.assertEqual(len(hands[0].lost), 1)
        again.upload.release()
        again.upload.release()
        last = await self.take(offers[3])
        await self.refused(self.take(offers[0]), 73)
        last.upload.feed(0, bytes(10))
        await last.upload.finish()
        await self.take(offers[0])


class StalledTests(Case):
    config = ResourcesConfig(stalled=100)

    async def setUp(self) -> None:
        self.clock: Clock = Clock()
        self.clock.advance(1e9)
        await super().setUp()

    def wait(self, seconds: int) -> None:
        self.clock.pump([1.0] * seconds)

    async def test_stalled(self) -> None:
        """Who sends nothing, or a byte now and then, loses the file after a while.

        It stays, and can be gone on with.
        """
        data = os.urandom(10 * PROGRESS)
        for step in (0, 1):
            file_id = await self.offer(len(data))
            one = await self.take(file_id)
            for _ in range(9):
                self.wait(11)
                if step:
                    one.upload.feed(one.upload.fed, data[one.upload.fed : one.upload.fed + step])
            await one.upload.flushed()
            self.assertEqual(one.lost, [])
            self.wait(3)
            self.assertEqual([reason.status for reason in one.lost], [36])
            other = await self.take(file_id)
            feed(other.upload, data)
            await other.upload.finish()
            self.assertEqual(await self.fetch(file_id), data)

    async def test_slow(self) -> None:
        """Who sends slowly but steadily keeps it."""
        one = await self.take(await self.offer(10 * PROGRESS))
        for _ in range(9):
            self.wait(90)
            one.upload.feed(one.upload.fed, bytes(PROGRESS))
            await one.upload.flushed()
        self.assertEqual(one.lost, [])

    async def test_slow_disk(self) -> None:
        """Who waits for the disk keeps it."""
        one = await self.take(await self.offer(10))
        release = self.busy()
        one.upload.feed(0, bytes(5))
        self.wait(500)
        self.assertEqual(one.lost, [])
        release.set()
        await one.upload.flushed()

    async def test_forgotten(self) -> None:
        """What nobody holds is forgotten after a while."""
        file_id = await self.offer(10)
        one = await self.take(file_id)
        one.upload.feed(0, b"12345")
        await one.upload.flushed()
        one.upload.release()
        self.wait(290)
        self.assertIn(file_id, self.parts.uploads)
        self.wait(20)
        self.assertNotIn(file_id, self.parts.uploads)
        self.assertEqual((await self.take(file_id)).upload.offset, 5)

    async def test_too_many_to_remember(self) -> None:
        """Of too many that nobody holds those are forgotten that were let go of first.

        Not one whose bytes are not durable yet.
        """
        self.patch(upload_manager, "MOST_IDLE", 2)
        busy, *others = [await self.take(await self.offer(10)) for _ in range(5)]
        release = self.busy()
        busy.upload.feed(0, b"12345")
        for one in (busy, *others):
            one.upload.release()
        known = [one.upload.file.file_id in self.parts.uploads for one in (busy, *others)]
        self.assertEqual(known, [True, False, False, False, True])
        release.set()
        self.wait(600)
        await self.until(lambda: not busy.upload._state.pending)
        self.wait(600)
        self.assertEqual(len(self.parts.uploads._idle), 0)


class FaultTests(Case):
    async def broken(self) -> tuple[bytes, Connection, Path]:
        """An upload that has begun, and its file in the spool."""
        file_id = await self.offer(400_000)
        one = await self.take(file_id)
        one.upload.feed(0, bytes(100_000))
        await one.upload.flushed()
        return file_id, one, self.parts.spool / f"{file_id.hex()}.part"

    async def test_full(self) -> None:
        """68 when the disk is full; when there is room, the upload goes on where it was durable."""
        file_id, one, part = await self.broken()
        moved = part.rename(part.with_name("elsewhere"))
        part.symlink_to("/dev/full")
        one.upload.feed(100_000, bytes(200_000))
        misplaced = await self.refused(one.upload.flushed(), 68)
        assert isinstance(misplaced, TransferError)
        self.assertEqual((misplaced.offset, [reason.status for reason in one.lost]), (100_000, [68]))
        self.assertRaises(TransferError, one.upload.feed, 300_000, b"x")
        await self.refused(one.upload.finish(), 68)
        moved.replace(part)
        other = await self.take(file_id)
        self.assertEqual(other.upload.offset, 100_000)
        feed(other.upload, bytes(400_000))
        await other.upload.finish()
        self.assertEqual((await self.fetch(file_id), self.parts.uploads.memory.used), (bytes(400_000), 0))

    async def test_failing(self) -> None:
        """39 when the disk fails otherwise, also to those who wait to take it over."""
        file_id, one, part = await self.broken()
        moved = part.rename(part.with_name("elsewhere"))
        part.mkdir()
        release = self.busy()
        one.upload.feed(100_000, bytes(200_000))
        taking = Deferred.fromCoroutine(self.take(file_id))
        await self.until(lambda: bool(one.lost))
        release.set()
        await self.refused(taking, 39)
        part.rmdir()
        moved.replace(part)
        self.assertEqual((await self.take(file_id)).upload.offset, 100_000)

    async def test_store_full(self) -> None:
        """68 when the store does not take the whole file; it can be finished later."""
        data = os.urandom(100_000)
        file_id = await self.offer(len(data))
        one = await self.take(file_id)
        feed(one.upload, data)
        kept, failures = self.parts.store.keep, [OSError(28, "No space left on device")]

        def keep(spooled: Path, name: str) -> None:
            if failures:
                raise failures.pop()
            kept(spooled, name)

        self.patch(self.parts.store, "keep", keep)
        await self.refused(one.upload.finish(), 68)
        self.assertEqual((await self.state(file_id), one.lost), (State.ARRIVING, []))
        await one.upload.finish()
        self.assertEqual(await self.fetch(file_id), data)

    async def test_crash_after_the_store(self) -> None:
        """A file that is in the store, while the database does not know, is whole as soon as somebody asks,
        in this process or the next.
        """
        for restart in (False, True):
            data = os.urandom(100_000)
            file_id = await self.offer(len(data), sha256=sha256(data))
            one = await self.take(file_id)
            feed(one.upload, data)
            finish = self.parts.files.finish

            async def away(*args: Any, **kwargs: Any) -> Any:
                raise Refused(Status.MYSQL_INTERNAL_ERROR, "The database did not answer.")

            self.parts.files.finish = away  # type: ignore[method-assign]
            await self.refused(one.upload.finish(), 14)
            self.parts.files.finish = finish  # type: ignore[method-assign]
            self.assertIn(file_id.hex(), self.blobs())
            if restart:
                await self.restart()
                one = await self.take(file_id)
                self.assertEqual(one.upload.offset, len(data))
            await one.upload.finish()
            await self.quiet()
            self.assertEqual((await self.fetch(file_id), self.spooled()), (data, []))

    async def test_damaged_in_the_spool(self) -> None:
        """69 for a file whose bytes changed on the disk while it was on its way."""
        data = os.urandom(300_000)
        file_id = await self.offer(len(data))
        one = await self.take(file_id)
        feed(one.upload, data[:200_000])
        await one.upload.flushed()
        await self.restart()
        other = await self.take(file_id)
        self.assertEqual(other.upload.offset, 200_000)
        part = self.parts.spool / f"{file_id.hex()}.part"
        stored = bytearray(part.read_bytes())
        stored[100] ^= 1
        part.write_bytes(stored)
        feed(other.upload, data)
        await self.refused(other.upload.finish(), 69)
        feed(other.upload, data)
        await other.upload.finish()
        self.assertEqual(await self.fetch(file_id), data)

    async def test_not_read_after_the_store(self) -> None:
        """A store that breaks off while what is in it is hashed anew does not make another file of it."""
        data = os.urandom(1_000_000)
        file_id = await self.offer(len(data), sha256=sha256(data))
        one = await self.take(file_id)
        feed(one.upload, data)
        await one.upload.flushed()
        stored = self.parts.uploads._states[file_id].spooled
        stored.keep()
        await self.restart()
        one = await self.take(file_id)
        read, calls = self.parts.store.read, []

        def failing(name: str, offset: int, length: int) -> bytes:
            calls.append(offset)
            if len(calls) == 3:
                raise OSError(110, "Connection timed out")
            return read(name, offset, length)

        self.patch(self.parts.store, "read", failing)
        await self.refused(one.upload.finish(), 39)
        self.assertEqual((await one.upload.finish()).state, State.WHOLE)
        self.assertEqual(await self.fetch(file_id), data)

    async def test_damaged_after_the_store(self) -> None:
        """What the store took without our hearing so is not kept for what is sent anew."""
        file_id = await self.offer(1000)
        one = await self.take(file_id)
        feed(one.upload, os.urandom(1000))
        keep = self.parts.store.keep

        def unheard(spooled: Path, name: str) -> None:
            copy = spooled.with_name("copy")
            copy.write_bytes(spooled.read_bytes())
            keep(copy, name)
            raise OSError(110, "Connection timed out")

        self.patch(self.parts.store, "keep", unheard)
        await self.refused(one.upload.finish(), 39)
        self.patch(self.parts.store, "keep", keep)
        await self.restart()
        other = await self.take(file_id)
        part = self.parts.spool / f"{file_id.hex()}.part"
        part.write_bytes(bytes(part.stat().st_size))
        await self.refused(other.upload.finish(), 69)
        self.assertEqual(self.blobs(), [])


class Picky:
    """An inspector that refuses viruses, is asleep sometimes, and makes thumbnails of pictures."""

    def __init__(self) -> None:
        self.asleep = False

    def inspect(self, file: File, content: SealedFile) -> Inspection:
        """By the first bytes."""
        head = content.read(0, 5)
        if self.asleep:
            raise Refused(Status.SERVER_BUSY, "Asleep.")
        if head == b"virus":
            raise Refused(Status.PERMISSION_DENIED, "A virus.")
        if file.purpose is Purpose.AVATAR:
            return Inspection(
                "image/png",
                replacement=b"square " + content.read(0, 1 << 20),
                thumbnail=b"tiny",
                thumbnail_mime="image/png",
            )
        return (
            Inspection("image/gif", thumbnail=b"small " + head)
            if head == b"image"
            else Inspection("text/x-judged")
        )


class JudgedTests(Case):
    async def setUp(self) -> None:
        await super().setUp()
        self.inspector = Picky()
        await self.restart(inspector=self.inspector)

    async def test_refused(self) -> None:
        """65 for a file that is judged to be bad: it is never visible, nothing of it is left, and its room in
        the quota is free.
        """
        file_id = await self.offer(100)
        one = await self.take(file_id)
        feed(one.upload, b"virus" * 20)
        await self.refused(one.upload.finish(), 65)
        self.assertEqual((await self.state(file_id), self.blobs(), self.spooled()), (State.REFUSED, [], []))
        self.assertEqual(await self.parts.files.used(7), (0, 0))
        await self.refused(self.parts.downloads.open(file_id), 38)
        await self.refused(self.take(file_id), 38)

    async def test_not_now(self) -> None:
        """73 while it cannot be judged: it is not visible, and can be finished later."""
        file_id = await self.offer(100)
        one = await self.take(file_id)
        feed(one.upload, bytes(100))
        self.inspector.asleep = True
        await self.refused(one.upload.finish(), 73)
        self.assertEqual(await self.state(file_id), State.ARRIVING)
        self.inspector.asleep = False
        self.assertEqual((await one.upload.finish()).mime, "text/x-judged")

    async def test_thumbnail(self) -> None:
        """What is made of a file is a file of its own, goes with it, and is made once, also when finishing is
        begun anew.
        """
        data = b"image" * 1000
        file_id = await self.offer(len(data))
        one = await self.take(file_id)
        feed(one.upload, data)
        kept, self.parts.store.keep = self.parts.store.keep, _full_for(self.parts.store.keep, file_id.hex())  # type: ignore[method-assign]
        await self.refused(one.upload.finish(), 68)
        self.parts.store.keep = kept  # type: ignore[method-assign]
        file = await one.upload.finish()
        assert file.thumbnail_id is not None
        self.assertEqual(
            (file.mime, await self.fetch(file.thumbnail_id), await self.fetch(file_id)),
            ("image/gif", b"small image", data),
        )
        self.assertEqual(len(self.blobs()), 2)
        self.assertEqual(self.parts.announced, 1)
        await self.parts.uploads.free(await self.parts.files.delete(file_id))
        self.assertEqual((self.blobs(), await self.state(file.thumbnail_id)), ([], None))

    async def test_deleted_meanwhile(self) -> None:
        """Of a file that an operator deletes while it is finished nothing is left, nor of what was made of
        it.
        """
        data = b"image" * 1000
        file_id = await self.offer(len(data))
        one = await self.take(file_id)
        feed(one.upload, data)
        finish = self.parts.files.finish

        async def late(file: bytes, *args: Any, **kwargs: Any) -> Any:
            if file == file_id:
                await self.parts.files.delete(file_id)
            return await finish(file, *args, **kwargs)

        self.patch(self.parts.files, "finish", late)
        await self.refused(one.upload.finish(), 38)
        await self.quiet()
        self.assertEqual((self.blobs(), self.spooled(), await self.parts.files.used(7)), ([], [], (0, 0)))

    async def test_avatar(self) -> None:
        """What is kept of an avatar is what was made of it, in two sizes."""
        file_id = await self.send(b"picture", purpose=Purpose.AVATAR)
        file = await self.parts.files.find(file_id)
        assert file is not None
        assert file.thumbnail_id is not None
        self.assertEqual(
            (await self.fetch(file_id), await self.fetch(file.thumbnail_id)), (b"square picture", b"tiny")
        )
        await self.quiet()
        self.assertEqual(self.spooled(), [])


def _full_for(keep: Any, full: str) -> Any:
    def maybe(spooled: Path, name: str) -> None:
        if name == full:
            raise OSError(28, "No space left on device")
        keep(spooled, name)

    return maybe
