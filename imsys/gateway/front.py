"""The open connections of the public ports, and their orderly end."""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory

from imsys.gateway.http import JsonServer

_log = Logger()

LAST_ANSWERS = 5.0
"""Seconds that requests have to be answered when the server stops."""

GOODBYE = 2.0
"""Seconds that connections then have to close before they are cut."""


class Front(Service):
    """Lets requests end before what they stand on is stopped; :attr:`factory` is for the ports."""

    def __init__(self, reactor: Any, server: JsonServer) -> None:
        self._reactor = reactor
        self._server = server
        self.factory = _Connections(server)

    def stopService(self) -> Deferred[None]:
        """Answer what is being worked on, then close every connection; the ports are closed by now."""
        super().stopService()
        return Deferred.fromCoroutine(self._end())

    async def _end(self) -> None:
        try:
            await self._server.drained().addTimeout(LAST_ANSWERS, self._reactor)
        except DeferredTimeout:
            _log.warn("some requests were not answered in time")
        for connection in list(self.factory.protocols):
            connection.unregisterProducer()  # TLS does not end while the HTTP channel is there to write more
            connection.loseConnection()
        cut = self._reactor.callLater(GOODBYE, self.factory.cut)
        await self.factory.emptied()
        if cut.active():
            cut.cancel()


class _Connections(WrappingFactory):
    """Knows which connections are open."""

    noisy = False

    def __init__(self, server: JsonServer) -> None:
        super().__init__(server)
        self._empty: Deferred[None] | None = None

    def unregisterProtocol(self, p: ProtocolWrapper) -> None:
        """A connection is gone."""
        super().unregisterProtocol(p)
        if not self.protocols and self._empty is not None:
            empty, self._empty = self._empty, None
            empty.callback(None)

    def emptied(self) -> Deferred[None]:
        """Fires when no connection is open."""
        if not self.protocols:
            return succeed(None)
        self._empty = Deferred()
        return self._empty

    def cut(self) -> None:
        """Abort every connection."""
        for connection in list(self.protocols):
            connection.abortConnection()
