"""A server that cannot serve has its clients go elsewhere, if there is an elsewhere."""

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
"""Seconds for which nobody is moved: what is over by then was a blip. By then other servers know, too, whether it is theirs as well."""

AGAIN = 2.0
"""Seconds until balance is asked again whether there is another server."""

SPREAD = 1.5
"""Seconds over which clients move."""


class Others(Protocol):
    """The other servers of this kind; see :class:`imsys.cluster.membership.Membership`."""

    def renewed(self) -> Deferred[None]:
        """Fires when balance has said anew who there is."""
        ...

    def takers(self) -> int:
        """How many of them take users."""
        ...


class Evacuation(Service):
    """Where no other server can serve either (the database itself is away), everybody stays, and goes on when it is back.

    :param move: has the sessions of this server move to others within so many seconds.
    :param stay: has those who were not told to move yet stay.
    """

    def __init__(
        self, clock: IReactorTime, health: Health, others: Others, move: Callable[[float], object], stay: Callable[[], object]
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
        """Move nobody."""
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
        """By what balance says now: what it said before may have been of before the fault."""
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
