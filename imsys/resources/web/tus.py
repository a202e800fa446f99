"""Uploads by tus 1.0.0: core, creation, creation-with-upload, expiration, checksum, termination.

The file was offered at the chat server; creating it here is finding it. Whoever
comes with a ticket takes the upload over from a connection that has it: that one
is broken, or will be when its client goes on elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from imsys.errors import Refused, Status
from imsys.files.readable import PIECE
from imsys.protocols.identifiers import encode_id
from imsys.resources.budget import Budget
from imsys.resources.transfers import TransferError, Upload, Uploads
from imsys.resources.upload_listener import UploadWaiter
from imsys.resources.web.grants import Grants, file_named
from imsys.resources.web.tus_headers import (
    ALGORITHMS,
    BYTES,
    EXTENSIONS,
    VERSION,
    Checksum,
    check_metadata,
    checksum,
    expires,
    metadata,
    number,
)
from imsys.security.tickets import Right, Ticket
from imsys.web.answers import Headers, Problem, Response, refusal
from imsys.web.requests import Request

CHECKED_BYTES = 1 << 23
"""Bytes of a request with a checksum at most: they are kept in memory until all of them are here and right.
"""

RESUMABLE = ("Tus-Resumable", VERSION)

Spoken = Callable[..., Awaitable[Response]]


class TusHandler:
    """Takes files, from whoever has a ticket to write them.

    :param budget: bytes, of all requests with checksums together, that wait in memory.
    :param max_file: bytes of a file at most.
    """

    def __init__(self, uploads: Uploads, grants: Grants, budget: Budget, max_file: int) -> None:
        self._uploads = uploads
        self._grants = grants
        self._budget = budget
        self._max_file = max_file

    # -- what comes over HTTP

    async def options(self, request: Request, *_: str) -> Response:
        """Tell what this server can do."""
        headers = (
            RESUMABLE,
            ("Tus-Version", VERSION),
            ("Tus-Extension", EXTENSIONS),
            ("Tus-Max-Size", str(self._max_file)),
            ("Tus-Checksum-Algorithm", ",".join(ALGORITHMS)),
        )
        return Response(204, headers)

    async def post(self, request: Request, *places: str) -> Response:
        """Create an upload; or use another method, by ``X-HTTP-Method-Override``, from those who cannot send
        it.
        """
        method = request.header("x-http-method-override")
        if method is None:
            if places:
                raise Problem(
                    405,
                    Status.JSONPARSE_ERROR,
                    "Files are created at /files/.",
                    ("Allow", "HEAD, GET, PATCH, DELETE, OPTIONS"),
                )
            return await self._spoken(self._create, request)
        handlers: dict[str, Spoken] = {"POST": self._create}
        if places:
            handlers = {"PATCH": self._patch, "DELETE": self._delete, "HEAD": self._head}
        if method not in handlers:
            raise Problem(
                405, Status.JSONPARSE_ERROR, "X-HTTP-Method-Override names no method that could be meant."
            )
        return await self._spoken(handlers[method], request, *places)

    async def head(self, request: Request, name: str) -> Response:
        """Tell where to go on."""
        return await self._spoken(self._head, request, name)

    async def patch(self, request: Request, name: str) -> Response:
        """Take the next bytes."""
        return await self._spoken(self._patch, request, name)

    async def delete(self, request: Request, name: str) -> Response:
        """Give an upload up."""
        return await self._spoken(self._delete, request, name)

    async def _spoken(self, handler: Spoken, request: Request, *places: str) -> Response:
        """Every response has the version, refusals as well; a request has it, too.

        :raises Problem: whatever the handler does.
        """
        if request.header("tus-resumable") != VERSION:
            raise Problem(
                412,
                Status.INVALID_FIELD,
                f"Tus-Resumable has to be {VERSION}.",
                RESUMABLE,
                ("Tus-Version", VERSION),
            )
        try:
            return (await handler(request, *places)).having(RESUMABLE)
        except Problem as problem:
            problem.headers += (RESUMABLE,)
            raise

    # -- what it means

    async def _create(self, request: Request) -> Response:
        ticket = await self._grants.of(request, Right.WRITE)
        if request.header("upload-defer-length") is not None or request.header("upload-concat") is not None:
            raise Problem(
                400,
                Status.INVALID_FIELD,
                "The length has to be known, and the file has to come in one upload.",
            )
        length = number(request, "Upload-Length")
        check_metadata(request)
        with_bytes = request.header("content-type") == BYTES
        async with self._opened(request, ticket) as (upload, waiter):
            if length != upload.file.size:
                status = 413 if length > upload.file.size else 400
                raise Problem(
                    status, Status.INVALID_FIELD, f"A file of {upload.file.size} bytes was offered."
                )
            # else it is here already, at least in part, and the client is told so
            if with_bytes and await upload.flushed() == 0:
                await self._take(request, upload, waiter)
            headers: Headers = (
                ("Location", f"/files/{encode_id(ticket.file_id)}"),
                *await self._progress(upload),
            )
        return Response(201, headers)

    async def _head(self, request: Request, name: str) -> Response:
        file_id = file_named(name)
        ticket = await self._grants.of(request, Right.WRITE, file_id)
        async with self._opened(request, ticket) as (upload, _):
            file, progress = upload.file, await self._progress(upload)
        headers = (
            *progress,
            ("Upload-Length", str(file.size)),
            metadata(file.filename, file.mime),
            ("Cache-Control", "no-store"),
        )
        return Response(200, headers)

    async def _patch(self, request: Request, name: str) -> Response:
        file_id = file_named(name)
        ticket = await self._grants.of(request, Right.WRITE, file_id)
        if request.header("content-type") != BYTES:
            raise Problem(415, Status.INVALID_FIELD, f"Content-Type has to be {BYTES}.")
        offset = number(request, "Upload-Offset")
        async with self._opened(request, ticket) as (upload, waiter):
            there = await upload.flushed()
            if offset != there:
                raise TransferError(
                    Status.FILE_UPLOAD_ERROR, f"The upload goes on at {there}, not at {offset}.", there
                )
            await self._take(request, upload, waiter)
            headers = await self._progress(upload)
        return Response(204, headers)

    async def _delete(self, request: Request, name: str) -> Response:
        file_id = file_named(name)
        ticket = await self._grants.of(request, Right.WRITE, file_id)
        try:
            await self._uploads.terminate(file_id, ticket.user)
        except Refused as refused:
            if refused.status is Status.FILE_OPEN_ERROR:
                raise Problem(403, refused.status, "A file that is whole is no upload any more.") from None
            raise refusal(refused) from None
        return Response(204)

    # -- bytes

    @contextlib.asynccontextmanager
    async def _opened(self, request: Request, ticket: Ticket) -> AsyncIterator[tuple[Upload, UploadWaiter]]:
        """Hold an upload; what was fed stays, however this ends. :raises Problem: whatever is refused."""
        waiter = UploadWaiter(request.body.fail)
        grant = self._grants.hold(
            ticket, lambda reason: waiter.lost(Refused(Status.PERMISSION_DENIED, reason))
        )
        try:
            upload = await self._uploads.open(ticket.file_id, ticket.user, waiter)
            try:
                yield upload, waiter
            finally:
                upload.release()
        except Refused as refused:
            raise _problem(refused, taken=refused is waiter.reason) from None
        finally:
            self._grants.release(grant)

    async def _take(self, request: Request, upload: Upload, waiter: UploadWaiter) -> None:
        """Take the body of a request.

        :raises Problem: 413, it does not fit; 460, it is not what its checksum says.
        """
        expected = checksum(request)
        left = upload.file.size - upload.fed
        if request.length is not None and request.length > left:
            raise Problem(
                413,
                Status.INVALID_FIELD,
                f"{left} bytes are left of this file.",
                ("Upload-Offset", str(upload.fed)),
            )
        if expected is not None:
            await self._take_checked(request, upload, waiter, expected)
            return
        while piece := await request.body.read():
            upload.feed(upload.fed, piece)
            await waiter.room()

    async def _take_checked(
        self, request: Request, upload: Upload, waiter: UploadWaiter, expected: Checksum
    ) -> None:
        size = CHECKED_BYTES if request.length is None else request.length
        if size > CHECKED_BYTES:
            raise _too_many()
        if not self._budget.take(size):
            raise Refused(
                Status.SERVER_BUSY,
                "Too many bytes wait to be checked; ask again, or send them without a checksum.",
            )
        try:
            digest, here = expected.begin(), bytearray()  # of its pieces each may be a byte
            while piece := await request.body.read():
                digest.update(piece)
                here += piece
                if len(here) > size:
                    raise _too_many()
            if digest.digest() != expected.digest:
                raise TransferError(
                    Status.CHECKSUM_MISMATCH,
                    "The bytes are not what their checksum says; none were taken.",
                    upload.fed,
                )
            for at in range(0, len(here), PIECE):
                upload.feed(upload.fed, bytes(here[at : at + PIECE]))
                await waiter.room()
        finally:
            self._budget.give(size)

    async def _progress(self, upload: Upload) -> Headers:
        """Tell how far an upload is; with the last byte, make the file whole first."""
        offset = await upload.flushed()
        if offset == upload.file.size:
            await upload.finish()
            return (("Upload-Offset", str(offset)),)
        return ("Upload-Offset", str(offset)), expires(upload.file.expires_ms)


def _problem(refused: Refused, *, taken: bool) -> Problem:
    """Say a refusal in the words of tus.

    :param taken: whether it says why the upload was taken from this request.
    """
    if refused.status is Status.FILE_OPEN_ERROR:
        # the ticket is ours: there was such a file
        return Problem(410, refused.status, refused.message)
    offset: Headers = (("Upload-Offset", str(refused.offset)),) if isinstance(refused, TransferError) else ()
    if refused.status is Status.FILE_UPLOAD_ERROR and taken:
        return Problem(423, refused.status, refused.message, *offset)
    if refused.status is Status.CHECKSUM_MISMATCH:
        return Problem(460, refused.status, refused.message, *offset)
    plain = refusal(refused)
    return Problem(plain.status, plain.error, plain.message, *plain.headers, *offset)


def _too_many() -> Problem:
    return Problem(413, Status.INVALID_FIELD, f"With a checksum a request has {CHECKED_BYTES} bytes at most.")
