"""The files that one connection reads."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status
from imsys.protocols.chunks import DOWNLOAD_CHUNK, encode_chunk
from imsys.resources.budget import Budget
from imsys.resources.frames.errors import tell
from imsys.resources.frames.room import Room
from imsys.resources.transfers import Download
from imsys.server.session import Session

_log = Logger()


class DownloadStream:
    """Sends one file to a connection: as far as the client grants, and as fast as it reads.

    At most one chunk is in memory here, and another one in the transport's buffer.

    :param ahead: what all downloads together have read and not yet sent: where it is used up, nobody reads
        before there is room.
    :param chunk: bytes of one at most.
    """

    def __init__(
        self, room: Room, ahead: Budget, chunk: int, file_id: bytes, download: Download, offset: int
    ) -> None:
        self._session = room.session
        self._room = room
        self._ahead = ahead
        self._download = download
        self._chunk = chunk
        self._credit = 0
        self._granted: Deferred[None] | None = None
        self._over = False
        self.file_id = file_id
        self.offset = offset
        """Bytes of the file before the next chunk."""

    def grant(self, count: int) -> None:
        """Allow the client's bytes: so many more may be sent."""
        self._credit += count
        self._wake()

    def release(self) -> None:
        """Send nothing more."""
        self._over = True
        self._wake()

    async def run(self) -> None:
        """Send all of the file, and its end.

        :raises Refused: the store does not give it, or the client grants or reads nothing for too long.
        """
        size = self._download.content.size
        while self.offset < size and not self._stopped:
            await self._some_credit()
            if self._stopped:
                return
            await self._send(min(self._chunk, self._credit, size - self.offset))
        if not self._stopped:
            self._session.push(encode_chunk(DOWNLOAD_CHUNK, self.file_id, self.offset, b""))

    @property
    def _stopped(self) -> bool:
        return self._over or self._room.over

    async def _send(self, length: int) -> None:
        ahead = self._ahead.take(length)
        try:
            if not ahead:
                await self._some_room()
            if self._stopped:
                return
            data = await self._download.read(self.offset, length)
            if not data:
                raise Refused(Status.FILE_OPEN_ERROR, "The file is shorter than it was.")
            if not self._room.free:
                await self._some_room()
            if self._stopped:
                return
            self._credit -= len(data)
            place = self.offset
            self.offset += len(data)
            self._session.push(encode_chunk(DOWNLOAD_CHUNK, self.file_id, place, data))
        finally:
            if ahead:
                self._ahead.give(length)

    async def _some_room(self) -> None:
        try:
            await self._room.wait()
        except DeferredTimeout:
            raise _stalled() from None

    async def _some_credit(self) -> None:
        while not self._credit and not self._stopped:
            self._granted = Deferred()
            try:
                await self._granted.addTimeout(self._room.patience, self._room.clock)
            except DeferredTimeout:
                raise _stalled() from None

    def _wake(self) -> None:
        granted, self._granted = self._granted, None
        if granted is not None and not granted.called:
            granted.callback(None)


class Downloading:
    """Sends files to one connection, up to a number at a time.

    :param limit: of them.
    """

    def __init__(
        self, session: Session, clock: IReactorTime, ahead: Budget, *, limit: int, chunk: int, patience: float
    ) -> None:
        self._session = session
        self._clock = clock
        self._ahead = ahead
        self._limit = limit
        self._chunk = chunk
        self._patience = patience
        self._room: Room | None = None
        self._open: dict[bytes, DownloadStream] = {}

    def __len__(self) -> int:
        return len(self._open)

    def check(self, file_id: bytes) -> None:
        """See whether one more can begin. :raises Refused: ``SERVER_BUSY``, there are too many."""
        if file_id not in self._open and len(self._open) >= self._limit:
            raise Refused(
                Status.SERVER_BUSY, f"A connection reads at most {self._limit} files at the same time."
            )

    def begin(self, file_id: bytes, download: Download, offset: int) -> None:
        """Send a file from an offset on, as it is granted; in the place of one with the same identifier."""
        self.check(file_id)
        if self._room is None:
            self._room = Room(self._session, self._clock, self._patience)
        before = self._open.pop(file_id, None)
        if before is not None:
            before.release()
        stream = self._open[file_id] = DownloadStream(
            self._room, self._ahead, self._chunk, file_id, download, offset
        )
        self._clock.callLater(0, self._run, stream)  # after the response

    def grant(self, file_id: bytes, count: int) -> None:
        """Allow so many more bytes of a file; nothing happens if it is not open (any more)."""
        stream = self._open.get(file_id)
        if stream is not None:
            stream.grant(count)

    def release(self) -> None:
        """Send nothing more: the connection is gone."""
        released, self._open = self._open, {}
        for stream in released.values():
            stream.release()
        if self._room is not None:
            self._room.close()

    def _run(self, stream: DownloadStream) -> None:
        running: Deferred[Any] = Deferred.fromCoroutine(stream.run())
        running.addCallbacks(lambda _: self._remove(stream), self._failed, errbackArgs=(stream,))

    def _failed(self, reason: Failure, stream: DownloadStream) -> None:
        problem = reason.value
        if not isinstance(problem, Refused):
            _log.failure("a download failed", reason)
            problem = Refused(Status.INTERNAL_ERROR, "The server made a mistake; it is in its log.")
        if self._remove(stream):
            tell(self._session, stream.file_id, problem, stream.offset)

    def _remove(self, stream: DownloadStream) -> bool:
        here = self._open.get(stream.file_id) is stream
        if here:
            del self._open[stream.file_id]
        return here


def _stalled() -> Refused:
    return Refused(Status.SERVER_BUSY, "Nothing was granted or read for too long; ask for the rest again.")
