"""How fast a transfer is, and how often it is worth telling."""

from __future__ import annotations

from collections.abc import Callable

APART = 0.1
"""Seconds between two reports."""


class Speed:
    """Bytes a second over the last moments."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._marks: list[tuple[float, int]] = []
        self._told = 0.0

    def at(self, done: int) -> float:
        """The speed, now that so many bytes are there."""
        now = self._seconds()
        self._marks = [*(mark for mark in self._marks if now - mark[0] <= 3.0), (now, done)]
        (first, began), (last, ended) = self._marks[0], self._marks[-1]
        return max(0.0, (ended - began) / (last - first)) if last > first else 0.0

    def due(self, important: bool) -> bool:
        """Whether to tell of it now."""
        now = self._seconds()
        if not important and now - self._told < APART:
            return False
        self._told = now
        return True
