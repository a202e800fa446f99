"""The memory that all files on their way share."""

from __future__ import annotations


class Memory:
    """Bytes that were fed and are not written yet.

    An upload may have as many bytes waiting as are free altogether, and its window at most: the more uploads there are, the less is
    free, and n of them settle at the (n+1)th part each (Choudhury and Hahne, "Dynamic queue length thresholds", 1998).
    An upload that sends nothing takes nothing away.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.used = 0
        """Bytes that wait."""

    def share(self, window: int) -> int:
        """Bytes that an upload with this window may have waiting now."""
        return min(window, max(0, self._most - self.used))
