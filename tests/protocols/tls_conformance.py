"""Twisted's own tests of TLS, with ours on one side or both; run by test_tls in a process of its own."""

from __future__ import annotations

import os
import ssl
import unittest
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import IReactorTCP
from twisted.internet.test.connectionmixins import ConnectionTestsMixin, EndpointCreator
from twisted.internet.test.reactormixins import ReactorBuilder
from twisted.internet.test.test_tcp import (
    AbortConnectionMixin,
    ConnectToTCPListenerMixin,
    StreamTransportTestsMixin,
)
from twisted.internet.test.test_tls import ContextGeneratingMixin, SSLCreator
from twisted.protocols.test import test_tls as memory
from twisted.protocols.tls import TLSMemoryBIOFactory

from imsys.protocols.tls import TlsFactory

ReactorBuilder._reactors = [os.environ["IMSYS_TEST_REACTOR"]]


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ContextGeneratingMixin._pem.path)
    return context


def client_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Wrapping:
    """An endpoint, for protocols with our TLS."""

    def __init__(self, endpoint: Any, context: ssl.SSLContext, reactor: Any) -> None:
        self._endpoint, self._context, self._reactor = endpoint, context, reactor

    def listen(self, factory: Any) -> Any:
        return self._endpoint.listen(TlsFactory(self._context, factory, self._reactor))

    def connect(self, factory: Any) -> Any:
        return self._endpoint.connect(TlsFactory(self._context, factory, self._reactor))


class OurServer(SSLCreator):
    def server(self, reactor: Any) -> Any:
        return Wrapping(TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"), server_context(), reactor)


class OurClient(SSLCreator):
    def client(self, reactor: Any, serverAddress: Any) -> Any:
        return Wrapping(
            TCP4ClientEndpoint(reactor, "127.0.0.1", serverAddress.port), client_context(), reactor
        )


class OurBoth(OurServer, OurClient):
    pass


class Exchange(ReactorBuilder, ConnectionTestsMixin, AbortConnectionMixin):
    requiredInterfaces = [IReactorTCP]
    endpoints: EndpointCreator | None = None


class ServerTests(Exchange):
    endpoints = OurServer()


class ClientTests(Exchange):
    endpoints = OurClient()


class BothTests(Exchange):
    endpoints = OurBoth()


class PortTests(ContextGeneratingMixin, ConnectToTCPListenerMixin, StreamTransportTestsMixin, ReactorBuilder):
    requiredInterfaces = [IReactorTCP]

    def getListeningPort(self, reactor: Any, factory: Any) -> Any:
        return reactor.listenTCP(0, TlsFactory(server_context(), factory, reactor))

    def getExpectedStartListeningLogMessage(self, port: Any, factory: str) -> str:
        return f"{factory} starting on {port.getHost().port}"

    def getExpectedConnectionLostLogMsg(self, port: Any) -> str:
        return f"(TCP Port {port.getHost().port} Closed)"


for builder in (ServerTests, ClientTests, BothTests, PortTests):
    globals().update(builder.makeTestCaseClasses())


class MemoryTests(memory.TLSMemoryBIOTests):
    """Those of its tests that look at a server from outside."""

    timeout = 20

    def setUp(self) -> None:
        from twisted.internet import reactor

        def make(context: Any, isClient: bool, factory: Any, clock: Any = None) -> Any:
            if isClient:
                return TLSMemoryBIOFactory(context, True, factory, clock)
            return TlsFactory(server_context(), factory, clock or reactor)

        self.patch(memory, "TLSMemoryBIOFactory", make)


for name in (
    "test_handshakeFailure",  # a server that wants a certificate of the client
    "test_loseConnectionAfterConnectionLost",  # the others look inside Twisted's
    "test_unexpectedEOF",
    "test_noCircularReferences",
):
    setattr(MemoryTests, name, unittest.skip("not from outside")(lambda self: None))
