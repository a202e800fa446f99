"""Connections with RTMP, each of which publishes a stream or plays one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from typing import Protocol as Interface

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, ISSLTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from imsys.errors import PeerFault, Refused, Status
from imsys.protocols.connection.connection_set import ConnectionSet
from imsys.protocols.connection.flow import PEER, RECEIVER, FlowControl
from imsys.protocols.connection.linger import OPEN, Linger
from imsys.protocols.identifiers import decode_id
from imsys.protocols.media import Kind, Media
from imsys.protocols.rtmp.chunks import encode_media
from imsys.protocols.rtmp.messages import DataDropped
from imsys.protocols.rtmp.server import (
    ConnectRequested,
    KindsWanted,
    MediaReceived,
    Paused,
    PlayRequested,
    PublishRequested,
    Resumed,
    ServerConnection,
    ServerEvent,
    State,
    StreamClosed,
)
from imsys.resources.granted import ActiveGrant, Granted
from imsys.resources.live.broadcast import Broadcast
from imsys.resources.live.meter import Meter
from imsys.resources.live.sockets import keep_little
from imsys.resources.live.stream_manager import StreamManager
from imsys.security.tickets import Right, Ticket, Tickets
from imsys.util.tallies import Tally

_log = Logger()

APPLICATION = "live"
"""What stands in the URL before the stream."""

LINGER = 5.0
"""Seconds that a peer has to take the last bytes, and to close."""

TALK = 1 << 15
"""Bytes a second, averaged over some seconds, of who does not publish: a few hundred in all, and
acknowledgements.
"""

MESSAGES = 2000
"""Messages a second, averaged over some seconds, of a publisher: pictures and sound are some 80, whatever
their bit rate.
"""

CHUNK = 100
"""Bytes that the chunks of a peer have on average at least, past the first :data:`MESSAGES` a second. All
known programs send 128 or more; in chunks of a byte, or empty ones, what a publisher may send in a second
takes longer than a second to read."""

PAUSE = 600.0
"""Seconds that a player may pause."""


class RtmpEncoding:
    """Encodes messages of some kinds in chunks, the same for every player that wants these."""

    def __init__(self, kinds: frozenset[Kind]) -> None:
        self._kinds = kinds

    def encode(self, media: Media) -> bytes:
        """Encode one message; nothing of a kind that is not wanted."""
        return encode_media(media) if media.kind in self._kinds else b""

    def join(self, pieces: Sequence[bytes]) -> bytes:
        """Join encoded messages."""
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


ALL = frozenset(Kind)

encoding_of = functools.cache(RtmpEncoding)
"""Return the one encoding of some kinds of messages."""


@dataclass(frozen=True, slots=True)
class RtmpSettings:
    """Limits of a connection."""

    begin: float
    """Seconds until a new connection publishes or plays."""
    bitrate: int
    """Bits a second that a publisher may send."""
    longest: int
    """Bytes of one message of a publisher."""


class Owner(Interface):
    """The server that a connection belongs to."""

    settings: RtmpSettings
    streams: StreamManager
    tickets: Tickets
    granted: Granted
    connections: ConnectionSet[RtmpConnection]
    closed: Tally
    """Why connections were closed, for the log."""


class Role(Enum):
    """What a connection does at the moment."""

    NONE = auto()  # it has not said what it wants, or its stream is over
    PUBLISHING = auto()
    PLAYING = auto()
    PAUSED = auto()  # it plays, and gets nothing until it goes on


@implementer(IPushProducer)
class RtmpConnection(Protocol):
    """One connection with RTMP."""

    transport: Any
    write: Callable[[bytes], None]
    """See :class:`~imsys.resources.live.players.Player`: the transport's own, so that it costs a call less.
    """
    _flow: FlowControl
    _linger: Linger

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._wheel = owner.connections.wheel
        self._rtmp = ServerConnection(owner.settings.longest)
        self._key = ""  # of the application's name: for whatever is asked for later
        self._stream_id = b""
        self._broadcast: Broadcast | None = None
        self._role = Role.NONE
        self._leave: ActiveGrant | None = None
        self._kinds = ALL
        self.encoding = encoding_of(ALL)
        """See :class:`~imsys.resources.live.players.Player`."""
        self._warned = False  # of data that nobody can read
        self._bytes = Meter(TALK)
        self._chunks = Meter(TALK // CHUNK + MESSAGES)
        self._messages = Meter(MESSAGES)
        self.behind = True
        """See :class:`~imsys.resources.live.players.Player`.

        Looked at for every player and write, as :attr:`write` is called.
        """
        self._pumping = False
        self.deadline = 0.0

    # -- the transport's side

    def connectionMade(self) -> None:
        """Start the deadline for publishing or playing something."""
        self._flow = FlowControl(self.transport)
        self._linger = Linger(self._wheel, self._flow)
        self.transport.setTcpNoDelay(True)
        self.write = self.transport.write
        # which has the one of the transport below, whose bytes are not encrypted
        if not ISSLTransport.providedBy(self.transport):
            self.write = getattr(self.transport, "write_at_once", self.write)
        self.transport.registerProducer(self, True)
        self._wheel.expire(self, self._owner.settings.begin)

    def dataReceived(self, data: bytes) -> None:
        """Act on what came; drop it where the connection is being closed."""
        if self._linger.phase is not OPEN:
            return
        if not self._bytes.add(len(data), self._wheel.now()):
            allowed = self._owner.settings.bitrate if self._role is Role.PUBLISHING else TALK * 8
            self._fail(f"it sends more than {allowed} bits a second")
            return
        self._pump(data)

    def _pump(self, data: bytes) -> None:
        if self._pumping:
            return  # a request was answered at once; whoever is at it goes on
        self._pumping = True
        before = self._rtmp.chunks
        try:
            for event in self._rtmp.receive(data):
                self._handle(event)
                if self._linger.phase is not OPEN:
                    break
            if not self._chunks.add(self._rtmp.chunks - before, self._wheel.now()):
                self._fail("what it sends is cut into too small pieces")
        except PeerFault as fault:
            self._fail(str(fault))
        finally:
            self._pumping = False
        self._send()
        if self._rtmp.waiting:
            self._flow.hold(RECEIVER)
        else:
            self._flow.release(RECEIVER)

    def _send(self) -> None:
        data = self._rtmp.take()
        if data:
            self.transport.write(data)

    def pauseProducing(self) -> None:
        """Stop reading from a peer that does not read: the transport's buffer is full."""
        self.behind = True
        self._flow.hold(PEER)

    def resumeProducing(self) -> None:
        """Go on: the transport has room again."""
        self.behind = self._role is not Role.PLAYING
        self._flow.release(PEER)
        if self._broadcast is not None and self._role is Role.PLAYING:
            self._broadcast.resume(self)

    def stopProducing(self) -> None:
        """Do nothing: :meth:`connectionLost` follows."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Leave the stream: the connection is gone."""
        self._linger.lost()
        self._wheel.remove(self)
        self._let_go()
        self._owner.connections.leave(self)

    # -- what the peer wants

    def _handle(self, event: ServerEvent) -> None:
        if isinstance(event, MediaReceived | DataDropped):
            if not self._messages.add(1, self._wheel.now()):
                self._fail(f"it sends more than {MESSAGES} messages a second")
            elif isinstance(event, DataDropped):
                self._drop(event.reason)
            elif self._broadcast is not None:
                self._broadcast.feed(event.media)
        elif isinstance(event, ConnectRequested):
            self._connect(event)
        elif isinstance(event, PublishRequested):
            self._run(self._publish(event))
        elif isinstance(event, PlayRequested):
            self._run(self._play(event))
        elif isinstance(event, Paused):
            self._hold()
        elif isinstance(event, Resumed):
            self._go_on()
        elif isinstance(event, KindsWanted):
            self._want(event.kinds)
        elif isinstance(event, StreamClosed):
            self._let_go()
            self._wheel.expire(self, self._owner.settings.begin)

    def _connect(self, event: ConnectRequested) -> None:
        self._key = event.key
        if event.app == APPLICATION:
            self._rtmp.accept_connect()
        else:
            self._rtmp.refuse_connect("There is no such application.")
            self._close("it wants an application that is not here")

    def _run(self, work: Any) -> None:
        def failed(failure: Failure) -> None:
            _log.failure("a request of {peer} by RTMP failed", failure, peer=self.transport.getPeer())
            self.abort("a request failed")

        Deferred.fromCoroutine(work).addErrback(failed)

    async def _publish(self, event: PublishRequested) -> None:
        streams = self._owner.streams
        try:
            stream_id, ticket = await self._admit(event, Right.PUBLISH)
            broadcast = await streams.publish(stream_id, ticket.user, self)
        except Refused as refused:
            if self._rtmp.state is State.ASKING_TO_PUBLISH and self._linger.phase is OPEN:
                self._rtmp.refuse_publish(refused.message)
                self._close(f"it may not publish: {refused}")
            return
        if self._linger.phase is not OPEN:
            streams.left(stream_id, self)
            return
        self._stream_id, self._broadcast, self._role = stream_id, broadcast, Role.PUBLISHING
        self._hold_by(ticket)
        self._owner.connections.crowd.known(self, ticket.user)
        rate = self._owner.settings.bitrate // 8
        self._bytes, self._chunks = Meter(rate), Meter(rate // CHUNK + MESSAGES)
        self._wheel.remove(self)
        self._rtmp.accept_publish()
        self._pump(b"")

    async def _play(self, event: PlayRequested) -> None:
        try:
            stream_id, ticket = await self._admit(event, Right.PLAY)
            broadcast = await self._owner.streams.watch(stream_id)
            if self._linger.phase is not OPEN:
                return
            broadcast.join(self)
        except Refused as refused:
            if self._linger.phase is OPEN:
                code = (
                    "NetStream.Play.StreamNotFound"
                    if refused.status is Status.STREAM_NOT_FOUND
                    else "NetStream.Play.Failed"
                )
                self._rtmp.refuse_play(refused.message, code)
                self._close(f"it may not play: {refused}")
            return
        self._stream_id, self._broadcast = stream_id, broadcast
        self._hold_by(ticket)
        self._owner.connections.crowd.known(self, ticket.user)
        self._wheel.remove(self)
        keep_little(self.transport)
        self._rtmp.accept_play()
        self._send()
        self._go_on()
        self._pump(b"")

    async def _admit(self, event: PublishRequested | PlayRequested, right: Right) -> tuple[bytes, Ticket]:
        """Return the stream that is asked for, and the ticket.

        :raises Refused: ``STREAM_NOT_FOUND``, the name is none; ``PERMISSION_DENIED``, the key is none for
            this, or its user is signed out.
        """
        try:
            stream_id = decode_id(event.name)
        except Refused:
            raise Refused(Status.STREAM_NOT_FOUND, "There is no such live stream.") from None
        ticket = self._owner.tickets.check(event.key or self._key, stream_id, right)
        await self._owner.granted.demand(ticket)
        return stream_id, ticket

    def _hold_by(self, ticket: Ticket) -> None:
        """Close the connection when the user of this key is signed out."""
        self._owner.granted.release(self._leave)
        self._leave = self._owner.granted.hold(ticket.user, ticket.sign_in, self._fail)

    def _let_go(self) -> None:
        broadcast, self._broadcast = self._broadcast, None
        role, self._role = self._role, Role.NONE
        leave, self._leave = self._leave, None
        self._owner.granted.release(leave)
        if role is Role.PUBLISHING:
            self._owner.streams.left(self._stream_id, self)
        elif broadcast is not None:
            broadcast.leave(self)
        self._owner.connections.crowd.stranger(self)
        self.behind = True

    # -- a player

    def over(self, reason: str) -> None:
        """See :class:`~imsys.resources.live.players.Player`."""
        self._broadcast = None
        if self._flow.held & PEER:
            self._close(reason)
            self.abort(reason)
        elif self._linger.phase is OPEN:
            self._rtmp.over()
            self._close(reason)

    def _hold(self) -> None:
        self._role, self.behind = Role.PAUSED, True
        self._wheel.expire(self, PAUSE)
        if self._broadcast is not None:
            self._broadcast.hold(self)

    def _go_on(self) -> None:
        self._role, self.behind = Role.PLAYING, bool(self._flow.held & PEER)
        self._wheel.remove(self)
        if self._broadcast is not None:
            self._broadcast.resume(self)

    def _want(self, kinds: frozenset[Kind]) -> None:
        """Send this player other kinds of messages than before."""
        pictures_again = Kind.VIDEO in kinds - self._kinds
        self._kinds = kinds
        if self._broadcast is not None:
            self._broadcast.hold(self)
        self.encoding = encoding_of(kinds)
        if self._broadcast is not None:
            if pictures_again:
                self._broadcast.await_key_frame(self)
            if self._role is Role.PLAYING:
                self._broadcast.resume(self)

    # -- a publisher

    def _drop(self, reason: str) -> None:
        if not self._warned:
            self._warned = True
            _log.info(
                "data that {peer} publishes are dropped: {reason}",
                peer=self.transport.getPeer(),
                reason=reason,
            )

    def dropped(self, reason: str) -> None:
        """See :class:`~imsys.resources.live.stream_manager.StreamSource`.

        Also for whoever is connected when the server stops.
        """
        if self._linger.phase is OPEN:
            if self._role is Role.PUBLISHING:
                self._rtmp.fail(f"Closed: {reason}.")
            self._close(reason)

    # -- the end

    def expired(self) -> None:
        """Close: the peer has not said what it wants, or has paused for too long."""
        self._fail(
            "it has paused for too long"
            if self._broadcast is not None
            else "it takes too long to say what it wants"
        )

    def _fail(self, reason: str) -> None:
        """Tell the peer what it has done wrong, if it understands that by now, and close."""
        if self._linger.phase is OPEN:
            if self._rtmp.state in (State.PUBLISHING, State.PLAYING):
                self._rtmp.fail(f"Closed: {reason}.")
            self._close(reason)

    def _close(self, reason: str) -> None:
        """Log why, send what there is, and close when the peer does, or :data:`LINGER` seconds later."""
        if self._linger.close(LINGER):
            self._owner.closed.add(peer=self.transport.getPeer(), reason=reason)
            self._let_go()
            self._wheel.remove(self)
            self._send()
            self._linger.finish(self.transport.loseWriteConnection)

    def abort(self, why: str) -> None:
        """Cut the connection at once; the caller has logged why."""
        self._linger.abort()
