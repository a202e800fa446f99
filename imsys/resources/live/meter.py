"""How much somebody sends."""

from __future__ import annotations

WINDOW = 5
"""Seconds over which it is averaged."""


class Meter:
    """Counts bytes, or messages, of the last :data:`WINDOW` seconds.

    :param limit: how many there may be in a second.
    """

    __slots__ = ("_counts", "_most", "_second", "_total")

    def __init__(self, limit: int) -> None:
        self._most = limit * WINDOW
        self._counts = [0] * WINDOW
        self._second = 0
        self._total = 0

    def add(self, size: int, now: float) -> bool:
        """So many more; whether that is within the limit."""
        second = int(now)
        if second != self._second:
            for passed in range(self._second + 1, min(second, self._second + WINDOW) + 1):
                self._total -= self._counts[passed % WINDOW]
                self._counts[passed % WINDOW] = 0
            self._second = second
        self._counts[second % WINDOW] += size
        self._total += size
        return self._total <= self._most
