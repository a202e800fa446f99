"""Clients that nobody here wrote: tuspy, tus-js-client under node, curl; over TLS."""

from __future__ import annotations

import os
import random
from typing import Any

from twisted.internet.threads import deferToThread

from imsys.resources.transfers import Upload
from imsys.resources.upload_listener import UploadListener
from imsys.security.tickets import Right
from tests.resources.web.node import modules
from tests.resources.web.scene import WebCase
from tests.support.programs import program

DATA = os.urandom(12_000_003)
STUCK = 3_000_000


class ClientCase(WebCase):
    """A test with one of the upload clients."""

    async def command(self) -> list[str]:
        """What comes before the arguments."""
        raise NotImplementedError

    environ: dict[str, str] = {}

    async def arguments(self, file_id: bytes, chunk: int, *more: str) -> list[str]:
        """A command that uploads :data:`DATA`."""
        ticket = self.tickets.issue(file_id, 7, Right.WRITE)
        return [*await self.command(), self.url(), ticket, self.file(DATA), str(chunk), *more]

    async def uploaded(self, file_id: bytes, chunk: int, *more: str) -> None:
        """Upload; the file is here, equal."""
        done = await self.run_client(*await self.arguments(file_id, chunk, *more), environ=self.environ)
        self.assertEqual((done.returncode, done.stdout.split()[-1:]), (0, [b"done"]), done.stderr.decode())
        self.assertEqual(await self.fetch(file_id) == DATA, True)

    async def killed(self) -> None:
        """Killed amid a request, then started anew: it goes on where the bytes that are durable end."""
        file_id = await self.offer(len(DATA))
        first = StuckUploads(self)
        child = self.client(*await self.arguments(file_id, len(DATA)), environ=self.environ)
        assert child.stdout is not None
        line = await deferToThread(child.stdout.readline)
        self.assertEqual(line.decode().split(), ["url", self.url(file_id)])
        await self.until(lambda: first.stuck)
        child.kill()
        await deferToThread(child.wait)
        durable = self.durable(file_id)
        self.assertTrue(STUCK <= durable < len(DATA), durable)
        again = StuckUploads(self, first.taken, never=True)
        await self.uploaded(file_id, len(DATA), "--upload", self.url(file_id))
        self.assertGreaterEqual(again.begun[0], durable)


class StuckUploads:
    """Stands before the engine's uploads, and reads nothing more of one of which :data:`STUCK` bytes are
    durable: a slow network.
    """

    def __init__(self, case: WebCase, taken: Any = None, *, never: bool = False) -> None:
        self.taken = taken or case.parts.uploads.open
        self.stuck = False
        self.begun: list[int] = []
        self._never = never
        case.parts.uploads.open = self.open  # type: ignore[method-assign]

    async def open(self, file_id: bytes, user: int, listener: UploadListener) -> Upload:
        """As the engine does."""
        upload: Upload = await self.taken(file_id, user, Sticking(self, listener))
        self.begun.append(upload.offset)
        return upload

    def sticks(self, offset: int) -> bool:
        """Whether nothing more is read of an upload of which so much is durable."""
        self.stuck = self.stuck or (offset >= STUCK and not self._never)
        return self.stuck


class Sticking:
    """Stands before a listener, and holds it when enough is durable."""

    def __init__(self, uploads: StuckUploads, listener: UploadListener) -> None:
        self._uploads = uploads
        self._listener = listener
        self.lost = listener.lost

    def durable(self, offset: int) -> None:
        self._listener.durable(offset)
        if self._uploads.sticks(offset):
            self._listener.hold(True)

    def hold(self, held: bool) -> None:
        self._listener.hold(held or self._uploads.stuck)


class TuspyTests(ClientCase):
    async def command(self) -> list[str]:
        return self.python("tuspy_upload.py")

    async def test_upload(self) -> None:
        """tuspy uploads in chunks, with checksums and without."""
        await self.uploaded(await self.offer(len(DATA)), 5_000_000)
        await self.uploaded(await self.offer(len(DATA)), 2_000_000, "--checksum")

    async def test_killed(self) -> None:
        """tuspy is killed amid a chunk, and resumes."""
        await self.killed()

    async def test_refused(self) -> None:
        """tuspy says what is wrong: a ticket that is not for this."""
        file_id = await self.offer(len(DATA))
        command = await self.arguments(file_id, 5_000_000)
        done = await self.run_client(
            *[part if not part.startswith("v1.") else part[:-4] + "AAAA" for part in command]
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"401", done.stderr)


class TusJsTests(ClientCase):
    async def command(self) -> list[str]:
        node = program("node")
        self.environ = {"NODE_PATH": str(await deferToThread(modules))}
        return [node, *self.python("tusjs_upload.cjs")[1:]]

    async def test_upload(self) -> None:
        """tus-js-client uploads in one request, in chunks, and with the first of them in the creation."""
        await self.uploaded(await self.offer(len(DATA)), 1 << 40)
        await self.uploaded(await self.offer(len(DATA)), 5_000_000)
        await self.uploaded(await self.offer(len(DATA)), 5_000_000, "--with-creation")

    async def test_killed(self) -> None:
        """tus-js-client is killed amid a request, and resumes."""
        await self.killed()

    async def test_terminate(self) -> None:
        """tus-js-client gives an upload up; nothing of it is left."""
        file_id = await self.offer(len(DATA))
        done = await self.run_client(
            *await self.arguments(file_id, 1_000_000, "--terminate"), environ=self.environ
        )
        self.assertEqual(
            (done.returncode, done.stdout.split()[-1:]), (0, [b"terminated"]), done.stderr.decode()
        )
        self.assertEqual(self.spooled(), [])
        self.assertIsNone(await self.parts.files.find(file_id))


class CurlTests(WebCase):
    def command(self, file_id: bytes, *arguments: str) -> list[str]:
        """A command that gets a file."""
        ticket = self.tickets.issue(file_id, 7, Right.READ)
        options = ["--silent", "--show-error", "--fail", "--header", f"Authorization: Bearer {ticket}"]
        return [program("curl"), *options, *arguments, self.url(file_id)]

    async def curl(self, file_id: bytes, *arguments: str) -> bytes:
        """What curl writes on its standard output."""
        done = await self.run_client(*self.command(file_id, *arguments))
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout

    async def test_resumed(self) -> None:
        """``curl -C -`` completes what is there of a file, and is content with one that is whole."""
        file_id = await self.send(DATA)
        target = self.folder / "got.bin"
        for size in (0, 1, 65_537, len(DATA) - 1, len(DATA)):
            target.write_bytes(DATA[:size])
            # with --fail, curl calls it a failure that nothing is left to get
            await self.curl(
                file_id, "-C", "-", "--output", str(target), *(["--no-fail"] if size == len(DATA) else [])
            )
            self.assertEqual(target.read_bytes() == DATA, True, size)

    async def test_killed(self) -> None:
        """curl is killed amid a download, twice, and ``curl -C -`` goes on with what is there."""
        file_id = await self.send(DATA)
        target = self.folder / "got.bin"
        target.touch()
        for _ in range(2):
            before = target.stat().st_size
            child = self.client(
                *self.command(file_id, "-C", "-", "--limit-rate", "3M", "--output", str(target))
            )
            await self.until(lambda before=before: target.stat().st_size > before + 100_000)  # type: ignore[misc]
            child.kill()
            await deferToThread(child.wait)
            self.assertLess(target.stat().st_size, len(DATA))
        await self.curl(file_id, "-C", "-", "--output", str(target))
        self.assertEqual(target.read_bytes() == DATA, True)

    async def test_ranges(self) -> None:
        """curl gets random ranges, each its bytes; HEAD; and two over one connection."""
        file_id = await self.send(DATA)
        chance = random.Random(11)
        for _ in range(8):
            first = chance.randrange(len(DATA))
            last = chance.randrange(first, len(DATA))
            self.assertEqual(
                await self.curl(file_id, "--range", f"{first}-{last}") == DATA[first : last + 1],
                True,
                (first, last),
            )
        self.assertIn(f"Content-Length: {len(DATA)}".encode(), await self.curl(file_id, "--head"))
        twice = await self.curl(file_id, "--range", "5-9", self.url(file_id))
        self.assertEqual(twice, DATA[5:10] * 2)

    async def test_name(self) -> None:
        """curl saves a file under the name that it was sent with."""
        file_id = await self.send(b"abc", filename="a b.bin")
        await self.curl(file_id, "--remote-name", "--remote-header-name", "--output-dir", str(self.folder))
        self.assertEqual((self.folder / "a b.bin").read_bytes(), b"abc")
