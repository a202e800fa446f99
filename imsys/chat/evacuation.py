"""Move the clients of a server that cannot serve to another server, if one can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.server.health import Health
from imsys.util.background import run_in_background

_log = Logger()

PATIENCE = 1.0
"""Seconds to wait before moving anybody: shorter faults pass, and other servers notice by then if they
share it."""

AGAIN = 2.0
"""Seconds until balance is asked again for another server."""

SPREAD = 1.5
"""Seconds over which the moves are spread."""


class Others(Protocol):
    """The other servers of this kind; see :class:`imsys.cluster.membership.Membership`."""

    def renewed(self) -> Deferred[None]:
        """Fire when balance has sent a fresh list of servers."""
        ...

    def takers(self) -> int:
        """Return how many of them accept users."""
        ...


class Evacuation(Service):
    """Moves clients away while this server is unfit.

    If no other server accepts users either (the database itself is down), all stay.

    :param move: tells the sessions of this server to move to others within so many seconds.
    :param stay: cancels the moves of those that were not told yet.
    """

    def __init__(
        self,
        clock: IReactorTime,
        health: Health,
        others: Others,
        move: Callable[[float], object],
        stay: Callable[[], object],
    ) -> None:
        self._clock = clock
        self._health = health
        self._others = others
        self._move = move
        self._stay = stay
        self._call: IDelayedCall | None = None
        self._deciding = False
        self._moving = False
        health.on_change(self._changed)

    def stopService(self) -> None:
        """Stop; move nobody."""
        super().stopService()
        self._cancel()

    def _changed(self) -> None:
        if self._health.unfit:
            self._later(PATIENCE)
            return
        self._cancel()
        if self._moving:
            self._moving = False
            self._stay()

    def _cancel(self) -> None:
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _later(self, seconds: float) -> None:
        if self.running and self._call is None and not self._deciding and not self._moving:
            self._call = self._clock.callLater(seconds, self._begin)

    def _begin(self) -> None:
        self._call = None
        self._deciding = True
        run_in_background(self._decide(), _log, "clients were not asked to move")

    async def _decide(self) -> None:
        """Decide by a fresh list of balance; the last one may be older than the fault."""
        try:
            await self._others.renewed()
        finally:
            self._deciding = False
        if not self.running or not self._health.unfit:
            return
        if self._others.takers():
            self._moving = True
            self._move(SPREAD)
        else:
            self._later(AGAIN)
