"""Public TCP ports: bound before privileges are dropped, with one clear line if that fails."""

from __future__ import annotations

import errno
import socket
import ssl
import struct
import sys
from typing import Any

from twisted.application.service import Service
from twisted.internet import tcp
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IDelayedCall, IProtocolFactory, IReactorFDSet
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import ConfigError
from imsys.protocols.tls import Renewable, TlsFactory

_log = Logger()

BACKLOG = 4096
"""Connections that the kernel queues while we are busy; it may lower this to its own limit."""

ACCEPTS = 8
"""Connections accepted in one turn of the reactor.

Accepted connections are served concurrently: a thousand handshakes started in one turn would all be complete
only at the end. Waiting in the kernel, in order, costs nothing, and turns stay short for connected clients.
"""

PLAIN_ACCEPTS = 32
"""The same without TLS: eight such connections cost no more than one handshake, and logging in together
costs less."""

STALE = 5.0
"""Seconds since a waiting connection's last data after which it is dropped: its client has given up, or
soon will."""

GONE = 1.0
"""The same without TLS if the peer has already closed its side: some clients send everything and then
close at once."""

REST = 1.0
"""Seconds that a port pauses when there is no descriptor for a connection."""

REMINDER = 60.0
"""Seconds between two log lines about that."""


_TELLS = sys.platform == "linux"
_LAST_DATA = struct.Struct("=B51xI")
"""From the kernel's ``tcp_info``: the state, and milliseconds since the last data (or, without any, since
connected)."""
_CLOSED, _PEER_CLOSED = 7, 8


class ListenService(Service):
    """One public TCP port, with or without TLS.

    It is bound in ``privilegedStartService``, before privileges are dropped, so ports below 1024 work;
    connections wait in the kernel until ``startService``.

    :param what: section and key of the port, as in ``[chat] port``.
    :param shared: whether other processes of ours listen on it too; the kernel spreads connections over them
        (``SO_REUSEPORT``).
    """

    def __init__(
        self,
        reactor: Any,
        factory: IProtocolFactory,
        host: str,
        port: int,
        tls: ssl.SSLContext | Renewable | None,
        what: str,
        *,
        shared: bool = False,
    ) -> None:
        self._reactor = reactor
        self._factory: Any = factory if tls is None else TlsFactory(tls, factory, reactor)
        self._host = host
        self._wanted = port
        self._tls = tls is not None
        self._shared = shared
        self.what = what
        self._port: Any = None
        self.port = port
        """The number of the port; until it is bound, the configured one."""

    def check(self) -> None:
        """Check that the port can be bound, while there is still a terminal for the error.

        :raises ConfigError: it cannot.
        """
        if self._wanted and self._port is None:
            check_port(self._host, self._wanted, self.what, shared=self._shared)

    def privilegedStartService(self) -> None:
        """Bind the port.

        :raises ConfigError: it is in use, or not allowed.
        """
        super().privilegedStartService()
        try:
            self._port = self._listen()
        except CannotListenError as error:
            raise ConfigError(
                _cannot_listen(self._host, self._wanted, self.what, error.socketError)
            ) from None
        self._port.stopReading()
        self.port = self._port.getHost().port

    def _listen(self) -> Any:
        if not IReactorFDSet.providedBy(self._reactor):  # Windows' completion ports need Twisted's own class
            return self._reactor.listenTCP(self._wanted, self._factory, BACKLOG, self._host)
        port = _Port(self._wanted, self._factory, BACKLOG, self._host, self._reactor)
        port.transport = getattr(self._reactor, "server_transport", tcp.Server)
        port.shared = self._shared
        port.what = self.what
        port.gone = 0.0 if self._tls else GONE  # a closed client cannot complete the handshake
        port.accepts = ACCEPTS if self._tls else PLAIN_ACCEPTS
        port.startListening()
        return port

    def startService(self) -> None:
        """Begin to accept connections."""
        if self._port is None:
            self.privilegedStartService()
        super().startService()
        self._port.startReading()

    def stopService(self) -> Deferred[None] | None:
        """Close the port; open connections stay."""
        super().stopService()
        return self.close_port()

    def close_port(self) -> Deferred[None] | None:
        """Close the port before the rest of the server stops (draining); idempotent."""
        port, self._port = self._port, None
        if port is None:
            return None
        if self._shared:
            # connections in this process' queue would be reset; the other processes cannot take them over
            port.accepts = BACKLOG + 1  # the whole queue
            port.doRead()
        closed: Deferred[None] = port.stopListening()
        return closed


class _Port(tcp.Port):
    """Twisted's port with three additions.

    It may share its number with other processes. It accepts few connections per turn, and drops those that
    have waited so long that their clients have given up: so in a storm the others are served in time. And it
    pauses while there is no descriptor for a connection, with a log line once in a while; Twisted would
    accept and close each at once, or retry forever, with log lines for each.
    """

    factory: Any
    reactor: Any
    shared = False
    what = ""
    accepts = ACCEPTS
    gone = GONE
    dropped = 0
    _resting: IDelayedCall | None = None
    _reminded = _complained = -REMINDER

    def createInternetSocket(self) -> socket.socket:
        """Make the socket, before it is bound."""
        made: socket.socket = super().createInternetSocket()
        if self.shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return made

    def doRead(self) -> None:
        """Accept waiting connections, if there is a descriptor for the first of them."""
        try:
            socket.socket(self.addressFamily).close()
            for _ in range(self.accepts):
                try:
                    self._take(*self.socket.accept())
                except BlockingIOError:
                    break
                except ConnectionAbortedError:
                    continue  # closed meanwhile
        except OSError as error:
            self._rest(error)
        except Exception:
            _log.failure("a connection to {what} could not be begun", what=self.what)

    def _take(self, accepted: socket.socket, address: tuple[Any, ...]) -> None:
        """Start serving a connection."""
        if _is_stale(accepted, self.gone):
            accepted.close()  # with unread data this is a reset
            self._drop()
            return
        if self.addressFamily == socket.AF_INET6:  # with its zone, if any
            address = (
                socket.getnameinfo(address, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0],
                *address[1:],
            )
        protocol: Any = self.factory.buildProtocol(self._buildAddr(address))
        if protocol is None:
            accepted.close()
            return
        number = self.sessionno
        self.sessionno = number + 1
        protocol.makeConnection(self.transport(accepted, protocol, address, self, number, self.reactor))

    def _drop(self) -> None:
        self.dropped += 1
        now = self.reactor.seconds()
        if now - self._complained >= REMINDER:
            self._complained = now
            _log.warn(
                "{what} has dropped {count} connections that had waited for too long",
                what=self.what,
                count=self.dropped,
            )

    def _rest(self, error: OSError) -> None:
        if self._resting is not None:
            return
        self.stopReading()
        self._resting = self.reactor.callLater(REST, self._resume)
        now = self.reactor.seconds()
        if now - self._reminded >= REMINDER:
            self._reminded = now
            _log.error(
                "{what} accepts nobody until a file is closed: {reason}",
                what=self.what,
                reason=error.strerror,
            )

    def _resume(self) -> None:
        self._resting = None
        self.startReading()

    def connectionLost(self, reason: Failure) -> None:
        """Clean up after the port is closed."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        super().connectionLost(reason)


def _is_stale(accepted: socket.socket, gone: float) -> bool:
    """Return whether a connection has waited so long that its client has given up, or soon will (on Linux).

    :param gone: seconds that it may have waited if its peer has closed its side.
    """
    if not _TELLS:
        return False
    info = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA.size)
    state, milliseconds = _LAST_DATA.unpack(info)
    patience = gone if state == _PEER_CLOSED else STALE
    return bool(state == _CLOSED or milliseconds >= patience * 1000)


def check_port(host: str, port: int, what: str, *, shared: bool = False) -> None:
    """Check that a TCP port can be bound, and release it again.

    :param shared: whether other processes of ours may be bound to it.
    :raises ConfigError: one line naming port, section and key.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            probe.bind((host, port))
    except OSError as error:
        raise ConfigError(_cannot_listen(host, port, what, error)) from None


def _cannot_listen(host: str, port: int, what: str, error: BaseException) -> str:
    number = getattr(error, "errno", None)
    if isinstance(error, socket.gaierror):
        reason = "there is no such host"
    elif number == errno.EADDRINUSE:
        reason = "the port is in use"
    elif number == errno.EACCES:
        reason = "ports below 1024 need root"
    elif number == errno.EADDRNOTAVAIL:
        reason = "this machine does not have that address"
    else:
        reason = getattr(error, "strerror", None) or str(error)
    return f"{what}: cannot listen on {host} port {port}: {reason}"
