"""Uploads by tus, request by request, with the real engine behind."""

from __future__ import annotations

import base64
import hashlib
import os
import tracemalloc
import zlib
from email.utils import parsedate_to_datetime

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from imsys.errors import Refused, Status
from imsys.protocols.identifiers import encode_id, new_file_id
from imsys.resources.budget import Budget
from imsys.resources.transfers import TransferError
from imsys.resources.upload_listener import UploadWaiter
from imsys.resources.web.tus import CHECKED_BYTES, TusHandler
from imsys.security.tickets import Right
from imsys.web.requests import Request
from tests.resources.frames.memory import MemoryUploads
from tests.resources.web.scene import BYTES, MAX_FILE, TUS, WebCase

DATA = os.urandom(700_001)


def checksum(data: bytes, algorithm: str = "sha1") -> dict[str, str]:
    digest = (
        zlib.crc32(data).to_bytes(4, "big") if algorithm == "crc32" else hashlib.new(algorithm, data).digest()
    )
    return {"Upload-Checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}


class Dripping:
    """A body that comes two bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    async def read(self) -> bytes:
        self._at += 2
        return self._data[self._at - 2 : self._at]

    def fail(self, error: Exception) -> None:
        raise NotImplementedError


class MemoryTests(TestCase):
    async def test_checked(self) -> None:
        """Bytes with a checksum take as much memory as they are counted with, in however small pieces they
        come.
        """
        data = os.urandom(CHECKED_BYTES // 16)
        headers = [
            (b"content-length", b"%d" % len(data)),
            (b"upload-checksum", checksum(data)["Upload-Checksum"].encode()),
        ]
        files = MemoryUploads(None)
        files.stuck = True
        upload = await files.open(files.offer(7, data).file_id, 7, UploadWaiter())
        request = Request("PATCH", "/", headers, Dripping(data))
        handler = TusHandler(files, None, Budget(len(data)), len(data))  # type: ignore[arg-type]
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        await handler._take(request, upload, UploadWaiter())
        self.assertLess(tracemalloc.get_traced_memory()[1], 3 * len(data))
        self.assertEqual(b"".join(upload.waiting), data)


class UploadTests(WebCase):
    async def test_options(self) -> None:
        """OPTIONS says what is spoken here, without a ticket and without a version."""
        for path in ("/files/", "/files", self.path(new_file_id())):
            reply = await self.ask("OPTIONS", path)
            self.assertEqual(
                (reply.status, reply.headers["Tus-Version"], reply.headers["Tus-Max-Size"]),
                (204, "1.0.0", str(MAX_FILE)),
            )
            self.assertEqual(
                reply.headers["Tus-Extension"],
                "creation,creation-with-upload,expiration,checksum,termination",
            )
            self.assertEqual(reply.headers["Tus-Checksum-Algorithm"], "sha1,sha256,md5,crc32")

    async def test_whole(self) -> None:
        """Created, sent in parts, and there when the last part is answered."""
        file_id = await self.offer(len(DATA))
        name = base64.b64encode("hé llo".encode()).decode()
        headers = {
            **TUS,
            **self.bearer(file_id),
            "Upload-Length": str(len(DATA)),
            "Upload-Metadata": f"filename {name},is_private",
        }
        reply = await self.ask("POST", "/files/", headers)
        self.assertEqual((reply.status, reply.headers["Location"]), (201, self.path(file_id)))
        file = await self.parts.files.find(file_id)
        assert file is not None
        self.assertEqual(
            parsedate_to_datetime(reply.headers["Upload-Expires"]).timestamp(), file.expires_ms // 1000
        )
        for at in range(0, len(DATA), 300_000):
            reply = await self.patch(file_id, at, DATA[at : at + 300_000])
            self.assertEqual((reply.status, reply.headers["Tus-Resumable"]), (204, "1.0.0"))
            self.assertEqual(int(reply.headers["Upload-Offset"]), min(at + 300_000, len(DATA)))
        self.assertNotIn("Upload-Expires", reply.headers)
        self.assertEqual(await self.fetch(file_id), DATA)
        reply = await self.ask("HEAD", self.path(file_id), {**TUS, **self.bearer(file_id)})
        # as it was offered
        self.assertEqual(reply.headers["Upload-Metadata"], "filename YS5iaW4=,filetype dGV4dC9wbGFpbg==")
        self.assertEqual(await self.offset(file_id), len(DATA))
        self.assertEqual((await self.patch(file_id, len(DATA), b"")).status, 204)

    async def test_creation_with_upload(self) -> None:
        """The first bytes, or all of them, may come with the creation.

        Said again, it tells where to go on.
        """
        file_id = await self.offer(len(DATA))
        headers = {**BYTES, **self.bearer(file_id), "Upload-Length": str(len(DATA))}
        for body, offset in ((DATA[:1000], 1000), (DATA, 1000)):
            reply = await self.ask("POST", "/files/", headers, body)
            self.assertEqual((reply.status, reply.headers["Upload-Offset"]), (201, str(offset)))
        other = await self.offer(len(DATA))
        reply = await self.ask("POST", "/files", {**headers, **self.bearer(other)}, DATA)
        self.assertEqual((reply.status, reply.headers["Upload-Offset"]), (201, str(len(DATA))))
        self.assertEqual(await self.fetch(other), DATA)

    async def test_empty(self) -> None:
        """A file of no bytes is whole when it is created."""
        file_id = await self.offer(0)
        reply = await self.ask("POST", "/files/", {**TUS, **self.bearer(file_id), "Upload-Length": "0"})
        self.assertEqual((reply.status, reply.headers["Upload-Offset"]), (201, "0"))
        self.assertEqual(await self.fetch(file_id), b"")

    async def test_wrong_offset(self) -> None:
        """Bytes for another place are refused with the right one, and nothing is written."""
        file_id = await self.offer(len(DATA))
        await self.patch(file_id, 0, DATA[:1000])
        for offset in (0, 999, 1001):
            reply = await self.patch(file_id, offset, b"x" * 100)
            self.assertEqual((reply.status, reply.error, reply.headers["Upload-Offset"]), (409, 36, "1000"))
        self.assertEqual(await self.offset(file_id), 1000)

    async def test_too_many_bytes(self) -> None:
        """More bytes than the file has are refused, by length before any is read, in chunks when they come."""
        file_id = await self.offer(1000)
        reply = await self.patch(file_id, 0, b"x" * 1001)
        self.assertEqual((reply.status, reply.error, reply.headers["Upload-Offset"]), (413, 70, "0"))
        connection = await self.raw(
            f"PATCH {self.path(file_id)} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
            f"Content-Type: {BYTES['Content-Type']}\r\nAuthorization: {self.bearer(file_id)['Authorization']}\r\n\r\n".encode()
            + b"3e7\r\n" + b"a" * 999 + b"\r\n2\r\naa\r\n0\r\n\r\n"
        )  # fmt: skip
        self.assertTrue((await deferToThread(connection.recv, 4096)).startswith(b"HTTP/1.1 409 "))
        self.assertEqual(await self.offset(file_id), 999)

    async def test_broken_off(self) -> None:
        """What arrived before a connection broke stays, and the upload goes on behind it."""
        file_id = await self.offer(len(DATA))
        connection = await self.begun(file_id, 0, len(DATA), DATA[:123_456])
        await self.arrived(file_id, 123_456)
        connection.close()
        self.assertEqual(await self.offset(file_id), 123_456)
        self.assertEqual((await self.patch(file_id, 123_456, DATA[123_456:])).status, 204)
        self.assertEqual(await self.fetch(file_id), DATA)

    async def test_taken_over(self) -> None:
        """Whoever comes with a ticket takes the upload from a connection that hangs, which is told."""
        file_id = await self.offer(len(DATA))
        connection = await self.begun(file_id, 0, len(DATA), DATA[:1000])
        await self.arrived(file_id, 1000)
        self.assertEqual(await self.offset(file_id), 1000)
        answer = await deferToThread(connection.recv, 4096)
        self.assertTrue(answer.startswith(b"HTTP/1.1 423 "), answer)
        self.assertIn(b"upload-offset: 1000", answer.lower())

    async def test_checksum(self) -> None:
        """Bytes with a right checksum are taken, with a wrong one none of them are.

        A large part is refused before it comes.
        """
        file_id = await self.offer(CHECKED_BYTES + 10)
        at = 0
        for algorithm in ("sha1", "sha256", "md5", "crc32"):
            part = DATA[at : at + 100_000]
            wrong = await self.patch(
                file_id, at, part[:-1] + bytes([part[-1] ^ 1]), checksum(part, algorithm)
            )
            self.assertEqual((wrong.status, wrong.error, wrong.headers["Upload-Offset"]), (460, 69, str(at)))
            self.assertEqual(await self.offset(file_id), at)
            self.assertEqual((await self.patch(file_id, at, part, checksum(part, algorithm))).status, 204)
            at += 100_000
        other = await self.offer(CHECKED_BYTES + 10)
        reply = await self.patch(other, 0, bytes(CHECKED_BYTES + 1), checksum(b""))
        self.assertEqual((reply.status, await self.offset(other)), (413, 0))
        for header in ("sha2 AAAA", "sha1", "sha1 ????", "sha1 AAAA"):
            self.assertEqual((await self.patch(file_id, at, b"x", {"Upload-Checksum": header})).status, 400)
        self.assertEqual(await self.offset(file_id), at)

    async def test_another_file(self) -> None:
        """A file that is not what was offered is said to be so, is not visible, and begins at 0 again."""
        file_id = await self.offer(1000, sha256=hashlib.sha256(b"x" * 1000).digest())
        reply = await self.patch(file_id, 0, b"y" * 1000)
        self.assertEqual((reply.status, reply.error, reply.headers["Upload-Offset"]), (460, 69, "0"))
        self.assertEqual(
            (await self.ask("GET", self.path(file_id), self.bearer(file_id, Right.READ))).status, 404
        )
        self.assertEqual(await self.offset(file_id), 0)
        self.assertEqual((await self.patch(file_id, 0, b"x" * 1000)).status, 204)

    async def test_termination(self) -> None:
        """An upload that is given up is gone, also the second time; a whole file is none any more."""
        file_id = await self.offer(1000)
        await self.patch(file_id, 0, b"x" * 10)
        for _ in range(2):
            self.assertEqual(
                (await self.ask("DELETE", self.path(file_id), {**TUS, **self.bearer(file_id)})).status, 204
            )
        self.assertEqual(self.spooled(), [])
        reply = await self.patch(file_id, 10, b"x")
        self.assertEqual((reply.status, reply.error), (410, 38))
        whole = await self.send(b"abc")
        reply = await self.ask("DELETE", self.path(whole), {**TUS, **self.bearer(whole)})
        self.assertEqual((reply.status, reply.error), (403, 38))

    async def test_expired(self) -> None:
        """An upload whose time is over is gone."""
        file_id = new_file_id()
        reply = await self.ask("HEAD", self.path(file_id), {**TUS, **self.bearer(file_id)})
        self.assertEqual((reply.status, reply.headers["Tus-Resumable"]), (410, "1.0.0"))

    async def test_tickets(self) -> None:
        """Without a ticket that is good, for this file, to write it, nothing is told and nothing is written."""
        file_id, other = await self.offer(1000), await self.offer(1000)
        path, body = self.path(file_id), b"x" * 1000
        good = self.bearer(file_id)["Authorization"]
        for status, authorization in (
            (401, ""),
            (401, "Basic eDp5"),
            (401, good[:-1] + ("A" if good[-1] != "A" else "B")),
            (403, self.bearer(other)["Authorization"]),
            (403, self.bearer(file_id, Right.READ)["Authorization"]),
            (410, self.bearer(file_id, user=8)["Authorization"]),
        ):
            headers = {**BYTES, "Upload-Offset": "0", "Authorization": authorization}
            for method in ("PATCH", "HEAD", "DELETE"):
                reply = await self.ask(method, path, headers, body if method == "PATCH" else None)
                expected = 403 if status == 410 and method == "DELETE" else status
                self.assertEqual(
                    (reply.status, "WWW-Authenticate" in reply.headers),
                    (expected, status == 401),
                    (method, authorization),
                )
        self.assertEqual((await self.patch(file_id, 0, body, {"Authorization": ""})).error, 65)
        query = f"{path}?ticket={good.split()[1]}"
        # a right to write does not belong into addresses
        self.assertEqual((await self.ask("HEAD", query, TUS)).status, 401)
        self.late = 3601
        self.assertEqual((await self.patch(file_id, 0, body, {"Authorization": good})).status, 401)
        self.late = 0
        self.assertEqual(await self.offset(file_id), 0)

    async def test_bad_requests(self) -> None:
        """What tus does not allow is said, with the version."""
        file_id = await self.offer(1000)
        mine = self.bearer(file_id)
        for status, method, path, headers in (
            (412, "POST", "/files/", {**mine, "Upload-Length": "1000"}),
            (412, "POST", "/files/", {**mine, "Upload-Length": "1000", "Tus-Resumable": "0.2.2"}),
            (
                412,
                "PATCH",
                self.path(file_id),
                {**mine, "Upload-Offset": "0", **BYTES, "Tus-Resumable": "2.0.0"},
            ),
            (400, "POST", "/files/", {**mine, **TUS}),
            (400, "POST", "/files/", {**mine, **TUS, "Upload-Length": "-1"}),
            (400, "POST", "/files/", {**mine, **TUS, "Upload-Length": "999"}),
            (413, "POST", "/files/", {**mine, **TUS, "Upload-Length": "1001"}),
            (400, "POST", "/files/", {**mine, **TUS, "Upload-Defer-Length": "1"}),
            (
                400,
                "POST",
                "/files/",
                {**mine, **TUS, "Upload-Length": "1000", "Upload-Metadata": "filename ?"},
            ),
            (
                400,
                "POST",
                "/files/",
                {**mine, **TUS, "Upload-Length": "1000", "Upload-Metadata": "a YQ==,a YQ=="},
            ),
            (
                415,
                "PATCH",
                self.path(file_id),
                {**mine, **TUS, "Upload-Offset": "0", "Content-Type": "text/plain"},
            ),
            (400, "PATCH", self.path(file_id), {**mine, **BYTES}),
            (400, "PATCH", self.path(file_id), {**mine, **BYTES, "Upload-Offset": "zero"}),
            (404, "PATCH", "/files/nothing", {**mine, **BYTES, "Upload-Offset": "0"}),
            (405, "POST", self.path(file_id), {**mine, **TUS}),
        ):
            reply = await self.ask(method, path, headers, b"")
            self.assertEqual(
                (reply.status, reply.headers["X-Content-Type-Options"]),
                (status, "nosniff"),
                (method, headers),
            )
            if status == 412:
                self.assertEqual(reply.headers["Tus-Version"], "1.0.0")
            elif status != 405:
                self.assertEqual(reply.headers["Tus-Resumable"], "1.0.0")
        for method, path in (("PUT", self.path(file_id)), ("GET", "/files/"), ("DELETE", "/files/")):
            reply = await self.ask(method, path)
            self.assertEqual((reply.status, reply.error), (405, 1))
            self.assertIn("POST", reply.headers["Allow"])

    async def test_method_override(self) -> None:
        """A client that cannot send PATCH or DELETE says in a header what it means."""
        file_id = await self.offer(1000)
        headers = {**BYTES, **self.bearer(file_id), "Upload-Offset": "0"}
        for method in ("PATCH", "DELETE"):
            reply = await self.ask(
                "POST", self.path(file_id), {**headers, "X-HTTP-Method-Override": method}, b"x" * 10
            )
            self.assertEqual(reply.status, 204)
        reply = await self.ask("POST", self.path(file_id), {**headers, "X-HTTP-Method-Override": "PUT"}, b"")
        self.assertEqual(reply.status, 405)

    async def test_full_disk(self) -> None:
        """A full disk is a 507 with the offset to go on from; a door that is too busy a 503 with a time."""
        file_id = await self.offer(1000)
        taken = self.parts.uploads.open
        refused: Refused = TransferError(Status.QUOTA_EXCEEDED, "The disk is full.", 10)

        async def full(*args: object, **more: object) -> None:
            raise refused

        self.patch_uploads(full)
        reply = await self.patch(file_id, 0, b"x" * 1000)
        self.assertEqual((reply.status, reply.error, reply.headers["Upload-Offset"]), (507, 68, "10"))
        refused = Refused(Status.SERVER_BUSY, "Later.", retry_after=5.0)
        reply = await self.patch(file_id, 0, b"x" * 1000)
        self.assertEqual((reply.status, reply.error, reply.headers["Retry-After"]), (503, 73, "5"))
        self.patch_uploads(taken)
        self.assertEqual((await self.patch(file_id, 0, b"x" * 1000)).status, 204)

    def patch_uploads(self, opening: object) -> None:
        """Have uploads opened otherwise."""
        self.parts.uploads.open = opening  # type: ignore[assignment]

    async def test_many_at_once(self) -> None:
        """One file more than a user may send at the same time is refused for now."""
        for _ in range(self.config.uploads):
            file_id = await self.offer(1000)
            await self.begun(file_id, 0, 1000, b"x")
            await self.arrived(file_id, 1)
        late = await self.offer(1000)
        reply = await self.patch(late, 0, b"x" * 1000)
        self.assertEqual((reply.status, reply.error), (503, 73))

    async def test_unknown_identifiers(self) -> None:
        """What is no identifier of a file is not found; one with bits that say nothing is none."""
        file_id = await self.send(b"abc")
        name = encode_id(file_id)
        twin = name[:-1] + chr(ord(name[-1]) + 1)
        for path in (
            "/files/x",
            f"/files/{twin}",
            f"/files/{name}/",
            "/files//",
            "/",
            "/other",
            f"/files/%2e%2e/{name}",
        ):
            self.assertEqual((await self.ask("GET", path, self.bearer(file_id, Right.READ))).status, 404)
