"""When many users come at once."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

EXPECTED = 15.0
"""Seconds for which the users of a server that is gone are expected at the others."""

PAUSE = 0.05
"""Seconds for which what a surge asks for is gathered."""


class Surge:
    """Whether a surge is expected, as when another server is gone and its users come to this one.

    They are read between many other things, so that work that begins as soon as the last has ended is done for few of them, and
    costs the server twice as much in all. It is put off for a moment then: that is less than they have to wait in any case.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._until = 0.0
        self.at_turn_end: Callable[[Callable[[], object]], None] | None = getattr(clock, "callAtTurnEnd", None)
        """Has something called when all that came in this turn has been read; not every reactor does that."""

    def expect(self) -> None:
        """From now on, for a while."""
        self._until = self._clock.seconds() + EXPECTED

    async def gather(self) -> None:
        """Where a surge is expected, let more of it come."""
        if self._clock.seconds() < self._until:
            await deferLater(self._clock, PAUSE)
