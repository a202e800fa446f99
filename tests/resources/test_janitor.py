"""What is left behind is removed, or finished; whatever kills the server."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable

from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread

from imsys.config import ResourcesConfig
from imsys.resources.engine import janitor
from imsys.store.files import Purpose, State
from tests.resources.engine import EngineCase, feed
from tests.support.children import die_with_parent
from tests.support.daemons import ROOT, environment


class JanitorTests(EngineCase):
    async def turn(self) -> None:
        await self.parts.janitor.turn()

    async def state(self, file_id: bytes) -> State | None:
        file = await self.parts.files.find(file_id)
        return None if file is None else file.state

    async def restart(self) -> None:
        await self.parts.stop()
        self.parts = self.start()

    async def test_left_in_the_spool(self) -> None:
        """What is in the spool of no file on its way is removed; what can be gone on with stays."""
        whole = await self.send(b"data")
        going = await self.offer(100_000)
        one = await self.take(going)
        one.upload.feed(0, bytes(70_000))
        await one.upload.flushed()
        one.upload.release()
        await self.restart()
        for name in (
            f"{whole.hex()}.part",
            f"{whole.hex()}-made.part",
            f"{os.urandom(16).hex()}.tail1",
            "rubbish",
            "x.y.z",
        ):
            (self.parts.spool / name).write_bytes(b"left")
        (self.parts.spool / "theirs").mkdir()
        await self.turn()
        self.assertEqual(self.spooled(), sorted([f"{going.hex()}.part", f"{going.hex()}.tail0", "theirs"]))
        self.assertEqual((await self.take(going)).upload.offset, 70_000)
        self.assertEqual(await self.fetch(whole), b"data")

    async def test_left_in_the_store(self) -> None:
        """Blobs that nothing refers to are removed, those of files on their way are not, and many of them are
        looked at in batches.
        """
        kept = [await self.send(os.urandom(10)) for _ in range(5)]
        self.patch(janitor, "BLOBS", 2)
        source = self.parts.store
        for _ in range(7):
            self.blob(os.urandom(16).hex())
        self.blob("strange")
        other = await self.offer(5, server="other")
        self.blob(other.hex())
        self.assertEqual(len(list(source.blobs())), 14)
        await self.turn()
        self.assertEqual(self.blobs(), sorted(file_id.hex() for file_id in (*kept, other)))

    async def test_another_database(self) -> None:
        """A server that was started on a database of another store, which knows no file, removes nothing from
        its own.
        """
        for _ in range(3):
            self.blob(os.urandom(16).hex())
        await self.turn()
        self.assertEqual(len(self.blobs()), 3)
        await self.send(b"data")
        await self.turn()
        self.assertEqual(len(self.blobs()), 1)

    def blob(self, name: str) -> None:
        spooled = self.parts.spool / "new"
        spooled.write_bytes(b"x")
        self.parts.store.keep(spooled, name)

    async def test_young(self) -> None:
        """What was written a moment ago is left alone."""
        self.parts.janitor._age = 3600
        self.blob(os.urandom(16).hex())
        await self.turn()
        self.assertEqual(len(self.blobs()), 1)

    async def test_clock_set_forward(self) -> None:
        """What looks old only since the clock was set forward is left alone, until it must be old by any
        clock.
        """
        clock = self.clock = Clock()
        await self.restart()
        began, ahead = time.time(), 0.0
        self.parts.janitor._calendar = lambda: began + clock.seconds() + ahead
        self.parts.janitor._age = 3600.0
        await self.send(b"data")
        self.blob(os.urandom(16).hex())
        await self.turn()
        ahead = 2 * 3600.0
        await self.turn()
        clock.advance(3599)
        await self.turn()
        self.assertEqual(len(self.blobs()), 2)
        clock.advance(1)
        await self.turn()
        self.assertEqual(len(self.blobs()), 1)

    async def test_not_finished(self) -> None:
        """A file of which all is here, but which nobody finished, becomes whole, be it in the spool or in the
        store already.
        """
        data = os.urandom(100_000)
        sent = []
        for _ in range(2):
            file_id = await self.offer(len(data), sha256=hashlib.sha256(data).digest())
            one = await self.take(file_id)
            feed(one.upload, data)
            await one.upload.flushed()
            sent.append(file_id)
        stored = self.parts.uploads._states[sent[1]].spooled
        stored.keep()
        await self.restart()
        await self.turn()
        for file_id in sent:
            self.assertEqual((await self.state(file_id), await self.fetch(file_id)), (State.WHOLE, data))
        await self.quiet()
        self.assertEqual((len(self.blobs()), self.spooled(), self.parts.announced), (1, [], 2))

    async def test_finished_meanwhile(self) -> None:
        """A file that becomes whole while the janitor looks at its blob keeps it."""
        data = os.urandom(100_000)
        file_id = await self.offer(len(data))
        one = await self.take(file_id)
        feed(one.upload, data)
        await one.upload.flushed()
        stored = self.parts.uploads._states[file_id].spooled
        stored.keep()
        known, asked = self.parts.files.known_blobs, []

        async def late(blobs: Iterable[str]) -> set[str]:
            asked.append(found := await known(blobs))
            if len(asked) == 1:
                await one.upload.finish()
            return found

        self.patch(self.parts.files, "known_blobs", late)
        await self.turn()
        self.assertEqual(asked, [set(), {file_id.hex()}])
        self.assertEqual(await self.fetch(file_id), data)

    async def test_original(self) -> None:
        """What is left of an upload of the original service is removed: nobody can go on with it, and its
        checksum is not known.
        """
        file_id = await self.offer(10, purpose=Purpose.ORIGINAL)
        one = await self.take(file_id)
        one.upload.feed(0, bytes(10))
        await one.upload.flushed()
        await self.turn()
        self.assertEqual(await self.state(file_id), State.ARRIVING)
        await self.restart()
        await self.turn()
        self.assertEqual(
            (await self.state(file_id), self.spooled(), await self.parts.files.used(7)), (None, [], (0, 0))
        )

    async def test_in_the_background(self) -> None:
        """A server tidies up when it starts, and again every few minutes."""
        self.clock = Clock()
        self.clock.advance(time.time())
        await self.restart()
        await self.send(b"data")
        for _ in range(2):
            self.blob(os.urandom(16).hex())
            if not self.parts.janitor.running:
                self.parts.janitor.startService()
                self.addCleanup(self.parts.janitor.stopService)
            self.clock.advance(janitor.INTERVAL)
            await self.until(lambda: len(self.blobs()) == 1)
            await self.until(lambda: bool(self.clock and self.clock.getDelayedCalls()))


class ExpiryTests(EngineCase):
    config = ResourcesConfig(stalled=86400)

    async def setUp(self) -> None:
        self.clock: Clock = Clock()
        self.clock.advance(1e9)
        await super().setUp()

    async def test_expired(self) -> None:
        """A file that took too long is removed, whoever has it in their hands; so is a refused one.

        Whole ones stay.
        """
        whole = await self.send(b"data")
        slow, refused = await self.offer(100), await self.offer(100)
        one = await self.take(slow)
        one.upload.feed(0, bytes(50))
        await one.upload.flushed()
        await self.parts.files.refuse(refused)
        await self.parts.janitor.turn()
        self.assertEqual(one.lost, [])
        self.clock.advance(3601)
        await self.parts.janitor.turn()
        self.assertEqual([await self.parts.files.find(file_id) for file_id in (slow, refused)], [None, None])
        self.assertEqual((self.spooled(), [reason.status for reason in one.lost]), ([], [38]))
        self.assertEqual(await self.fetch(whole), b"data")
        self.assertEqual(await self.parts.files.used(7), (4, 1))


class KilledTests(EngineCase):
    timeout = 240.0

    async def test_killed(self) -> None:
        """A server that is killed twenty times, wherever it was, goes on where it was durable.

        The file is equal, and no orphan is left.
        """
        chance, kills, sent = random.Random(4), 0, []
        await self.parts.stop()
        while kills < 20:
            data = os.urandom(chance.randrange(1_500_000, 4_000_000))
            source = self.folder / "source"
            source.write_bytes(data)
            self.parts = self.start()
            file_id = await self.offer(len(data), sha256=hashlib.sha256(data).digest())
            sent.append((file_id, data))
            await self.parts.stop()
            durable, whole = 0, False
            while kills < 20 and not whole:
                killed = self.until_killed(file_id, durable, chance.randrange(12), chance.random() / 100)
                durable, whole = await deferToThread(killed)
                kills += not whole
        self.parts = self.start()
        one = await self.take(file_id)
        self.assertGreaterEqual(one.upload.offset, durable)
        feed(one.upload, data)
        await one.upload.finish()
        await self.parts.janitor.turn()
        await self.quiet()
        for file_id, data in sent:
            self.assertEqual(await self.fetch(file_id), data)
        self.assertEqual((self.spooled(), self.blobs()), ([], sorted(file_id.hex() for file_id, _ in sent)))

    def until_killed(
        self, file_id: bytes, durable: int, lines: int, delay: float
    ) -> Callable[[], tuple[int, bool]]:
        """For a thread: have a process go on, and kill it after so many acknowledgements and a moment.

        Gives what was durable in the end, and whether the file was whole.
        """

        def run() -> tuple[int, bool]:
            told, seen = durable, []
            command = [
                sys.executable,
                "-m",
                "tests.resources.sender",
                str(self.folder),
                file_id.hex(),
                str(self.folder / "source"),
            ]
            output = subprocess.PIPE
            with subprocess.Popen(
                command, stdout=output, text=True, env=environment(), cwd=ROOT, preexec_fn=die_with_parent
            ) as child:
                assert child.stdout is not None
                for line in child.stdout:
                    what, _, offset = line.partition(" ")
                    if what == "failed" or (what == "at" and int(offset) < durable):
                        raise AssertionError(f"{durable} were durable: {line}{child.stdout.read()}")
                    told = int(offset)
                    seen.append(what)
                    if what == "whole" or (what != "at" and seen.count("durable") > lines):
                        break
                if seen[-1] != "whole":
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        child.wait(delay)
                    child.kill()
                rest = child.stdout.read()
            return told, "whole" in seen or "whole" in rest

        return run
