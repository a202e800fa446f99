"""The times of a stream, as a player can trust them: steady, and never far apart."""

from __future__ import annotations

BACK, FORWARD = -1000, 2000
"""Milliseconds from one message to the next that are believed.

Sound and pictures are not sorted among each other.
"""
STEP = 40
"""Milliseconds that are taken instead."""


class Timeline:
    """Whatever a stream says, its times here begin with 0 and go on."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._at = 0

    def place(self, timestamp: int) -> int:
        """Milliseconds since the beginning of a message whose timestamp has 32 bits."""
        if self._last is not None:
            step = (timestamp - self._last + (1 << 31)) % (1 << 32) - (1 << 31)
            self._at = max(0, self._at + (step if BACK <= step <= FORWARD else STEP))
        self._last = timestamp
        return self._at
