"""Draining: a server that is to end takes no new users, and lets those it has finish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from imsys.cluster.membership import Membership
from imsys.connections import Connections
from imsys.services.common import ListenService
from imsys.services.signals import on_signal

_log = Logger()


class Others(Protocol):
    """Connections of other protocols, which end when what is under way has: a request of HTTP, a live stream."""

    def drain(self) -> None: ...  # noqa: D102
    def emptied(self) -> Deferred[None]: ...  # noqa: D102


class Draining(Service):
    """On SIGUSR2 the ports are closed, balance sends nobody here any more, and the process ends when its last connection has.

    Whoever has waited long enough ends it with SIGTERM, which is orderly as well.
    """

    def __init__(
        self,
        reactor: Any,
        membership: Membership,
        connections: Connections,
        ports: Sequence[ListenService],
        others: Sequence[Others] = (),
    ) -> None:
        self._reactor = reactor
        self._membership = membership
        self._connections = connections
        self._ports = ports
        self._others = others
        self._restore: Callable[[], None] | None = None
        self._begun = False

    def startService(self) -> None:
        """Listen to the signal."""
        super().startService()
        self._restore = on_signal("SIGUSR2", lambda: self._reactor.callFromThread(self.drain))

    def stopService(self) -> None:
        """Listen no more."""
        super().stopService()
        if self._restore is not None:
            self._restore()
            self._restore = None

    def drain(self) -> None:
        """Begin; once is enough."""
        if self._begun or not self.running:
            return
        self._begun = True
        _log.info("{name} drains: {count} connections are left", name=self._membership.name, count=len(self._connections))
        Deferred.fromCoroutine(self._drain()).addErrback(lambda reason: _log.failure("draining failed", reason))

    async def _drain(self) -> None:
        for port in self._ports:
            await_closed = port.close_port()
            if await_closed is not None:
                await await_closed
        self._membership.drain()
        for other in self._others:
            other.drain()
        for other in self._others:
            await other.emptied()
        await self._connections.emptied()
        if self.running:
            _log.info("{name} is drained", name=self._membership.name)
            self._reactor.stop()
