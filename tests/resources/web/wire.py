"""A connection in memory with a clock in the hand, and what a client reads from it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import h11
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from imsys.resources.web.answers import Response
from imsys.resources.web.connection import HttpSettings
from imsys.resources.web.requests import Request
from imsys.resources.web.server import HttpServer

SETTINGS = HttpSettings(head=10.0, idle=60.0, stalled=120.0, capacity=3)


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

    def __init__(self, answer: Callable[[Request], Awaitable[Response]], settings: HttpSettings = SETTINGS) -> None:
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.server = HttpServer(self.clock, settings, answer, self.clock.seconds)
        self.connection: Any = self.server.buildProtocol(None)
        self.transport = Transport()
        self.connection.makeConnection(self.transport)
        self._client = h11.Connection(h11.CLIENT)

    def send(self, data: bytes) -> None:
        """Bytes arrive."""
        self.connection.dataReceived(data)

    def bytewise(self, data: bytes) -> None:
        """Bytes arrive one by one."""
        for at in range(len(data)):
            self.send(data[at : at + 1])

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
