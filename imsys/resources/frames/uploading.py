"""The files that one connection sends."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status
from imsys.protocols.chunks import UPLOAD_ACK, Chunk, encode_count
from imsys.resources.frames.errors import tell
from imsys.resources.transfers import TransferError, Upload, Uploads
from imsys.server.session import Session

_log = Logger()

_NOT_OPEN = Refused(Status.PERMISSION_DENIED, "No upload of this file is open on this connection (72).")


class UploadStream:
    """Takes one file that a connection sends; :class:`Uploading` has all of them.

    The acknowledgement of its full size is not sent when the last byte is durable, but when the file is whole
    and visible.
    """

    def __init__(self, uploading: Uploading, file_id: bytes) -> None:
        self._uploading = uploading
        self._session = uploading.session
        self.file_id = file_id
        self.held = False
        """Whether no more should be read for now."""
        self.upload: Upload | None = None

    def durable(self, offset: int) -> None:
        """Acknowledge the bytes up to an offset; with the last one, make the file whole first."""
        upload = self.upload
        if upload is None or not self._uploading.has(self):  # told while it is opened: the response says it
            return
        if offset < upload.file.size:
            self._session.push(encode_count(UPLOAD_ACK, self.file_id, offset))
        else:
            finishing = Deferred.fromCoroutine(self._finish(upload))
            finishing.addErrback(self._failed, upload)

    def hold(self, held: bool) -> None:
        """Read no more from this connection for now, or go on."""
        self.held = held
        self._uploading.adjust()

    def lost(self, reason: Refused) -> None:
        """Close the stream, and tell the client why."""
        self._end(
            reason,
            reason.offset
            if isinstance(reason, TransferError)
            else self.upload.offset
            if self.upload is not None
            else 0,
        )

    def take(self, chunk: Chunk) -> None:
        """Write a chunk if it is the next one; else say which is."""
        upload = self.upload
        if upload is None:  # it is being opened
            tell(self._session, self.file_id, _NOT_OPEN, 0)
            return
        try:
            if not chunk.intact:
                raise TransferError(
                    Status.CHECKSUM_MISMATCH,
                    "The bytes of this chunk are not what its CRC-32C says.",
                    upload.fed,
                )
            upload.feed(chunk.offset, chunk.data)
        except TransferError as misplaced:
            tell(self._session, self.file_id, misplaced, misplaced.offset)

    def release(self) -> None:
        """Let go of it: somebody else may go on."""
        if self.upload is not None:
            self.upload.release()

    async def _finish(self, upload: Upload) -> None:
        try:
            await upload.finish()
        except TransferError as misplaced:
            self._end(misplaced, misplaced.offset)
        except Refused as refused:
            self._end(refused, upload.offset)
        else:
            if self._uploading.remove(self):
                self._session.push(encode_count(UPLOAD_ACK, self.file_id, upload.file.size))
        upload.release()

    def _end(self, refused: Refused, offset: int) -> None:
        if self._uploading.remove(self):
            tell(self._session, self.file_id, refused, offset)
            self.release()

    def _failed(self, reason: Failure, upload: Upload) -> None:
        _log.failure("finishing an upload failed", reason)
        self._end(
            Refused(Status.INTERNAL_ERROR, "The server made a mistake; it is in its log."), upload.offset
        )


class Uploading:
    """Takes files that one connection sends, up to a number at a time.

    :param limit: of them.
    """

    def __init__(self, session: Session, clock: IReactorTime, uploads: Uploads, limit: int) -> None:
        self.session = session
        self._clock = clock
        self._uploads = uploads
        self._limit = limit
        self._open: dict[bytes, UploadStream] = {}

    def __len__(self) -> int:
        return len(self._open)

    async def open(self, file_id: bytes, user: int) -> int:
        """Begin with a file, or go on with it; return the offset of the next chunk.

        :raises Refused: ``FILE_OPEN_ERROR``, there is no such file on its way; ``SERVER_BUSY``, there are too
            many.
        """
        before = self._open.pop(file_id, None)
        if before is not None:
            before.release()
        elif len(self._open) >= self._limit:
            raise Refused(
                Status.SERVER_BUSY, f"A connection sends at most {self._limit} files at the same time."
            )
        stream = self._open[file_id] = UploadStream(self, file_id)
        try:
            upload = await self._uploads.open(file_id, user, stream)
        except BaseException:
            self.remove(stream)
            raise
        if not self.has(stream):
            upload.release()
            if self.session.open:
                raise Refused(
                    Status.FILE_UPLOAD_ERROR, "Somebody else goes on with this upload.", retry_after=1.0
                )
            raise Refused(Status.NETWORK_ERROR, "The connection is gone.")
        stream.upload = upload
        if upload.offset == upload.file.size:  # nothing is missing but its end; after the response
            self._clock.callLater(0, stream.durable, upload.offset)
        return upload.offset

    async def give_up(self, file_id: bytes, user: int) -> None:
        """Remove what is here of a file, and never go on with it (idempotent).

        :raises Refused: ``FILE_OPEN_ERROR``, it is whole, or not this user's.
        """
        before = self._open.pop(file_id, None)
        if before is not None:
            before.release()
            self.adjust()
        await self._uploads.terminate(file_id, user)

    def take(self, chunk: Chunk) -> None:
        """Give a chunk to the stream of its file."""
        stream = self._open.get(chunk.file_id)
        if stream is None:
            tell(self.session, chunk.file_id, _NOT_OPEN, 0)
        else:
            stream.take(chunk)

    def has(self, stream: UploadStream) -> bool:
        """Whether this connection still sends a file by this stream."""
        return self._open.get(stream.file_id) is stream

    def remove(self, stream: UploadStream) -> bool:
        """Remove it; return whether it was present."""
        if not self.has(stream):
            return False
        del self._open[stream.file_id]
        self.adjust()
        return True

    def adjust(self) -> None:
        """Read on, unless one of the files asks for a pause."""
        self.session.hold(any(stream.held for stream in self._open.values()))

    def release(self) -> None:
        """Let go of all uploads: the connection is gone."""
        released, self._open = self._open, {}
        for stream in released.values():
            stream.release()
