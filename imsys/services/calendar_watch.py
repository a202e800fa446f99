"""Says in the log when somebody sets the clock of this machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.util.two_clocks import TwoClocks

_log = Logger()

LOOK = 5.0
"""Seconds between two looks."""

REMINDER = 60.0
"""Seconds between two lines, however often the clock is set."""


class CalendarWatch(Service):
    """Compares the time of day with a clock that cannot be set.

    :param clock: one that is monotonic.
    :param calendar: Unix seconds.
    """

    def __init__(self, clock: IReactorTime, calendar: Callable[[], float]) -> None:
        self._clock = clock
        self._calendar = calendar
        self._clocks = TwoClocks(clock.seconds)
        self._said = float("-inf")
        self._next: IDelayedCall | None = None

    def startService(self) -> None:
        """Look now and then."""
        super().startService()
        self._clocks.set_by(self._calendar())
        self._next = self._clock.callLater(LOOK, self._look)

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _look(self) -> None:
        self._next = self._clock.callLater(LOOK, self._look)
        if self._clock.seconds() - self._said < REMINDER:
            return
        set_by = self._clocks.set_by(self._calendar())
        if not set_by:
            return
        self._said = self._clock.seconds()
        _log.warn(
            "the clock of this machine was set {way} by {seconds} s, or it slept: it says {now}. Sessions, deadlines and leases go on; "
            "dates, and the ends of tickets and of logins, go by the new time",
            way="forward" if set_by > 0 else "back",
            seconds=round(abs(set_by)),
            now=datetime.fromtimestamp(self._calendar(), UTC).isoformat(timespec="seconds"),
        )
