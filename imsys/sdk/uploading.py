"""Send a file: offer it, then send chunks from the offset that the server has reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.messages.files import UploadOpenRequest, UploadOpenResponse
from imsys.sdk.attachments import Grant
from imsys.sdk.file_connection import FileConnection
from imsys.sdk.giving_up import GivingUp
from imsys.sdk.progress import Progress, Report, Stage
from imsys.sdk.retry_policy import RetryPolicy
from imsys.sdk.sources import FileSource
from imsys.sdk.transfer_context import TransferContext
from imsys.sdk.unfinished import UnfinishedUpload, UnfinishedUploads, key

_PATIENCE = 600.0
"""Seconds without an acknowledgement after which the connection is closed; verifying a large file takes a
while."""

_SMALLEST = 1 << 14
_LARGEST = 1 << 20
"""Bounds of a chunk in bytes, whatever the server says."""

_WIDEST = 64
"""Chunks in flight, at most, whatever the server says."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A file that is complete on the server; ``sha256`` in hex."""

    file_id: str
    size: int
    sha256: str


class Upload:
    """The upload of one file, over as many connections as it takes.

    :param picture: whether it becomes the user's ``avatar``, or a picture for a ``group``; ``thread_id`` is then 0.
    :param unfinished: where to remember it, so that another run of the program can resume it; only used if
        the file has a path.
    """

    def __init__(
        self,
        around: TransferContext,
        source: FileSource,
        thread_id: int,
        filename: str,
        mime: str,
        unfinished: UnfinishedUploads | None,
        report: Report,
        *,
        picture: Literal["", "avatar", "group"] = "",
    ) -> None:
        self._around = around
        self._files = around.files
        self._user = around.credentials.uuid
        self._source = source
        self._thread_id = thread_id
        self._picture = picture
        self._filename = filename
        self._mime = mime
        # a picture for a group begins anew: the same file may be sent for several
        self._unfinished = unfinished if source.path is not None and picture != "group" else None
        # the path may hold bytes that are not UTF-8
        self._path = str(source.path).encode("utf-8", "backslashreplace").decode()
        self._report = report
        self._record: UnfinishedUpload | None = None
        self._file_id = ""
        self._sha256 = ""
        self._done = 0
        self._divided = 1
        self._moved = False
        self._persistence = RetryPolicy(around, self._ask, self._waiting)

    async def run(self) -> Sent:
        """Send the file; see :meth:`imsys.sdk.progress.Transfer.result` for the errors."""
        source = self._source
        try:
            await source.open()
            await self._remember()
            if not self._sha256:
                self._sha256 = await source.sha256(lambda done: self._tell(Stage.HASHING, done))
            self._tell(Stage.MOVING, 0)
            await self._persistence.run(self._move)
            if self._record is not None and self._unfinished is not None:
                await self._unfinished.forget(self._record)
        finally:
            await source.close()
        return Sent(file_id=self._file_id, size=source.size, sha256=self._sha256)

    async def give_up(self) -> None:
        """Have the server remove what it has of the file; call it only after :meth:`run` has ended."""
        if self._file_id:
            await GivingUp(self._around, self._file_id).run()
        if self._record is not None and self._unfinished is not None:
            await self._unfinished.forget(self._record)

    # -- the right to send it

    async def _remember(self) -> None:
        """Resume the upload of an earlier run, if the file has not changed."""
        if self._unfinished is None:
            return
        source = self._source
        record = await self._unfinished.find(key(self._user, self._thread_id, self._path))
        if record is not None and (record.size, record.modified) == (source.size, source.modified):
            self._record, self._file_id, self._sha256 = record, record.file_id, record.sha256

    async def _ask(self) -> Grant:
        if self._file_id:
            try:
                return await self._files.get_file(self._file_id, write=True)
            except Refused as refusal:
                if refusal.status is not Status.FILE_OPEN_ERROR:
                    raise
                self._file_id = ""  # the upload has expired
        source = self._source
        if self._picture:
            offer = self._files.offer_avatar if self._picture == "avatar" else self._files.offer_group_picture
            grant = await offer(self._filename, source.size, sha256=self._sha256, mime=self._mime)
        else:
            grant = await self._files.offer_file(
                self._thread_id, self._filename, source.size, sha256=self._sha256, mime=self._mime
            )
        self._file_id = grant.file_id
        if self._unfinished is not None:
            self._record = UnfinishedUpload(
                user=self._user,
                thread_id=self._thread_id,
                path=self._path,
                file_id=grant.file_id,
                size=source.size,
                modified=source.modified,
                sha256=self._sha256,
            )
            await self._unfinished.save(self._record)
        return grant

    # -- on one connection

    async def _move(self, carrier: FileConnection, grant: Grant) -> None:
        opened = await carrier.request(
            UploadOpenRequest(file_id=grant.file_id, ticket=grant.ticket), UploadOpenResponse
        )
        size = self._source.size
        if not 0 <= opened.offset <= size:
            raise Unavailable(Status.NETWORK_ERROR, "The server's answer cannot be read.")
        chunk = max(_SMALLEST, min(opened.chunk_size, _LARGEST - 64) // self._divided)
        window = max(1, min(opened.window, _WIDEST)) * chunk
        self._moved = False
        sent = acked = opened.offset
        self._tell(Stage.MOVING if acked < size else Stage.FINISHING, acked)
        try:
            while carrier.acked < size:
                while sent < size and sent + min(chunk, size - sent) - acked <= window:
                    carrier.check()
                    data = await self._source.read(sent, min(chunk, size - sent))
                    carrier.send(sent, data)
                    sent += len(data)
                    acked = self._heard(carrier, acked, sent)
                if carrier.acked < size:
                    await carrier.news(_PATIENCE)
                    acked = self._heard(carrier, acked, sent)
        finally:
            # a line so bad that not one chunk gets through is tried with smaller ones
            self._divided = 1 if self._moved else min(16, self._divided * 2)

    def _heard(self, carrier: FileConnection, acked: int, sent: int) -> int:
        if carrier.acked > sent:
            raise Unavailable(Status.NETWORK_ERROR, "The server acknowledges what was not sent.")
        if carrier.acked <= acked:
            return acked
        self._moved = True
        self._persistence.progressed()
        self._tell(Stage.MOVING if carrier.acked < self._source.size else Stage.FINISHING, carrier.acked)
        return carrier.acked

    def _waiting(self, problem: BaseException) -> None:
        self._report(Progress(Stage.WAITING, self._done, self._source.size, problem))

    def _tell(self, stage: Stage, done: int) -> None:
        self._done = done
        self._report(Progress(stage, done, self._source.size))
