"""Transactions in threads: functions of a :class:`Transaction`, run by adbapi pools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.application.service import Service
from twisted.enterprise import adbapi
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorCore, IReactorTime
from twisted.logger import Logger

from imsys.config import DatabaseConfig
from imsys.errors import Refused, Status, Unavailable
from imsys.store.dialects import Dialect, Fault, dialect_of

_log = Logger()
P = ParamSpec("P")
T = TypeVar("T")

Row = tuple[Any, ...]
Watcher = Callable[[str, Sequence[Any]], None]

ATTEMPTS = 5
"""How often a transaction is tried that others were in the way of."""

ROWS = 256
"""Rows of one statement of parameters, a power of two."""

WAITING = 2000
"""Transactions waiting for a connection of a pool beyond which the answer is 73; the message log has a bound of its own."""


class Transaction:
    """What a store function works with, in a thread of a pool; it ends with the function."""

    __slots__ = ("_cursor", "_watch", "committed", "committing", "dialect", "in_doubt")

    def __init__(self, cursor: Any, dialect: Dialect, watch: Watcher | None, in_doubt: bool) -> None:
        self._cursor = cursor
        self._watch = watch
        self.dialect = dialect
        self.in_doubt = in_doubt
        """Whether this function has run before, and its commit may have succeeded."""
        self.committing = False
        """Whether the commit is on its way."""
        self.committed = False

    def execute(self, sql: str, *parameters: Any) -> int:
        """Run one statement; give back how many rows it touched."""
        if self._watch is not None:
            self._watch(sql, parameters)
        self._cursor.execute(self.dialect.translate(sql), parameters)
        return int(self._cursor.rowcount)

    def execute_literal(self, sql: str) -> None:
        """Run a statement built only of constants, :func:`~.dialects.numbers` and :func:`~.dialects.hex_literal`."""
        if self._watch is not None:
            self._watch(sql, ())
        self._cursor.execute(sql)

    def rows_literal(self, sql: str) -> list[Row]:
        """All rows of a SELECT that is built like the statements of :meth:`execute_literal`."""
        self.execute_literal(sql)
        return list(self._cursor.fetchall())

    def execute_rows(self, start: str, rows: Sequence[Sequence[Any]], end: str = "") -> None:
        """Run ``start`` with the rows of parameters that follow its VALUES, and ``end``, in statements of many rows.

        The driver lets other threads run at each statement, and prepares each text once: there are few of them, of 1, 2, 4... rows.
        """
        row = f"({','.join('?' * len(rows[0]))})" if rows else ""
        done = 0
        while done < len(rows):
            count = min(ROWS, 1 << (len(rows) - done).bit_length() - 1)
            parameters = [value for one in rows[done : done + count] for value in one]
            self.execute(start + ",".join([row] * count) + end, *parameters)
            done += count

    def commit_with(self, *statements: str) -> None:
        """Run statements built like those of :meth:`execute_literal` and commit, all in one round trip where the driver can."""
        if self._watch is not None:
            for statement in statements:
                self._watch(statement, ())
        self.committing = True
        try:
            self.dialect.run_and_commit(self._cursor, statements)
        except Exception as error:
            self.committing = not self.is_duplicate(error)
            raise
        self.committed = True

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for every row of parameters."""
        if self._watch is not None and rows:
            self._watch(sql, rows[0])
        self._cursor.executemany(self.dialect.translate(sql), rows)

    def insert(self, sql: str, *parameters: Any) -> int:
        """Run an INSERT; give back the id that the database gave to the row."""
        self.execute(sql, *parameters)
        return int(self._cursor.lastrowid)

    def rows(self, sql: str, *parameters: Any) -> list[Row]:
        """All rows of a SELECT."""
        self.execute(sql, *parameters)
        return list(self._cursor.fetchall())

    def row(self, sql: str, *parameters: Any) -> Row | None:
        """The first row of a SELECT, or ``None``."""
        found = self.rows(sql, *parameters)
        return found[0] if found else None

    def is_duplicate(self, error: BaseException) -> bool:
        """Whether a statement failed because a unique key is taken."""
        return self.dialect.classify(error) is Fault.DUPLICATE


class Database(Service):
    """The pools of one database: one for everything, and one of a single connection for the message log.

    On SQLite the single connection writes everything, since there is room for
    one writer only, and the others read.
    """

    def __init__(self, reactor: Any, config: DatabaseConfig, watch: Watcher | None = None) -> None:
        self._reactor: IReactorTime | IReactorCore = reactor
        self._config = config
        self._watch = watch
        self._waiting = {"general": 0, "log": 0}
        self._pools: dict[str, adbapi.ConnectionPool] = {}
        self.dialect = dialect_of(config)

    def startService(self) -> None:
        """Make the pools; connections are opened when they are first needed."""
        super().startService()
        self.open()

    def open(self) -> None:
        """Make the pools (idempotent)."""
        if self._pools:
            return
        for name, size in (("general", self._config.pool_size), ("log", 1)):
            self._pools[name] = pool = adbapi.ConnectionPool(
                self.dialect.driver,
                cp_min=0 if size > 1 else 1,
                cp_max=size,
                cp_openfun=self.dialect.opened,
                cp_noisy=False,
                cp_reactor=self._reactor,
                cp_name=f"imsys-{name}",
                **self.dialect.connect_arguments(log=name == "log"),
            )
            pool.connectionFactory = _Connection

    def stopService(self) -> None:
        """Close the pools; waits for the transactions that are running."""
        super().stopService()
        self.close()

    def close(self) -> None:
        """Close the pools (idempotent)."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            if pool.running:
                pool.close()

    async def read(self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that only reads; each statement sees what is committed when it begins.

        :raises Unavailable: 14, the database did not answer.
        """
        result: T = await self._run("general", None, function, args, kwargs, False)
        return result

    async def write(self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in one transaction, again from its start where others were in the way.

        :raises Unavailable: 14, the database did not answer; the transaction may have been committed
            only if the connection broke in the very commit.
        """
        pool = "log" if self.dialect.readers_need_own_pool else "general"
        result: T = await self._run(pool, self.dialect.begin, function, args, kwargs, False)
        return result

    async def append(self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As :meth:`write`, on the message log's own connection, for a function that may run again after its commit."""
        result: T = await self._run("log", self.dialect.begin_log, function, args, kwargs, True)
        return result

    async def _run(self, pool: str, begin: str | None, function: Any, args: Any, kwargs: Any, repeatable: bool) -> Any:
        if not self._pools:
            raise Unavailable(Status.MYSQL_INTERNAL_ERROR, "The database is closed.")
        if self._waiting[pool] >= WAITING and not repeatable:
            raise Refused(Status.SERVER_BUSY, "Too many transactions are waiting for the database.", retry_after=1.0)
        self._waiting[pool] += 1
        try:
            running: Deferred[Any] = self._pools[pool].runWithConnection(self._attempt, begin, function, args, kwargs, repeatable)
            return await running
        except Refused:
            raise
        except Exception as error:
            if self.dialect.classify(error) in (Fault.BUG, Fault.DUPLICATE):
                raise
            _log.error("the database failed: {reason}", reason=describe(error))
            raise Unavailable(Status.MYSQL_INTERNAL_ERROR, "The database did not answer.") from error
        finally:
            self._waiting[pool] -= 1

    def _attempt(self, connection: _Connection, begin: str | None, function: Any, args: Any, kwargs: Any, repeatable: bool) -> Any:
        in_doubt = False
        for left in reversed(range(ATTEMPTS)):
            tx = None
            try:
                cursor = connection.cursor()
                try:
                    if begin is not None:
                        cursor.execute(begin)
                    tx = Transaction(cursor, self.dialect, self._watch, in_doubt)
                    result = function(tx, *args, **kwargs)
                    if not tx.committed and (begin is not None or repeatable):
                        tx.committing = True
                        connection.end()
                    return result
                finally:
                    cursor.close()
            except Exception as error:
                fault = self.dialect.classify(error)
                committing = tx is not None and tx.committing
                in_doubt = in_doubt or (fault is Fault.LOST and committing)
                if fault is Fault.LOST:
                    connection.reopen()
                else:
                    connection.rollback()
                again = fault is Fault.CONFLICT or (fault is Fault.LOST and (repeatable or not committing))
                if not (again and left):
                    raise
        raise AssertionError("unreachable")


class _Connection(adbapi.Connection):
    """A connection of a pool, whose transactions are ended here and not by adbapi."""

    def commit(self) -> None:
        """Do nothing: adbapi would have the database commit what is committed, or what was only read."""

    def end(self) -> None:
        """Commit."""
        connection: Any = self._connection
        connection.commit()

    def reopen(self) -> None:
        """Begin anew after the connection was lost."""
        self._pool.disconnect(self._connection)
        self._connection = _Gone()
        self._connection = self._pool.connect()


class _Gone:
    """Stands for a connection that is lost and could not be opened again, so that adbapi may still end its transaction."""

    def rollback(self) -> None:
        """Nothing is left to do."""


def describe(error: BaseException) -> str:
    """One line about a driver's exception, without the values of the statement."""
    number = error.args[0] if error.args else ""
    text = error.args[1] if len(error.args) > 1 else ""
    return f"{type(error).__name__} {number} {text}".strip()[:200]
