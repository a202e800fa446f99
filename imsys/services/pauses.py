"""Noticing that the whole process stood still: it was stopped (SIGSTOP), or its machine was.

Whoever spoke to it meanwhile has got no answer, and has given up. What they sent can
still be read, though, before any timer goes off: so whoever is about to believe it
looks here first.
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
"""Seconds between two looks above which the process stood still. No turn of the reactor takes as long, and few clients wait longer."""


def elapsed() -> float:
    """Seconds of a clock that nobody sets, and that goes on while the machine sleeps, where there is one."""
    boot_time: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


class Pauses(Service):
    """Looks at the clock once in a while, and tells when it has not for long.

    :param paused: called with the seconds that it stood still.
    :param seconds: a clock that nobody sets.
    """

    def __init__(self, clock: IReactorTime, paused: Callable[[float], None], seconds: Callable[[], float] = elapsed) -> None:
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
        """Look no more."""
        super().stopService()
        self._ticks.stop()

    def look(self) -> None:
        """Whether it stood still until now; if so, it is told before this returns."""
        if not self.running:
            return
        now = self._seconds()
        stood, self._last = now - self._last, now
        if stood > PAUSE:
            _log.warn("this process stood still for {seconds} s", seconds=round(stood))
            self._paused(stood)
