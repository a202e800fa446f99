"""Millions of stored messages, made by the database itself: the history of a year, in all threads at once.

Blocks of messages are appended to one thread after the other, oldest first, so that the tables grow as they
do in use: at many places, not at their end. The messages lie before those that the threads began with, so
nobody's newest message changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from imsys.config import DatabaseConfig
from imsys.store.bulk import history
from imsys.store.dialects import Use
from imsys.store.engines import dialect_of
from imsys.store.ids import id_at

BLOCK = 50
"""Messages appended to a thread at a time."""

_THREADS = 1000
"""Threads filled in one transaction."""

_YEAR = 365 * 86400.0


class History:
    """What is stored in the threads from ``begin`` on.

    :param most: the number of messages in the end.
    :param now: Unix time; the history is that of the year before.
    """

    def __init__(self, config: DatabaseConfig, begin: int, threads: int, most: int, now: float) -> None:
        self._config = config
        self._dialect = dialect_of(config)
        self.begin = begin
        self._threads = threads
        self._blocks = 0  # whole ones that all threads have
        self.stored = 0
        self.stride = 1
        """The first of every so many threads has a history."""
        positions = max(1, -(-most // (threads * BLOCK))) * BLOCK
        self._oldest = id_at(now - _YEAR - 86400)
        self._step = id_at(now) - id_at(now - _YEAR / positions)

    @property
    def full_pages(self) -> tuple[int, int]:
        """Return the range of ids before which there is a full page."""
        return self._oldest + 20 * self._step, self._oldest + max(1, self._blocks) * BLOCK * self._step

    def grow(self, count: int) -> None:
        """Store messages until there are ``count``: the first time a block in as many threads as it takes,
        then whole blocks in all.

        It waits for the database, so it is for a command, not for a reactor's thread.
        """
        block = self._threads * BLOCK
        with self._connection() as connection:
            if self.stored == 0 and count < block:
                self.stride = max(1, block // count)
                self._append(connection, 0, every=self.stride)
                self._blocks = 1 if self.stride == 1 else 0
                return
            if self.stride > 1:
                self._append(connection, 0, but=self.stride)
                self.stride, self._blocks = 1, 1
            while self.stored < count:
                self._append(connection, self._blocks * BLOCK)
                self._blocks += 1

    def _append(self, connection: Any, position: int, *, every: int = 1, but: int = 0) -> None:
        for first in range(self.begin, self.begin + self._threads, _THREADS):
            sql = history(
                self._dialect.name,
                range(first, min(first + _THREADS, self.begin + self._threads)),
                every=every,
                but=but,
                begin=self.begin,
                count=BLOCK,
                oldest=self._oldest,
                position=position,
                step=self._step,
            )
            with closing(connection.cursor()) as cursor:
                cursor.execute(sql)
                self.stored += max(0, cursor.rowcount)
            connection.commit()

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        with closing(self._dialect.connect(Use.SCHEMA).connection) as connection:
            yield connection
