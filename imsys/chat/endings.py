"""End replaced sessions on other servers, in the background: a login does not wait for another server."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.errors import Refused
from imsys.redis.routes import Route
from imsys.util.background import run_in_background
from imsys.util.outages import Outage

_log = Logger()

AT_ONCE = 32
"""Concurrent calls to one server; only one while it does not answer."""

QUEUE = 10_000
"""Sessions of one server that wait to be ended, at most; beyond it the oldest ends when its route is
renewed."""

PATIENCE = 15.0
"""Seconds after which a waiting session is dropped, too: a working server has noticed by renewal by then."""

RETRY = 1.0
"""Seconds between two calls to a server that does not answer."""


class Cluster(Protocol):
    """The other chat servers, as the directory sees them."""

    def alive(self, node: str, incarnation: str) -> bool:
        """Return whether a node is registered with this incarnation."""
        ...

    async def end_session(self, node: str, uuid: int, session: str, message: str, device: str = "") -> None:
        """End the session of a device on another node. :raises Unavailable: the node did not answer."""
        ...


class _Ending(NamedTuple):
    user: int
    route: Route
    message: str
    until: float
    done: Callable[[], None]


@dataclass(slots=True)
class _Server:
    outage: Outage
    waiting: deque[_Ending] = field(default_factory=deque)
    calls: int = 0
    pause: IDelayedCall | None = None


class Endings:
    """Tells other servers to end replaced sessions, and retries if one does not answer."""

    def __init__(self, clock: IReactorTime, cluster: Cluster) -> None:
        self._clock = clock
        self._cluster = cluster
        self._servers: dict[tuple[str, str], _Server] = {}
        self._stopped = False

    def add(self, user: int, route: Route, message: str, done: Callable[[], None]) -> None:
        """End the session of a route on another server; ``done`` is called if that is confirmed."""
        where = route.node, route.incarnation
        server = self._servers.get(where)
        if server is None:
            if not self._cluster.alive(*where):
                return
            self._forget_the_gone()
            server = self._servers[where] = _Server(
                Outage(self._clock.seconds, f"Ending sessions on chat server {route.node}")
            )
        if len(server.waiting) >= QUEUE:
            server.waiting.popleft()
        server.waiting.append(_Ending(user, route, message, self._clock.seconds() + PATIENCE, done))
        self._go_on(where, server)

    def stop(self) -> None:
        """Stop; the sessions that still wait end when their routes are renewed."""
        self._stopped = True
        for server in self._servers.values():
            server.waiting.clear()
            if server.pause is not None:
                server.pause.cancel()
                server.pause = None

    def _forget_the_gone(self) -> None:
        self._servers = {
            where: server
            for where, server in self._servers.items()
            if server.calls or server.pause is not None or self._cluster.alive(*where)
        }

    def _go_on(self, where: tuple[str, str], server: _Server) -> None:
        while server.waiting and server.pause is None and server.calls < (1 if server.outage else AT_ONCE):
            if not self._cluster.alive(*where):  # its sessions have ended with it
                server.waiting.clear()
                break
            ending = server.waiting.popleft()
            if ending.until <= self._clock.seconds():
                continue
            server.calls += 1
            run_in_background(
                self._end(where, server, ending), _log, "ending a session on another server failed"
            )

    async def _end(self, where: tuple[str, str], server: _Server, ending: _Ending) -> None:
        try:
            await self._cluster.end_session(
                ending.route.node, ending.user, ending.route.session, ending.message, ending.route.device
            )
            server.outage.works()
            ending.done()
        except Refused as refused:
            if not self._stopped:
                server.outage.failed(refused.message)
                server.waiting.appendleft(ending)
                if server.pause is None:
                    server.pause = self._clock.callLater(RETRY, self._resume, where, server)
        finally:
            server.calls -= 1
            self._go_on(where, server)

    def _resume(self, where: tuple[str, str], server: _Server) -> None:
        server.pause = None
        self._go_on(where, server)
