"""A chat server in the test's process, on a real database and a real Redis, and raw clients of it."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from imsys.chat.context import Chat
from imsys.chat.directory import Directory, SessionListener
from imsys.chat.expirer import Expirer
from imsys.chat.file_announcer import Announcer
from imsys.chat.file_context import FileContext
from imsys.chat.live_announcer import LiveAnnouncer
from imsys.chat.live_context import LiveContext
from imsys.chat.message_log import MessageLog
from imsys.chat.node import Node
from imsys.chat.outbound import Outbound
from imsys.chat.plugins import discover
from imsys.chat.presence import Presence
from imsys.chat.receipts import Receipts
from imsys.chat.scheduler import Scheduler, tell_scheduled
from imsys.chat.typing import Typing
from imsys.chat.unconfirmed import UnconfirmedWrites
from imsys.chat.user_sessions import sessions_of
from imsys.chat.views import tell_presence
from imsys.cluster.resources_directory import ResourcesServer
from imsys.config import ChatConfig, LimitsConfig, LiveConfig
from imsys.errors import Refused, Status
from imsys.protocols.crowd import Crowd
from imsys.protocols.framing import CHAT, Frame, FrameDecoder
from imsys.redis.allowances import Allowances
from imsys.redis.client import RedisService
from imsys.redis.last_seen import LastSeen
from imsys.redis.routes import Routes
from imsys.redis.tokens import Tokens
from imsys.security.tickets import TicketKeys, Tickets
from imsys.server.connections import Connections
from imsys.server.dispatch import Dispatcher
from imsys.server.session import Session
from imsys.store.devices import NO_DEVICE, DeviceInfo, DeviceKind
from imsys.store.members import MemberList
from imsys.util.surge import Surge
from tests.support.servers import keys_of_files, redis_server
from tests.support.stores import StoreCase

PATIENCE = 10.0
"""Seconds after which a test that waits for a frame has failed."""


class RawClient(Protocol):
    """Frames to and from a server, as JSON objects; nothing else."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._decoder = FrameDecoder(CHAT, 65535)
        self._frames: deque[Frame] = deque()
        self._waiting: list[tuple[int, Deferred[dict[str, Any]]]] = []
        self.closed = False
        self._closing: list[Deferred[None]] = []

    def dataReceived(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            self._frames.append(frame)
        self._match()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closed = True
        for one in self._closing:
            one.callback(None)
        for _, waiting in self._waiting:
            waiting.errback(ConnectionError(f"closed while waiting; still here: {list(self._frames)}"))
        self._waiting.clear()

    def _match(self) -> None:
        for wanted in list(self._waiting):
            for frame in self._frames:
                if frame.service == wanted[0]:
                    self._frames.remove(frame)
                    self._waiting.remove(wanted)
                    wanted[1].callback(json.loads(frame.body))
                    break

    def send(self, service: int, /, **keys: Any) -> None:
        """Send a frame."""
        assert self.transport is not None
        self.transport.write(CHAT.encode(service, json.dumps(keys, ensure_ascii=False).encode()))

    def send_raw(self, data: bytes) -> None:
        """Send bytes."""
        assert self.transport is not None
        self.transport.write(data)

    async def next(self, service: int) -> dict[str, Any]:
        """The next frame of a service that was not taken yet."""
        found: Deferred[dict[str, Any]] = Deferred()
        self._waiting.append((service, found))
        self._match()
        if self.closed and not found.called:
            raise ConnectionError(f"closed; still here: {list(self._frames)}")
        try:
            return await found.addTimeout(PATIENCE, self._reactor)
        except DeferredTimeout:
            raise AssertionError(f"no frame of service {service}, only {list(self._frames)}") from None

    async def ask(self, service: int, /, **keys: Any) -> dict[str, Any]:
        """Send a request, and give back its response (the next id)."""
        self.send(service, **keys)
        return await self.next(service + 1)

    async def until_closed(self) -> None:
        """Wait for the server to close."""
        if not self.closed:
            closed: Deferred[None] = Deferred()
            self._closing.append(closed)
            await closed.addTimeout(PATIENCE, self._reactor)

    async def abort(self) -> None:
        """Drop the connection, and wait for its end."""
        assert self.transport is not None
        if not self.closed:
            self.transport.abortConnection()  # type: ignore[attr-defined]
        await self.until_closed()

    def taken(self) -> list[int]:
        """Take all frames that are here; gives back their services."""
        services = [frame.service for frame in self._frames]
        self._frames.clear()
        return services

    def pending(self, service: int) -> list[dict[str, Any]]:
        """Frames of a service that are here and not taken."""
        return [json.loads(frame.body) for frame in self._frames if frame.service == service]


def device_keys(device: str, kind: str = "desktop") -> dict[str, str]:
    """What a client says of its device."""
    return {"id": device, "name": device.title(), "kind": kind}


class Alone:
    """The :class:`Cluster` of a server that has no others beside it."""

    def alive(self, node: str, incarnation: str) -> bool:
        """Nobody else is."""
        return False

    async def end_session(self, node: str, uuid: int, session: str, message: str, device: str = "") -> None:
        """There is nobody to tell."""


async def no_lists(threads: Sequence[int]) -> dict[int, MemberList]:
    """Reads the lists of groups where there are none."""
    return {}


class Elsewhere:
    """The other servers, for who sends: what is sent to them, and told, goes where a test wants it."""

    def __init__(self, send: Any, tell: Any = None, miss_all: Any = None) -> None:
        self.send = send
        self.tell: Any = tell or (lambda user, login_ms, beside: None)
        self.miss_all = miss_all or (lambda: None)
        self.nodes: list[str] | None = None
        """Those that take frames for groups; ``None``: not all do."""

    def group_nodes(self) -> list[str] | None:
        """See :attr:`nodes`."""
        return self.nodes

    def miss_group(self, thread_id: int) -> None:
        """Nobody is there."""


class OnePlace:
    """The :class:`Places` of a server that has one resources server beside it, or none."""

    def __init__(self) -> None:
        self.name = "resources1"
        self.asked: list[tuple[int | str, bool]] = []

    async def pick(self, size: int, *, plaintext: bool) -> ResourcesServer:
        """There is but one."""
        self.asked.append((size, plaintext))
        return self._place(plaintext)

    async def pick_live(self, *, plaintext: bool) -> ResourcesServer:
        """There is but one."""
        return self._place(plaintext)

    async def named(self, name: str, *, plaintext: bool) -> ResourcesServer:
        """There is but one."""
        self.asked.append((name, plaintext))
        if name != self.name:
            raise Refused(Status.NO_AVAILABLE_RESOURCES_SERVER, "It is away.")
        return self._place(plaintext)

    def _place(self, plaintext: bool) -> ResourcesServer:
        if not self.name:
            raise Refused(Status.NO_AVAILABLE_RESOURCES_SERVER, "There is none.")
        return ResourcesServer(self.name, "files.example", 7000 if plaintext else 7001, 7002, 1935, 1936)


class StreamEnds:
    """The resources servers: what they are told, unless they are away."""

    def __init__(self) -> None:
        self.away = False
        self.told: list[tuple[str, bytes]] = []

    async def end(self, server: str, stream_id: bytes) -> None:
        """A stream is over."""
        if self.away:
            raise Refused(Status.GRPC_ERROR, "It is away.")
        self.told.append((server, stream_id))


class ChatServer:
    """The parts of a chat server that has no other servers beside it, on a plaintext port."""

    limits: ClassVar[dict[str, Any]] = {"max_file": 1000, "quota": 1500, "offers": 20}
    """Of files, in bytes; and how many."""
    live_config = LiveConfig()
    allowed = LimitsConfig()
    """What members may do."""

    def __init__(
        self,
        case: StoreCase,
        config: ChatConfig,
        redis: Any,
        cluster: Any = None,
        send_to_peer: Any = None,
        tell: Any = None,
    ) -> None:
        """``cluster`` and the others: see :class:`Directory` and :class:`Elsewhere`."""
        reactor = case.reactor
        self.redis = redis
        self.config = config
        self.tokens = Tokens(redis, case.database, time.time, 86400, 864000)
        self.node = Node(reactor, case.stores.nodes)
        self.came: Callable[[Session], None] = lambda session: None
        self.directory = Directory(
            reactor,
            Routes(redis, self.tokens, 15, devices=config.devices),
            cluster or Alone(),
            SessionListener(
                came=lambda session: self.came(session),
                moved=lambda user, login_ms, beside: self.outbound.moved(user, login_ms, beside),
                found=lambda user, nodes: self.outbound.found(user, nodes),
                relay=lambda user, nodes, frame: self.outbound.relay(user, nodes, frame),
                ended=lambda session: self.tokens.used(session.token_digest),
                replaced=lambda user: self.outbound.resync_elsewhere(user),
                rebuilt=lambda users: self.outbound.resync(users),
            ),
            name=config.name,
            incarnation=f"{config.name}-inc",
            interval=3600,
            digest=Tokens.digest,
            calendar=time.time,
            single=config.single_session,
        )
        others = None if send_to_peer is None else Elsewhere(send_to_peer, tell)
        self.outbound = Outbound(
            reactor,
            self.directory,
            others,
            Surge(reactor),
            case.stores.messages.members,
            case.stores.groups.lists_of,
        )
        self.presence = Presence(
            reactor, time.time, self.directory, case.stores.presence, LastSeen(redis), tell_presence
        )
        self.outbound.watcher = self.presence
        self.typing = Typing(reactor.seconds, case.stores.presence)
        self.unconfirmed = UnconfirmedWrites(reactor, case.stores.threads, self.outbound.catch_up)
        self.log = MessageLog(
            reactor,
            case.stores.messages,
            self.node,
            batch=config.log_batch,
            queue=config.log_queue,
            queue_bytes=config.log_queue_bytes,
            doubted=self.unconfirmed.add,
        )
        self.dispatcher = Dispatcher(discover(), self._ended)
        self.connections = Connections(
            reactor, config, self.dispatcher, Crowd(reactor, config.capacity), pause=config.plain_pause
        )
        self.connections.flushed = self.log.flushed
        keys = keys_of_files()
        self.places = OnePlace()
        self.tickets = Tickets(TicketKeys(Path(keys.ticket_keys)), time.time, 3600.0)
        self.files = FileContext(dataclasses.replace(keys, **self.limits), 65536, self.tickets, self.places)
        self.announcer = Announcer(case.stores, self.log, self.outbound)
        self.scheduler = Scheduler(
            reactor,
            case.stores.scheduled,
            self.node,
            self.announcer.post,
            partial(tell_scheduled, self.outbound),
        )
        self.expirer = Expirer(reactor, case.stores.expiry, case.stores.files, self.node)
        self.ends = StreamEnds()
        self.live_announcer = LiveAnnouncer(
            case.stores, self.announcer.post, self.outbound, self.ends, self.unconfirmed
        )
        self.live = LiveContext(self.live_config, self.tickets, self.places, self.live_announcer, time.time)
        self.receipts = Receipts(reactor, self.outbound)
        self._case = case
        self.serve()
        self.port = reactor.listenTCP(0, self.connections, interface="127.0.0.1")

    def serve(self) -> None:
        """Have handlers work with what is here now."""
        allowances = Allowances(self.redis, self._case.reactor.seconds, self.allowed)
        own = (
            self.node,
            self.log,
            self.directory,
            self.outbound,
            self.unconfirmed,
            self.tokens,
            self.files,
            self.live,
            self.receipts,
            self.presence,
            self.typing,
        )
        self.dispatcher.serve(Chat(self._case.stores, *own, allowances, self.config))

    def _ended(self, session: Session) -> None:
        self.directory.ended(session)
        self.presence.forget(session)
        self.connections.ended(session)

    async def start(self) -> None:
        self.node.startService()
        self.directory.startService()
        self.outbound.startService()
        self.presence.startService()
        self.unconfirmed.startService()
        self.receipts.startService()
        self._case.addCleanup(self.stop)
        await self.node.ready()

    async def stop(self) -> None:
        await self.port.stopListening()
        await self.connections.stopService()
        await self.unconfirmed.stopService()
        self.receipts.stopService()
        self.presence.stopService()
        self.outbound.stopService()
        await self.directory.stopService()
        await self.node.stopService()

    async def connect(self) -> RawClient:
        """A new connection, not logged in."""
        reactor = self._case.reactor
        endpoint = HostnameEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        client: RawClient = await connectProtocol(endpoint, RawClient(reactor))
        self._case.addCleanup(client.abort)
        return client

    def session(self, user: int) -> Session:
        """The session of a user who has one."""
        (session,) = sessions_of(self.directory.local(user))
        return session

    async def login(self, user: int, device: str = "") -> RawClient:
        """A new connection that is logged in, of a client that reads frames as a stream."""
        client = await self.connect()
        info = DeviceInfo(device, device.title(), DeviceKind.DESKTOP) if device else NO_DEVICE
        keys = {"device": device_keys(device)} if device else {}
        token = await self.tokens.issue(user, info)
        response = await client.ask(5, uuid=str(user), token=token, seq=0, **keys)
        self._case.assertEqual(response["error"], 0, response)
        return client


class ChatCase(StoreCase):
    """A test with one chat server."""

    chat_config = ChatConfig()

    async def setUp(self) -> None:
        await super().setUp()
        service = RedisService(self.reactor, redis_server())
        service.startService()
        self.redis = service.redis
        self.addCleanup(service.stopService)
        self.server = ChatServer(self, self.chat_config, self.redis)
        await self.server.start()

    async def users(self, *names: str) -> list[tuple[int, RawClient]]:
        """Accounts of these names, logged in."""
        return [(uuid, await self.server.login(uuid)) for uuid in await self.people(*names)]
