"""Log when the clock of this machine is set."""

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
"""Seconds between two log lines, at least."""


class CalendarWatch(Service):
    """Compares the time of day with a monotonic clock.

    :param clock: a monotonic clock.
    :param calendar: returns Unix seconds.
    """

    def __init__(self, clock: IReactorTime, calendar: Callable[[], float]) -> None:
        self._clock = clock
        self._calendar = calendar
        self._clocks = TwoClocks(clock.seconds)
        self._said = float("-inf")
        self._next: IDelayedCall | None = None

    def startService(self) -> None:
        """Begin to look."""
        super().startService()
        self._clocks.set_by(self._calendar())
        self._next = self._clock.callLater(LOOK, self._look)

    def stopService(self) -> None:
        """Stop looking."""
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
