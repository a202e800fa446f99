"""An RTMP client of the test's own, which does what it is told, right or wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.python.failure import Failure

from imsys.protocols.media import Media
from imsys.protocols.rtmp.chunks import Message, encode
from imsys.protocols.rtmp.client import ClientConnection, Failed, Over, Purpose, Started
from imsys.protocols.rtmp.server import MediaReceived
from tests.support.servers import certificates


class Peer(Protocol):
    """Publishes or plays the stream of a URL."""

    transport: Any

    def __init__(self, url: str, purpose: Purpose) -> None:
        where = urlsplit(url)
        application, _, name = where.path.lstrip("/").partition("/")
        self.where = where
        self.rtmp = ClientConnection(application, f"{name}?{where.query}", purpose)
        self.greets = True  # else nothing is sent but what a test sends
        self.seen: list[Media] = []
        self.received = 0
        self.failure: Failed | None = None
        self.over = False
        self.gone = False
        self.waiting: list[Deferred[None]] = []

    async def connect(self, reactor: Any) -> None:
        """Connect; the handshake follows."""
        endpoint: Any = HostnameEndpoint(reactor, "127.0.0.1", self.where.port or 0)
        if self.where.scheme == "rtmps":
            with open(certificates().ca, "rb") as file:
                endpoint = wrapClientTLS(
                    optionsForClientTLS("127.0.0.1", trustRoot=Certificate.loadPEM(file.read())), endpoint
                )
        await connectProtocol(endpoint, self)

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        if self.greets:
            self.flush()

    def flush(self) -> None:
        """Send what there is."""
        data = self.rtmp.take()
        if data:
            self.transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        self.received += len(data)
        if not self.greets:
            return
        for event in self.rtmp.receive(data):
            if isinstance(event, MediaReceived):
                self.seen.append(event.media)
            elif isinstance(event, Failed):
                self.failure = event
            elif isinstance(event, Over):
                self.over = True
            else:
                assert isinstance(event, Started)
        self.flush()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone = True

    @property
    def started(self) -> bool:
        """The server has agreed."""
        return self.rtmp.started

    def publish(self, messages: Iterable[Media]) -> None:
        """Send these."""
        for message in messages:
            self.rtmp.send(message)
        self.flush()

    def say(self, message: Message, chunk_size: int = 65536) -> None:
        """Send a message that the client would not."""
        self.transport.write(encode(message, 3, chunk_size))

    def pour(self, data: bytes) -> None:
        """Send this again and again, as fast as it is taken."""
        if not self.gone:
            self.transport.write(data)
            reactor: Any = self.transport.reactor
            reactor.callLater(0, self.pour, data)

    def close(self) -> None:
        """Be gone, as a process that was killed."""
        if not self.gone:
            self.transport.abortConnection()
