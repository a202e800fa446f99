"""TCP connections of the reactor: Twisted's, with a short way for what happens all the time.

Buffers and flags are those of :class:`twisted.internet.tcp.Connection`. Whatever is not the common case (TLS
by ``startTLS``, closing, a producer that waits, more than fits) is left to Twisted's own methods.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import tcp
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST

IDLE, QUEUED, SENDING, WATCHED = range(4)
"""What a connection does about writing: nothing; it sends when the turn ends; it is sending.

It waits for room in the kernel.
"""

SMALL_READ, LARGE_READ = 1 << 14, 1 << 18
"""Bytes that a connection reads in a turn, at most: many small messages, or, once it fills that, parts of a
file.
"""


class Connection(tcp.Connection):
    """One ``recv`` and one ``send`` a turn."""

    SEND_LIMIT = LARGE_READ
    reactor: Any
    writing = IDLE
    read_size = SMALL_READ

    def doRead(self) -> Any:
        """Read once, so that nobody is kept waiting, and hand it to the protocol."""
        size = self.read_size
        try:
            data = self.socket.recv(size)
        except BlockingIOError:
            return None
        except OSError:
            return CONNECTION_LOST
        if not data:
            return CONNECTION_DONE
        if len(data) == size:
            self.read_size = LARGE_READ
        elif len(data) < SMALL_READ < size:
            self.read_size = SMALL_READ
        self.protocol.dataReceived(data)
        return None

    def write(self, data: bytes) -> None:
        """Keep bytes until the turn ends."""
        if (
            data.__class__ is not bytes
            or not data
            or not self.connected
            or self.TLS
            or self._writeDisconnected
        ):
            super().write(data)
            return
        self._tempDataBuffer.append(data)
        self._tempDataLen += len(data)
        if self._tempDataLen + len(self.dataBuffer) > self.bufferSize:
            self._maybePauseProducer()
        if self.writing == IDLE:  # what startWriting() comes to
            self.writing = QUEUED
            self.reactor.unsent.append(self)

    def write_at_once(self, data: bytes) -> None:
        """Send bytes now, if nothing waits to be sent before them; keep what the kernel does not take.

        For the same bytes to many connections, which nothing would be added to before the turn ends.
        """
        if (
            self._tempDataBuffer
            or self.dataBuffer
            or not self.connected
            or self.TLS
            or self._writeDisconnected
            or self.disconnecting
        ):
            self.write(data)
            return
        try:
            sent = self.socket.send(data)
        except OSError:
            sent = 0  # no room; or the end, which sending meets again
        if sent != len(data):
            self.write(data[sent:] if sent else data)

    def doWrite(self) -> Any:
        """Send what there is."""
        if (
            self.writing != SENDING
            or self.dataBuffer
            or not 0 < self._tempDataLen <= self.SEND_LIMIT
            or self.disconnecting
            or self._writeDisconnecting
            or self.producerPaused
            or (self.producer is not None and not self.streamingProducer)
        ):
            return super().doWrite()
        chunks = self._tempDataBuffer
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        try:
            sent = self.socket.send(data)
        except OSError:
            return super().doWrite()  # which meets it again, and knows which of them are the end
        self._tempDataBuffer = []
        self._tempDataLen = 0
        if sent == len(data):
            self.writing = IDLE
        else:
            self.dataBuffer, self.offset = data, sent
        return None


class Server(Connection, tcp.Server):
    """A connection that somebody opened to us.

    Its names for logs are made when they are asked for: two texts would be a twelfth of an idle session's memory.
    """

    def __init__(
        self, sock: Any, protocol: Any, client: Any, server: Any, sessionno: int, reactor: Any
    ) -> None:
        super().__init__(sock, protocol, client, server, sessionno, reactor)
        if server is not None:  # else who adopts it gives it its name
            del self.repstr

    @property
    def logstr(self) -> str:
        """What its protocol calls itself (nothing, once that has been told of the end), its number and the peer's host."""
        protocol = getattr(self, "protocol", None)
        return f"{'' if protocol is None else self._getLogPrefix(protocol)},{self.sessionno},{self.hostname}"

    @logstr.setter
    def logstr(self, value: str) -> None:
        """Keep nothing."""

    def __repr__(self) -> str:
        if self.server is None:
            return super().__repr__()
        protocol = getattr(self, "protocol", None)
        return f"<{type(protocol).__name__} #{self.sessionno} on {self.server._realPortNumber}>"


class Client(Connection, tcp.Client):
    """A connection that we opened."""


class Port(tcp.Port):
    """Accepts connections."""

    transport = Server


class Connector(tcp.Connector):
    """Opens a connection."""

    def _makeTransport(self) -> tcp.Client:
        return Client(self.host, self.port, self.bindAddress, self, self.reactor)
