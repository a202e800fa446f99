"""When a client comes back, and how long a server may ask it to wait."""

from __future__ import annotations

import random
from collections.abc import Callable

from imsys.util.backoff import Backoff

_DAY = 86400.0
"""Seconds of the longest limit that servers have; who says more is no server of ours, or mistaken."""


def asked_to_wait(seconds: float | None) -> float | None:
    """What a server asks for, in bounds: an application may do as it is told."""
    return None if seconds is None else min(max(seconds, 0.0), _DAY)


class Comeback:
    """When a client that was online tries to be so again: at once, unless its connections do not last.

    :param spread: seconds, at most, before the first attempt.
    :param brief: seconds that a connection must last not to count as a failure.
    """

    def __init__(self, backoff: Backoff, spread: float, brief: float, draw: Callable[[], float] = random.random) -> None:
        self._backoff = backoff
        self._spread = spread
        self._brief = brief
        self._draw = draw
        self._brief_ones = 0

    @property
    def failures(self) -> int:
        """Attempts in a row that failed, since there was a connection."""
        return self._backoff.failures

    def online(self) -> None:
        """There is a connection: what failed before it counts no more."""
        self._backoff.reset()

    def lost(self, lasted: float) -> float:
        """Seconds to wait after a connection that lasted so long."""
        if lasted >= self._brief:
            self._brief_ones = 0
            return self._spread * self._draw()
        self._brief_ones += 1
        for _ in range(self._brief_ones - 1):
            self._backoff.next()
        return self._backoff.next()

    def failed(self, at_least: float = 0.0) -> float:
        """Seconds to wait after an attempt that failed; ``at_least`` is what the server asked for."""
        return self._backoff.next(at_least)
