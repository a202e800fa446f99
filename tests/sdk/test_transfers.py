"""The client library's transfers against a real resources server over TLS, on lines that break."""

from __future__ import annotations

import hashlib
import io
import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import SkipTest

from imsys.config import ResourcesConfig
from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.chunks import encode_chunk
from imsys.protocols.identifiers import decode_id, encode_id, new_file_id
from imsys.resources.frames import downloading
from imsys.sdk import (
    FileChanged,
    FileUnfinishedUploads,
    Progress,
    Stage,
    Timing,
    Transfer,
    Transfers,
    Trust,
    explain,
)
from imsys.sdk.attachments import Grant
from imsys.sdk.credentials import Credentials
from imsys.sdk.file_connection import FileConnection
from imsys.security.tickets import Right
from imsys.store.files import FileStore, Offer, Purpose, State
from tests.cluster.nodes import Proxy
from tests.resources.scene import ResourcesCase
from tests.support.children import folder
from tests.support.servers import certificates

QUICK = Timing(deadline=5.0, heartbeat=5.0, first_wait=0.01, longest_wait=0.05)
VIGILANT = replace(QUICK, heartbeat=0.2, carrying=1.0)
THREAD = 0


class Desk:
    """What the chat server does for files: grants, for a resources server that is behind a proxy."""

    def __init__(self, test: TransfersCase, user: int) -> None:
        self._test = test
        self._user = user
        self.offers = 0
        self.gets = 0
        self.problems: list[BaseException] = []
        """What the next calls raise."""
        self.spoilt = 0
        """Grants whose ticket is no good, from now on."""

    async def offer_file(
        self, thread_id: int, filename: str, size: int, *, sha256: str = "", mime: str = ""
    ) -> Grant:
        self._fail()
        self.offers += 1
        offer = Offer(
            file_id=new_file_id(),
            owner=self._user,
            purpose=Purpose.MESSAGE,
            thread_id=thread_id,
            server=self._test.config.name,
            filename=filename,
            size=size,
            mime=mime,
            sha256=bytes.fromhex(sha256),
        )
        await self._files.offer(offer, life=3600, quota=0)
        return self._grant(offer.file_id, Right.WRITE, filename, size, sha256, False)

    async def offer_avatar(self, filename: str, size: int, *, sha256: str = "", mime: str = "") -> Grant:
        return await self.offer_file(0, filename, size, sha256=sha256, mime=mime)

    offer_group_picture = offer_avatar

    async def get_file(self, file_id: str, *, write: bool = False, thumbnail: bool = False) -> Grant:
        self._fail()
        self.gets += 1
        file = await self._files.readable(decode_id(file_id), self._user)
        sha256 = file.content.sha256.hex() if file.content is not None else ""
        right = Right.WRITE if write else Right.READ
        return self._grant(file.file_id, right, file.filename, file.size, sha256, file.state is State.WHOLE)

    @property
    def _files(self) -> FileStore:
        return FileStore(self._test.database, time.time)

    def _fail(self) -> None:
        if self.problems:
            raise self.problems.pop(0)

    def _grant(
        self, file_id: bytes, right: Right, filename: str, size: int, sha256: str, whole: bool
    ) -> Grant:
        ticket = self._test.tickets.issue(file_id, self._user, right)
        if self.spoilt:
            self.spoilt -= 1
            ticket = ticket[:-3] + "AAA"
        port = self._test.proxy.port
        return Grant(
            file_id=encode_id(file_id),
            ticket=ticket,
            host="127.0.0.1",
            port=port,
            http_port=0,
            filename=filename,
            size=size,
            mime="",
            sha256=sha256,
            whole=whole,
        )


class TransfersCase(ResourcesCase):
    config = ResourcesConfig(chunk=65536)
    timeout = 120

    def setUp(self) -> None:
        super().setUp()
        self.proxy = Proxy(self)
        self.proxy.lead_to(self.port.port)
        self.here = folder("transfers")
        self.desk = Desk(self, 7)
        self.random = random.Random(os.environ.get("SEED") or 4)

    def freeze(self) -> None:
        """Let nothing through on the connections that there are, as if the other side had vanished."""
        for tunnel in self.proxy._factory.open:
            for side in (tunnel, tunnel.peer):
                side.transport.pauseProducing()

    async def transfers(self, *, remember: bool = False, timing: Timing = QUICK) -> Transfers:
        """The transfers of user 7, as a program that has just been started has them."""
        credentials = Credentials(uuid=7, token=await self.tokens.issue(7))
        unfinished = FileUnfinishedUploads(self.reactor, self.here / "unfinished") if remember else None
        transfers = Transfers(
            self.reactor, self.desk, credentials, Trust(certificates().ca), timing, unfinished=unfinished
        )
        self.addCleanup(transfers.stop)
        return transfers

    def file(self, size: int, name: str = "cat.jpg") -> Path:
        path = self.here / name
        path.write_bytes(os.urandom(size))
        return path

    async def restart(self) -> None:
        """Stop the server in the middle of everything, and start it on what is there."""
        self.proxy.block(True)
        await self.stop()
        self.start()
        self.proxy.lead_to(self.port.port)
        self.proxy.block(False)

    async def ids(self) -> list[bytes]:
        """The identifiers of all files."""
        return await self.database.read(
            lambda tx: [bytes(row[0]) for row in tx.rows("SELECT file_id FROM files")]
        )

    async def sent(self, transfers: Transfers, path: Path) -> str:
        """Upload a file; its identifier."""
        return (await transfers.upload(path, THREAD).result()).file_id

    def seen(self, transfer: Transfer[Any]) -> list[Progress]:
        """What a transfer reports."""
        found: list[Progress] = []
        transfer.on_progress.subscribe(found.append)
        return found

    async def when(self, transfer: Transfer[Any], condition: Callable[[Progress], bool]) -> None:
        """Wait for a report."""
        await self.until(lambda: condition(transfer.progress))

    async def past(self, transfer: Transfer[Any], at: int) -> None:
        """Wait until so many bytes are there, or were once."""
        await self.when(
            transfer, lambda progress: progress.stage is not Stage.HASHING and progress.done >= at
        )

    async def moved(self, transfer: Transfer[Any], at: int) -> None:
        """Wait until so many bytes are there."""
        await self.when(transfer, lambda progress: progress.stage is Stage.MOVING and progress.done >= at)

    async def fails(self, transfer: Transfer[Any], kind: type[BaseException]) -> Any:
        """What a transfer fails with."""
        try:
            await transfer.result()
        except kind as problem:
            return problem
        self.fail("it did not fail")


class UploadTests(TransfersCase):
    async def test_upload(self) -> None:
        """A file is hashed, offered with its hash, sent, and whole.

        Progress goes from nothing to all of it.
        """
        for size in (0, 1, 65536, 3_000_000):
            path, transfers = self.file(size), await self.transfers()
            transfer = transfers.upload(path, THREAD, filename="photo.jpg")
            reports = self.seen(transfer)
            sent = await transfer.result()
            self.assertEqual(self.visible(), {"photo.jpg": path.read_bytes()})
            self.assertEqual((sent.size, sent.sha256), (size, hashlib.sha256(path.read_bytes()).hexdigest()))
            moved = [report.done for report in reports if report.stage is not Stage.HASHING]
            self.assertEqual((moved, moved[-1]), (sorted(moved), size))
            await self.tidy()

    async def tidy(self) -> None:
        files = FileStore(self.database, time.time)
        for file_id in await self.ids():
            for content in await files.delete(file_id):
                await self.engine.uploads.free([content])

    async def test_open_file(self) -> None:
        """A file object that can seek is sent as well, and stays open."""
        data = io.BytesIO(os.urandom(200_000))
        await (await self.transfers()).upload(data, THREAD, filename="memory").result()
        self.assertEqual(self.visible(), {"memory": data.getvalue()})

    async def test_broken_lines(self) -> None:
        """The line breaks at random moments, twenty times.

        The file arrives as it was, and a break costs a window at most.
        """
        path, transfers = self.file(8_000_000), await self.transfers()
        sent, most, send, begun = 0, 0, FileConnection.send, dict[FileConnection, int]()

        def counting(carrier: FileConnection, offset: int, data: bytes) -> None:
            nonlocal sent, most
            sent += len(data)
            most = max(most, offset + len(data) - max(carrier.acked, begun.setdefault(carrier, offset)))
            send(carrier, offset, data)

        self.patch(FileConnection, "send", counting)
        transfer = transfers.upload(path, THREAD)
        for _ in range(20):
            done = transfer.progress.done if transfer.progress.stage is not Stage.HASHING else 0
            await self.past(transfer, min(done + self.random.randrange(300_000), 8_000_000))
            self.proxy.cut()
            await deferLater(self.reactor, self.random.random() * 0.03)
        await transfer.result()
        self.assertEqual(self.visible(), {"cat.jpg": path.read_bytes()})
        self.assertEqual(self.desk.offers, 1)
        self.assertLessEqual(most, self.config.window * self.config.chunk)
        self.assertLessEqual(sent, 8_000_000 + 20 * self.config.window * self.config.chunk)

    async def test_restarted_server(self) -> None:
        """The server is stopped and started in the middle, on another port of its own.

        The upload goes on by itself.
        """
        path, transfers = self.file(8_000_000), await self.transfers()
        transfer = transfers.upload(path, THREAD)
        for at in (1_000_000, 4_000_000):
            await self.moved(transfer, at)
            await self.restart()
        await transfer.result()
        self.assertEqual(self.visible(), {"cat.jpg": path.read_bytes()})

    async def test_restarted_client(self) -> None:
        """A program that was ended goes on in its next run, where the server has got to, without hashing
        again.
        """
        path = self.file(8_000_000)
        first = (await self.transfers(remember=True)).upload(path, THREAD)
        await self.moved(first, 2_000_000)
        first.cancel()
        await self.fails(first, CancelledError)
        (record,) = (self.here / "unfinished").iterdir()
        self.assertNotIn(b"ticket", record.read_bytes())
        second = (await self.transfers(remember=True)).upload(path, THREAD)
        reports = self.seen(second)
        await second.result()
        self.assertEqual(self.visible(), {"cat.jpg": path.read_bytes()})
        self.assertGreaterEqual(min(report.done for report in reports if report.done), 2_000_000)
        self.assertEqual((self.desk.offers, list((self.here / "unfinished").iterdir())), (1, []))

    async def test_cancelled_while_asking(self) -> None:
        """A transfer that is cancelled ends, even if what it waits for takes that for a failure that may
        pass.
        """
        asked: list[Deferred[Grant]] = []

        async def offer(*_: Any, **__: Any) -> Grant:
            asked.append(Deferred())
            try:
                return await asked[-1]
            except CancelledError:
                raise Unavailable(Status.NETWORK_ERROR, "It was given up.") from None

        self.patch(self.desk, "offer_file", offer)
        transfer = (await self.transfers()).upload(self.file(1000), THREAD)
        await self.until(lambda: asked)
        transfer.cancel()
        await self.fails(transfer, CancelledError)
        self.assertEqual(len(asked), 1)

    async def test_given_up(self) -> None:
        """An upload that is given up leaves nothing on the server, and nothing here.

        One that is whole stays.
        """
        transfers = await self.transfers(remember=True)
        first = transfers.upload(self.file(8_000_000), THREAD)
        await self.moved(first, 2_000_000)
        await transfers.give_up(first)
        await self.fails(first, CancelledError)
        self.assertEqual(
            (await self.ids(), self.arriving(), list((self.here / "unfinished").iterdir())), ([], [], [])
        )
        await transfers.give_up(first)
        whole = transfers.upload(self.file(100), THREAD)
        await whole.result()
        with self.assertRaises(Refused) as caught:
            await transfers.give_up(whole)
        self.assertEqual(caught.exception.status, Status.FILE_OPEN_ERROR)
        self.assertEqual(list(self.visible()), ["cat.jpg"])

    async def test_given_up_later(self) -> None:
        """Another run of the program gives an upload up that broke off, over a line that breaks."""
        first = (await self.transfers(remember=True)).upload(self.file(8_000_000), THREAD)
        await self.moved(first, 2_000_000)
        first.cancel()
        await self.fails(first, CancelledError)
        unfinished = FileUnfinishedUploads(self.reactor, self.here / "unfinished")
        (left,) = await unfinished.all()
        self.desk.problems = [Unavailable(Status.NETWORK_ERROR, "No.")]
        self.desk.spoilt = 1
        await (await self.transfers(remember=True)).give_up(left)
        self.assertEqual((await self.ids(), self.arriving(), await unfinished.all()), ([], [], []))

    async def test_changed_between_runs(self) -> None:
        """A file that was written anew between two runs is offered anew."""
        path = self.file(8_000_000)
        first = (await self.transfers(remember=True)).upload(path, THREAD)
        await self.moved(first, 2_000_000)
        first.cancel()
        path.write_bytes(os.urandom(100_000))
        await (await self.transfers(remember=True)).upload(path, THREAD).result()
        self.assertEqual((self.desk.offers, self.visible()), (2, {"cat.jpg": path.read_bytes()}))

    async def test_changed_meanwhile(self) -> None:
        """A file that changes while it is sent is an error, and no file on the server."""
        path, transfers = self.file(8_000_000), await self.transfers()
        transfer = transfers.upload(path, THREAD)
        await self.moved(transfer, 1)
        with path.open("r+b") as file:
            file.write(b"something else")
            file.flush()
            os.utime(path, ns=(1, 1))
        await self.fails(transfer, FileChanged)
        self.assertEqual(self.visible(), {})

    async def test_never_what_was_offered(self) -> None:
        """A file that is not what it was hashed as, and does not show it, is sent a few times, and then is
        69.
        """
        data, transfers = io.BytesIO(bytes(300_000)), await self.transfers()
        transfer = transfers.upload(data, THREAD)
        reports = self.seen(transfer)
        transfer.on_progress.subscribe(
            lambda progress: data.getbuffer().__setitem__(0, progress.stage is not Stage.HASHING)
        )
        problem = await self.fails(transfer, Refused)
        self.assertEqual((problem.status, self.visible()), (Status.CHECKSUM_MISMATCH, {}))
        self.assertEqual(len([report for report in reports if report.stage is Stage.WAITING]), 2)

    async def test_expired(self) -> None:
        """Where a ticket is not good any more, another is asked for.

        Where it never is, the reason is told.
        """
        path, transfers = self.file(100_000), await self.transfers()
        self.desk.spoilt = 1
        await transfers.upload(path, THREAD).result()
        self.assertEqual((self.desk.offers, self.desk.gets), (1, 1))
        self.desk.spoilt = 1000
        problem = await self.fails(transfers.upload(self.file(100_000, "dog.jpg"), THREAD), Refused)
        self.assertEqual(problem.status, Status.PERMISSION_DENIED)
        self.assertEqual(list(self.visible()), ["cat.jpg"])

    async def test_offer_over(self) -> None:
        """Where the server knows nothing of an earlier run's upload any more, the file is offered anew."""
        path = self.file(8_000_000)
        first = (await self.transfers(remember=True)).upload(path, THREAD)
        await self.moved(first, 2_000_000)
        first.cancel()
        await self.until(lambda: not len(self.connections))
        (file_id,) = await self.ids()
        await self.engine.uploads.terminate(file_id, 7)
        await (await self.transfers(remember=True)).upload(path, THREAD).result()
        self.assertEqual((self.desk.offers, self.visible()), (2, {"cat.jpg": path.read_bytes()}))

    async def test_not_allowed(self) -> None:
        """What the chat server refuses for good is raised at once.

        A passing refusal, or no answer, is waited for.
        """
        path, transfers = self.file(1000), await self.transfers()
        self.desk.problems = [Refused(Status.QUOTA_EXCEEDED, "No room.")]
        self.assertEqual(
            (await self.fails(transfers.upload(path, THREAD), Refused)).status, Status.QUOTA_EXCEEDED
        )
        self.desk.problems = [
            Refused(Status.SERVER_BUSY, "Not now."),
            *[Unavailable(Status.NETWORK_ERROR, "Away.")] * 10,
        ]
        transfer = transfers.upload(path, THREAD)
        reports = self.seen(transfer)
        await transfer.result()
        self.assertEqual(len([report for report in reports if report.stage is Stage.WAITING]), 11)

    async def test_database_away(self) -> None:
        """A file is not to blame for what servers lack: it waits for as long as that takes."""
        path, transfers = self.file(1000), await self.transfers()
        self.desk.problems = [Refused(Status.MYSQL_INTERNAL_ERROR, "The database did not answer.")] * 20
        await transfers.upload(path, THREAD).result()
        self.assertEqual(self.visible(), {"cat.jpg": path.read_bytes()})

    async def test_silent_server(self) -> None:
        """A server that vanishes in the middle, so that not even an end is heard, is left, and the file goes
        on.
        """
        path, transfers = self.file(16_000_000), await self.transfers(timing=VIGILANT)
        transfer = transfers.upload(path, THREAD)
        await self.moved(transfer, 1_000_000)
        self.freeze()
        reports = self.seen(transfer)
        await transfer.result()
        self.assertEqual(self.visible(), {"cat.jpg": path.read_bytes()})
        problems = [report.problem for report in reports if report.problem is not None]
        self.assertIn("does not answer any more", explain(problems[0]))

    async def test_not_there(self) -> None:
        """A file that is not there, or is a folder, is an OSError."""
        transfers = await self.transfers()
        await self.fails(transfers.upload(self.here / "nothing", THREAD), FileNotFoundError)
        await self.fails(transfers.upload(self.here, THREAD), OSError)

    async def test_no_utf8(self) -> None:
        """A file whose name has bytes that are no UTF-8 is sent, with signs in their places, and gone on with
        in the next run.
        """
        path = self.here / os.fsdecode(b"Gr\xfc\xdfe.txt")
        path.write_bytes(os.urandom(8_000_000))
        first = (await self.transfers(remember=True)).upload(path, THREAD)
        await self.moved(first, 2_000_000)
        first.cancel()
        await self.fails(first, CancelledError)
        await (await self.transfers(remember=True)).upload(path, THREAD).result()
        self.assertEqual((self.desk.offers, self.visible()), (1, {"Gr\ufffd\ufffde.txt": path.read_bytes()}))

    async def test_no_length(self) -> None:
        """A file that has bytes and says that it has none is not sent as an empty one."""
        path = Path("/proc/self/status")
        if not path.exists():
            raise SkipTest("no such file on this system")
        problem = await self.fails((await self.transfers()).upload(path, THREAD), OSError)
        self.assertIn("how long it is", explain(problem))
        self.assertEqual((self.desk.offers, self.visible()), (0, {}))

    async def test_stopped(self) -> None:
        """Stopping cancels what is on its way, whatever it waits for."""
        transfers = await self.transfers()
        self.proxy.block(True)
        transfer = transfers.upload(self.file(1_000_000), THREAD)
        await self.when(transfer, lambda progress: progress.stage is Stage.WAITING)
        await transfers.stop()
        await self.fails(transfer, CancelledError)


class DownloadTests(TransfersCase):
    async def test_download(self) -> None:
        """A file comes as it was sent, by way of a part file, which is gone then."""
        transfers = await self.transfers()
        for size in (0, 1, 65536, 3_000_000):
            path, target = self.file(size), self.here / f"copy-{size}"
            transfer = transfers.download(await self.sent(transfers, path), target)
            reports = self.seen(transfer)
            received = await transfer.result()
            self.assertEqual(target.read_bytes(), path.read_bytes())
            self.assertEqual((received.path, received.size, received.filename), (target, size, "cat.jpg"))
            self.assertEqual((reports[-1].done, reports[-1].size), (size, size))
            self.assertEqual(list(self.here.glob("*.part")), [])

    async def test_broken_lines(self) -> None:
        """The line breaks at random moments, the server is started anew; the file comes as it is."""
        path, transfers = self.file(8_000_000), await self.transfers()
        transfer = transfers.download(await self.sent(transfers, path), self.here / "copy")
        for turn in range(15):
            await self.past(transfer, min(transfer.progress.done + self.random.randrange(400_000), 8_000_000))
            if turn == 7:
                await self.restart()
            else:
                self.proxy.cut()
            await deferLater(self.reactor, self.random.random() * 0.03)
        await transfer.result()
        self.assertEqual((self.here / "copy").read_bytes(), path.read_bytes())

    async def test_another_run(self) -> None:
        """Another run goes on behind what the part file has; one with wrong bytes in it is received anew."""
        path, transfers = self.file(8_000_000), await self.transfers()
        file_id = await self.sent(transfers, path)
        first = transfers.download(file_id, self.here / "copy")
        await self.moved(first, 1_000_000)
        first.cancel()
        await self.fails(first, CancelledError)
        (part,) = self.here.glob("copy.*.part")
        self.assertGreaterEqual(part.stat().st_size, 1_000_000)
        second = (await self.transfers()).download(file_id, self.here / "copy")
        reports = self.seen(second)
        await second.result()
        moved = [report.done for report in reports if report.stage is Stage.MOVING]
        self.assertGreaterEqual(moved[0], 1_000_000)
        self.assertEqual((self.here / "copy").read_bytes(), path.read_bytes())
        for wrong in (os.urandom(1_000_000), os.urandom(9_000_000)):
            third = self.here / "third"
            part.with_name(part.name.replace("copy", "third")).write_bytes(wrong)
            await transfers.download(file_id, third, overwrite=True).result()
            self.assertEqual(third.read_bytes(), path.read_bytes())

    async def test_exists(self) -> None:
        """A file that is there is not replaced, unless that is wanted."""
        path, transfers = self.file(1000), await self.transfers()
        file_id, target = await self.sent(transfers, path), self.file(5, "there")
        before = target.read_bytes()
        await self.fails(transfers.download(file_id, target), FileExistsError)
        self.assertEqual(target.read_bytes(), before)
        await transfers.download(file_id, target, overwrite=True).result()
        self.assertEqual(target.read_bytes(), path.read_bytes())

    async def test_twice_at_a_time(self) -> None:
        """Two downloads to one place do not write into each other's part."""
        path, transfers = self.file(3_000_000), await self.transfers()
        file_id = await self.sent(transfers, path)
        self.proxy.block(True)
        first = transfers.download(file_id, self.here / "copy")
        await self.when(first, lambda progress: progress.stage is Stage.WAITING)
        self.assertIn(
            "already", str(await self.fails(transfers.download(file_id, self.here / "copy"), OSError))
        )
        self.proxy.block(False)
        await first.result()
        self.assertEqual((self.here / "copy").read_bytes(), path.read_bytes())

    async def test_not_whole(self) -> None:
        """A file that is on its way still, or that nobody knows, is 38."""
        transfers = await self.transfers()
        upload = transfers.upload(self.file(8_000_000), THREAD)
        await self.moved(upload, 1)
        upload.cancel()
        (file_id,) = await self.ids()
        for unknown in (file_id, new_file_id()):
            problem = await self.fails(transfers.download(encode_id(unknown), self.here / "copy"), Refused)
            self.assertEqual(problem.status, Status.FILE_OPEN_ERROR)

    async def test_spoilt_line(self) -> None:
        """A chunk whose CRC-32C does not fit is not written: the download begins again before it."""
        path, transfers, spoilt = self.file(1_000_000), await self.transfers(), 0
        file_id = await self.sent(transfers, path)
        encode = encode_chunk

        def spoil(service: int, name: bytes, offset: int, data: bytes) -> bytes:
            nonlocal spoilt
            frame = encode(service, name, offset, data)
            if offset == 3 * 65536 and not spoilt:
                spoilt += 1
                return frame[:-1] + bytes([frame[-1] ^ 1])
            return frame

        self.patch(downloading, "encode_chunk", spoil)
        transfer = transfers.download(file_id, self.here / "copy")
        reports = self.seen(transfer)
        await transfer.result()
        self.assertEqual((self.here / "copy").read_bytes(), path.read_bytes())
        (waited,) = [report for report in reports if report.stage is Stage.WAITING]
        self.assertEqual((spoilt, waited.done), (1, 3 * 65536))

    async def test_flipped_bit(self) -> None:
        """A bit that is another one on the server's disk is an error in the end, and never a file."""
        path, transfers = self.file(300_000), await self.transfers()
        file_id = await self.sent(transfers, path)
        (blob,) = [
            found
            for found in (self.folder / "files").rglob("*")
            if found.is_file() and found.stat().st_size > 300_000
        ]
        with blob.open("r+b") as file:
            file.seek(150_000)
            byte = file.read(1)
            file.seek(150_000)
            file.write(bytes([byte[0] ^ 1]))
        problem = await self.fails(transfers.download(file_id, self.here / "copy"), Refused)
        self.assertEqual(problem.status, Status.FILE_WRITE_ERROR)
        self.assertFalse((self.here / "copy").exists())


class ManyTests(TransfersCase):
    config = ResourcesConfig(chunk=65536, window=4, memory=1 << 22, uploads=64)

    async def test_twenty_at_a_time(self) -> None:
        """Twenty files of 1 MB at a time arrive, and no more than the configured memory waits on the server."""
        transfers, most = await self.transfers(), 0
        paths = [self.file(1_000_000, f"file {number}") for number in range(20)]
        running = [transfers.upload(path, THREAD) for path in paths]

        def look(_: Progress) -> None:
            nonlocal most
            most = max(most, self.engine.uploads.memory.used)

        for transfer in running:
            transfer.on_progress.subscribe(look)
        await gatherResults([transfer.result() for transfer in running])
        self.assertEqual(self.visible(), {path.name: path.read_bytes() for path in paths})
        self.assertLessEqual(most, (1 << 22) + 20 * 65536)
        self.assertEqual(self.engine.uploads.memory.used, 0)
