"""Streams that are published at another server, brought here: once, however many watch here, and only while
somebody does.

They come as FLV over HTTPS, as players get them, with a key that this server makes for itself. A server gives
such keys only what is published there, so nothing ever goes round in a circle.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as Receiver
from twisted.internet.ssl import Certificate, platformTrust, trustRootFromCertificates
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, BrowserLikePolicyForHTTPS, ResponseDone
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory, IPolicyForHTTPS, IResponse
from zope.interface import implementer

from imsys.errors import ConfigError
from imsys.protocols.flv import FlvReader
from imsys.protocols.identifiers import encode_id
from imsys.resources.live.broadcast import Broadcast
from imsys.resources.live.flv_handler import PEER, SUFFIX
from imsys.security.tickets import Right, Tickets
from imsys.store.live import LiveStream

_log = Logger()

CONNECT = 5.0
"""Seconds to connect to the other server, its handshake included."""

ANSWER = 20.0
"""Seconds until it has answered; it waits itself a while for a publisher."""

LOOK = 1.0
"""Seconds between two looks at whether anybody still watches."""

KEY_LIFE = 60.0
"""Seconds that a key of ours is good for: it is used at once, and clocks differ."""

TELL = 5.0
"""Seconds between two words to the other server about how many watch here."""

_MARKER = "-----BEGIN CERTIFICATE-----"


class ServerAddress(Protocol):
    """Where a server is."""

    @property
    def host(self) -> str: ...  # noqa: D102
    @property
    def http_port(self) -> int: ...  # noqa: D102


Ask = Callable[["LiveStream", "_Line"], Coroutine[Any, Any, IResponse]]
Tell = Callable[["LiveStream", "_Line", int], Coroutine[Any, Any, None]]

Find = Callable[[str], Awaitable[ServerAddress]]
"""Where the server of a name is."""


def trust(ca: str) -> IPolicyForHTTPS:
    """Whose certificates are believed: those of the authorities in a file, or, where there is none, those
    that the system believes.

    :raises ConfigError: there is something else in it.
    """
    if not ca or not Path(ca).exists():
        return BrowserLikePolicyForHTTPS(platformTrust())
    try:
        parts = Path(ca).read_text("ascii", "replace").split(_MARKER)[1:]
        authorities = [Certificate.loadPEM((_MARKER + part).encode("ascii", "replace")) for part in parts]
    except Exception:
        raise ConfigError(f"[tls] ca: {ca} is not a file of certificates") from None
    return BrowserLikePolicyForHTTPS(trustRootFromCertificates(authorities))


class Pulls(Service):
    """All that is being fetched.

    :param server: the name of this server.
    :param policy: of :func:`trust`.
    :param find: where the server of a name is.
    :param longest: bytes of one message at most.
    """

    def __init__(
        self, reactor: Any, server: str, policy: IPolicyForHTTPS, find: Find, tickets: Tickets, longest: int
    ) -> None:
        self._reactor = reactor
        self._server = server
        self._policy = policy
        self._find = find
        self._tickets = tickets
        self._longest = longest
        self._pulling: dict[Pulling, Deferred[None]] = {}

    def __len__(self) -> int:
        return len(self._pulling)

    def pull(self, stream: LiveStream, broadcast: Broadcast, left: Callable[[Pulling], None]) -> Pulling:
        """Fetch a stream into a broadcast.

        :param left: called once when no more comes, unless it was dropped before.
        """

        def line() -> _Line:
            return _Line(self._reactor, self._policy)

        pulling = Pulling(self._reactor, stream, broadcast, line, self._longest, left)
        done = self._pulling[pulling] = Deferred.fromCoroutine(pulling.run(self._ask, self._tell))

        def ended(_: object) -> None:
            self._pulling.pop(pulling, None)

        done.addBoth(ended)
        return pulling

    async def _ask(self, stream: LiveStream, line: _Line) -> IResponse:
        return await self._request(stream, line, b"GET", SUFFIX)

    async def _tell(self, stream: LiveStream, line: _Line, count: int) -> None:
        await self._request(stream, line, b"PUT", f"/watchers/{self._server}/{count}")

    async def _request(self, stream: LiveStream, line: _Line, method: bytes, path: str) -> IResponse:
        place = await self._find(stream.server)
        name = encode_id(stream.stream_id)
        host = f"[{place.host}]" if ":" in place.host else place.host
        key = self._tickets.issue(stream.stream_id, PEER, Right.PLAY, life=KEY_LIFE)
        headers = Headers({"Authorization": [f"Bearer {key}"], "User-Agent": ["imsys"]})
        url = f"https://{host}:{place.http_port}/live/{name}{path}".encode("ascii")
        # an agent of its own: nothing of it is kept for others
        response: IResponse = await Agent.usingEndpointFactory(self._reactor, line).request(
            method, url, headers
        )
        return response

    def stopService(self) -> Deferred[Any]:
        """Let go of everything; fires when it is gone."""
        super().stopService()
        for pulling in list(self._pulling):
            pulling.dropped("this server stops")
        return DeferredList(list(self._pulling.values()))


@implementer(IAgentEndpointFactory, IStreamClientEndpoint)
class _Line:
    """The way to one server, by TLS; it can be cut."""

    def __init__(self, reactor: Any, policy: IPolicyForHTTPS) -> None:
        self._reactor = reactor
        self._policy = policy
        self._endpoint: Any = None
        self._connected: Any = None

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Of the one request that there is."""
        creator = self._policy.creatorForNetloc(uri.host, uri.port)
        plain = HostnameEndpoint(self._reactor, uri.host, uri.port, timeout=CONNECT)
        self._endpoint = wrapClientTLS(creator, plain)
        return self

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect, and remember with what."""

        def connected(protocol: IProtocol) -> IProtocol:
            self._connected = protocol
            return protocol

        if isinstance(protocolFactory, Factory):
            # it is started and stopped for each request, and that every few seconds
            protocolFactory.noisy = False
        connecting: Deferred[IProtocol] = self._endpoint.connect(protocolFactory)
        return connecting.addCallback(connected)

    def cut(self) -> None:
        """Drop the connection, if there is one, whatever is on its way."""
        if self._connected is not None and self._connected.transport is not None:
            self._connected.transport.abortConnection()


class Pulling:
    """One stream on its way here; a :class:`~imsys.resources.live.stream_manager.StreamSource`."""

    def __init__(
        self,
        reactor: Any,
        stream: LiveStream,
        broadcast: Broadcast,
        line: Callable[[], _Line],
        longest: int,
        left: Callable[[Pulling], None],
    ) -> None:
        self._reactor = reactor
        self._stream = stream
        self._broadcast = broadcast
        self._new_line = line
        self._line = line()
        self._reader = FlvReader(longest)
        self._left = left
        self._asking: Deferred[IResponse] | None = None
        self._telling: Deferred[None] | None = None
        self._dropped = False

    async def run(self, ask: Ask, tell: Tell) -> None:
        """Until nobody watches, or nothing more comes.

        :param ask: asks the other server for the stream. :param tell: tells it how many watch here.
        """
        reason = "it has ended there"
        look = LoopingCall(self._look)
        look.clock = self._reactor
        look.start(LOOK, now=False)
        count = LoopingCall(self._count, tell)
        count.clock = self._reactor
        count.start(TELL, now=False)
        try:
            await deferLater(self._reactor, 0)  # whoever wants it does not know yet that this is it
            self._asking = Deferred.fromCoroutine(ask(self._stream, self._line))
            if self._dropped:
                self._asking.cancel()
            response = await self._asking.addTimeout(ANSWER, self._reactor)
            self._asking = None
            if response.code == 200:
                body = _Body(self._receive)
                response.deliverBody(body)
                await body.ended
            else:
                reason = f"it answers with {response.code}"
        except Exception as error:
            reason = str(error) or type(error).__name__
        finally:
            self._asking = None
            self._line.cut()
            look.stop()
            count.stop()
            if self._telling is not None:
                self._telling.cancel()
        if not self._dropped:
            name = encode_id(self._stream.stream_id)
            _log.info(
                "live stream {stream} comes from {server} no more: {reason}",
                stream=name,
                server=self._stream.server,
                reason=reason,
            )
            self._dropped = True
            self._left(self)

    def dropped(self, reason: str) -> None:
        """Nobody wants it any more."""
        self._dropped = True
        self._line.cut()
        if self._asking is not None:
            self._asking.cancel()

    def _receive(self, data: bytes) -> None:
        """Bytes of the body. :raises PeerFault: they are not FLV."""
        if self._dropped:
            return
        for media in self._reader.receive(data):
            self._broadcast.feed(media)

    async def _count(self, tell: Tell) -> None:
        """Tell how many watch here. Where that cannot be told, the number is less than it might be."""
        line = self._new_line()
        self._telling = Deferred.fromCoroutine(tell(self._stream, line, self._broadcast.players))
        try:
            await self._telling.addTimeout(CONNECT, self._reactor)
        except Exception as error:
            _log.debug(
                "how many watch here could not be told: {reason}", reason=str(error) or type(error).__name__
            )
        finally:
            self._telling = None
            line.cut()

    def _look(self) -> None:
        if self._broadcast.idle and not self._dropped:
            self.dropped("nobody watches it any more")
            self._left(self)


class _Body(Receiver):
    """The bytes of a response that may never end; what is wrong with them ends it."""

    transport: Any

    def __init__(self, receive: Callable[[bytes], None]) -> None:
        self._receive = receive
        self.ended: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """The next bytes."""
        if self.ended.called:
            return
        try:
            self._receive(data)
        except Exception:
            self.ended.errback(Failure())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is over."""
        if self.ended.called:
            return
        if reason.check(ResponseDone):
            self.ended.callback(None)
        else:
            self.ended.errback(reason)
