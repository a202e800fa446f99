"""Connections when a gateway stops."""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from imsys.gateway.front import GOODBYE, LAST_ANSWERS, Front
from imsys.gateway.http import Endpoint, JsonServer
from imsys.gateway.messages import CodeRequest, CodeResponse
from imsys.gateway.source import Proxies, Source
from tests.gateway.raw_http import post

ASK = post("/ask", b'{"email": "anna@example.org"}')


class Wire(StringTransport):
    """A connection that is gone when it is cut, and not before."""

    def __init__(self, *, polite: bool) -> None:
        super().__init__()
        self.polite = polite
        self.protocol: Any = None

    def loseConnection(self) -> None:
        super().loseConnection()
        if self.polite:
            self.abortConnection()

    def abortConnection(self) -> None:
        from twisted.internet.error import ConnectionDone
        from twisted.python.failure import Failure

        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(ConnectionDone()))


class FrontTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.working: Deferred[None] = Deferred()
        server = JsonServer(
            self.clock, {"/ask": Endpoint(CodeRequest, self.ask)}, body_limit=65536, timeout=30.0, proxies=Proxies([]), calendar=time.time
        )
        self.front = Front(self.clock, server)
        self.front.startService()

    async def ask(self, request: Any, source: Source) -> CodeResponse:
        await self.working
        return CodeResponse(email=request.email)

    def connect(self, *, polite: bool = True) -> Wire:
        wire = Wire(polite=polite)
        wire.protocol = self.front.factory.buildProtocol(None)
        wire.protocol.makeConnection(wire)
        return wire

    def test_nobody(self) -> None:
        """Without connections it stops at once."""
        self.successResultOf(self.front.stopService())

    def test_idle(self) -> None:
        """Idle connections are closed at once."""
        wires = [self.connect() for _ in range(3)]
        self.successResultOf(self.front.stopService())
        self.assertTrue(all(wire.disconnecting for wire in wires))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_working(self) -> None:
        """What is being worked on is answered before its connection is closed."""
        wire = self.connect()
        wire.protocol.dataReceived(ASK)
        stopped = self.front.stopService()
        self.assertNoResult(stopped)
        self.assertFalse(wire.disconnecting)
        self.working.callback(None)
        self.successResultOf(stopped)
        self.assertIn(b'"email":"anna@example.org"', wire.value())

    def test_working_too_long(self) -> None:
        """What is not answered in time is given up."""
        wire = self.connect()
        wire.protocol.dataReceived(ASK)
        stopped = self.front.stopService()
        self.clock.advance(LAST_ANSWERS)
        self.successResultOf(stopped)
        self.assertTrue(wire.disconnecting)
        self.working.callback(None)
        self.assertEqual(wire.value(), b"")

    def test_stubborn(self) -> None:
        """A connection whose other side does not let go is cut."""
        self.connect(polite=False)
        stopped = self.front.stopService()
        self.assertNoResult(stopped)
        self.clock.advance(GOODBYE)
        self.successResultOf(stopped)
