"""How many requests are worked on at once, and who is next."""

from __future__ import annotations

from collections import OrderedDict

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from imsys.errors import Refused, Status
from imsys.util.turns import Asker, Turns

PATIENCE = 3.0
"""Seconds that a request waits at most; then it is refused, so that its client may do something else."""

CALM = 0.5
"""Seconds for which requests have their turns in the order in which they came."""


class Admission:
    """So many at once, and a bounded queue before them, in which askers take turns.

    Where nobody has waited for long, first come is first served. In a storm that would be the worst order: everybody would be
    answered just when they have given up, or a moment later, and come again. Then the newest is next: it is answered while somebody
    still waits for the answer, and whoever has waited for :data:`PATIENCE` is refused, with a time to come back.

    :param at_once: requests that are worked on.
    :param queue: requests that wait; one more, and one of whoever has the most of them is refused, the oldest.
    """

    def __init__(self, clock: IReactorTime, *, at_once: int, queue: int) -> None:
        self._clock = clock
        self._free = at_once
        self._queue = queue
        self._turns: Turns[Deferred[None]] = Turns()
        self._since: OrderedDict[Deferred[None], float] = OrderedDict()  # who waits, the oldest first
        self._look: IDelayedCall | None = None

    def __len__(self) -> int:
        """How many wait."""
        return len(self._turns)

    def enter(self, asker: Asker) -> Deferred[None]:
        """Fires when there is a place for a request, which is to :meth:`leave` it; cancelling it gives that up.

        Fails with :class:`Refused`, 73, when it has waited for too long, or is one too many.
        """
        rank = self._turns.came(asker)
        turn: Deferred[None] = Deferred(self._forget)
        if self._free > 0:
            self._free -= 1
            turn.callback(None)
            return turn
        turn.addErrback(self._not_admitted, asker)
        self._turns.add(turn, rank)
        self._since[turn] = self._clock.seconds()
        if len(self._turns) > self._queue:
            refused = self._turns.last()
            self._forget(refused)
            self._refuse(refused)
        if self._since and self._look is None:
            self._look = self._clock.callLater(PATIENCE, self._expire)
        return turn

    def leave(self, asker: Asker) -> None:
        """Give a place to whoever is next."""
        self._turns.gone(asker)
        if not self._since:
            self._free += 1
            return
        calm = self._clock.seconds() - next(iter(self._since.values())) < CALM
        turn = self._turns.next(newest=not calm)
        self._forget(turn)
        turn.callback(None)

    def _not_admitted(self, failure: object, asker: Asker) -> object:
        self._turns.gone(asker)
        return failure

    def _expire(self) -> None:
        self._look = None
        now = self._clock.seconds()
        while self._since:
            turn, since = next(iter(self._since.items()))
            if since + PATIENCE > now:
                self._look = self._clock.callLater(since + PATIENCE - now, self._expire)
                return
            self._forget(turn)
            self._refuse(turn)

    def _refuse(self, turn: Deferred[None]) -> None:
        turn.errback(Refused(Status.SERVER_BUSY, "Too many requests are waiting here.", retry_after=2.0))

    def _forget(self, turn: Deferred[None]) -> None:
        self._turns.discard(turn)
        self._since.pop(turn, None)
        if not self._since and self._look is not None:
            self._look.cancel()
            self._look = None


class AdmissionSlot:
    """The place of one request."""

    __slots__ = ("_admission", "_asker")

    def __init__(self, admission: Admission, asker: Asker) -> None:
        self._admission = admission
        self._asker = asker

    def enter(self) -> Deferred[None]:
        """As :meth:`Admission.enter`."""
        return self._admission.enter(self._asker)

    def leave(self) -> None:
        """Give it to whoever is next."""
        self._admission.leave(self._asker)
