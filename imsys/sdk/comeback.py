"""Delays before a client reconnects, and the longest that a server may ask for."""

from __future__ import annotations

import random
from collections.abc import Callable

from imsys.util.backoff import Backoff

_DAY = 86400.0
"""Seconds; servers ask for no more than this, so a larger ``retry_after`` is a mistake and is cut."""


def asked_to_wait(seconds: float | None) -> float | None:
    """Limit a server's ``retry_after`` to 0 .. one day, so that an application may obey it."""
    return None if seconds is None else min(max(seconds, 0.0), _DAY)


class Comeback:
    """Computes the delay before a client reconnects: almost none, unless its connections do not last.

    :param spread: most seconds (random) before the first attempt.
    :param brief: seconds; a connection that lasts less counts as a failure.
    """

    def __init__(
        self, backoff: Backoff, spread: float, brief: float, draw: Callable[[], float] = random.random
    ) -> None:
        self._backoff = backoff
        self._spread = spread
        self._brief = brief
        self._draw = draw
        self._brief_ones = 0

    @property
    def failures(self) -> int:
        """Failed attempts in a row since the last connection."""
        return self._backoff.failures

    def online(self) -> None:
        """Reset the failures: there is a connection."""
        self._backoff.reset()

    def lost(self, lasted: float) -> float:
        """Return the seconds to wait after losing a connection that lasted so many seconds."""
        if lasted >= self._brief:
            self._brief_ones = 0
            return self._spread * self._draw()
        self._brief_ones += 1
        for _ in range(self._brief_ones - 1):
            self._backoff.next()
        return self._backoff.next()

    def failed(self, at_least: float = 0.0) -> float:
        """Return the seconds to wait after a failed attempt; ``at_least`` is what the server asked for."""
        return self._backoff.next(at_least)
