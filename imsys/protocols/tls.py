"""TLS between a transport and a protocol, by the standard library's memory BIOs.

It replaces :class:`twisted.protocols.tls.TLSMemoryBIOFactory`, and differs in
what it costs a connection:

* What a connection writes in a turn of the reactor is encrypted when the turn
  ends: as one record, up to :data:`RECORD` bytes, and sent as one write.
* All connections of a port share two BIOs. Nothing stays in them between two
  calls, so that a connection has no buffers of its own; OpenSSL's it gives
  back while it is idle (``ssl`` sets SSL_MODE_RELEASE_BUFFERS).

A connection is a protocol to the transport below, and a transport to the
protocol above, which it tells of its connection at once: whatever deadline
that sets bounds the handshake as well.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IConsumer,
    ILoggingContext,
    INegotiated,
    IProtocol,
    IProtocolFactory,
    IPushProducer,
    ISSLTransport,
)
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

_log = Logger()

RECORD = 2**14
"""Bytes of plaintext in a TLS record at most (RFC 8446, 5.1)."""

TURN_BYTES = 2**16
"""Bytes that a connection keeps for the end of a turn; beyond that it encrypts at once."""


@dataclass
class Renewable:
    """Holds a context that may be replaced; connections that begin afterwards have the new one."""

    current: ssl.SSLContext


_NOTHING: list[bytes] = []
"""What a connection has to send that has nothing: shared, and never added to."""


class _State(Enum):
    HANDSHAKE = auto()
    OPEN = auto()
    CLOSE_SENT = auto()  # our close_notify is on its way, the peer's is awaited
    OVER = auto()  # nothing is encrypted or decrypted any more


HANDSHAKE, OPEN, CLOSE_SENT, OVER = _State


class TlsFactory(Factory):
    """Makes connections with TLS, for a factory that knows nothing of it.

    A reactor that has ``callAtTurnEnd`` is told to encrypt there, others in their next turn.
    """

    noisy = False

    def __init__(
        self,
        context: ssl.SSLContext | Renewable,
        factory: IProtocolFactory,
        reactor: Any,
        server_hostname: str | None = None,
    ) -> None:
        """:param context: for servers, or for clients, which then expect ``server_hostname`` of the server."""
        self._context = context if isinstance(context, Renewable) else Renewable(context)
        self._hostname = server_hostname
        self._client = self._context.current.protocol is ssl.PROTOCOL_TLS_CLIENT
        self._factory = factory
        self._later = getattr(reactor, "callAtTurnEnd", None) or partial(reactor.callLater, 0)
        self._writers: list[TlsConnection] = []
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()

    def buildProtocol(self, addr: Any) -> TlsConnection | None:
        """Make a connection for the wrapped factory's protocol; none where it makes none."""
        protocol = self._factory.buildProtocol(addr)
        if protocol is None:
            return None
        tls = self._context.current.wrap_bio(self.incoming, self.outgoing, not self._client, self._hostname)
        return TlsConnection(self, tls, protocol)

    def doStart(self) -> None:
        """Tell the wrapped factory."""
        super().doStart()
        self._factory.doStart()

    def doStop(self) -> None:
        """Tell the wrapped factory."""
        self._factory.doStop()
        super().doStop()

    def logPrefix(self) -> str:
        """Return the wrapped factory's prefix."""
        return _prefix(self._factory)

    def at_turn_end(self, connection: TlsConnection) -> None:
        """Flush a connection when this turn is over."""
        if not self._writers:
            self._later(self._flush)
        self._writers.append(connection)

    def _flush(self) -> None:
        writers, self._writers = self._writers, []
        for connection in writers:
            try:
                connection.flush()
            except Exception:
                _log.failure("a TLS connection could not send, and is aborted")
                connection.abortConnection()


@implementer(IProtocol, ILoggingContext, ISSLTransport, INegotiated, IConsumer, IPushProducer)
class TlsConnection:
    """One connection with TLS: a protocol to the transport below, and a transport to the protocol above.

    Reasons of ``connectionLost``: ``ConnectionDone`` after a close_notify of
    either side; ``ConnectionLost`` when the peer ended the stream without one,
    so that what it sent may be incomplete; :class:`ssl.SSLError` when the
    handshake or a record was wrong; else that of the transport.
    """

    __slots__ = (
        "_factory", "_producer", "_protocol", "_reason", "_starved", "_state", "_streaming", "_tls", "_unsent", "_unsent_bytes",
        "disconnecting", "transport",
    )  # fmt: skip

    transport: Any

    def __init__(self, factory: TlsFactory, tls: ssl.SSLObject, protocol: IProtocol) -> None:
        self._factory = factory
        self._tls: Any = tls
        self._protocol: Any = protocol
        self._producer: Any = None
        self._streaming = False
        self._starved = False  # the producer waits for the handshake
        self._unsent = _NOTHING
        self._unsent_bytes = 0
        self._state = HANDSHAKE
        self._reason: Failure | None = None  # why, where it was an error
        self.disconnecting = False
        self.transport = None

    # -- a protocol, for the transport below

    def makeConnection(self, transport: Any) -> None:
        """Connect the protocol above; a client then begins the handshake."""
        self.transport = transport
        self._protocol.makeConnection(self)
        if not self._tls.server_side:
            self.dataReceived(b"")

    def connectionMade(self) -> None:
        """Do nothing: :meth:`makeConnection` has told the protocol above."""

    def logPrefix(self) -> str:
        """Return the prefix of the protocol above, marked."""
        return f"{_prefix(self._protocol)} (TLS)"

    def dataReceived(self, data: bytes) -> None:
        """Go on with the handshake, or decrypt; hand on in one piece what comes out."""
        if self._state is OVER:
            return
        incoming, outgoing, tls = self._factory.incoming, self._factory.outgoing, self._tls
        plain: list[bytes] = []
        begun = ended = False
        try:
            incoming.write(data)
            if self._state is HANDSHAKE:
                tls.do_handshake()
                self._state, begun = OPEN, True
            while piece := tls.read(RECORD):
                plain.append(piece)
                if not incoming.pending:
                    break
            else:
                ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            ended = True
        except ssl.SSLError:
            ended, self._reason = True, Failure()
        finally:
            # the next connection must not find anything in either, whatever happened
            if incoming.pending:  # behind the end
                incoming.read()
            sent = outgoing.read() if outgoing.pending else b""
        if sent:  # the handshake, an alert, the answer to new keys
            self.transport.write(sent)
        if begun and self._unsent:
            self._begin()
        if plain and self._state is not OVER:
            self._protocol.dataReceived(plain[0] if len(plain) == 1 else b"".join(plain))
        if ended and self._state is not OVER:
            if self._reason is None and self._state is not CLOSE_SENT:
                self._say_goodbye()
            else:
                self._finish()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the protocol above, and let go of it."""
        if self._reason is not None:
            reason, self._reason = self._reason, None
        elif self._state in (HANDSHAKE, OPEN) and reason.check(ConnectionDone):
            reason = Failure(ConnectionLost())
        self._state, self.disconnecting = OVER, True
        self._unsent = _NOTHING
        protocol, self._protocol, self._producer, self._tls = self._protocol, None, None, None
        protocol.connectionLost(reason)

    # -- a transport, for the protocol above

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send this when the turn ends.

        Not after :meth:`loseConnection`, unless a producer is at work still.
        """
        if data.__class__ is not bytes:
            data = _copied(data)
        if not data or self._state is OVER or (self.disconnecting and self._producer is None):
            return
        if self._unsent:
            self._unsent.append(data)
        else:
            self._unsent = [data]
            if self._state is not HANDSHAKE:
                self._factory.at_turn_end(self)
        self._unsent_bytes += len(data)
        if self._unsent_bytes > TURN_BYTES:
            if self._state is not HANDSHAKE:
                self.flush()
            elif self._streaming and not self._starved:
                self._starved = True
                self._producer.pauseProducing()

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Send these, one after the other."""
        self.write(b"".join(map(_copied, iovec)))

    def flush(self) -> None:
        """Encrypt what was written, now.

        An exception that is not TLS's own (no memory, say) aborts the connection, and is raised.
        """
        if not self._unsent or self._state is OVER:
            return
        data = self._unsent[0] if len(self._unsent) == 1 else b"".join(self._unsent)
        self._unsent = _NOTHING
        self._unsent_bytes = 0
        tls, outgoing = self._tls, self._factory.outgoing
        try:
            if len(data) <= RECORD:
                tls.write(data)
                sent = outgoing.read()
            else:
                records, rest = [], memoryview(data)
                while rest:
                    rest = rest[tls.write(rest[:RECORD]) :]
                    records.append(outgoing.read())
                sent = b"".join(records)
        except ssl.SSLError:
            outgoing.read()
            self._reason = Failure()
            self._finish()
        except BaseException:
            outgoing.read()
            self.abortConnection()  # what was written is lost
            raise
        else:
            self.transport.write(sent)

    def loseConnection(self) -> None:
        """Send what was written and a close_notify, and close when the peer has answered that.

        Before the handshake is done, with nothing to send, there is nobody to say it to.
        """
        if self.disconnecting or self._state is OVER:
            return
        self.disconnecting = True
        if self._state is HANDSHAKE and not self._unsent:
            self.abortConnection()
        elif self._producer is None:
            self._close()

    def loseWriteConnection(self) -> None:
        """Close: in TLS a stream ends in both directions."""
        self.loseConnection()

    def abortConnection(self) -> None:
        """Close at once, and say nothing."""
        self._state, self.disconnecting = OVER, True
        self._unsent = _NOTHING
        self.transport.abortConnection()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let a producer write as fast as the peer reads; see ``IConsumer``."""
        if self._producer is not None:
            raise RuntimeError(f"cannot register {producer}: {self._producer} was never unregistered")
        if self._state is OVER:
            producer.stopProducing()
            return
        self._producer, self._streaming = producer, streaming
        self.transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """Forget the producer, which has written everything."""
        if self._producer is None:
            return
        self._producer, self._streaming, self._starved = None, False, False
        self.transport.unregisterProducer()
        if self.disconnecting:
            self._close()

    def pauseProducing(self) -> None:
        """Read no more for now."""
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on reading."""
        self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """Close."""
        self.loseConnection()

    def getHost(self) -> Any:
        """Return our address."""
        return self.transport.getHost()

    def getPeer(self) -> Any:
        """Return the peer's address."""
        return self.transport.getPeer()

    def getPeerCertificate(self) -> None:
        """Return nothing: no certificate is asked for."""

    @property
    def negotiatedProtocol(self) -> bytes | None:
        """The protocol that ALPN has agreed on, if any."""
        name = None if self._tls is None else self._tls.selected_alpn_protocol()
        return None if name is None else name.encode()

    def getTcpNoDelay(self) -> bool:
        """See ``ITCPTransport``."""
        return bool(self.transport.getTcpNoDelay())

    def setTcpNoDelay(self, enabled: bool) -> None:
        """See ``ITCPTransport``."""
        self.transport.setTcpNoDelay(enabled)

    def getTcpKeepAlive(self) -> bool:
        """See ``ITCPTransport``."""
        return bool(self.transport.getTcpKeepAlive())

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """See ``ITCPTransport``."""
        self.transport.setTcpKeepAlive(enabled)

    def __getattr__(self, name: str) -> Any:
        """Return what else the transport below has."""
        return getattr(self.transport, name)

    # -- from the handshake to the end

    def _begin(self) -> None:
        """Send what was written during the handshake, which is done."""
        if self._starved:
            self._starved = False
            self._producer.resumeProducing()
        self.flush()
        if self.disconnecting and self._producer is None:
            self._close()

    def _close(self) -> None:
        if self._state is OPEN:
            self._say_goodbye()  # else when the handshake is done, or never

    def _say_goodbye(self) -> None:
        """Send a close_notify after everything that was written, and close if the peer's has come."""
        self.flush()
        if self._state is OVER:
            return
        self._state = CLOSE_SENT
        try:
            self._tls.unwrap()
        except ssl.SSLWantReadError:
            answered = False
        except ssl.SSLError:
            answered = True  # or there is nobody to answer
        else:
            answered = True
        finally:
            sent = self._factory.outgoing.read()
        if sent:
            self.transport.write(sent)
        if answered:
            self._finish()

    def _finish(self) -> None:
        """Encrypt nothing more, and close when everything that was encrypted is sent."""
        self._state = OVER
        self._unsent = _NOTHING
        producer, self._producer = self._producer, None
        if producer is not None:
            self.transport.unregisterProducer()  # it would keep the transport open
            producer.stopProducing()
        self.transport.loseConnection()


def _prefix(wrapped: Any) -> str:
    return str(wrapped.logPrefix()) if ILoggingContext.providedBy(wrapped) else type(wrapped).__name__


def _copied(data: Any) -> bytes:
    """Copy what may change once it was written to bytes."""
    if isinstance(data, bytes):
        return data
    if not isinstance(data, bytearray | memoryview):
        raise TypeError("Data must be bytes")
    return bytes(data)
