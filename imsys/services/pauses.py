"""Detect that the whole process was paused: it was stopped (SIGSTOP), or its machine was suspended.

Clients that sent something meanwhile got no answer and have given up. Their data can still be read before any
timer fires, so code that is about to act on it must check here first.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

_log = Logger()

TICK = 1.0
"""Seconds between two looks at the clock."""

PAUSE = 5.0
"""Seconds between two looks that count as a pause: no turn of the reactor takes as long, few clients wait
longer."""


def elapsed() -> float:
    """Return seconds of a monotonic clock that, if possible, includes the time that the machine sleeps."""
    boot_time: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


class Pauses(Service):
    """Looks at the clock at intervals, and reports a long gap.

    :param paused: called with the seconds of the pause.
    :param seconds: a monotonic clock.
    """

    def __init__(
        self, clock: IReactorTime, paused: Callable[[float], None], seconds: Callable[[], float] = elapsed
    ) -> None:
        self._seconds = seconds
        self._paused = paused
        self._last = 0.0
        self._ticks = LoopingCall(self.look)
        self._ticks.clock = clock

    def startService(self) -> None:
        """Begin to look."""
        super().startService()
        self._last = self._seconds()
        self._ticks.start(TICK, now=False)

    def stopService(self) -> None:
        """Stop looking."""
        super().stopService()
        self._ticks.stop()

    def look(self) -> None:
        """Check for a pause until now; it is reported before this returns."""
        if not self.running:
            return
        now = self._seconds()
        stood, self._last = now - self._last, now
        if stood > PAUSE:
            _log.warn("this process stood still for {seconds} s", seconds=round(stood))
            self._paused(stood)
