"""Handle surges: many users who log in at once."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

EXPECTED = 15.0
"""Seconds for which the users of a failed server are expected at the others."""

PAUSE = 0.05
"""Seconds for which the requests of a surge are gathered."""


class Surge:
    """Tells whether a surge is expected, as when another server has failed and its users come to this one.

    Their requests arrive among many others, so batches that start immediately would be small and cost twice
    as much in all. So batches wait a moment then, which is less than the users have to wait in any case.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._until = 0.0
        self.at_turn_end: Callable[[Callable[[], object]], None] | None = getattr(
            clock, "callAtTurnEnd", None
        )
        """Calls a function when everything that arrived in this turn has been read; ``None`` if the
        reactor cannot."""

    def expect(self) -> None:
        """Expect a surge from now on, for a while."""
        self._until = self._clock.seconds() + EXPECTED

    async def gather(self) -> None:
        """Wait a moment if a surge is expected."""
        if self._clock.seconds() < self._until:
            await deferLater(self._clock, PAUSE)
