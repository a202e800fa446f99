"""Run transactions: functions of a :class:`Transaction`, in threads of adbapi pools or on the reactor's connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults
from twisted.internet.task import deferLater

from imsys.config import DatabaseConfig
from imsys.errors import Refused, Status, Unavailable
from imsys.store.dialects import Dialect, Fault, Use
from imsys.store.engines import dialect_of
from imsys.store.log_cursor import LogCursor
from imsys.store.pool import Connection, Pool
from imsys.store.reactor_connection import ReactorConnection, is_possible
from imsys.store.read_connections import ReadConnections
from imsys.store.sqlite_process import ROWS, Step
from imsys.util.backoff import Backoff
from imsys.util.outages import Outage

P = ParamSpec("P")
T = TypeVar("T")

Row = tuple[Any, ...]
Watcher = Callable[[str, Sequence[Any]], None]

ATTEMPTS = 8
"""How often a transaction is tried if others conflict with it."""

PAUSE = 0.004
"""Seconds before the second attempt, at most; it doubles for each further one."""

_PAUSES = Backoff(PAUSE, float("inf"), jitter=(0.0, 1.0))

RECONNECTS = 2
"""How often a transaction is retried after its connection was lost."""

LOCKED = 6.0
"""Seconds for which a transaction is retried if its rows are locked: longer than a dead server's locks
last."""

LOCKED_PAUSE = 0.2
"""Seconds between two such attempts; the connection is free for others meanwhile."""

CONTENDED = 5.0
"""Seconds after locked rows were found in which writers may use only half of the connections."""

WAITING = 2000
"""Transactions that wait for a pool, at most; further ones get SERVER_BUSY.

The message log has its own bound.
"""


class Transaction:
    """A transaction for a store function, in a thread of a pool or as the log's connection has it; it ends with the function."""

    __slots__ = ("_cursor", "_watch", "committed", "committing", "dialect", "in_doubt")

    def __init__(self, cursor: Any, dialect: Dialect, watch: Watcher | None, in_doubt: bool) -> None:
        self._cursor = cursor
        self._watch = watch
        self.dialect = dialect
        self.in_doubt = in_doubt
        """Whether this function ran before and its commit may have succeeded."""
        self.committing = False
        """Whether the commit has been sent."""
        self.committed = False

    def execute(self, sql: str, *parameters: Any) -> int:
        """Run one statement; return the number of affected rows."""
        if self._watch is not None:
            self._watch(sql, parameters)
        self._cursor.execute(self.dialect.translate(sql), parameters)
        return int(self._cursor.rowcount)

    def execute_literal(self, sql: str) -> None:
        """Run a statement without parameters.

        It must be built only of constants, :func:`~.dialects.numbers` and :func:`~.dialects.hex_literal`.
        """
        if self._watch is not None:
            self._watch(sql, ())
        self._cursor.execute(sql)

    def rows_literal(self, sql: str) -> list[Row]:
        """Return all rows of a SELECT that is built like the statements of :meth:`execute_literal`."""
        self.execute_literal(sql)
        return list(self._cursor.fetchall())

    def value_literal(self, sql: str) -> str | bytes | None:
        """Return the only column of the only row of a SELECT that is built like the statements of :meth:`execute_literal`."""
        if isinstance(self._cursor, LogCursor):
            if self._watch is not None:
                self._watch(sql, ())
            return self._cursor.value(sql)
        value: str | bytes | None = self.rows_literal(sql)[0][0]
        return value

    def execute_rows(self, start: str, rows: Sequence[Sequence[Any]], end: str = "") -> None:
        """Run ``start``, rows of parameters after its VALUES, and ``end``, in statements of many rows each.

        The first column is never NULL.
        """
        if self.dialect.name == "sqlite":
            self.run([Step(start, rows, True, end)])
            return
        for first in range(0, len(rows), ROWS):
            some = rows[first : first + ROWS]
            self.execute(_of_rows(start, some, end), *[value for row in some for value in row])

    def commit_with(self, *statements: str) -> None:
        """Run statements like those of :meth:`execute_literal` and commit, in one round trip if possible."""
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

    def run(self, steps: Sequence[Step], *, commit: bool = False) -> None:
        """Run steps of SQLite that have rows, and perhaps commit, in one round trip if there are any."""
        if self._watch is not None:
            for step in steps:
                if step.parameters:
                    row = step.parameters[0]
                    self._watch(_of_rows(step.sql, [row], step.end), row)
        self.committing = commit
        try:
            self.dialect.run_steps(self._cursor, (*steps, Step("COMMIT")) if commit else steps)
        except Exception as error:
            self.committing = commit and not self.is_duplicate(error)
            raise
        self.committed = commit

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for every row of parameters."""
        if self._watch is not None and rows:
            self._watch(sql, rows[0])
        self._cursor.executemany(self.dialect.translate(sql), rows)

    def insert(self, sql: str, *parameters: Any) -> int:
        """Run an INSERT; return the id of the new row."""
        self.execute(sql, *parameters)
        return int(self._cursor.lastrowid)

    def rows(self, sql: str, *parameters: Any) -> list[Row]:
        """Return all rows of a SELECT."""
        self.execute(sql, *parameters)
        return list(self._cursor.fetchall())

    def row(self, sql: str, *parameters: Any) -> Row | None:
        """Return the first row of a SELECT, or ``None``."""
        found = self.rows(sql, *parameters)
        return found[0] if found else None

    def is_duplicate(self, error: BaseException) -> bool:
        """Return whether a statement failed because a unique key is taken."""
        return self.dialect.classify(error) is Fault.DUPLICATE

    def is_locked(self, error: BaseException) -> bool:
        """Return whether a statement failed because its rows were locked for too long."""
        return self.dialect.classify(error) is Fault.LOCKED


def _of_rows(start: str, rows: Sequence[Sequence[Any]], end: str) -> str:
    row = f"({','.join('?' * len(rows[0]))})"
    return start + ",".join([row] * len(rows)) + end


class Database(Service):
    """The connections of a database: a general pool, a single connection for the message log, and some for small reads.

    SQLite allows one writer only: there the log's connection does all writes, and the pool reads. That of the log, and
    MySQL's for small reads, are on the reactor's thread where they can be; else small reads are the pool's.
    """

    def __init__(self, reactor: Any, config: DatabaseConfig, watch: Watcher | None = None) -> None:
        self._reactor = reactor
        self._config = config
        self._watch = watch
        self._waiting = {"general": 0, "small": 0, "log": 0}
        self._pools: dict[str, Pool] = {}
        self._log: ReactorConnection | None = None
        self._readers: ReadConnections | None = None
        self._outage = Outage(reactor.seconds, "The database")
        self._contended_until = float("-inf")
        self._writers = DeferredSemaphore(max(1, config.pool_size // 2))
        self.answered = {"general": 0, "small": 0, "log": 0}
        """Successful transactions by pool."""
        self.dialect = dialect_of(config)

    def startService(self) -> None:
        """Make the pools; connections are opened when they are first needed."""
        super().startService()
        self.open()

    def open(self) -> None:
        """Make the pools (idempotent)."""
        if self._pools:
            return
        size = self._config.pool_size
        self._pools["general"] = Pool(self._reactor, self.dialect, Use.GENERAL, size, "imsys-general")
        if self._config.log_connection == "reactor" and is_possible(self._reactor, self.dialect):
            self._log = ReactorConnection(self._reactor, self.dialect, Use.LOG)
            if not self.dialect.readers_need_own_pool:
                self._readers = ReadConnections(self._reactor, self.dialect)
        else:
            self._pools["log"] = Pool(self._reactor, self.dialect, Use.LOG, 1, "imsys-log")

    def stopService(self) -> Deferred[None]:
        """Close the connections; wait for running transactions."""
        super().stopService()
        return self.close()

    def close(self) -> Deferred[None]:
        """Close the connections (idempotent); wait for running transactions."""
        here = [one for one in (self._log, self._readers) if one is not None]
        pools, self._pools = self._pools, {}
        self._log = self._readers = None
        return gatherResults([one.close() for one in here]).addCallback(lambda _: _close(pools))

    async def read(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function that only reads; each statement sees what is committed when it begins.

        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        result: T = await self._run("general", None, function, args, kwargs, False)
        return result

    async def read_small(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function like :meth:`read` that gets some hundred rows at most, on the reactor's thread if possible.

        What it does with them holds up the reactor: more than that belongs to a pool.
        """
        lane = "general" if self._readers is None else "small"
        result: T = await self._run(lane, None, function, args, kwargs, False)
        return result

    async def write(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function in one transaction; run it again if other transactions conflict.

        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the database did not answer. Unless the connection
            broke during the commit, nothing was stored.
        :raises Refused: SERVER_BUSY (73), another transaction keeps the rows locked.
        """
        if self.dialect.readers_need_own_pool:
            result: T = await self._run("log", self.dialect.begin, function, args, kwargs, False)
        elif self._reactor.seconds() < self._contended_until:
            await self._writers.acquire()
            try:
                result = await self._run("general", self.dialect.begin, function, args, kwargs, False)
            finally:
                self._writers.release()
        else:
            result = await self._run("general", self.dialect.begin, function, args, kwargs, False)
        return result

    async def append(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function like :meth:`write`, on the message log's connection.

        It may run again after its commit.
        """
        result: T = await self._run("log", self.dialect.begin_log, function, args, kwargs, True)
        return result

    async def _run(
        self, pool: str, begin: str | None, function: Any, args: Any, kwargs: Any, repeatable: bool
    ) -> Any:
        if self._waiting[pool] >= WAITING and not repeatable:
            raise Refused(
                Status.SERVER_BUSY, "Too many transactions are waiting for the database.", retry_after=1.0
            )
        self._waiting[pool] += 1
        try:
            return await self._until_unlocked(pool, begin, function, args, kwargs, repeatable)
        finally:
            self._waiting[pool] -= 1

    async def _until_unlocked(
        self, pool: str, begin: str | None, function: Any, args: Any, kwargs: Any, repeatable: bool
    ) -> Any:
        end = 0.0
        while True:
            if not self._pools:
                raise Unavailable(Status.MYSQL_INTERNAL_ERROR, "The database is closed.")
            try:
                result = await self._once(pool, begin, function, args, kwargs, repeatable)
            except Refused:
                raise
            except Exception as error:
                fault = self.dialect.classify(error)
                if fault in (Fault.BUG, Fault.DUPLICATE):
                    raise
                if fault is not Fault.LOCKED:
                    self._outage.failed(describe(error))
                    raise Unavailable(Status.MYSQL_INTERNAL_ERROR, "The database did not answer.") from error
                now = self._reactor.seconds()
                self._contended_until = now + CONTENDED
                end = end or now + LOCKED
                if now >= end:
                    raise Refused(
                        Status.SERVER_BUSY, "Another server holds what is to be written.", retry_after=1.0
                    ) from error
                await deferLater(self._reactor, LOCKED_PAUSE)
            else:
                self.answered[pool] += 1
                if self._outage:
                    self._outage.works()
                return result

    def _once(self, pool: str, *attempt: Any) -> Deferred[Any]:
        here = {"log": self._log, "small": self._readers}.get(pool)
        if here is not None:
            return here.run(lambda connection: self._attempt(connection, *attempt))
        running: Deferred[Any] = self._pools[pool].runWithConnection(self._attempt, *attempt)
        return running

    def _attempt(
        self,
        connection: Connection | ReactorConnection,
        begin: str | None,
        function: Any,
        args: Any,
        kwargs: Any,
        repeatable: bool,
    ) -> Any:
        in_doubt = False
        conflicts = losses = 0
        while True:
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
                if fault in (Fault.LOST, Fault.MOVED):
                    committing = tx is not None and tx.committing
                    in_doubt = in_doubt or committing
                    losses += 1
                    if fault is Fault.MOVED:
                        self._moved()
                    connection.reopen()
                    again = losses <= RECONNECTS and (repeatable or not committing)
                else:
                    connection.undo()
                    conflicts += 1
                    again = fault is Fault.CONFLICT and conflicts < ATTEMPTS
                    if again:
                        connection.pause(_PAUSES.wait(conflicts - 1))
                if not again:
                    raise

    def _moved(self) -> None:
        """Have all connections reopened before their next use: this server does not serve us any more."""
        for pool in self._pools.values():
            pool.renew()
        for here in (self._log, self._readers):  # another thread may close them
            if here is not None:
                here.renew()


def _close(pools: dict[str, Pool]) -> None:
    for pool in pools.values():
        if pool.running:
            pool.close()


def describe(error: BaseException) -> str:
    """Describe a driver's exception in one line, without the values of the statement."""
    number = error.args[0] if error.args else ""
    text = error.args[1] if len(error.args) > 1 else ""
    return f"{type(error).__name__} {number} {text}".strip()[:200]
