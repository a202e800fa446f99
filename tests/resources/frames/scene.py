"""A resources port with nothing but the frame door, over TLS, and raw clients of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from twisted.internet.task import deferLater

from imsys.config import FilesConfig, ResourcesConfig
from imsys.errors import Refused, Status
from imsys.protocols.chunks import (
    CREDIT,
    DOWNLOAD_CHUNK,
    OVERHEAD,
    UPLOAD_ACK,
    UPLOAD_CHUNK,
    Chunk,
    decode_chunk,
    decode_count,
    encode_chunk,
    encode_count,
)
from imsys.protocols.crowd import Crowd
from imsys.protocols.framing import RESOURCES, FrameDecoder
from imsys.protocols.identifiers import encode_id
from imsys.protocols.messages.session import HeartbeatRequest, HeartbeatResponse, LoginRequest
from imsys.protocols.messages.uploads import ResourcesLoginResponse
from imsys.resources.budget import Budget
from imsys.resources.frames import FrameHandler
from imsys.security.tickets import Right, TicketKeys, Tickets
from imsys.server.caller import Caller
from imsys.server.connections import Connections
from imsys.server.dispatch import Dispatcher, Handler, handles
from imsys.server.session import Session
from imsys.services.common import ListenService
from imsys.services.tls import public_context
from imsys.store.files import File
from tests.resources.frames.memory import MemoryDownloads, MemoryUploads
from tests.resources.leave import leave
from tests.resources.port import PortCase
from tests.support.chat import RawClient
from tests.support.children import folder
from tests.support.servers import certificates


def token_of(user: int) -> str:
    return f"token of {user}"


@handles(LoginRequest, anonymous=True)
async def _login(caller: Caller, request: LoginRequest) -> ResourcesLoginResponse:
    if request.token != token_of(int(request.uuid)):
        raise Refused(Status.LOGIN_UNSUCCESSFUL, "The token is wrong.")
    caller.session.logged_in(int(request.uuid), "", 0, "")
    return ResourcesLoginResponse(uuid=request.uuid)


@handles(HeartbeatRequest, anonymous=True)
async def _heartbeat(caller: Caller, request: HeartbeatRequest) -> HeartbeatResponse:
    return HeartbeatResponse()


class _Server:
    def context(self, session: Session, user: int) -> Caller:
        return Caller(session, user)


class Client(RawClient):
    """Frames of the resources port.

    The bodies of requests and responses as JSON objects, those of the others as they are.
    """

    def __init__(self, reactor: Any) -> None:
        super().__init__(reactor)
        self._decoder = FrameDecoder(RESOURCES, 1 << 20)
        self.heard = 0
        """Bytes that came."""

    def dataReceived(self, data: bytes) -> None:
        self.heard += len(data)
        super().dataReceived(data)

    def send(self, service: int, /, **keys: Any) -> None:
        self.send_raw(RESOURCES.encode(service, json.dumps(keys).encode()))

    def chunk(self, file: File, offset: int, data: bytes) -> None:
        self.send_raw(encode_chunk(UPLOAD_CHUNK, file.file_id, offset, data))

    def credit(self, file: File, count: int) -> None:
        self.send_raw(encode_count(CREDIT, file.file_id, count))

    def acks(self) -> list[int]:
        """The acknowledgements that are here."""
        return [decode_count(frame.body).number for frame in self._frames if frame.service == UPLOAD_ACK]

    def chunks(self) -> list[Chunk]:
        """The chunks that are here."""
        return [decode_chunk(frame.body) for frame in self._frames if frame.service == DOWNLOAD_CHUNK]

    def ended(self) -> int:
        """How many downloads are at their end, which is a chunk without bytes; looks at no other."""
        empty = OVERHEAD - RESOURCES.header.size
        return sum(frame.service == DOWNLOAD_CHUNK and len(frame.body) == empty for frame in self._frames)


class FramesCase(PortCase[Client]):
    """A test with one server, whose files are in memory."""

    timeout = 20
    config = ResourcesConfig()
    chunk = 1000
    window = 4
    client = Client

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.now = 1000.0
        keys = folder("keys") / "tickets.keys"
        keys.write_text("k1 " + "A" * 43 + "\n")
        self.tickets = Tickets(TicketKeys(keys), lambda: self.now, FilesConfig().ticket_life)
        self.files = MemoryUploads(reactor, self.chunk, self.window)
        self.start()
        self.addCleanup(self.stop)

    def handlers(self) -> tuple[Handler, ...]:
        return (_login, _heartbeat, *self.door.handlers())

    def start(self, port: int = 0) -> None:
        """Start the server."""
        self.door = FrameHandler(
            self.reactor,
            self.config,
            self.tickets,
            leave(self.reactor),
            self.files,
            MemoryDownloads(self.files),
            Budget(self.config.unsent),
        )
        dispatcher: Dispatcher[Session] = Dispatcher(
            self.handlers(), lambda session: self.connections.ended(session), RESOURCES
        )
        dispatcher.serve(_Server())
        self.connections = Connections(
            self.reactor, self.config, dispatcher, Crowd(self.reactor, self.config.capacity), self.door.filter
        )
        context = public_context(certificates()) if self.tls else None
        self.port = ListenService(self.reactor, self.connections, "127.0.0.1", port, context, "port")
        self.parts = [self.connections, self.port]
        for part in self.parts:
            part.startService()

    async def login(self, user: int = 7) -> Client:
        """A new connection that is logged in."""
        client = await self.connect()
        self.assertEqual(
            await client.ask(5, uuid=str(user), token=token_of(user)), {"error": 0, "uuid": str(user)}
        )
        return client

    def ticket(self, file: File, right: Right = Right.WRITE, user: int = 7) -> dict[str, str]:
        """The keys of a request that opens a file."""
        return {"file_id": encode_id(file.file_id), "ticket": self.tickets.issue(file.file_id, user, right)}

    async def open(self, client: Client, file: File, user: int = 7) -> int:
        """Open an upload; its offset."""
        response = await client.ask(72, **self.ticket(file, user=user))
        self.assertEqual(
            response,
            {"error": 0, "offset": response["offset"], "chunk_size": self.chunk, "window": self.window},
        )
        return int(response["offset"])

    async def download(self, client: Client, file: File, offset: int = 0) -> dict[str, Any]:
        """Ask for a file."""
        client.send(74, **self.ticket(file, Right.READ), offset=offset)
        return await client.next(77)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait; the test's own time-out ends a wait for what never comes."""
        while not condition():
            await deferLater(self.reactor, 0.005)

    def stored(self, file: File) -> bytes:
        return bytes(self.files.bytes[file.file_id])

    def is_whole(self, file: File) -> bool:
        return self.files.files[file.file_id].content is not None
