"""Unique ids of a client's messages, so that sending one again does not store it twice."""

from __future__ import annotations

import os
from collections.abc import Callable


class UniqueIds:
    """Makes ids of 32 hex digits: 48 bits of milliseconds, then 80 random bits, so that they sort by time."""

    def __init__(self, calendar: Callable[[], float], entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._calendar = calendar
        self._entropy = entropy

    def __call__(self) -> str:
        """Make a new id."""
        milliseconds = int(self._calendar() * 1000) & (1 << 48) - 1
        return f"{milliseconds:012x}{self._entropy(10).hex()}"
