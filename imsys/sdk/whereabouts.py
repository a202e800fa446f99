"""The chat servers that a client knows, and those that it avoids because they failed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

from twisted.internet.interfaces import IReactorTime

from imsys.sdk.gateway import ServerAddress

_KNOWN = 16
"""Servers that are remembered from an answer of the gateway, at most."""
_NAMED = 8
"""Failed servers that the gateway takes into account, at most."""


class Whereabouts:
    """The client's present server, the alternatives, and the servers that failed lately.

    :param shun: seconds for which a server that failed is avoided, if there is another.
    """

    def __init__(
        self,
        clock: IReactorTime,
        shun: float,
        choose: Callable[[Sequence[ServerAddress]], ServerAddress] = random.choice,
    ) -> None:
        self.here: ServerAddress | None = None
        """The server of the present connection, or of the last one."""
        self._clock = clock
        self._shun = shun
        self._choose = choose
        self._known: tuple[ServerAddress, ...] = ()
        self._failures: dict[ServerAddress, float] = {}

    def learn(self, places: Iterable[ServerAddress]) -> None:
        """Remember the servers that accept users now, as named by the gateway."""
        self._known = tuple(dict.fromkeys(places))[:_KNOWN]

    def arrived(self, place: ServerAddress) -> None:
        """Record that the client is logged in at this server."""
        self.here = place
        self._failures.pop(place, None)

    def failed(self, place: ServerAddress) -> None:
        """Record that this server could not be used."""
        self._failures.pop(place, None)
        self._failures[place] = self._clock.seconds()

    def forget(self) -> None:
        """Forget all servers: the client is offline, and asks the gateway the next time."""
        self.here = None
        self._known = ()

    def failures(self) -> tuple[ServerAddress, ...]:
        """Return the servers that failed lately, newest first."""
        now = self._clock.seconds()
        self._failures = {place: since for place, since in self._failures.items() if now - since < self._shun}
        return tuple(reversed(self._failures))[:_NAMED]

    def back(self) -> ServerAddress | None:
        """Return the client's last server, unless it has failed lately."""
        return None if self.here in self.failures() else self.here

    def elsewhere(self) -> ServerAddress | None:
        """Return another server at random that has not failed lately, or ``None``."""
        shunned = {self.here, *self.failures()}
        others = [place for place in self._known if place not in shunned]
        return self._choose(others) if others else None
