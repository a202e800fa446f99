"""Which parts of a history are known without a gap: ranges of ids, both ends included."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator


class Spans:
    """Disjoint ranges in order. A range says that nothing is missing from its first id to its last one."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._ranges: list[tuple[int, int]] = []
        for low, high in ranges:
            self.add(low, high)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(tuple(self._ranges))

    def __len__(self) -> int:
        return len(self._ranges)

    def add(self, low: int, high: int) -> None:
        """Nothing is missing from one id to another: what this overlaps or is next to becomes one range with
        it.
        """
        if low > high:
            raise ValueError(f"no range: {low} to {high}")
        kept = []
        for one in self._ranges:
            if one[1] + 1 < low or one[0] > high + 1:
                kept.append(one)
            else:
                low, high = min(low, one[0]), max(high, one[1])
        self._ranges = sorted([*kept, (low, high)])

    def around(self, number: int) -> tuple[int, int] | None:
        """The range that an id is in."""
        at = bisect_right(self._ranges, (number, 1 << 64)) - 1
        if at >= 0 and self._ranges[at][0] <= number <= self._ranges[at][1]:
            return self._ranges[at]
        return None

    def newest(self) -> tuple[int, int] | None:
        """The last range."""
        return self._ranges[-1] if self._ranges else None
