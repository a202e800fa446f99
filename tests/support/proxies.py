"""Networks that stop: a TCP port that leads to another, until nothing passes any more."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.protocols.portforward import ProxyClient, ProxyClientFactory, ProxyFactory, ProxyServer
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


class CuttingProxy:
    """Forwards to a port of loopback.

    What is answered to text with :attr:`before` in it is swallowed, and the connection cut; :attr:`left` is how often.
    """

    def __init__(self, test: TestCase, to: int) -> None:
        from twisted.internet import reactor

        self.before = b""
        self.left = 0
        self._ends: set[ProxyServer] = set()
        factory: Any = ProxyFactory("127.0.0.1", to)
        factory.noisy = False
        factory.buildProtocol = self._made
        self._factory = factory
        self._port = cast(Any, reactor).listenTCP(0, factory, interface="127.0.0.1")
        self.port = int(self._port.getHost().port)
        test.addCleanup(self._close)

    def cut(self) -> None:
        """Cut every connection now."""
        for end in list(self._ends):
            _abort(end)

    def _made(self, addr: Any) -> ProxyServer:
        end = _Asking(self)
        end.factory = self._factory
        self._ends.add(end)
        return end

    def _takes(self, data: bytes) -> bool:
        taken = self.left > 0 and self.before in data
        self.left -= taken
        return taken

    async def _close(self) -> None:
        await self._port.stopListening()
        self.cut()


class _Asking(ProxyServer):
    """The end that somebody has connected to."""

    def __init__(self, proxy: CuttingProxy) -> None:
        self.proxy = proxy
        self.cutting = False

    def clientProtocolFactory(self) -> ProxyClientFactory:
        factory = ProxyClientFactory()
        factory.noisy = False
        factory.protocol = _Answering
        return factory

    def dataReceived(self, data: bytes) -> None:
        self.cutting = self.cutting or self.proxy._takes(data)
        super().dataReceived(data)


class _Answering(ProxyClient):
    """The end at the server."""

    def dataReceived(self, data: bytes) -> None:
        asking = cast(_Asking, self.peer)
        if asking.cutting:
            _abort(asking)
        else:
            super().dataReceived(data)


def _abort(asking: Any) -> None:
    asking.proxy._ends.discard(asking)
    for end in (asking.peer, asking):
        if end is not None:
            end.transport.abortConnection()
