"""Receive a file into a part file, resuming where that ends, as fast as the disk can write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.messages.files import DownloadRequest, DownloadResponse
from imsys.sdk.attachments import Grant
from imsys.sdk.file_connection import FileConnection
from imsys.sdk.parts import Damaged, Part
from imsys.sdk.progress import Progress, Report, Stage
from imsys.sdk.retry_policy import RetryPolicy
from imsys.sdk.transfer_context import TransferContext

_CREDIT = 1 << 21
"""Bytes that the server may send ahead of the disk; a transfer keeps no more than this in memory."""

_PATIENCE = 120.0
"""Seconds without a chunk after which the connection is closed."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """A received file at ``path``, and the name and MIME type it was sent with; ``sha256`` in hex."""

    file_id: str
    path: Path
    size: int
    sha256: str
    filename: str
    mime: str


class Download:
    """The download of one file, over as many connections as it takes."""

    def __init__(
        self, around: TransferContext, file_id: str, part: Part, report: Report, *, thumbnail: bool = False
    ) -> None:
        self._files = around.files
        self._file_id = file_id
        self._thumbnail = thumbnail
        self._part = part
        self._report = report
        self._size = 0
        self._received: Received | None = None
        self._persistence = RetryPolicy(around, self._ask, self._waiting)

    async def run(self) -> Received:
        """Receive the file; see :meth:`imsys.sdk.progress.Transfer.result` for the errors."""
        part = self._part
        try:
            await part.open(lambda done: self._tell(Stage.HASHING))
            await self._persistence.run(self._move)
        finally:
            await part.close()
        assert self._received is not None
        return self._received

    async def _ask(self) -> Grant:
        grant = await self._files.get_file(self._file_id, thumbnail=self._thumbnail)
        if not grant.whole:
            raise Refused(Status.FILE_OPEN_ERROR, "This file is still on its way.")
        return grant

    async def _move(self, carrier: FileConnection, grant: Grant) -> None:
        part = self._part
        if part.offset > grant.size:
            await part.restart()
        asked = DownloadRequest(file_id=grant.file_id, ticket=grant.ticket, offset=part.offset)
        found = await carrier.request(asked, DownloadResponse)
        self._size = found.size
        self._tell(Stage.MOVING)
        await self._take(carrier)
        if part.offset != found.size:
            raise Unavailable(Status.NETWORK_ERROR, "The file ends too early.")
        self._tell(Stage.FINISHING)
        if not await part.keep(found.sha256):
            await part.restart()  # the part file of an earlier run was damaged
            raise Refused(Status.CHECKSUM_MISMATCH, "The file is not what was sent.")
        self._received = Received(
            file_id=grant.file_id,
            path=part.target,
            size=found.size,
            sha256=found.sha256,
            filename=found.filename,
            mime=found.mime,
        )

    async def _take(self, carrier: FileConnection) -> None:
        """Write the chunks to the part file until the last one has arrived."""
        part = self._part
        carrier.grant(_CREDIT)
        while True:
            if not carrier.chunks:
                await carrier.news(_PATIENCE)
                continue
            chunks, carrier.chunks = carrier.chunks, []
            before = part.offset
            try:
                await part.write(chunks)
            except Damaged as damaged:
                raise Unavailable(
                    Status.NETWORK_ERROR, f"The connection spoils what it carries: {damaged}."
                ) from damaged
            if not chunks[-1].data:
                return
            carrier.grant(part.offset - before)
            self._persistence.progressed()
            self._tell(Stage.MOVING)

    def _waiting(self, problem: BaseException) -> None:
        self._report(Progress(Stage.WAITING, self._part.offset, self._size, problem))

    def _tell(self, stage: Stage) -> None:
        self._report(Progress(stage, self._part.offset, self._size))
