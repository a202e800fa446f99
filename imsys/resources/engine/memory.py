"""The memory that all uploads share, and who is to send no more for now: all arithmetic of back-pressure is
here.
"""

from __future__ import annotations

from typing import Protocol

UNSYNCED = 1 << 23
"""Bytes of an upload that are written and not durable, at which it is held.

Fewer than :data:`imsys.files.spool.UNSYNCED` segments.
"""


class Sharer(Protocol):
    """An upload whose bytes wait in the memory."""

    def advance(self) -> None:
        """See anew whether its sender is to be held: that has changed for all."""
        ...


class Memory:
    """Bytes that were fed and are not written yet.

    An upload may have as many bytes waiting as are free altogether, and its window at most: the more uploads
    there are, the less is free, and n of them settle at the (n+1)th part each (Choudhury and Hahne, "Dynamic
    queue length thresholds", 1998). An upload that sends nothing takes nothing away. When nothing is free any
    more, nobody may send until a quarter is; then those are let on first that have waited longest, since what
    is free may not last for all.

    :param most: bytes of all uploads together at which nobody may send any more.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._sharers: dict[Sharer, None] = {}  # who was served last stands last
        self.used = 0
        """Bytes that wait."""
        self.full = False
        """Whether nobody may send."""

    def join(self, sharer: Sharer) -> None:
        """Tell an upload when nobody may send, and when all may again."""
        self._sharers[sharer] = None

    def leave(self, sharer: Sharer) -> None:
        """Tell it no more (idempotent)."""
        self._sharers.pop(sharer, None)

    def must_hold(self, waiting: int, unsynced: int, window: int, paused: bool) -> bool:
        """Whether the sender of an upload is to pause.

        It pauses when its share of the memory waits, or when it is too far ahead of the disk, and goes on
        when half of that is written.

        :param waiting: bytes in memory. :param unsynced: bytes that are written and not durable.
        :param window: bytes that may wait at most. :param paused: whether the sender pauses now.
        """
        if self.full:
            return True
        share = min(window, self._most - self.used)
        if paused:
            return (waiting > 0 and waiting >= share // 2) or unsynced >= UNSYNCED // 2
        return (waiting > 0 and waiting >= share) or unsynced >= UNSYNCED

    def take(self, sharer: Sharer, size: int) -> None:
        """Count bytes of an upload that wait from now on."""
        if self._sharers.pop(sharer, self) is None:
            self._sharers[sharer] = None
        self.used += size
        if not self.full and self.used >= self._most:
            self.full = True
            self._tell()

    def give(self, size: int) -> None:
        """Count bytes no more that were written, or lost."""
        self.used -= size
        if self.full and self.used <= self._most * 3 // 4:
            self.full = False
            self._tell()

    def _tell(self) -> None:
        for sharer in list(self._sharers):
            sharer.advance()
