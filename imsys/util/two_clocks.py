"""Detect that the time of day was set, by a monotonic clock."""

from __future__ import annotations

from collections.abc import Callable

PARTED = 3.0
"""Seconds of difference that count: NTP adjusts the speed of both clocks alike, and an answer may take a
while."""


class TwoClocks:
    """Compares a clock of the time of day with a monotonic one.

    :param seconds: the monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._apart: float | None = None

    def set_by(self, date: float) -> float:
        """Return the seconds by which the clock was set since the last such result, or the first call.

        0: it was not set.

        :param date: the time of that clock (Unix seconds).
        """
        apart = date - self._seconds()
        if self._apart is None:
            self._apart = apart
        moved = apart - self._apart
        if abs(moved) <= PARTED:
            return 0.0
        self._apart = apart
        return moved
