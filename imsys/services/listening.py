"""Public TCP ports: bound with privileges, and one clear line when they cannot be."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory

from imsys.errors import ConfigError
from imsys.protocols.tls import TlsFactory

BACKLOG = 4096
"""Connections that the kernel keeps while we are busy; it lowers this to its own limit."""


class ListenService(Service):
    """One public TCP port, with TLS or without.

    It is bound in ``privilegedStartService``, before privileges are dropped, so
    ports below 1024 work; connections wait in the kernel until ``startService``.

    :param what: section and key that say the port, as in ``[chat] port``.
    """

    def __init__(self, reactor: Any, factory: IProtocolFactory, host: str, port: int, tls: ssl.SSLContext | None, what: str) -> None:
        self._reactor = reactor
        self._factory: Any = factory if tls is None else TlsFactory(tls, factory, reactor)
        self._host = host
        self._wanted = port
        self.what = what
        self._port: Any = None

    @property
    def port(self) -> int:
        """The number of the bound port; the wanted one while nothing is bound."""
        return int(self._port.getHost().port) if self._port is not None else self._wanted

    def check(self) -> None:
        """Find out whether the port could be bound, while there still is a terminal to say so.

        :raises ConfigError: it could not.
        """
        if self._wanted and self._port is None:
            check_port(self._host, self._wanted, self.what)

    def privilegedStartService(self) -> None:
        """Bind the port.

        :raises ConfigError: it is in use, or not ours to take.
        """
        super().privilegedStartService()
        try:
            self._port = self._reactor.listenTCP(self._wanted, self._factory, BACKLOG, self._host)
        except CannotListenError as error:
            raise ConfigError(_cannot_listen(self._host, self._wanted, self.what, error.socketError)) from None
        self._port.stopReading()

    def startService(self) -> None:
        """Begin to accept connections."""
        if self._port is None:
            self.privilegedStartService()
        super().startService()
        self._port.startReading()

    def stopService(self) -> Deferred[None] | None:
        """Close the port; connections that are open stay open."""
        super().stopService()
        return self.close_port()

    def close_port(self) -> Deferred[None] | None:
        """Accept no more, ahead of the rest of the server (draining); idempotent."""
        port: IListeningPort | None
        port, self._port = self._port, None
        return None if port is None else port.stopListening()


def check_port(host: str, port: int, what: str) -> None:
    """Find out whether a TCP port can be bound, and let go of it again.

    :raises ConfigError: one line naming port, section and key.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
