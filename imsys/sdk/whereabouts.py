"""Which chat servers a client knows of, and which of them it had better not go to."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

from twisted.internet.interfaces import IReactorTime

from imsys.sdk.gateway import ServerAddress

_KNOWN = 16
"""Servers that are remembered of an answer of the gateway."""
_NAMED = 8
"""Servers that the gateway looks at when it is told which ones failed."""


class Whereabouts:
    """Where a client is, where else it could be, and what failed it lately.

    :param shun: seconds for which a server that failed is not gone to, if there is another.
    """

    def __init__(
        self, clock: IReactorTime, shun: float, choose: Callable[[Sequence[ServerAddress]], ServerAddress] = random.choice
    ) -> None:
        self.here: ServerAddress | None = None
        """The server of the present connection, or of the last one."""
        self._clock = clock
        self._shun = shun
        self._choose = choose
        self._known: tuple[ServerAddress, ...] = ()
        self._failures: dict[ServerAddress, float] = {}

    def learn(self, places: Iterable[ServerAddress]) -> None:
        """These take users now, says the gateway."""
        self._known = tuple(dict.fromkeys(places))[:_KNOWN]

    def arrived(self, place: ServerAddress) -> None:
        """The client is logged in there."""
        self.here = place
        self._failures.pop(place, None)

    def failed(self, place: ServerAddress) -> None:
        """It could not be used just now."""
        self._failures.pop(place, None)
        self._failures[place] = self._clock.seconds()

    def forget(self) -> None:
        """The client is offline: the next time it asks where to go."""
        self.here = None
        self._known = ()

    def failures(self) -> tuple[ServerAddress, ...]:
        """What failed lately, the newest first."""
        now = self._clock.seconds()
        self._failures = {place: since for place, since in self._failures.items() if now - since < self._shun}
        return tuple(reversed(self._failures))[:_NAMED]

    def back(self) -> ServerAddress | None:
        """Where the client was, if that has not failed."""
        return None if self.here in self.failures() else self.here

    def elsewhere(self) -> ServerAddress | None:
        """Another server, at random, that has not failed."""
        shunned = {self.here, *self.failures()}
        others = [place for place in self._known if place not in shunned]
        return self._choose(others) if others else None
