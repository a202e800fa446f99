"""A reactor that a test turns by hand, and plain sockets at the other end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IAddress, IProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imsys.reactor import EPollReactor

DEADLINE = 30.0
"""Seconds in which what a test waits for must have happened."""


class Peer:
    """A socket of the other end, which never blocks."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.data = bytearray()
        self.ended = False
        self.reset = False

    def read(self) -> bytes:
        """Take what is there; give back everything since the beginning."""
        while not (self.ended or self.reset):
            try:
                data = self.socket.recv(1 << 16)
            except BlockingIOError:
                break
            except ConnectionResetError:
                self.reset = True
                break
            self.data += data
            self.ended = not data
        return bytes(self.data)

    def finished(self) -> bool:
        """Take what is there; whether that was all."""
        self.read()
        return self.ended


class Recorder(Protocol):
    """Remembers what happens to it."""

    transport: Any

    def __init__(self) -> None:
        self.data = bytearray()
        self.lost: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = reason


class Built(Factory):
    """Remembers the protocols that it builds."""

    noisy = False

    def __init__(self, build: Callable[[], IProtocol]) -> None:
        self._build = build
        self.protocols: list[Any] = []

    def buildProtocol(self, addr: IAddress | None) -> IProtocol:
        protocol = self._build()
        self.protocols.append(protocol)
        return protocol


class ReactorTestCase(SynchronousTestCase):
    """Has a reactor of its own, and closes it with everything on it."""

    reactor: Any

    def setUp(self) -> None:
        self.reactor = self.make()
        self.addCleanup(self._close)

    def make(self) -> Any:
        """The reactor."""
        return EPollReactor()

    def _close(self) -> None:
        self.reactor.disconnectAll()
        self.reactor.waker.connectionLost(None)
        self.reactor._poller.close()

    def turns(self, count: int) -> None:
        """Let some turns pass, without waiting."""
        for _ in range(count):
            self.reactor.iterate(0.0)

    def until(self, condition: Callable[[], Any]) -> None:
        """Let turns pass until a condition holds."""
        give_up = time.monotonic() + DEADLINE
        while not condition():
            self.assertLess(time.monotonic(), give_up, "it did not happen")
            self.reactor.iterate(0.01)

    def listen(self, build: Callable[[], IProtocol]) -> tuple[Built, Any]:
        """A port, and what it builds."""
        factory = Built(build)
        return factory, self.reactor.listenTCP(0, factory, 1000, "127.0.0.1").getHost()

    def dial(self, host: Any) -> Peer:
        """A plain connection to a port."""
        peer = Peer(socket.create_connection((host.host, host.port), DEADLINE))
        self.addCleanup(peer.socket.close)
        return peer

    def pair(self, build: Callable[[], IProtocol] = Recorder) -> tuple[Any, Peer]:
        """A protocol that is connected to a plain socket."""
        factory, host = self.listen(build)
        peer = self.dial(host)
        self.until(lambda: factory.protocols and factory.protocols[0].transport)
        return factory.protocols[0], peer
