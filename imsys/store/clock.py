"""The time that all nodes share: that of the database."""

from __future__ import annotations

import threading
from collections.abc import Callable

from imsys.store.database import Transaction


def now_ms(tx: Transaction, calendar: Callable[[], float]) -> int:
    """Return milliseconds since 1970 by the database's clock, which all nodes share.

    SQLite: by ``calendar``.
    """
    if tx.dialect.name == "sqlite":
        return round(calendar() * 1000)
    row = tx.row("SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)")
    assert row is not None
    return int(row[0])


class SharedTime:
    """The database's time in Unix seconds, continued between two readings; thread-safe.

    It advances by a monotonic clock, never goes back, and stops at a bound that comes with each reading. So
    it does not leap when the database's clock is set; see :meth:`imsys.store.nodes.NodeStore.renew`.

    :param seconds: a monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._looked = False
        self._offset = self._most = self._said = 0.0

    def __call__(self) -> float:
        """Return the present time."""
        with self._lock:
            now = self._seconds() + self._offset
            if now > self._most:
                now = self._most
            if now > self._said:
                self._said = now
            return self._said

    def look(self, asked: float, now: float, *, least: float, most: float) -> float:
        """Adjust this clock to a reading of the database's clock.

        :param asked: when the database was asked, by the monotonic clock; the answer has come just now.
        :param now: the time that it answered.
        :param least: lower bound of this clock from now on.
        :param most: upper bound of this clock until the next reading.
        :returns: the seconds by which this clock is behind; negative if it is ahead.
        """
        earliest, latest = now - self._seconds(), now - asked
        with self._lock:
            if not self._looked:
                self._looked, self._offset = True, (earliest + latest) / 2
            # keep the old offset if it is possible: the answer may have taken a while
            self._offset = min(max(self._offset, earliest), latest)
            self._said = max(self._said, least)
            self._most = most
        return self._seconds() + self._offset - self()
