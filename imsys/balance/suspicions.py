"""Probe servers that others report as unreachable, before excluding them from allocation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from imsys.balance.allocation import Reported
from imsys.balance.registry import Registry, Suspect
from imsys.cluster.probing import Answered, Silence
from imsys.errors import Unavailable
from imsys.util.single_flight import SingleFlight

_log = Logger()

AGAIN = 1.0
"""Seconds between two probes of one server, by any balance server."""

MOST = 64
"""Servers probed concurrently by one balance server; reports of others meanwhile are ignored."""

Probe = Callable[[str, int], Awaitable[Answered | Silence]]
Key = tuple[str, str, str]


class Suspicions(Service):
    """Probes servers that others could not reach, at most once a second each.

    One that does not answer is set aside: it gets no users until it registers again or answers. If a peer
    reported it and nothing listens on its port, its registration ends. A user's report alone only causes a
    probe.
    """

    def __init__(self, reactor: Any, registry: Registry, probe: Probe) -> None:
        self._reactor = reactor
        self._registry = registry
        self._probe = probe
        self._looks: SingleFlight[Key, None] = SingleFlight(self._look)
        self._by_peers: set[Key] = set()
        """Of the servers being probed, those reported by a peer, which counts for more than a user's
        report."""
        self._again: dict[Key, IDelayedCall] = {}

    def stopService(self) -> None:
        """Stop probing; other balance servers go on."""
        super().stopService()
        for call in self._again.values():
            call.cancel()
        self._again.clear()

    def suspect(self, kind: str, name: str, incarnation: str) -> Deferred[None]:
        """Probe a server that a peer cannot reach; fire when that is done, or not necessary."""
        return self._begin((kind, name, incarnation), by_peer=True)

    def report(self, reported: Sequence[Reported]) -> None:
        """Probe servers that users could not use."""
        for server in reported:
            if server.incarnation:  # those registered by the original's calls are probed anyway
                self._begin((server.kind, server.name, server.incarnation), by_peer=False)

    def _begin(self, key: Key, *, by_peer: bool) -> Deferred[None]:
        if key not in self._looks and (not self.running or len(self._looks) >= MOST):
            return succeed(None)
        if by_peer:
            self._by_peers.add(key)
        return self._looks.run(key)

    async def _look(self, key: Key) -> None:
        again = False
        try:
            again = await self._look_at(key)
        except Unavailable:
            pass  # without Redis there are no allocations anyway
        except Exception:
            _log.failure("looking at {kind} server {name} failed", kind=key[0], name=key[1])
        self._by_peers.discard(key)
        if again and self.running and key not in self._again:
            self._again[key] = self._reactor.callLater(AGAIN, self._once_more, key)

    def _once_more(self, key: Key) -> None:
        del self._again[key]
        self._begin(key, by_peer=False)

    async def _look_at(self, key: Key) -> bool:
        """Probe a server, unless that was just done; return whether to probe again in a while."""
        suspect = await self._registry.find(*key)
        if suspect is None:
            return False
        if not await self._registry.first(suspect.kind, suspect.name, AGAIN):
            return suspect.aside
        answer = await self._probe(suspect.host, suspect.port)
        if isinstance(answer, Answered) and answer.incarnation in ("", suspect.incarnation):
            if await self._registry.answered(suspect, answer.unfit):
                _log.info("{kind} server {name} answers again", kind=suspect.kind, name=suspect.name)
            return False
        # nothing listens there, or another server does
        if key in self._by_peers and answer is not Silence.SILENT:
            if await self._registry.withdraw(*key):
                _log.warn(
                    "{kind} server {name} is not there any more: its registration ends",
                    kind=suspect.kind,
                    name=suspect.name,
                )
            return False
        return await self._set_aside(suspect)

    async def _set_aside(self, suspect: Suspect) -> bool:
        if await self._registry.set_aside(suspect):
            _log.warn(
                "{kind} server {name} does not answer: nobody is sent there",
                kind=suspect.kind,
                name=suspect.name,
            )
            return True
        return suspect.aside
