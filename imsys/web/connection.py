"""Connections with HTTP/1.1: h11 reads and writes it, this moves the bytes between transport and handlers,
and decides when.

A request is handed over when its head is here. Its body is read from the peer
only while its handler asks for it, and a response is asked for its next piece
only while the peer takes them, so that neither ever waits in memory for long.
However much a peer sends at once, little of it is worked on in one turn of the
reactor: the others have theirs.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from typing import Protocol as Interface

import h11
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer, ISSLTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from imsys.errors import Refused, Status
from imsys.protocols.connection.connection_set import ConnectionSet
from imsys.protocols.connection.flow import ENDED, NEXT_TURN, PEER, RECEIVER, FlowControl
from imsys.protocols.connection.linger import GONE, OPEN, Linger
from imsys.protocols.source import ClientAddress, Proxies
from imsys.web.answers import PeerGone, Problem, Response, Stream
from imsys.web.exchange import Exchange
from imsys.web.incoming import Incoming
from imsys.web.pushing import Outlet, Push
from imsys.web.requests import Request

_log = Logger()

HEAD_BYTES = 16384
"""Bytes of a request's head at most, its lines' ends not counted."""

LINGER = 10.0
"""Seconds that a peer has to take its last bytes, and to close."""

TURN = 64
"""Steps of a connection's work in one turn: a piece of a body is one, and a request some eight, or more if
its head is large.
"""

PIECES, LEAST_PIECE = 1024, 64
"""Chunks that a body may have of any size.

Of one that has more, they have so many bytes on average at least.
"""

HSTS = ("Strict-Transport-Security", "max-age=31536000")
"""The header that is sent over TLS: clients are to use TLS from now on (RFC 6797)."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Limits of a connection, in seconds and bytes."""

    head: float
    """For the first head, from the beginning of the connection, and for every other head, from its first
    byte.
    """
    idle: float
    """Between a response and the next head."""
    stalled: float
    """For :data:`~imsys.web.incoming.PROGRESS` bytes of a body, or for the peer to take what waits for it."""
    linger: int = 1 << 24
    """Bytes that are read and dropped after a refusal: closing with bytes unread resets the connection, and
    the peer could not read why.
    """
    grace: float = 10.0
    """For requests to be answered when the server stops; an upload goes on later, where it was."""


class Owner(Interface):
    """The server that a connection belongs to."""

    settings: HttpSettings
    connections: ConnectionSet[HttpConnection]
    proxies: Proxies
    closing: bool
    """Whether connections end with their present request."""

    def date(self) -> str:
        """Return the time as responses have it in ``Date``."""
        ...

    async def answer(self, request: Request) -> Response:
        """Return the response to a request. :raises PeerGone: nobody waits for it."""
        ...


@implementer(IPushProducer, IHalfCloseableProtocol)
class HttpConnection(Protocol):
    """One connection with HTTP: one request at a time; the next ones wait in the network."""

    transport: Any
    _flow: FlowControl
    _linger: Linger

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._crowd = owner.connections.crowd
        self._wheel = owner.connections.wheel
        self._http = Exchange(HEAD_BYTES)
        self._request: Request | None = None
        self._body = Incoming(self)
        self._sending: Deferred[None] | None = None
        self._room: Deferred[None] | None = None
        self._pushed: tuple[Push, Outlet] | None = None
        self._pumping = False
        self._steps = 0
        self._pieces_of_body = self._bytes_of_body = 0
        # who is at the other end, unless that is a proxy, which says for whom it asks
        self._direct: ClientAddress | None = None
        self._secure = False
        self._stranger = True
        self._first = True
        self._begun = False
        self._unwanted = 0
        self._head_only = False
        self.deadline = 0.0

    # -- the transport's side

    def connectionMade(self) -> None:
        """Start the deadline of the first head."""
        self._flow = FlowControl(self.transport, stops=RECEIVER)
        self._linger = Linger(self._wheel, self._flow)
        self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, True)
        self._secure = ISSLTransport.providedBy(self.transport)
        host, proxies = getattr(self.transport.getPeer(), "host", ""), self._owner.proxies
        if not proxies.trusts(host):
            self._direct = proxies.source(host, self._secure, (), ())
        self._due(self._owner.settings.head)

    def dataReceived(self, data: bytes) -> None:
        """Feed the parser; pause reading when nobody takes what it has."""
        if self._linger.phase is not OPEN:
            self._unwanted += len(data)
            if self._unwanted > self._owner.settings.linger:
                self._linger.abort()
            return
        self._http.receive_data(data)
        if self._request is None and not self._begun:
            self._begun = True
            if not self._first:  # whose deadline is from the connect
                self._due(self._owner.settings.head)
        self._pump_or_hold()

    def readConnectionLost(self) -> None:
        """Answer what the peer has asked for, though it sends nothing more."""
        self._flow.hold(ENDED)
        if self._linger.phase is not OPEN:
            self.transport.loseConnection()
            return
        self._http.receive_data(b"")
        self._pump()

    def writeConnectionLost(self) -> None:
        """Do nothing: our half is closed, the peer's follows."""

    def pauseProducing(self) -> None:
        """Write no more for now: the transport's buffer is full."""
        self._flow.hold(PEER)
        if self._pushed is not None:
            self._pushed[1].choked = True

    def resumeProducing(self) -> None:
        """Go on writing: the transport's buffer is empty."""
        self._flow.release(PEER)
        room, self._room = self._room, None
        if self._pushed is not None:
            push, outlet = self._pushed
            outlet.choked = False
            push.resume()
        elif room is not None:
            room.callback(None)
        elif self._request is None and self._linger.phase is OPEN:
            self._pump()

    def stopProducing(self) -> None:
        """Do nothing: :meth:`connectionLost` follows."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell whoever reads the body, and cancel what is being sent: the peer is gone."""
        self._linger.lost()
        self._wheel.remove(self)
        self._body.fail(PeerGone())
        if self._request is not None and self._request.lost is not None:
            self._request.lost()
        if self._sending is not None:
            self._sending.cancel()
        self._owner.connections.leave(self)

    def expired(self) -> None:
        """Refuse, or close, where it is the peer that is late; begin anew where it is us."""
        if self._room is not None:
            self._linger.abort()
        elif self._body.wanted:
            self._body.fail(
                Problem(408, Status.NETWORK_ERROR, "The body of this request has come to a halt.")
            )
        elif self._request is not None:
            self._due(self._owner.settings.stalled)  # it is our turn
        elif self._begun:
            self._refuse(Problem(408, Status.NETWORK_ERROR, "The head of this request takes too long."))
        else:
            self._close()

    def finish(self) -> None:
        """Close now, or when the present request is answered."""
        if self._request is None:
            self._close()

    def abort(self, why: str) -> None:
        """Close, whatever is under way; whoever knows why has said so in the log."""
        self._linger.abort()

    # -- the body's side

    def body_wanted(self) -> bool:
        """Read more of the body, for which its handler waits; false: it has ended."""
        if self._http.their_state is not h11.SEND_BODY:
            return False
        if self._http.they_are_waiting_for_100_continue:
            self.transport.write(
                self._http.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
            )
        self._pump()
        return True

    def put_off(self) -> None:
        """Put the deadline off: the body makes progress, or begins to be waited for."""
        self.deadline = max(self.deadline, self._wheel.now() + self._owner.settings.stalled)

    # -- from bytes to requests

    def _pump(self) -> bool:
        """Parse what has come as far as somebody wants it.

        False where nobody does, and the rest has to wait.
        """
        if self._pumping:
            return True
        if self._flow.held & NEXT_TURN:
            return False
        self._pumping = True
        self._steps = 0
        try:
            while self._linger.phase is OPEN:
                if self._steps >= TURN:
                    self._flow.hold(NEXT_TURN)
                    self._wheel.soon(self._go_on)
                    return False
                if self._body.wanted:
                    if not self._pump_body():
                        return True
                elif self._request is None and not self._flow.held & PEER:
                    if not self._pump_head():
                        return True
                else:
                    return False
            return True
        finally:
            self._pumping = False

    def _go_on(self) -> None:
        """Go on with what waits: the next turn has come."""
        self._flow.release(NEXT_TURN)
        self._pump_or_hold()

    def _pump_or_hold(self) -> None:
        if not self._pump() and self._http.unread:
            self._flow.hold(RECEIVER)

    def _pump_body(self) -> bool:
        """Give the reader of the body its next bytes; false where more has to come first."""
        self._steps += 1
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            self._body.fail(
                PeerGone()
                if self._flow.held & ENDED
                else Problem(400, Status.JSONPARSE_ERROR, f"The body is malformed: {_why(error)}.")
            )
            return True
        if event is h11.NEED_DATA:
            self._flow.release(RECEIVER)
            return False
        data = bytes(event.data) if isinstance(event, h11.Data) else b""
        if self._too_small(len(data)):
            self._body.fail(Problem(400, Status.JSONPARSE_ERROR, "The chunks of this body are too small."))
        else:
            self._body.give(data)
        return True

    def _too_small(self, size: int) -> bool:
        """Count a piece of a body; return whether its chunks are too small on average (:data:`LEAST_PIECE`)."""
        self._pieces_of_body += 1
        self._bytes_of_body += size
        chunked = self._request is not None and self._request.length is None
        return (
            chunked
            and self._pieces_of_body > PIECES
            and self._bytes_of_body < LEAST_PIECE * self._pieces_of_body
        )

    def _pump_head(self) -> bool:
        """Begin with the next request; false where more of it has to come first."""
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            if self._flow.held & ENDED:
                self._close()
            else:
                status = error.error_status_hint if error.error_status_hint in (431, 501) else 400
                self._refuse(
                    Problem(status, Status.JSONPARSE_ERROR, f"This is no request of HTTP/1.1: {_why(error)}.")
                )
            return True
        if event is h11.NEED_DATA:
            self._flow.release(RECEIVER)
            return False
        if not isinstance(event, h11.Request):
            self._close()  # the peer has
            return True
        self._body = Incoming(self)
        self._head_only = event.method == b"HEAD"
        self._first = False
        self._pieces_of_body = self._bytes_of_body = 0
        size = len(event.target) + sum(len(name) + len(value) for name, value in event.headers)
        self._steps += 8 + size // 128 + len(event.headers) // 4
        try:
            if event.http_version not in (b"1.0", b"1.1"):
                raise Problem(505, Status.JSONPARSE_ERROR, "The only HTTP here is HTTP/1.1.")
            if size > HEAD_BYTES:
                raise Problem(
                    431, Status.JSONPARSE_ERROR, f"The head of a request has {HEAD_BYTES} bytes at most."
                )
            self._request = Request(
                event.method.decode("ascii"), event.target.decode("latin-1"), event.headers, self._body
            )
            self._identify(self._request)
        except Problem as problem:
            self._refuse(problem)
            return True
        self._due(self._owner.settings.stalled)
        self._run(self._serve(self._request))
        return True

    def _identify(self, request: Request) -> None:
        """Find the client that a request is from.

        :raises Problem: 429, a proxy asks too often for the same.
        """
        if self._direct is not None:
            request.source = self._direct
        else:
            host, proxies = getattr(self.transport.getPeer(), "host", ""), self._owner.proxies
            request.source = proxies.source(
                host, self._secure, request.headers("x-forwarded-for"), request.headers("x-forwarded-proto")
            )
            if not self._crowd.on_behalf(self, request.source.limit_key):
                raise Problem(
                    429,
                    Status.RATE_LIMITED,
                    "There are too many requests of this address here.",
                    ("Retry-After", "1"),
                )
        request.known = self._known

    def _known(self, user: int) -> None:
        """Count the connection as a user's until the present request is answered."""
        if self._linger.phase is not GONE:
            self._stranger = False
            self._crowd.known(self, user)

    def _answered(self) -> None:
        """Forget the present request, which is answered, and whose it was."""
        self._request = None
        if not self._stranger:
            self._stranger = True
            self._crowd.stranger(self)
        if self._direct is None:
            self._crowd.on_behalf(self, None)

    def _refuse(self, problem: Problem) -> None:
        """Answer what never became a request, and close."""
        self._run(self._send(problem.response(), close=True))

    def _run(self, work: Any) -> None:
        Deferred.fromCoroutine(work).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        _log.failure("a connection with HTTP could not go on, and is aborted", failure)
        self._linger.abort()

    # -- from responses to bytes

    async def _serve(self, request: Request) -> None:
        try:
            response = await self._owner.answer(request)
        except PeerGone:
            self._close()
            return
        await self._send(response)

    async def _send(self, response: Response, *, close: bool = False) -> None:
        body = response.body
        if self._linger.phase is GONE:
            if isinstance(body, Push):
                body.gone()
            elif not isinstance(body, bytes):
                await body.aclose()
            return
        self._body.over()
        close = close or self._owner.closing or not self._body_is_here()
        headers = self._headers(response)
        if isinstance(body, bytes):
            body = b"" if self._head_only else body
            self.transport.write(
                self._http.answer(response.status, response.reason, headers, body, last=close)
            )
        else:
            if close:
                headers.append(("Connection", "close"))
            head = h11.Response(
                status_code=response.status, reason=response.reason.encode("ascii"), headers=headers
            )
            self.transport.write(self._http.send(head))
            if not await self._sent(self._push(body) if isinstance(body, Push) else self._pieces(body)):
                return
        self._answered()
        if close or self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            self._close()
            return
        self._http.start_next_cycle()
        self._begun = False
        self._due(self._owner.settings.idle)
        self._pump()

    def _headers(self, response: Response) -> list[tuple[str, str]]:
        headers = [("Date", self._owner.date()), ("X-Content-Type-Options", "nosniff"), *response.headers]
        length = len(response.body) if isinstance(response.body, bytes) else response.body.length
        if length is not None and response.status not in (204, 304):
            headers.append(("Content-Length", str(length)))
        if self._secure if self._request is None else self._request.source.secure:
            headers.append(HSTS)
        return headers

    def _body_is_here(self) -> bool:
        """Return whether the request has come as a whole.

        What of its body is here and unread is dropped, up to :data:`TURN` pieces.
        """
        try:
            for _ in range(TURN):
                if self._http.their_state is not h11.SEND_BODY:
                    break
                if self._http.they_are_waiting_for_100_continue or self._http.next_event() is h11.NEED_DATA:
                    return False
        except h11.RemoteProtocolError:
            return False
        return self._http.their_state not in (h11.SEND_BODY, h11.ERROR)

    async def _sent(self, sending: Coroutine[Any, Any, None]) -> bool:
        """Send a body in pieces; false where it could not be ended, and the connection was aborted."""
        self._sending = Deferred.fromCoroutine(sending)
        try:
            await self._sending
        except CancelledError:
            return False  # the peer has gone
        except Exception as error:
            if isinstance(error, Refused):
                _log.warn(
                    "a response to {peer} is broken off: {reason}",
                    peer=self.transport.getPeer(),
                    reason=error,
                )
            else:
                _log.failure("a response to {peer} is broken off", peer=self.transport.getPeer())
            self._linger.abort()
            return False
        finally:
            self._sending = None
        return True

    async def _pieces(self, stream: Stream) -> None:
        try:
            if not self._head_only:
                async for piece in stream:
                    if self._linger.phase is GONE:
                        raise CancelledError
                    for data in self._http.send_with_data_passthrough(h11.Data(data=piece)) or ():
                        self.transport.write(data)
                    if self._flow.held & PEER:
                        await self._until_room()
        finally:
            await stream.aclose()
        self.transport.write(self._http.send(h11.EndOfMessage()))

    async def _push(self, push: Push) -> None:
        # else there are no chunks, and h11 closes at the end
        http11 = (self._http.their_http_version or b"") >= b"1.1"
        outlet = Outlet(self.transport, chunked=http11, choked=bool(self._flow.held & PEER))
        try:
            if not self._head_only:
                self._pushed = push, outlet
                push.begin(outlet)
                await outlet.ended()
        finally:
            self._pushed = None
            push.gone()
        self.transport.write(self._http.send(h11.EndOfMessage()))

    async def _until_room(self) -> None:
        self._due(self._owner.settings.stalled)
        room = self._room = Deferred(self._forget_room)
        await room

    def _forget_room(self, room: Deferred[None]) -> None:
        self._room = None

    # -- deadlines, and the end

    def _due(self, seconds: float) -> None:
        if self._linger.phase is OPEN:
            self._wheel.expire(self, seconds)

    def _close(self) -> None:
        """Close our half after the last byte, and pass over what the peer still sends until it has closed its
        own.
        """
        if self._linger.close(LINGER):
            self._wheel.remove(self)
            self._linger.finish(
                self.transport.loseConnection
                if self._flow.held & ENDED
                else self.transport.loseWriteConnection
            )


def _why(error: h11.RemoteProtocolError) -> str:
    """Return what is wrong, without the bytes: behind a proxy, what follows a malformed request may be
    somebody else's.
    """
    return str(error).partition(": bytearray(")[0]
