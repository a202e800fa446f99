"""Exponential backoff with jitter."""

from __future__ import annotations

import random
from collections.abc import Callable

LONGEST_ASKED = 60.0
"""Seconds of a server's requested wait that are obeyed, at most; more would be a mistake."""

NO_JITTER = (1.0, 1.0)
"""For a caller that need not be spread."""

FURTHEST = 32
"""Failures after which a wait does not grow any more, even without a bound."""


class Backoff:
    """Waits that grow from ``first`` to ``most`` seconds with each failure in a row, with jitter.

    :param factor: growth from one wait to the next.
    :param jitter: the lowest and the highest share of the full wait.
    :param draw: returns a random number from 0 to 1.
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
        """Waits since the last reset; read-only."""

    def wait(self, failures: int) -> float:
        """Return the seconds to wait after so many earlier failures, for a caller that counts them itself."""
        full = min(self._most, self._first * self._factor ** min(failures, FURTHEST))
        return full * (self._low + (self._high - self._low) * self._draw())

    def next(self, at_least: float = 0.0) -> float:
        """Return the seconds to wait now, in addition to ``at_least``, which the server asked for."""
        seconds = self.wait(self.failures)
        self.failures += 1
        return min(max(at_least, 0.0), LONGEST_ASKED) + seconds

    def reset(self) -> None:
        """Start over after a success."""
        self.failures = 0
