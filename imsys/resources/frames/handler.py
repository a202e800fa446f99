"""The frames of files on the resources port: which go where, and who may send them."""

from __future__ import annotations

from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime

from imsys.config import ResourcesConfig
from imsys.errors import Refused, Status
from imsys.protocols.chunks import CREDIT, OVERHEAD, UPLOAD_CHUNK, decode_chunk, decode_count
from imsys.protocols.framing import Frame
from imsys.protocols.identifiers import decode_id
from imsys.protocols.messages.files import (
    DownloadRequest,
    DownloadResponse,
    UploadOpenRequest,
    UploadOpenResponse,
)
from imsys.resources.budget import Budget
from imsys.resources.frames.downloading import Downloading
from imsys.resources.frames.uploading import Uploading
from imsys.resources.granted import Granted
from imsys.resources.transfers import Downloads, Uploads
from imsys.security.tickets import Right, Tickets
from imsys.server.caller import Caller
from imsys.server.dispatch import Handler, handles
from imsys.server.session import Session


class FrameHandler:
    """Takes the frames of files on all connections of one resources port.

    Requests (72, 74) take their turns among the others of their connection. Chunks and credits (70, 76) are
    answered by nothing, or by acknowledgements and errors at any time, and go straight to their transfer.
    """

    def __init__(
        self,
        clock: IReactorTime,
        config: ResourcesConfig,
        tickets: Tickets,
        granted: Granted,
        uploads: Uploads,
        downloads: Downloads,
        ahead: Budget,
    ) -> None:
        self._clock = clock
        self._config = config
        self._tickets = tickets
        self._granted = granted
        self._uploads = uploads
        self._downloads = downloads
        self._ahead = ahead
        self._largest = config.max_frame - OVERHEAD
        self._open: dict[Session, _Transfers] = {}

    def filter(self, session: Session) -> FrameFilter:
        """Take the frames of a session that are no requests."""
        return FrameFilter(self, session)

    def handlers(self) -> tuple[Handler, ...]:
        """Return the handlers of the requests."""

        @handles(UploadOpenRequest)
        async def upload_open(caller: Caller, request: UploadOpenRequest) -> UploadOpenResponse:
            file_id = await self._admit(caller, request.file_id, request.ticket, Right.WRITE)
            uploading, chunk = self._of(caller.session).uploading, min(self._uploads.chunk, self._largest)
            if request.give_up:
                await uploading.give_up(file_id, caller.user)
                return UploadOpenResponse(
                    offset=0, chunk_size=chunk, window=self._uploads.window, given_up=True
                )
            offset = await uploading.open(file_id, caller.user)
            return UploadOpenResponse(offset=offset, chunk_size=chunk, window=self._uploads.window)

        @handles(DownloadRequest)
        async def download(caller: Caller, request: DownloadRequest) -> DownloadResponse:
            file_id = await self._admit(caller, request.file_id, request.ticket, Right.READ)
            downloading = self._of(caller.session).downloading
            downloading.check(file_id)
            found = await self._downloads.open(file_id)
            file, content = found.file, found.content
            if not 0 <= request.offset <= content.size:
                raise Refused(
                    Status.INVALID_FIELD, f"This file has {content.size} bytes; an offset lies within them."
                )
            _still_there(caller.session)
            downloading.begin(file_id, found, request.offset)
            return DownloadResponse(
                size=content.size, sha256=content.sha256.hex(), filename=file.filename, mime=file.mime
            )

        return upload_open, download

    def chunk(self, session: Session, body: bytes) -> None:
        """Take bytes of a file (70). :raises PeerFault: it has no header."""
        self._of(session).uploading.take(decode_chunk(body))

    def credit(self, session: Session, body: bytes) -> None:
        """Allow more bytes to be sent (76). :raises PeerFault: it is none."""
        count = decode_count(body)
        self._of(session).downloading.grant(count.file_id, count.number)

    def ended(self, session: Session) -> None:
        """Let go of the transfers of a connection that is gone."""
        transfers = self._open.pop(session, None)
        if transfers is not None:
            transfers.uploading.release()
            transfers.downloading.release()

    async def _admit(self, caller: Caller, file_id: str, ticket: str, right: Right) -> bytes:
        """See whether a ticket is good for this.

        :raises Refused: ``PERMISSION_DENIED``, it is not; ``INVALID_FIELD``, that is no identifier.
        :raises Unavailable: that cannot be told now.
        """
        _still_there(caller.session)
        decoded = decode_id(file_id)
        checked = self._tickets.check(ticket, decoded, right)
        if checked.user != caller.user:
            raise Refused(Status.PERMISSION_DENIED, "This ticket is somebody else's.")
        await self._granted.demand(checked)
        _still_there(caller.session)
        return decoded

    def _of(self, session: Session) -> _Transfers:
        transfers = self._open.get(session)
        if transfers is None:
            limit, chunk = self._config.uploads, min(self._config.chunk, self._largest)
            transfers = self._open[session] = _Transfers(
                Uploading(session, self._clock, self._uploads, limit),
                Downloading(
                    session, self._clock, self._ahead, limit=limit, chunk=chunk, patience=self._config.stalled
                ),
            )
        return transfers


@dataclass(frozen=True, slots=True)
class _Transfers:
    """The files that one connection sends and reads."""

    uploading: Uploading
    downloading: Downloading


class FrameFilter:
    """Stands between a connection and its session, and takes the frames that are no requests."""

    __slots__ = ("_handler", "_session")

    def __init__(self, handler: FrameHandler, session: Session) -> None:
        self._handler = handler
        self._session = session

    def received(self, frame: Frame) -> None:
        """Take a frame. :raises PeerFault: the connection is to be closed."""
        session = self._session
        if frame.service == UPLOAD_CHUNK and session.user:
            session.alive()
            self._handler.chunk(session, frame.body)
        elif frame.service == CREDIT and session.user:
            session.alive()
            self._handler.credit(session, frame.body)
        else:
            session.received(frame)

    def finished(self) -> None:
        """Tell the session that the peer sends nothing more."""
        self._session.finished()

    def lost(self) -> None:
        """Let go of the transfers, and tell the session: the connection is gone."""
        self._handler.ended(self._session)
        self._session.lost()


def _still_there(session: Session) -> None:
    if not session.open:  # nobody would ever let go of what is begun now
        raise Refused(Status.NETWORK_ERROR, "The connection is gone.")
