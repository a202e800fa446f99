"""A live stream's URL, opened: what is published goes out, what is watched comes in, by RTMP, RTMPS or
HTTP-FLV. Nothing is decoded.

The URLs hold keys: no error and no line of a log has them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from OpenSSL import SSL
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IPushProducer, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, HTTPConnectionPool, ResponseDone, ResponseNeverReceived
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from imsys.errors import PeerFault
from imsys.protocols.flv import FlvReader
from imsys.protocols.media import Media
from imsys.protocols.rtmp.client import ClientConnection, Failed, Over, Purpose, Started
from imsys.protocols.rtmp.server import MediaReceived
from imsys.sdk.certificates import changed_certificate
from imsys.sdk.trust import Trust, endpoint

__all__ = ["Purpose", "StreamLost", "StreamOver", "StreamRefused", "Streaming", "open_stream"]

LONGEST = 4 << 20
"""Bytes of the longest message that is taken."""
PING, SILENT = 10.0, 30.0
"""Seconds between two questions whether the server is there, and of silence after which it is not."""
GOODBYE = 2.0
"""Seconds in which what was sent last may still go out."""
UNSENT_MOST = 3 << 20
"""Bytes that may wait to be sent; what comes then is not taken until they are."""

_PORTS = {"rtmp": 1935, "rtmps": 443, "http": 80, "https": 443}


class StreamLost(Exception):
    """The connection is no more; ``str`` of it says why, without the URL."""


class StreamRefused(StreamLost):
    """The server will not have it: it is over, the key has expired, or somebody else publishes it.

    :ivar code: what RTMP calls it (``NetStream.Play.StreamNotFound``), or ``HTTP 404``.
    """

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code


class StreamOver(StreamLost):
    """What is watched has ended, as it should."""


class Streaming:
    """An open stream. ``ended`` is called once, with why, unless :meth:`close` is called first."""

    def __init__(self, receive: Callable[[Media], object], ended: Callable[[StreamLost], object]) -> None:
        self._receive, self._ended = receive, ended
        self._over = False

    def send(self, media: Media) -> bool:
        """Publish a message; false: too much waits already, and it was not taken."""
        raise RuntimeError("nothing is published")

    def close(self) -> None:
        """Be done with it."""
        self._over = True
        self._leave()

    def _leave(self) -> object:
        raise NotImplementedError

    def _end(self, why: StreamLost) -> None:
        if not self._over:
            self._over = True
            self._leave()
            self._ended(why)

    def _take(self, media: Media) -> None:
        if not self._over:
            self._receive(media)


async def open_stream(
    reactor: Any,
    url: str,
    purpose: Purpose,
    receive: Callable[[Media], object],
    ended: Callable[[StreamLost], object],
    *,
    trust: Trust | None = None,
    deadline: float = 10.0,
) -> Streaming:
    """Publish or watch what is behind ``publish_url``, ``play_url`` or ``flv_url``; returns when the server
    has agreed.

    :param receive: is called with all that is watched, from a key frame on.
    :param ended: is called when an open stream is lost or over.
    :param trust: for ``rtmps`` and ``https``; without it, the authorities of the system.
    :param deadline: seconds to connect, and as many for the server to agree.
    :raises ValueError: it is no such URL.
    :raises StreamLost: it cannot be had: :class:`StreamRefused` where the server has said so.
    :raises twisted.internet.defer.CancelledError: who waited for it wants it no more.
    :raises imsys.sdk.CertificateChanged: the server's certificate is another than the one that was trusted.
    """
    where = urlsplit(url)
    try:
        port = where.port or _PORTS[where.scheme]
    except (KeyError, ValueError):
        raise ValueError("no URL of a live stream") from None
    if not where.hostname or (purpose is Purpose.PUBLISH and where.scheme not in ("rtmp", "rtmps")):
        raise ValueError("no URL of a live stream")
    trust = (trust or Trust()) if where.scheme in ("rtmps", "https") else None
    connection: _Rtmp | None = None
    try:
        if where.scheme in ("http", "https"):
            return await _open_flv(reactor, url, receive, ended, trust, deadline)
        made = connection = _Rtmp(reactor, where, purpose, receive, ended)
        await endpoint(reactor, where.hostname, port, trust, deadline).connect(
            Factory.forProtocol(lambda: made.protocol)
        )
        await connection.agreed.addTimeout(deadline, reactor, lambda *_: connection.late())
    except (StreamLost, CancelledError):
        if connection is not None:
            connection.close()
        raise
    except Exception as error:
        if (changed := changed_certificate(error)) is not None:
            raise changed from None
        raise StreamLost(f"{type(error).__name__}: {_why(error)}") from None
    return connection


def _why(error: BaseException | None) -> str:
    """What an error says, where it cannot say a URL."""
    if isinstance(error, SSL.Error):
        return (
            "; ".join(str(part[-1]) for part in error.args[0])
            if error.args and isinstance(error.args[0], list)
            else "TLS"
        )
    return (
        str(error.args[-1])
        if isinstance(error, OSError) and error.args
        else str(error).split("?", 1)[0][:200]
    )


@implementer(IPushProducer)
class _Rtmp(Streaming):
    """By RTMP."""

    def __init__(
        self,
        reactor: Any,
        where: SplitResult,
        purpose: Purpose,
        receive: Callable[[Media], object],
        ended: Callable[[StreamLost], object],
    ) -> None:
        super().__init__(receive, ended)
        application, _, name = where.path.lstrip("/").partition("/")
        self.rtmp = ClientConnection(
            application, f"{name}?{where.query}" if where.query else name, purpose, longest=LONGEST
        )
        self.protocol = _Wire(self)
        self.agreed: Deferred[None] = Deferred()
        self._reactor, self._purpose, self._waits, self._unsent, self._heard = reactor, purpose, False, 0, 0.0
        self._abort: Any = None
        self._alive = LoopingCall(self._look)
        self._alive.clock = reactor

    def made(self) -> None:
        """It is connected."""
        transport = self.protocol.transport
        transport.setTcpNoDelay(True)
        transport.setTcpKeepAlive(True)
        transport.registerProducer(self, True)
        self._heard = self._reactor.seconds()
        self._alive.start(PING, now=False)
        self._flush()

    def data(self, data: bytes) -> None:
        """Something came."""
        self._heard = self._reactor.seconds()
        try:
            for event in self.rtmp.receive(data):
                if isinstance(event, MediaReceived):
                    self._take(event.media)
                elif isinstance(event, Started):
                    if not self.agreed.called:
                        self.agreed.callback(None)
                elif isinstance(event, Failed):
                    self._fail(StreamRefused(event.code, event.description))
                elif isinstance(event, Over):
                    self._fail(StreamOver("the stream is over"))
        except PeerFault as fault:
            self._fail(StreamLost(f"what came is no RTMP: {fault}"))
        self._flush()

    def lost(self, reason: Failure) -> None:
        """The connection is gone."""
        if self._abort is not None and self._abort.active():
            self._abort.cancel()
        if (changed := changed_certificate(reason.value)) is not None and not self.agreed.called:
            self._over = True
            self._leave()
            self.agreed.errback(changed)
        self._fail(StreamLost(f"{type(reason.value).__name__}: {_why(reason.value)}"))

    def late(self) -> None:
        """It has not agreed in time."""
        self._over = True
        self._leave()
        raise StreamLost("the server does not answer")

    def _fail(self, why: StreamLost) -> None:
        if not self.agreed.called:
            self._over = True
            self._leave()
            self.agreed.errback(why)
        self._end(why)

    def _leave(self) -> Any:
        if self._alive.running:
            self._alive.stop()
        transport, self.protocol.transport = self.protocol.transport, None
        if transport is None:
            return
        transport.unregisterProducer()
        if self._purpose is Purpose.PLAY or not self.rtmp.started:
            return transport.abortConnection()
        self.rtmp.close()
        transport.write(self.rtmp.take())
        transport.loseConnection()
        self._abort = self._reactor.callLater(GOODBYE, transport.abortConnection)

    def _look(self) -> None:
        if self._reactor.seconds() - self._heard > SILENT:
            return self._fail(StreamLost("the server has fallen silent"))
        self.rtmp.ping(int(self._reactor.seconds() * 1000))
        return self._flush()

    def _flush(self) -> None:
        data = self.rtmp.take()
        if data and self.protocol.transport is not None:
            self._unsent = self._unsent + len(data) if self._waits else 0
            self.protocol.transport.write(data)

    def send(self, media: Media) -> bool:
        """Publish a message; false: too much waits already."""
        if self._over or self._unsent + len(media.payload) > UNSENT_MOST:
            return False
        self.rtmp.send(media)
        self._flush()
        return True

    # What a transport tells who sends.

    def pauseProducing(self) -> None:
        """The system takes no more for now."""
        self._waits = True

    def resumeProducing(self) -> None:
        """All is sent."""
        self._waits, self._unsent = False, 0

    def stopProducing(self) -> None:
        """It is gone; that is told otherwise."""


class _Wire(Protocol):
    """Twisted's side of a connection."""

    transport: Any = None

    def __init__(self, stream: _Rtmp) -> None:
        self._stream = stream

    def connectionMade(self) -> None:
        self._stream.made()

    def dataReceived(self, data: bytes) -> None:
        self._stream.data(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._stream.lost(reason)


async def _open_flv(
    reactor: Any,
    url: str,
    receive: Callable[[Media], object],
    ended: Callable[[StreamLost], object],
    trust: Trust | None,
    deadline: float,
) -> Streaming:
    """By HTTP-FLV. The server answers when there is something to be seen, so the deadline is a longer one."""
    way = _Way(reactor, trust, deadline)
    agent = Agent.usingEndpointFactory(reactor, way, pool=HTTPConnectionPool(reactor, persistent=False))
    asked: Any = agent.request(b"GET", url.encode("ascii"), Headers({b"User-Agent": [b"imsys"]}))
    try:
        response = await asked.addTimeout(2 * deadline, reactor, _late)
    except ResponseNeverReceived as error:
        if any(reason.check(CancelledError) for reason in error.reasons):
            raise CancelledError from None
        raise
    if response.code != 200:
        way.cut()
        raise StreamRefused(f"HTTP {response.code}", "")
    flv = _Flv(way, receive, ended)
    response.deliverBody(_Body(flv))
    return flv


def _late(result: object, seconds: float) -> None:
    """An answer did not come in time."""
    raise StreamLost("the server does not answer")


@implementer(IAgentEndpointFactory, IStreamClientEndpoint)
class _Way:
    """Where a request goes: it remembers the connection, which an agent does not give away, and cuts it."""

    def __init__(self, reactor: Any, trust: Trust | None, deadline: float) -> None:
        self._reactor, self._trust, self._deadline = reactor, trust, deadline
        self._endpoint: Any = None
        self._connected: Any = None

    def endpointForURI(self, uri: URI) -> _Way:
        """For the agent."""
        host = uri.host.decode("ascii")
        self._endpoint = endpoint(self._reactor, host, uri.port, self._trust, self._deadline)
        return self

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect, and remember with what."""

        def connected(protocol: IProtocol) -> IProtocol:
            self._connected = protocol
            return protocol

        if isinstance(protocolFactory, Factory):
            protocolFactory.noisy = False
        made: Deferred[IProtocol] = self._endpoint.connect(protocolFactory)
        return made.addCallback(connected)

    def cut(self) -> None:
        """Drop the connection, whatever is on its way (idempotent)."""
        connected, self._connected = self._connected, None
        if connected is not None and connected.transport is not None:
            connected.transport.abortConnection()

    def gone(self) -> None:
        """It is no more, or ends by itself."""
        self._connected = None


class _Flv(Streaming):
    """By HTTP-FLV."""

    def __init__(
        self, way: _Way, receive: Callable[[Media], object], ended: Callable[[StreamLost], object]
    ) -> None:
        super().__init__(receive, ended)
        self._way = way
        self._reader = FlvReader(LONGEST)

    def data(self, data: bytes) -> None:
        """Something came."""
        try:
            for media in self._reader.receive(data):
                self._take(media)
        except PeerFault as fault:
            self._end(StreamLost(f"what came is no FLV: {fault}"))

    def lost(self, reason: Failure) -> None:
        """That was all."""
        self._way.gone()
        self._end(
            StreamOver("the stream is over")
            if reason.check(ResponseDone)
            else StreamLost(type(reason.value).__name__)
        )

    def _leave(self) -> None:
        self._way.cut()


class _Body(Protocol):
    """Twisted's side of a body."""

    def __init__(self, stream: _Flv) -> None:
        self._stream = stream

    def dataReceived(self, data: bytes) -> None:
        self._stream.data(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._stream.lost(reason)
