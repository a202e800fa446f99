"""The memory that all files on their way share."""

from __future__ import annotations

from typing import Protocol


class Sharer(Protocol):
    """Somebody whose bytes wait in it."""

    def adjust(self) -> None:
        """What one may have waiting has changed for all."""
        ...


class Memory:
    """Bytes that were fed and are not written yet.

    An upload may have as many bytes waiting as are free altogether, and its window at most: the more uploads there are, the less is
    free, and n of them settle at the (n+1)th part each (Choudhury and Hahne, "Dynamic queue length thresholds", 1998).
    An upload that sends nothing takes nothing away. When nothing is free any more, nobody may send until a quarter is; then those
    are let on first that have waited longest, since what is free may not last for all.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._sharers: dict[Sharer, None] = {}  # who was served last stands last
        self.used = 0
        """Bytes that wait."""
        self.full = False

    def join(self, sharer: Sharer) -> None:
        """Hear when nobody may send, and when all may again."""
        self._sharers[sharer] = None

    def leave(self, sharer: Sharer) -> None:
        """Hear it no more (idempotent)."""
        self._sharers.pop(sharer, None)

    def served(self, sharer: Sharer) -> None:
        """It has just taken some."""
        if self._sharers.pop(sharer, self) is None:
            self._sharers[sharer] = None

    def share(self, window: int) -> int:
        """Bytes that an upload with this window may have waiting now."""
        return 0 if self.full else min(window, self._most - self.used)

    def take(self, size: int) -> None:
        """So many more wait."""
        self.used += size
        if not self.full and self.used >= self._most:
            self.full = True
            self._tell()

    def give(self, size: int) -> None:
        """So many do not any more."""
        self.used -= size
        if self.full and self.used <= self._most * 3 // 4:
            self.full = False
            self._tell()

    def _tell(self) -> None:
        for sharer in list(self._sharers):
            sharer.adjust()
