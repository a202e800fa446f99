"""A pool of connections to the database, each opened when it is first needed, and anew when it is lost or out of date."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from twisted.enterprise import adbapi

from imsys.store.dialects import Dialect, Use

READ_ONLY = 2.0
"""Seconds for which a connection is kept that cannot write: by then there may be a server that lets us."""


class Pool(adbapi.ConnectionPool):
    """Connections of one use; adbapi brings the threads, and one connection for each."""

    def __init__(self, reactor: Any, dialect: Dialect, use: Use, size: int, name: str) -> None:
        self._dialect = dialect
        self._use = use
        self._generation = 0
        self._made: dict[int, tuple[int, float]] = {}  # by thread: the generation of its connection, and until when it is good
        super().__init__(dialect.driver, cp_min=0 if size > 1 else 1, cp_max=size, cp_noisy=False, cp_reactor=reactor, cp_name=name)
        self.connectionFactory = Connection

    def renew(self) -> None:
        """Have every connection opened anew before it is next used; from any thread."""
        self._generation += 1

    def connect(self) -> Any:
        """The connection of this thread; blocks while it is opened."""
        thread = self.threadID()
        connection = self.connections.get(thread)
        if connection is not None:
            generation, good_until = self._made[thread]
            if generation == self._generation and time.monotonic() < good_until:
                return connection
            self.disconnect(connection)
        generation = self._generation
        opened = self._dialect.connect(self._use)
        self._made[thread] = generation, float("inf") if opened.writable else time.monotonic() + READ_ONLY
        self.connections[thread] = opened.connection
        return opened.connection


class Connection(adbapi.Connection):
    """A connection of a pool, whose transactions are ended by :class:`imsys.store.database.Database`, not by adbapi."""

    def commit(self) -> None:
        """Do nothing: adbapi would have the database commit what is committed, or what was only read."""

    def rollback(self) -> None:
        """Do nothing: what failed has been undone."""

    def end(self) -> None:
        """Commit."""
        connection: Any = self._connection
        connection.commit()

    def undo(self) -> None:
        """Roll back; where that fails the connection is lost, and opened anew when it is next needed."""
        connection: Any = self._connection
        try:
            connection.rollback()
        except Exception:
            self._pool.disconnect(connection)

    def reopen(self) -> None:
        """Begin anew after the connection was lost."""
        with contextlib.suppress(Exception):
            self._pool.disconnect(self._connection)
        self._connection = self._pool.connect()
