"""A pool of database connections, opened when first needed and reopened when lost or outdated."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from twisted.enterprise import adbapi

from imsys.store.dialects import Dialect, Use

READ_ONLY = 2.0
"""Seconds for which a read-only connection is kept: by then another server may be writable."""


class Pool(adbapi.ConnectionPool):
    """The connections for one use; adbapi provides the threads, with one connection each."""

    def __init__(self, reactor: Any, dialect: Dialect, use: Use, size: int, name: str) -> None:
        self._dialect = dialect
        self._use = use
        self._generation = 0
        # thread -> the generation of its connection, and until when it is valid
        self._made: dict[int, tuple[int, float]] = {}
        super().__init__(
            dialect.driver,
            cp_min=0 if size > 1 else 1,
            cp_max=size,
            cp_noisy=False,
            cp_reactor=reactor,
            cp_name=name,
        )
        self.connectionFactory = Connection

    def renew(self) -> None:
        """Have every connection reopened before its next use; callable from any thread."""
        self._generation += 1

    def connect(self) -> Any:
        """Return this thread's connection; block while it is opened."""
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
    """A pooled connection; :class:`imsys.store.database.Database` ends its transactions, not adbapi."""

    def commit(self) -> None:
        """Do nothing: adbapi would commit again after a commit or a mere read."""

    def rollback(self) -> None:
        """Do nothing: a failed transaction is already rolled back."""

    def end(self) -> None:
        """Commit."""
        connection: Any = self._connection
        connection.commit()

    def undo(self) -> None:
        """Roll back; if that fails, drop the connection, so that it is reopened when next needed."""
        connection: Any = self._connection
        try:
            connection.rollback()
        except Exception:
            self._pool.disconnect(connection)

    def pause(self, seconds: float) -> None:
        """Wait; this is a thread of a pool."""
        time.sleep(seconds)

    def reopen(self) -> None:
        """Reconnect after the connection was lost."""
        with contextlib.suppress(Exception):
            self._pool.disconnect(self._connection)
        self._connection = self._pool.connect()
