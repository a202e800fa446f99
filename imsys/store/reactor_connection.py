"""A connection to MySQL on the reactor's own thread: the message log's, or one of those for small reads.

A batch of messages is two round trips. In a thread of a pool, handing them over and waiting for the interpreter's
lock takes four times as long as the database does; here the answer is read where it is used.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any, TypeVar, cast

from pymysql.constants import COMMAND
from pymysql.cursors import Cursor
from pymysql.err import raise_mysql_exception
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorFDSet
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from imsys.errors import Status, Unavailable
from imsys.store.dialects import Dialect, Use
from imsys.store.pool import READ_ONLY
from imsys.store.replies import Reply
from imsys.store.waiting import run, wait_for
from imsys.store.wire import Wire

T = TypeVar("T")


def is_possible(reactor: Any, dialect: Dialect) -> bool:
    """Return whether connections can be on the reactor's thread: the driver is PyMySQL, and sockets are watched."""
    return dialect.driver == "pymysql" and IReactorFDSet.providedBy(reactor)


class LogCursor(Cursor):
    """The driver's, and a short way for what each transaction of the log does: it waits once for a whole answer."""

    def run_all(self, sql: str) -> None:
        """Run statements; those after a failed one do not run."""
        self._ask(sql)

    def value(self, sql: str) -> bytes | None:
        """Return the only column of the only row of a SELECT."""
        return self._ask(sql).value

    def _ask(self, sql: str) -> Reply:
        connection: Any = self.connection
        connection._execute_command(COMMAND.COM_QUERY, sql.encode())
        reply: Reply = connection._sock.reply(connection._next_seq_id)
        if (error := reply.error) is not None:
            raise_mysql_exception(error)
        return reply


class ReactorConnection:
    """One connection, opened by a thread when it is first needed, and reopened when lost or outdated.

    Its methods but :meth:`run`, :meth:`renew` and :meth:`close` are called by what :meth:`run` has called.

    :param seconds: for which one statement may take to be answered.
    """

    def __init__(self, reactor: Any, dialect: Dialect, use: Use, seconds: float) -> None:
        self._reactor = reactor
        self._dialect = dialect
        self._use = use
        self._seconds = seconds
        self._thread = ThreadPool(0, 1, f"imsys-connect-{use.name.lower()}")
        # a program that ends does not wait for a server that does not answer
        self._thread.threadFactory = cast("Any", partial(Thread, daemon=True))
        self._thread.start()
        self._turns = DeferredLock()
        quick: set[Any] | None = getattr(reactor, "quick", None)  # of our reactor, which may be another one
        if quick is not None:
            quick.add(Wire)
        self._connection: Any = None
        self._wire: Wire | None = None
        self._outdated = False
        self._good_until = float("inf")
        self._closed = False

    def run(self, function: Callable[[ReactorConnection], T]) -> Deferred[T]:
        """Call a function with the open connection, after those before it; fire with its result.

        To cancel that stops nothing, as nothing stops a thread.
        """

        def call() -> T:
            wire = self._wire
            if wire is None or wire.lost or self._outdated or self._reactor.seconds() >= self._good_until:
                self.reopen()
            return function(self)

        # apart from that of the lock: the next one's turn comes when this one has really ended
        result: Deferred[T] = Deferred()
        self._turns.run(run, call).chainDeferred(result)
        return result

    def renew(self) -> None:
        """Have it reopened before its next use; callable from any thread."""
        self._outdated = True

    def close(self) -> Deferred[None]:
        """Close it when what runs, and what waits for it, has ended; nothing opens it again."""
        self._closed = True
        # a turn of the reactor later: the last one's caller has its result by then
        return self._turns.run(deferLater, self._reactor, 0, self._end)

    # -- for transactions

    def cursor(self) -> Any:
        """Return a cursor of the driver."""
        return self._connection.cursor(LogCursor)

    def end(self) -> None:
        """Commit."""
        self._connection.commit()

    def undo(self) -> None:
        """Roll back; if that fails, drop the connection, so that it is reopened when next needed."""
        try:
            self._connection.rollback()
        except Exception:
            self._drop()

    def reopen(self) -> None:
        """Connect anew.

        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), it is closed for good.
        """
        self._drop()
        if self._closed:
            self.pause(0)  # who waits is told after the one before, and not within it, however many they are
            raise Unavailable(Status.MYSQL_INTERNAL_ERROR, "The database is closed.")
        self._outdated = False
        opened = wait_for(deferToThreadPool(self._reactor, self._thread, self._dialect.connect, self._use))
        self._good_until = float("inf") if opened.writable else self._reactor.seconds() + READ_ONLY
        connection = self._connection = opened.connection
        # the driver's own names: it has no others for what it reads and writes by
        self._wire = connection._rfile = connection._sock = Wire(
            self._reactor, connection._sock, self._seconds
        )

    def pause(self, seconds: float) -> None:
        """Wait."""
        wait_for(deferLater(self._reactor, seconds))

    def _end(self) -> None:
        self._drop()
        self._thread.stop()

    def _drop(self) -> None:
        # of a closed connection the driver says so, and another one is opened
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
