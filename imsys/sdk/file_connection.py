"""One connection to a resources server, logged in, for one file."""

from __future__ import annotations

from typing import Any, TypeVar

from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.python.failure import Failure

from imsys.errors import PeerFault, Refused, Status, Unavailable
from imsys.protocols.chunks import (
    CREDIT,
    DOWNLOAD_CHUNK,
    UPLOAD_ACK,
    UPLOAD_CHUNK,
    Chunk,
    decode_chunk,
    decode_count,
    encode_chunk,
    encode_count,
)
from imsys.protocols.framing import RESOURCES
from imsys.protocols.identifiers import decode_id
from imsys.protocols.messages.registry import Message, Request, Response
from imsys.protocols.messages.session import LoginRequest, LogoutResponse
from imsys.protocols.messages.transfers import TransferErrorPush
from imsys.protocols.messages.uploads import ResourcesLoginResponse
from imsys.sdk.attachments import Grant
from imsys.sdk.connection import ChatConnection
from imsys.sdk.credentials import Credentials
from imsys.sdk.gateway import ServerAddress, status_of
from imsys.sdk.opening import open_connection
from imsys.sdk.timing import Timing
from imsys.sdk.trust import Trust
from imsys.util.events import Waiters

_LARGEST = 1 << 24
"""Bytes of a frame, at most: the largest that a server can be configured to send."""

R = TypeVar("R", bound=Response)


class Interrupted(Refused):
    """The server refused a part of the transfer or ended it (push 79); the connection is still usable."""


class FileConnection:
    """A connection for one file, with the acknowledgements or chunks that were received on it.

    :param grant: the grant to the file.
    """

    def __init__(self, reactor: Any, grant: Grant, timing: Timing) -> None:
        self._reactor = reactor
        self._timing = timing
        self._grant = grant
        self._id = decode_id(grant.file_id)
        self._news: Waiters[None] = Waiters()
        self._problem: BaseException | None = None
        self._room = 0
        self._connection = ChatConnection(
            *(reactor, self._pushed, self._lost),
            heartbeat=timing.heartbeat,
            silence=timing.carrying,
            format=RESOURCES,
            limit=_LARGEST,
            raw={UPLOAD_ACK: self._acked, DOWNLOAD_CHUNK: self._chunk},
        )
        self.acked = -1
        """The newest acknowledged offset in bytes; it equals the file's size when the upload is complete."""
        self.chunks: list[Chunk] = []
        """Chunks that were received but not taken yet: at most as many bytes as were granted."""

    async def open(self, credentials: Credentials, trust: Trust | None, deadline: float) -> None:
        """Connect within ``deadline`` seconds, and log in.

        :raises Refused: the token is not accepted.
        :raises Unavailable: the server cannot be reached.
        """
        place = ServerAddress(self._grant.host, self._grant.port)
        await open_connection(self._reactor, self._connection, place, trust, deadline)
        await self.request(
            LoginRequest(uuid=str(credentials.uuid), token=credentials.token), ResourcesLoginResponse
        )
        self._connection.begin_heartbeats(credentials.uuid)

    async def request(self, request: Request, reply: type[R]) -> R:
        """Send a request and return its response."""
        return await self._connection.request(request, reply, self._timing.deadline)

    def send(self, offset: int, data: bytes) -> None:
        """Send a chunk of the file."""
        self._connection.write(encode_chunk(UPLOAD_CHUNK, self._id, offset, data))

    def grant(self, count: int) -> None:
        """Allow the server to send so many bytes more of the file."""
        self._room += count
        self._connection.write(encode_count(CREDIT, self._id, count))

    def check(self) -> None:
        """Check that the transfer can continue. :raises Refused: it cannot."""
        if self._problem is not None:
            raise self._problem

    async def news(self, patience: float) -> None:
        """Return when something about the file was received.

        :param patience: seconds to wait.
        :raises Interrupted: the server ended the transfer.
        :raises Unavailable: the connection is gone, or nothing was received in time.
        """
        self.check()
        try:
            await self._news.add().addTimeout(patience, self._reactor)
        except DeferredTimeout:
            raise Unavailable(Status.NETWORK_ERROR, "The file server does not go on.") from None
        self.check()

    async def close(self, *, at_once: bool) -> None:
        """Close the connection: ``at_once``, or after the last byte is sent."""
        if at_once:
            self._connection.abort()
        else:
            self._connection.close()
        await self._connection.when_gone()

    def _acked(self, body: bytes) -> None:
        count = decode_count(body)
        if count.file_id == self._id:
            self.acked = count.number
            self._tell()

    def _chunk(self, body: bytes) -> None:
        chunk = decode_chunk(body)
        self._room -= len(chunk.data)
        if chunk.file_id != self._id or self._room < 0:
            raise PeerFault("bytes that were not granted")
        self.chunks.append(chunk)
        self._tell()

    def _pushed(self, connection: ChatConnection, push: Message) -> None:
        if isinstance(push, TransferErrorPush) and push.file_id == self._grant.file_id:
            self._fail(Interrupted(status_of(push.error), push.message))
        elif isinstance(push, LogoutResponse):
            self._fail(Refused(Status.LOGIN_UNSUCCESSFUL, "The session has ended."))

    def _lost(self, connection: ChatConnection, reason: Failure) -> None:
        self._fail(connection.problem())

    def _fail(self, problem: BaseException) -> None:
        if self._problem is None:
            self._problem = problem
        self._tell()

    def _tell(self) -> None:
        self._news.fire(None)
