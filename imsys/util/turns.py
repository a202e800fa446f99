"""Who is next, where some ask for much: whoever has the fewest requests here."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

Rank = tuple[int, int]
"""How many requests were here before one, of the same account from the same address, and from that address: the lowest is next."""


class Asker(NamedTuple):
    """On whose behalf something is asked: the account, as it is said to be, and the address that says so.

    An account counts together with the address: whoever knows somebody's name cannot have them wait.
    """

    account: str
    address: str


class Turns(Generic[T]):
    """Items that wait, each with the rank that its asker had when it came.

    Of two askers, each has its first item before the second one of the other, whatever came first. Of items of one rank the oldest
    is next, or the newest, as is asked for.
    """

    def __init__(self) -> None:
        self._here: Counter[Asker | str] = Counter()
        self._lines: dict[Rank, OrderedDict[T, None]] = {}
        self._ranks: dict[T, Rank] = {}

    def __len__(self) -> int:
        """How many wait."""
        return len(self._ranks)

    def came(self, asker: Asker) -> Rank:
        """A request has come, whether it is to wait or not; its rank."""
        rank = self._here[asker], self._here[asker.address]
        self._here[asker] += 1
        self._here[asker.address] += 1
        return rank

    def gone(self, asker: Asker) -> None:
        """A request that came is no longer here."""
        for one in (asker, asker.address):
            self._here[one] -= 1
            if not self._here[one]:
                del self._here[one]

    def add(self, item: T, rank: Rank) -> None:
        """Have an item wait."""
        self._ranks[item] = rank
        self._lines.setdefault(rank, OrderedDict())[item] = None

    def discard(self, item: T) -> None:
        """Have it wait no longer, if it does."""
        rank = self._ranks.pop(item, None)
        if rank is None:
            return
        line = self._lines[rank]
        del line[item]
        if not line:
            del self._lines[rank]

    def next(self, *, newest: bool = False) -> T:
        """Take the item whose turn it is. :raises ValueError: none waits."""
        return self._take(min(self._lines), newest)

    def last(self) -> T:
        """Take the oldest item of the highest rank, which whoever asks for the most does without. :raises ValueError: none waits."""
        return self._take(max(self._lines), False)

    def _take(self, rank: Rank, newest: bool) -> T:
        item = next(reversed(self._lines[rank]) if newest else iter(self._lines[rank]))
        self.discard(item)
        return item
