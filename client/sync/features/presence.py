"""Who is online, of those whom somebody looks at. Nothing of it is stored."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import Any

from twisted.internet.defer import Deferred

from client.core.following import LOOKED_AT, Presence
from client.core.model import Connection, Link
from client.sync.known import Known
from imsys import sdk
from imsys.sdk import Availability, Client

_log = logging.getLogger(__name__)


class Presences:
    """The library goes on looking after a lost connection, and tells all anew then."""

    def __init__(self, client: Client, known: Known) -> None:
        self._client = client
        self._known = known
        self._wanted: tuple[int, ...] = ()
        self._asked: tuple[int, ...] = ()
        """Whom the library looks at."""
        self._asking = False
        client.on_presence.subscribe(lambda one: self._take([one]))
        known.changes.connection.subscribe(self._connection)

    def look_at(self, people: Collection[int]) -> None:
        """Follow these, in place of those before."""
        self._wanted = tuple(people)[:LOOKED_AT]
        self._forget(self._known.presences.keys() - set(self._wanted))
        self._begin()

    def _connection(self, now: Connection) -> None:
        if now.link is Link.ONLINE:
            self._begin()
        else:
            self._forget(set(self._known.presences))

    def _begin(self) -> None:
        if self._known.link.link is Link.ONLINE and self._wanted != self._asked and not self._asking:
            self._asking = True
            Deferred.fromCoroutine(self._ask()).addErrback(self._failed)

    async def _ask(self) -> None:
        try:
            while self._wanted != self._asked:
                self._asked = self._wanted
                self._take(await self._client.presence.watch(self._asked))
        finally:
            self._asking = False

    def _take(self, said: Iterable[sdk.Presence]) -> None:
        presences, changed = self._known.presences, set()
        for one in said:
            presence = _presence(one)
            if one.uuid in self._wanted and presences.get(one.uuid) != presence:
                presences[one.uuid] = presence
                changed.add(one.uuid)
        if changed:
            self._known.changes.presence.fire(changed)

    def _forget(self, people: Collection[int]) -> None:
        gone = [uuid for uuid in people if self._known.presences.pop(uuid, None) is not None]
        if gone:
            self._known.changes.presence.fire(gone)

    def _failed(self, reason: Any) -> None:
        _log.info("who is online could not be asked: %s", reason.value)
        self._asked = ()


def _presence(said: sdk.Presence) -> Presence:
    return Presence(
        online=said.availability is Availability.ONLINE,
        last_seen_ms=int(said.last_seen.timestamp() * 1000) if said.last_seen is not None else 0,
        hidden=said.availability is Availability.RECENTLY,
    )
