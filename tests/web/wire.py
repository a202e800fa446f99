"""A connection in memory with a clock in the hand, and what a client reads from it."""

from __future__ import annotations

import copy
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import h11
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import directlyProvides

from imsys.protocols.crowd import Crowd
from imsys.protocols.source import Proxies
from imsys.web.answers import Response
from imsys.web.connection import HttpSettings
from imsys.web.requests import Request
from imsys.web.server import DIRECT, HttpServer

SETTINGS = HttpSettings(head=10.0, idle=60.0, stalled=120.0)
CAPACITY = 4


class Transport(StringTransport):
    """Remembers how it was closed."""

    finished = False  # our half is closed
    aborted = False

    def setTcpNoDelay(self, enabled: bool) -> None:
        pass

    def loseWriteConnection(self) -> None:
        self.finished = True

    def abortConnection(self) -> None:
        self.aborted = True

    @property
    def paused(self) -> bool:
        return self.producerState == "paused"


class Wire:
    """One connection to a server that answers with ``answer``."""

    def __init__(
        self,
        answer: Callable[[Request], Awaitable[Response]],
        settings: HttpSettings = SETTINGS,
        proxies: Proxies = DIRECT,
        crowd: Crowd | None = None,
    ) -> None:
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.server = HttpServer(
            self.clock,
            settings,
            answer,
            self.clock.seconds,
            Crowd(self.clock, CAPACITY) if crowd is None else crowd,
            proxies,
        )
        self.waiting: list[Callable[[], None]] = []
        self.server.connections.wheel.soon = self.waiting.append  # type: ignore[method-assign, assignment]
        self.begin(None)

    def begin(self, address: Any, *, tls: bool = False) -> None:
        """Come from an address."""
        build: Any = self.server.buildProtocol
        self.connection = build(address)
        self.transport = Transport(peerAddress=address)
        if tls:
            directlyProvides(self.transport, ISSLTransport)
        self.connection.makeConnection(self.transport)

    def another(self, address: Any = None, *, tls: bool = False) -> Wire:
        """Another connection to the same server."""
        wire = copy.copy(self)
        wire.begin(address, tls=tls)
        return wire

    def send(self, data: bytes) -> None:
        """Bytes arrive."""
        self.connection.dataReceived(data)

    def bytewise(self, data: bytes) -> None:
        """Bytes arrive one by one."""
        for at in range(len(data)):
            self.send(data[at : at + 1])

    def turn(self) -> None:
        """Let the next turn of the reactor begin."""
        waiting = self.waiting.copy()
        self.waiting.clear()
        for call in waiting:
            call()

    def lose(self) -> None:
        """The connection breaks."""
        self.connection.connectionLost(Failure(ConnectionDone()))

    def received(self) -> bytes:
        """What was sent since this was asked last."""
        data: bytes = self.transport.value()
        self.transport.clear()
        return data


def responses(data: bytes, *methods: str) -> Iterator[tuple[int, dict[str, str], bytes]]:
    """Cut what a server sent into responses, as a client with h11 sees them."""
    client = h11.Connection(h11.CLIENT)
    client.receive_data(data)
    for method in methods:
        client.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
        client.send(h11.EndOfMessage())
        event = client.next_event()
        while isinstance(event, h11.InformationalResponse):
            event = client.next_event()
        assert isinstance(event, h11.Response), event
        body = b""
        while not isinstance(piece := client.next_event(), h11.EndOfMessage):
            assert isinstance(piece, h11.Data), piece
            body += piece.data
        yield event.status_code, {name.decode(): value.decode() for name, value in event.headers}, body
        if client.our_state is h11.DONE and client.their_state is h11.DONE:
            client.start_next_cycle()
    assert not client.trailing_data[0], client.trailing_data[0]


def problem(body: bytes) -> int:
    """The code in the body of a refusal, which has a message as well."""
    found = json.loads(body)
    assert found.keys() == {"error", "message"}, found
    assert found["message"]
    return int(found["error"])
