"""Downloads: ranges, conditions, what browsers may do with a file, and files that are damaged."""

from __future__ import annotations

import os
import random

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from imsys.config import ResourcesConfig
from imsys.files.sniffing import served
from imsys.protocols.identifiers import encode_id
from imsys.resources.budget import Budget
from imsys.resources.web.downloads import PIECE, SMALL_PIECE, Pieces
from imsys.security.tickets import Right
from tests.resources.web.scene import Reply, WebCase

DATA = os.urandom(3 * PIECE + 12_345)


class DownloadTests(WebCase):
    async def get(self, file_id: bytes, method: str = "GET", **headers: str) -> Reply:
        """Ask for a file; underscores in names are hyphens."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask(
            method, self.path(file_id), {**self.bearer(file_id, Right.READ, user=99), **more}
        )

    async def test_whole(self) -> None:
        """The bytes as they were sent, with their hash as the tag, for GET.

        For HEAD the same without them.
        """
        file_id = await self.send(DATA, filename='Grüße; "1" of 2.bin', mime="application/zip")
        file = await self.parts.files.find(file_id)
        assert file is not None
        assert file.content is not None
        for method in ("GET", "HEAD"):
            reply = await self.get(file_id, method)
            self.assertEqual((reply.status, reply.body), (200, DATA if method == "GET" else b""))
            for name, value in {
                "Content-Length": str(len(DATA)),
                "ETag": f'"{file.content.sha256.hex()}"',
                "Accept-Ranges": "bytes",
                "Content-Type": "application/zip",
                "Content-Disposition": 'attachment; filename="Gr__e; _1_ of 2.bin"; '
                "filename*=UTF-8''Gr%C3%BC%C3%9Fe%3B%20%221%22%20of%202.bin",
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "private, no-cache",
                "Referrer-Policy": "no-referrer",
            }.items():
                self.assertEqual(reply.headers[name], value)

    async def test_ranges(self) -> None:
        """Every range gives exactly its bytes: at the edges, of segments and pieces, and anywhere."""
        file_id = await self.send(DATA)
        size, chance = len(DATA), random.Random(7)
        ranges = [
            (0, 0),
            (0, size - 1),
            (size - 1, size - 1),
            (65535, 65536),
            (PIECE - 1, PIECE),
            (1, 2 * PIECE),
            (size - 2, size + 100),
        ]
        ranges += [
            (first, chance.randrange(first, size)) for first in (chance.randrange(size) for _ in range(20))
        ]
        for first, last in ranges:
            reply = await self.get(file_id, Range=f"bytes={first}-{last}")
            end = min(last, size - 1)
            self.assertEqual(
                (reply.status, reply.headers["Content-Range"]), (206, f"bytes {first}-{end}/{size}")
            )
            self.assertEqual(reply.body == DATA[first : end + 1], True, (first, last))
        for header, expected in (
            ("bytes=100-", DATA[100:]),
            ("bytes=-100", DATA[-100:]),
            (f"bytes=-{size + 5}", DATA),
        ):
            reply = await self.get(file_id, Range=header)
            self.assertEqual((reply.status, reply.body == expected), (206, True))

    async def test_no_range(self) -> None:
        """What is no single range of bytes gets the whole; a range behind the end is a 416 with the size."""
        file_id, empty = await self.send(b"0123456789"), await self.send(b"")
        for header in ("bytes=0-1,3-4", "lines=1-2", "bytes=5-3", "bytes=-", "bytes=a-b", "bytes 0-1", ""):
            self.assertEqual((await self.get(file_id, Range=header)).body, b"0123456789")
        for one, header, size in (
            (file_id, "bytes=10-", 10),
            (file_id, "bytes=-0", 10),
            (empty, "bytes=0-", 0),
            (empty, "bytes=-1", 0),
        ):
            reply = await self.get(one, Range=header)
            self.assertEqual(
                (reply.status, reply.error, reply.headers["Content-Range"]), (416, 70, f"bytes */{size}")
            )
        self.assertEqual((await self.get(empty)).body, b"")
        self.assertEqual((await self.get(file_id, "HEAD", Range="bytes=0-1")).headers["Content-Length"], "10")

    async def test_conditions(self) -> None:
        """A client that has the file is not sent it.

        A range is for the file that it knows, or is the whole.
        """
        file_id = await self.send(b"0123456789")
        etag = (await self.get(file_id)).headers["ETag"]
        for tags in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            reply = await self.get(file_id, If_None_Match=tags)
            self.assertEqual((reply.status, reply.body, reply.headers["ETag"]), (304, b"", etag))
        self.assertEqual((await self.get(file_id, If_None_Match='"x"')).status, 200)
        self.assertEqual((await self.get(file_id, If_Range=etag, Range="bytes=2-3")).body, b"23")
        for other in ('"x"', f"W/{etag}", "Tue, 14 Nov 2023 22:13:20 GMT"):
            self.assertEqual((await self.get(file_id, If_Range=other, Range="bytes=2-3")).status, 200)
        self.assertEqual((await self.get(file_id, If_Match=etag)).status, 200)
        self.assertEqual((await self.get(file_id, If_Match='"x"')).status, 412)

    async def test_large_numbers(self) -> None:
        """Numbers of any length are numbers: the end of a range beyond the file's, a suffix longer than it, a
        begin behind it.
        """
        file_id = await self.send(b"0123456789")
        huge, longer = "9" * 18 + "1", "1" + "0" * 5000
        for header, body in (
            (f"2-{huge}", b"23456789"),
            (f"{'0' * 30}2-{longer}", b"23456789"),
            (f"-{longer}", b"0123456789"),
        ):
            reply = await self.get(file_id, Range=f"bytes={header}")
            self.assertEqual((reply.status, reply.body), (206, body))
        for header in (f"{huge}-", f"{huge}-{longer}", f"{longer}-{longer}"):
            self.assertEqual((await self.get(file_id, Range=f"bytes={header}")).status, 416)

    async def test_content(self) -> None:
        """Pictures without scripts, sound, film and text may be shown; all else is saved.

        Everything is sandboxed.
        """
        for mime, shown in (
            ("image/png", True),
            ("video/mp4", True),
            ("text/plain", True),
            ("image/svg+xml", False),
            ("text/html", False),
            ("application/pdf", False),
            ("application/xhtml+xml", False),
            ("text/plain\r\nX: y", False),
        ):
            file_id = await self.send(mime.encode(), mime=mime, filename="x")
            reply = await self.get(file_id, "HEAD")
            self.assertEqual(
                reply.headers["Content-Disposition"].partition(";")[0],
                "inline" if shown else "attachment",
                mime,
            )
            self.assertEqual(
                reply.headers["Content-Type"],
                served(mime) if "\r" not in mime else "application/octet-stream",
            )
            policy = reply.headers["Content-Security-Policy"]
            self.assertTrue(
                policy.endswith("; sandbox allow-same-origin" if mime == "video/mp4" else "; sandbox"), mime
            )
            self.assertIn("default-src 'none'", reply.headers["Content-Security-Policy"])

    async def test_tickets(self) -> None:
        """A ticket comes in a header, or in the address from those who have only that.

        Without a good one there is nothing.
        """
        file_id, other = await self.send(DATA[:100]), await self.send(DATA[:50])
        path = self.path(file_id)
        ticket = self.tickets.issue(file_id, 99, Right.READ)
        self.assertEqual((await self.ask("GET", f"{path}?ticket={ticket}")).body, DATA[:100])
        for status, text in (
            (401, ""),
            (401, ticket[:-1] + ("A" if ticket[-1] != "A" else "B")),
            (403, self.tickets.issue(other, 99, Right.READ)),
            (403, self.tickets.issue(file_id, 7, Right.WRITE)),
        ):
            for method in ("GET", "HEAD"):
                for where, headers in (
                    (f"{path}?ticket={text}", {}),
                    (path, {"Authorization": f"Bearer {text}"}),
                ):
                    self.assertEqual((await self.ask(method, where, headers)).status, status)
        self.late = 3601
        self.assertEqual((await self.ask("GET", f"{path}?ticket={ticket}")).status, 401)
        self.assertEqual((await self.ask("GET", f"{path}?" + "a=b&" * 100)).status, 400)

    async def test_not_there(self) -> None:
        """A file that is on its way, or that is not, is not found."""
        arriving = await self.offer(100)
        for file_id in (arriving, bytes(16)):
            reply = await self.get(file_id)
            self.assertEqual((reply.status, reply.error), (404, 38))

    async def test_damaged(self) -> None:
        """A segment that was tampered with is an error where nothing was sent yet, and else breaks off: never
        wrong bytes.
        """
        file_id = await self.send(DATA)
        (blob,) = [path for path in (self.folder / "files" / "blobs").rglob(file_id.hex()) if path.is_file()]
        for at, status in ((100, 500), (blob.stat().st_size - 100, 200)):
            content = bytearray(blob.read_bytes())
            content[at] ^= 1
            blob.chmod(0o600)
            blob.write_bytes(content)
            reply = await self.cut(file_id)
            content[at] ^= 1
            blob.write_bytes(content)
            self.assertEqual(reply.status, status)
            if status == 200:
                self.assertLess(len(reply.body), len(DATA))
                self.assertEqual(DATA.startswith(reply.body), True)
        self.assertEqual((await self.get(file_id)).body == DATA, True)

    async def cut(self, file_id: bytes) -> Reply:
        """What arrives of a file before the connection ends, however that is."""
        head = f"GET {self.path(file_id)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        connection = await self.raw(
            f"{head}Authorization: {self.bearer(file_id, Right.READ)['Authorization']}\r\n\r\n".encode()
        )

        def work() -> bytes:
            found = b""
            try:
                while data := connection.recv(1 << 20):
                    found += data
            except ConnectionResetError:
                pass
            return found

        head_bytes, _, body = (await deferToThread(work)).partition(b"\r\n\r\n")
        return Reply(int(head_bytes.split()[1]), None, body)

    async def test_slow_reader(self) -> None:
        """A client that reads nothing holds up a few pieces in memory, and gives them back when it goes."""
        file_id = await self.send(bytes(40 * PIECE))
        budget = self.budget()
        opened = [await self.raw(self.request(file_id)) for _ in range(3)]
        await self.until(lambda: budget.taken >= 3 * PIECE)
        self.assertLessEqual(budget.taken, 6 * PIECE)
        for connection in opened:
            connection.close()
        await self.until(lambda: not len(self.http.connections) and not budget.taken)

    def request(self, file_id: bytes) -> bytes:
        """A request on the wire."""
        return f"GET {self.path(file_id)}?ticket={self.tickets.issue(file_id, 7, Right.READ)} HTTP/1.1\r\nHost: x\r\n\r\n".encode()

    def budget(self) -> Budget:
        """What all downloads of the door share."""
        route, _ = self.site.router.find("/files/x")
        found: Budget = route.handlers["GET"].__self__._budget  # type: ignore[attr-defined]
        return found


class Slow:
    """A download whose reads are answered from outside."""

    def __init__(self) -> None:
        self.reads: list[tuple[int, int, Deferred[bytes]]] = []

    async def read(self, offset: int, length: int) -> bytes:
        done: Deferred[bytes] = Deferred()
        self.reads.append((offset, length, done))
        return await done

    def answer(self) -> None:
        """Give the oldest its bytes."""
        _, length, done = self.reads.pop(0)
        done.callback(bytes(length))


class PiecesTests(WebCase):
    config = ResourcesConfig(disk_workers=1)

    def begun(self, begin: int, end: int, budget: Budget) -> tuple[Slow, Pieces]:
        slow = Slow()
        return slow, Pieces(slow, begin, end, PIECE, budget)  # type: ignore[arg-type]

    async def test_one_ahead(self) -> None:
        """While a piece is sent the next one is read, and no more; pieces end where those of the file do."""
        budget = Budget(10 * PIECE)
        slow, pieces = self.begun(100, 3 * PIECE, budget)
        opened = Deferred.fromCoroutine(pieces.open())
        self.assertEqual([read[:2] for read in slow.reads], [(100, PIECE - 100)])
        slow.answer()
        await opened
        self.assertEqual(len(await pieces.__anext__()), PIECE - 100)
        self.assertEqual([read[:2] for read in slow.reads], [(PIECE, PIECE)])
        self.assertEqual(budget.taken, 2 * PIECE - 100)
        await pieces.aclose()
        slow.answer()
        self.assertEqual(budget.taken, 0)

    async def test_no_memory(self) -> None:
        """Without memory left pieces are small, and none is read ahead; a transfer goes on all the same."""
        budget = Budget(10)
        slow, pieces = self.begun(100, PIECE, budget)
        opened = Deferred.fromCoroutine(pieces.open())
        slow.answer()
        await opened
        self.assertEqual(len(await pieces.__anext__()), SMALL_PIECE - 100)
        self.assertEqual(slow.reads, [])
        following = Deferred.fromCoroutine(pieces.__anext__())
        self.assertEqual([read[:2] for read in slow.reads], [(SMALL_PIECE, SMALL_PIECE)])
        slow.answer()
        await following
        await pieces.aclose()
        self.assertEqual(budget.taken, 0)

    async def test_logs(self) -> None:
        """Nothing that is logged holds a ticket, however its request ends."""
        lines: list[str] = []

        @implementer(ILogObserver)
        def observer(event: LogEvent) -> None:
            lines.append(formatEvent(event) + repr(event))

        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        file_id = await self.send(b"abc")
        ticket = self.tickets.issue(file_id, 7, Right.READ)

        async def broken(file_id: bytes) -> None:
            raise ValueError("a fault of ours")

        for path in (f"{self.path(file_id)}?ticket={ticket}", f"/nothing?ticket={ticket}"):
            await self.ask("GET", path, {"Authorization": f"Bearer {ticket}"})
        self.parts.downloads.open = broken  # type: ignore[assignment, method-assign]
        reply = await self.ask("GET", f"{self.path(file_id)}?ticket={ticket}")
        self.assertEqual((reply.status, reply.error), (500, 75))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertTrue(any(encode_id(file_id) in line for line in lines))
        self.assertFalse(any(ticket in line or ticket.rpartition(".")[2] in line for line in lines))
