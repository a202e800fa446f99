"""How many requests are worked on at once, and who is next."""

from __future__ import annotations

from collections import deque

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from imsys.errors import Refused, Status

PATIENCE = 3.0
"""Seconds that a request waits at most; then it is refused, so that its client may do something else."""

CALM = 0.5
"""Seconds for which requests have their turns in the order in which they came."""


class Admission:
    """So many at once, and a bounded queue before them.

    Where nobody has waited for long, first come is first served. In a storm that would be the worst order: everybody would be
    answered just when they have given up, or a moment later, and come again. Then the newest is next: it is answered while somebody
    still waits for the answer, and whoever has waited for :data:`PATIENCE` is refused, with a time to come back.

    :param at_once: requests that are worked on.
    :param queue: requests that wait; one more, and the oldest of them is refused.
    """

    def __init__(self, clock: IReactorTime, *, at_once: int, queue: int) -> None:
        self._clock = clock
        self._free = at_once
        self._queue = queue
        self._waiting: deque[tuple[float, Deferred[None]]] = deque()  # by age, the oldest first
        self._look: IDelayedCall | None = None

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def enter(self) -> Deferred[None]:
        """Fires when there is a place for a request, which is to :meth:`leave` it; cancelling it gives that up.

        Fails with :class:`Refused`, 73, when it has waited for too long, or is the oldest of too many.
        """
        turn: Deferred[None] = Deferred(lambda waiting: self._forget(waiting))
        if self._free > 0:
            self._free -= 1
            turn.callback(None)
            return turn
        self._waiting.append((self._clock.seconds(), turn))
        if len(self._waiting) > self._queue:
            self._refuse(self._waiting.popleft()[1])
        elif self._look is None:
            self._look = self._clock.callLater(PATIENCE, self._expire)
        return turn

    def leave(self) -> None:
        """Give a place to whoever is next."""
        if not self._waiting:
            self._free += 1
            return
        calm = self._clock.seconds() - self._waiting[0][0] < CALM
        _, turn = self._waiting.popleft() if calm else self._waiting.pop()
        self._rest()
        turn.callback(None)

    def _expire(self) -> None:
        self._look = None
        now = self._clock.seconds()
        while self._waiting and self._waiting[0][0] + PATIENCE <= now:
            self._refuse(self._waiting.popleft()[1])
        if self._waiting:
            self._look = self._clock.callLater(self._waiting[0][0] + PATIENCE - now, self._expire)

    def _refuse(self, turn: Deferred[None]) -> None:
        turn.errback(Refused(Status.SERVER_BUSY, "Too many requests are waiting here.", retry_after=2.0))

    def _forget(self, turn: Deferred[None]) -> None:
        self._waiting = deque(entry for entry in self._waiting if entry[1] is not turn)
        self._rest()

    def _rest(self) -> None:
        if not self._waiting and self._look is not None:
            self._look.cancel()
            self._look = None
