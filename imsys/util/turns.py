"""Order waiting requests fairly: the asker with the fewest pending requests is next."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

Rank = tuple[int, int]
"""Pending requests before this one: of the same account and address, and of that address.

The lowest is next.
"""


class Asker(NamedTuple):
    """The source of a request: the claimed account, and the address that claims it.

    An account counts only together with the address, so knowing somebody's name is not enough to make them
    wait.
    """

    account: str
    address: str


class Turns(Generic[T]):
    """Waiting items, each with the rank that its asker had when it came.

    The first item of each asker comes before the second one of any other. Of items of one rank the oldest is
    next, or the newest, as requested.
    """

    def __init__(self) -> None:
        self._here: Counter[Asker | str] = Counter()
        self._lines: dict[Rank, OrderedDict[T, None]] = {}
        self._ranks: dict[T, Rank] = {}

    def __len__(self) -> int:
        """Return the number of waiting items."""
        return len(self._ranks)

    def came(self, asker: Asker) -> Rank:
        """Count a new request, even if it need not wait; return its rank."""
        rank = self._here[asker], self._here[asker.address]
        self._here[asker] += 1
        self._here[asker.address] += 1
        return rank

    def gone(self, asker: Asker) -> None:
        """Stop counting a request."""
        for one in (asker, asker.address):
            self._here[one] -= 1
            if not self._here[one]:
                del self._here[one]

    def add(self, item: T, rank: Rank) -> None:
        """Add a waiting item."""
        self._ranks[item] = rank
        self._lines.setdefault(rank, OrderedDict())[item] = None

    def discard(self, item: T) -> None:
        """Remove an item if it is waiting."""
        rank = self._ranks.pop(item, None)
        if rank is None:
            return
        line = self._lines[rank]
        del line[item]
        if not line:
            del self._lines[rank]

    def next(self, *, newest: bool = False) -> T:
        """Take the next item. :raises ValueError: none waits."""
        return self._take(min(self._lines), newest)

    def last(self) -> T:
        """Take the oldest item of the highest rank, that of the busiest asker.

        :raises ValueError: none waits.
        """
        return self._take(max(self._lines), False)

    def _take(self, rank: Rank, newest: bool) -> T:
        item = next(reversed(self._lines[rank]) if newest else iter(self._lines[rank]))
        self.discard(item)
        return item
