"""What differs between SQLite and MySQL: how they connect, lock, and fail."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol


class Fault(enum.Enum):
    """What an exception of a driver means for the transaction it ended."""

    DUPLICATE = enum.auto()
    """A unique key is taken; only the statement was undone."""
    CONFLICT = enum.auto()
    """Another transaction was in the way, and is so no more: the same one may work now."""
    LOCKED = enum.auto()
    """Another transaction holds what this one needs, and has been holding it for as long as is waited."""
    LOST = enum.auto()
    """The connection is gone."""
    MOVED = enum.auto()
    """The server answers, and serves nobody, or nobody who writes: the connection is dropped, and opened anew wherever that is possible."""
    AWAY = enum.auto()
    """The database cannot be reached, is full, or is otherwise not at our service."""
    BUG = enum.auto()
    """Anything else: a fault of ours."""


class Use(enum.Enum):
    """What a connection is for."""

    GENERAL = enum.auto()
    LOG = enum.auto()
    """The message log's, with :meth:`Dialect.run_and_commit`."""
    SCHEMA = enum.auto()
    """Changing tables, which takes its time."""


class Opened(NamedTuple):
    """A new connection; ``writable`` is ``False`` where the server does not let anybody write now."""

    connection: Any
    writable: bool = True


class Dialect(Protocol):
    """One kind of database."""

    name: str
    driver: str
    readers_need_own_pool: bool
    """Whether one writer at a time is all there can be."""
    begin: str
    """The statement that begins a writing transaction."""
    begin_log: str | None
    """The same on the message log's connection, where its first statement does not begin one."""
    lock: str
    """What a SELECT of rows that are going to be written ends with."""
    skip_locked: str | None
    """The same, leaving out the rows that others hold; ``None``: there is no such thing."""
    by_primary_key: str
    """What follows a table's name to have its rows read, and locked, in the order of their keys."""
    most_bytes: int
    """Of one statement."""
    galera: bool
    """Whether there are several servers that take what is written, and whose locks do not know each other."""

    def connect(self, use: Use = Use.GENERAL, *, anywhere: bool = False) -> Opened:
        """Open a connection and set it up; blocks.

        :param anywhere: not to our database, which may not be there yet.
        """
        ...

    def packed(self, columns: Sequence[str]) -> str:
        """An aggregate of integer columns as one string: rows ``1 2 3``, with commas between; NULL where there are no rows."""
        ...

    def run_and_commit(self, cursor: Any, statements: Sequence[str]) -> None:
        """Run statements and commit, in one round trip where that can be."""
        ...

    def translate(self, sql: str) -> str:
        """SQL with ``?`` for parameters, ``{lock}`` and ``{ignore}``, in the words of this database."""
        ...

    def union_all(self, selects: Iterable[str]) -> str:
        """One statement for many SELECTs, each with an ORDER BY and a LIMIT of its own; their rows come in any order."""
        ...

    def classify(self, error: BaseException) -> Fault:
        """What an exception means."""
        ...


def numbers(values: Iterable[int]) -> str:
    """A list of integer literals for SQL, ``1,2,3``: nothing but numbers can come out of it."""
    return ",".join(map(int.__repr__, values))


def hex_literal(value: bytes) -> str:
    """A string literal for MySQL, ``x'6162'``: nothing but hexadecimal digits can come out of it."""
    return f"x'{value.hex()}'"
