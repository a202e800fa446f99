"""Noticing that a clock was set, by another that cannot be."""

from __future__ import annotations

from collections.abc import Callable

PARTED = 3.0
"""Seconds by which two clocks have to part: NTP slows and hastens both in the same way, and an answer may take a while."""


class TwoClocks:
    """Compares a clock that tells dates with a monotonic one.

    :param seconds: the monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._apart: float | None = None

    def set_by(self, date: float) -> float:
        """By how many seconds the other clock was set since this told so last, or was asked first; 0 where it was not.

        :param date: what that clock says (Unix seconds).
        """
        apart = date - self._seconds()
        if self._apart is None:
            self._apart = apart
        moved = apart - self._apart
        if abs(moved) <= PARTED:
            return 0.0
        self._apart = apart
        return moved
