"""Networks that stop: a TCP port that leads to another, until nothing passes any more."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase


class SilentProxy:
    """Forwards to a port of loopback.

    While it is silent nothing passes, and nothing is closed, as in a network that is cut.
    """

    def __init__(self, test: TestCase, to: int) -> None:
        from twisted.internet import reactor

        self.reactor = cast(Any, reactor)
        self.to = to
        self.silent = False
        self.ends: set[_End] = set()
        factory: Any = Factory.forProtocol(Protocol)
        factory.noisy = False
        factory.buildProtocol = lambda addr: _Near(self)
        self._port = self.reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.port = int(self._port.getHost().port)
        test.addCleanup(self._close)

    def cut(self) -> None:
        """Let nothing pass."""
        self.silent = True
        for end in self.ends:
            end.hold()

    def heal(self) -> None:
        """Let everything pass, and what has waited."""
        self.silent = False
        for end in list(self.ends):
            end.go_on()

    async def _close(self) -> None:
        await self._port.stopListening()
        for end in list(self.ends):
            end.abort()


class _End(Protocol):
    """One end of a connection; what it hears, the other one says."""

    def __init__(self, proxy: SilentProxy) -> None:
        self.proxy = proxy
        self.other: _End | None = None
        self.waiting = b""
        self.closing = False

    def connectionMade(self) -> None:
        self.proxy.ends.add(self)
        if self.proxy.silent:
            self.hold()

    def dataReceived(self, data: bytes) -> None:
        self.waiting += data
        self.go_on()

    def hold(self) -> None:
        transport: Any = self.transport
        transport.pauseProducing()

    def go_on(self) -> None:
        transport: Any = self.transport
        if self.proxy.silent:
            return
        transport.resumeProducing()
        if self.other is not None and self.other.transport is not None and self.waiting:
            self.other.transport.write(self.waiting)
            self.waiting = b""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.proxy.ends.discard(self)
        self.closing = True
        if self.other is not None and not self.other.closing:
            self.other.abort()

    def abort(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()


class _Near(_End):
    """The end that somebody has connected to."""

    def connectionMade(self) -> None:
        super().connectionMade()
        if not self.proxy.silent:
            self._connect()

    def go_on(self) -> None:
        super().go_on()
        if self.other is None and not self.proxy.silent:
            self._connect()

    def _connect(self) -> None:
        other = self.other = _End(self.proxy)
        endpoint = HostnameEndpoint(self.proxy.reactor, "127.0.0.1", self.proxy.to)

        def connected(_: Any) -> None:
            other.other = self
            if self.closing:
                other.abort()
            else:
                self.go_on()

        connectProtocol(endpoint, other).addCallbacks(
            connected, lambda _: None if self.closing else self.abort()
        )
