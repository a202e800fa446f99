"""The time that all nodes share: the database's."""

from __future__ import annotations

import threading
from collections.abc import Callable

from imsys.store.database import Transaction


def now_ms(tx: Transaction, calendar: Callable[[], float]) -> int:
    """Milliseconds since 1970 by the database's clock, which is the only one that all nodes share; by ours on SQLite."""
    if tx.dialect.name == "sqlite":
        return round(calendar() * 1000)
    row = tx.row("SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)")
    assert row is not None
    return int(row[0])


class SharedTime:
    """The database's time between two looks at it, in Unix seconds; safe to ask for from several threads.

    It goes on by a monotonic clock, never back, and up to a bound that comes with each look and no further. So it
    makes no leap when the database's clock is set; see :meth:`imsys.store.nodes.NodeStore.renew`.

    :param seconds: a monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._looked = False
        self._offset = self._most = self._said = 0.0

    def __call__(self) -> float:
        """The time now."""
        with self._lock:
            now = self._seconds() + self._offset
            if now > self._most:
                now = self._most
            if now > self._said:
                self._said = now
            return self._said

    def look(self, asked: float, now: float, *, least: float, most: float) -> float:
        """Take what the database said.

        :param asked: the moment of the monotonic clock at which it was asked; the answer is here now.
        :param now: its time.
        :param least: what this one says from now on at least.
        :param most: what it says until the next look at most.
        :returns: the seconds by which this one is behind, negative where it is ahead.
        """
        earliest, latest = now - self._seconds(), now - asked
        with self._lock:
            if not self._looked:
                self._looked, self._offset = True, (earliest + latest) / 2
            self._offset = min(max(self._offset, earliest), latest)  # as it was, if that can be: an answer may have taken a while
            self._said = max(self._said, least)
            self._most = most
        return self._seconds() + self._offset - self()
