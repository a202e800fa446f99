"""Renew the leases of servers registered by the original's calls, while their ports accept connections."""

from __future__ import annotations

import contextlib
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults, succeed
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.balance.plain import GRPC, INSTANCE, PlainRegistry, PlainServer
from imsys.balance.registry import KINDS, Registry
from imsys.errors import Unavailable
from imsys.util.outages import Outage

_log = Logger()

MAX_PROBES = 16
"""Concurrent connection attempts."""

MAX_TIMEOUT = 3.0
"""Seconds after which a port that has not answered counts as closed."""


class TcpProbe:
    """Tells whether a port accepts connections."""

    def __init__(self, reactor: Any, timeout: float) -> None:
        self._reactor = reactor
        self._timeout = min(timeout, MAX_TIMEOUT)

    async def __call__(self, host: str, port: int) -> bool:
        """Connect and close again; ``False`` when that fails or takes too long."""
        endpoint = HostnameEndpoint(self._reactor, host, port, timeout=self._timeout)
        try:
            connection: Any = await endpoint.connect(Factory.forProtocol(Protocol))
        except Exception as error:  # refused, unreachable, no such host, too slow: treated alike
            _log.debug(
                "{host}:{port} does not accept connections: {error}", host=host, port=port, error=str(error)
            )
            return False
        connection.transport.loseConnection()
        return True


class Prober(Service):
    """Probes every such server three times per lease; several balance servers may do so.

    After a flush of Redis it registers the known ones again, since they do not do so themselves.
    """

    def __init__(
        self, reactor: Any, registry: Registry, plain: PlainRegistry, probe: TcpProbe, lease: float
    ) -> None:
        self._registry = registry
        self._plain = plain
        self._probe = probe
        self._lease = lease
        self._known: set[PlainServer] = set()
        self._epoch = ""
        self._limit = DeferredSemaphore(MAX_PROBES)
        self._loop = LoopingCall(self._turn)
        self._loop.clock = reactor
        self._look: Deferred[None] = succeed(None)
        self._outage = Outage(reactor.seconds, "Looking after plain registrations")

    def startService(self) -> None:
        """Begin to probe."""
        super().startService()
        self._loop.start(self._lease / 3, now=False)

    def stopService(self) -> None:
        """Stop probing."""
        super().stopService()
        self._loop.stop()
        self._look.cancel()

    def _turn(self) -> Deferred[None]:
        self._look = Deferred.fromCoroutine(self.look())
        return self._look.addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        if self.running:
            _log.failure("looking after plain registrations failed", failure)

    async def look(self) -> None:
        """Probe each server once."""
        try:
            epoch = await self._registry.epoch()
            registered = {
                server
                for table in (INSTANCE, GRPC)
                for kind in KINDS
                for server in await self._plain.registered(table, kind)
            }
            flushed = self._known - registered if self._epoch not in ("", epoch) else set()
            looks = [
                self._limit.run(self._look_at, server, server in flushed) for server in registered | flushed
            ]
            await gatherResults(looks, consumeErrors=True)
        except Unavailable as unavailable:
            self._outage.failed(unavailable.message)
            return
        self._outage.works()
        self._known, self._epoch = registered | flushed, epoch

    async def _look_at(self, server: PlainServer, lost: bool) -> None:
        if await self._probe(server.host, server.port):
            with contextlib.suppress(Unavailable):  # the next look is soon
                await (self._plain.add(server) if lost else self._plain.renew(server))
