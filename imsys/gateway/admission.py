"""Admission control: limit concurrent requests, and queue the others fairly."""

from __future__ import annotations

from collections import OrderedDict

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from imsys.errors import Refused, Status
from imsys.util.turns import Asker, Turns

PATIENCE = 3.0
"""Seconds that a request waits, at most; then it is refused."""

CALM = 0.5
"""Seconds of waiting up to which requests are served in the order in which they came."""


class Admission:
    """Admits a limited number of requests; others wait in a bounded queue in which askers take turns.

    While nobody has waited for long, the oldest request is next. In a storm that would be the worst order:
    each would be answered just when its client has given up and comes again. Then the newest is next, so that
    its client still waits for the answer, and requests that have waited for :data:`PATIENCE` are refused with
    a time to retry.

    :param at_once: concurrent requests.
    :param queue: waiting requests, at most; beyond it the oldest of the busiest asker is refused.
    """

    def __init__(self, clock: IReactorTime, *, at_once: int, queue: int) -> None:
        self._clock = clock
        self._free = at_once
        self._queue = queue
        self._turns: Turns[Deferred[None]] = Turns()
        self._since: OrderedDict[Deferred[None], float] = OrderedDict()  # waiting requests, the oldest first
        self._look: IDelayedCall | None = None

    def __len__(self) -> int:
        """Return the number of waiting requests."""
        return len(self._turns)

    def enter(self, asker: Asker) -> Deferred[None]:
        """Fire when the request is admitted; call :meth:`leave` when it ends. Cancel to stop waiting.

        Fails with :class:`Refused` (SERVER_BUSY, 73) if it has waited too long, or the queue is full.
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
        """End a request, and admit the next one."""
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
    """The admission of one request."""

    __slots__ = ("_admission", "_asker")

    def __init__(self, admission: Admission, asker: Asker) -> None:
        self._admission = admission
        self._asker = asker

    def enter(self) -> Deferred[None]:
        """Wait as :meth:`Admission.enter` does."""
        return self._admission.enter(self._asker)

    def leave(self) -> None:
        """End the request, and admit the next one."""
        self._admission.leave(self._asker)
