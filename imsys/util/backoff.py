"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from collections.abc import Callable

LONGEST_ASKED = 60.0
"""Seconds that one waits by oneself where a server asks for that; more would be a mistake of it."""

NO_JITTER = (1.0, 1.0)
"""Jitter of who waits alone."""

FURTHEST = 32
"""Failures after which a wait grows no more, whatever its bound."""


class Backoff:
    """Seconds that grow from ``first`` to ``most`` with each failure in a row, drawn at random so that many who wait spread.

    :param factor: how much longer each is than the one before.
    :param jitter: the lowest and the highest share of a wait that is drawn.
    :param draw: a number from 0 to 1.
    """

    def __init__(
        self,
        first: float = 0.5,
        most: float = 5.0,
        draw: Callable[[], float] = random.random,
        *,
        factor: float = 2.0,
        jitter: tuple[float, float] = (0.5, 1.0),
    ) -> None:
        self._first = first
        self._most = most
        self._draw = draw
        self._factor = factor
        self._low, self._high = jitter
        self.failures = 0
        """Waits since it began anew; to be read only."""

    def wait(self, failures: int) -> float:
        """Seconds to wait after so many failures before this one, for who counts them elsewhere."""
        full = min(self._most, self._first * self._factor ** min(failures, FURTHEST))
        return full * (self._low + (self._high - self._low) * self._draw())

    def next(self, at_least: float = 0.0) -> float:
        """Seconds to wait now, beside ``at_least``, which is what the server asked for."""
        seconds = self.wait(self.failures)
        self.failures += 1
        return min(max(at_least, 0.0), LONGEST_ASKED) + seconds

    def reset(self) -> None:
        """Begin anew: what failed works again."""
        self.failures = 0
