"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from collections.abc import Callable

LONGEST_ASKED = 60.0
"""Seconds that a client waits by itself where a server asks for that; more would be a mistake of it."""

_DAY = 86400.0
"""Seconds of the longest limit that servers have; who says more is no server of ours, or mistaken."""


def asked_to_wait(seconds: float | None) -> float | None:
    """What a server asks for, in bounds: an application may do as it is told."""
    return None if seconds is None else min(max(seconds, 0.0), _DAY)


class Backoff:
    """Seconds that double from ``first`` to ``most``, each drawn at random from the upper half, so that many clients spread."""

    def __init__(self, first: float = 0.5, most: float = 5.0, draw: Callable[[], float] = random.random) -> None:
        self._first = first
        self._most = most
        self._draw = draw
        self._failures = 0

    @property
    def failures(self) -> int:
        """Waits since it began anew."""
        return self._failures

    def next(self, at_least: float = 0.0) -> float:
        """Seconds to wait now; ``at_least`` is what the server asked for."""
        full = min(self._most, self._first * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return min(max(at_least, 0.0), LONGEST_ASKED) + full * (0.5 + 0.5 * self._draw())

    def reset(self) -> None:
        """Begin anew: what failed works again."""
        self._failures = 0


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
