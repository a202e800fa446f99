"""The differences between SQLite and MySQL: how they connect, lock and fail."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from imsys.store.sqlite_process import Step


class Fault(enum.Enum):
    """What a driver's exception means for the transaction that it ended."""

    DUPLICATE = enum.auto()
    """A unique key is taken; only the statement was undone."""
    CONFLICT = enum.auto()
    """Another transaction conflicted and is over: a retry may succeed at once."""
    LOCKED = enum.auto()
    """Another transaction has locked the rows for longer than we wait."""
    LOST = enum.auto()
    """The connection is gone."""
    MOVED = enum.auto()
    """The server answers but does not serve, or is read-only: reopen the connection, to any server that
    does."""
    AWAY = enum.auto()
    """The database cannot be reached, is full, or refuses service in another way."""
    BUG = enum.auto()
    """Anything else: an error of this program."""


class Use(enum.Enum):
    """What a connection is for."""

    GENERAL = enum.auto()
    LOG = enum.auto()
    """The message log, with :meth:`Dialect.run_and_commit`."""
    SCHEMA = enum.auto()
    """Schema changes, which may take long."""


class Opened(NamedTuple):
    """A new connection; ``writable`` is ``False`` if the server is read-only now."""

    connection: Any
    writable: bool = True


class Dialect(Protocol):
    """One kind of database server."""

    name: str
    driver: str
    readers_need_own_pool: bool
    """Whether there can be only one writer at a time."""
    begin: str
    """The statement that begins a writing transaction."""
    begin_log: str | None
    """The same on the message log's connection; ``None`` if its first statement begins a transaction."""
    lock: str
    """The end of a SELECT that locks rows to be written."""
    skip_locked: str | None
    """The same, skipping rows that others have locked; ``None``: not supported."""
    by_primary_key: str
    """What follows a table's name to read, and lock, rows in the order of their keys."""
    most_bytes: int
    """Bytes of one statement, at most."""
    galera: bool
    """Whether there are several writable servers that do not see each other's locks."""
    patience: float
    """Seconds for which one statement may take to be answered, on a connection of :meth:`connect_wired`."""

    @property
    def wired(self) -> bool:
        """Whether there is :meth:`connect_wired`."""
        ...

    def connect(self, use: Use = Use.GENERAL, *, anywhere: bool = False) -> Opened:
        """Open a connection and set it up; blocks.

        :param anywhere: do not select our database, which may not exist yet.
        """
        ...

    def connect_wired(self, use: Use) -> Opened:
        """Open a connection for the reactor's thread, whose ``_sock`` and ``_rfile`` can be replaced; blocks."""
        ...

    def finish(self, connection: Any) -> None:
        """Return when such a connection, which is closed, has come to its end; blocks."""
        ...

    def packed(self, columns: Sequence[str]) -> str:
        """Build an aggregate of integer columns as JSON, ``[[1,2,3],[4,5,6]]``; of no rows perhaps NULL."""
        ...

    def run_and_commit(self, cursor: Any, statements: Sequence[str]) -> None:
        """Run statements and commit, in one round trip if possible."""
        ...

    def run_steps(self, cursor: Any, steps: Sequence[Step]) -> None:
        """Run steps of SQLite, in one round trip if the connection has any."""
        ...

    def translate(self, sql: str) -> str:
        """Translate SQL with ``?`` for parameters, ``{lock}`` and ``{ignore}`` to this database's SQL."""
        ...

    def union_all(self, selects: Iterable[str]) -> str:
        """Combine SELECTs, each with its own ORDER BY and LIMIT, to one statement; rows come in any order."""
        ...

    def classify(self, error: BaseException) -> Fault:
        """Classify an exception."""
        ...


def numbers(values: Iterable[int]) -> str:
    """Format integers as SQL literals, ``1,2,3``; the result can only hold numbers."""
    return ",".join(map(int.__repr__, values))


def hex_literal(value: bytes) -> str:
    """Format a string literal for MySQL, ``x'6162'``; the result can only hold hexadecimal digits."""
    return f"x'{value.hex()}'"
