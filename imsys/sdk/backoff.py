"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Seconds that double from ``first`` to ``most``, each drawn at random from the upper half, so that many clients spread."""

    def __init__(self, first: float = 0.5, most: float = 30.0, draw: Callable[[], float] = random.random) -> None:
        self._first = first
        self._most = most
        self._draw = draw
        self._failures = 0

    def next(self, at_least: float = 0.0) -> float:
        """Seconds to wait now; ``at_least`` is what the server asked for."""
        full = min(self._most, self._first * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return at_least + full * (0.5 + 0.5 * self._draw())

    def reset(self) -> None:
        """Begin anew: what failed works again."""
        self._failures = 0
