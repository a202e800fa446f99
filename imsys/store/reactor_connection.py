"""A connection on the reactor's own thread: to MySQL, or to the process that works on an SQLite file.

A batch of messages is two round trips. In a thread of a pool, handing them over and waiting for the interpreter's
lock takes longer than the database does; here the answer is read where it is used.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorFDSet
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from imsys.errors import Status, Unavailable
from imsys.store.dialects import Dialect, Opened, Use
from imsys.store.pool import READ_ONLY
from imsys.store.waiting import run, wait_for
from imsys.store.wire import Wire

T = TypeVar("T")


def is_possible(reactor: Any, dialect: Dialect) -> bool:
    """Return whether connections can be on the reactor's thread: they have sockets, and the reactor watches sockets."""
    return dialect.wired and IReactorFDSet.providedBy(reactor)


class ReactorConnection:
    """One connection, opened by a thread when it is first needed, and reopened when lost or outdated.

    Its methods but :meth:`run`, :meth:`renew` and :meth:`close` are called by what :meth:`run` has called.
    """

    def __init__(self, reactor: Any, dialect: Dialect, use: Use) -> None:
        self._reactor = reactor
        self._dialect = dialect
        self._use = use
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
        return self._turns.run(lambda: deferLater(self._reactor, 0).addCallback(self._end))

    # -- for transactions

    def cursor(self) -> Any:
        """Return a cursor of the driver."""
        return self._connection.cursor()

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
        opened = wait_for(deferToThreadPool(self._reactor, self._thread, self._open))
        self._good_until = float("inf") if opened.writable else self._reactor.seconds() + READ_ONLY
        connection = self._connection = opened.connection
        # the driver's own names: it has no others for what it reads and writes by
        self._wire = connection._rfile = connection._sock = Wire(
            self._reactor, connection._sock, self._dialect.patience
        )

    def pause(self, seconds: float) -> None:
        """Wait."""
        wait_for(deferLater(self._reactor, seconds))

    def _open(self) -> Opened:
        self._finish()
        return self._dialect.connect_wired(self._use)

    def _finish(self) -> None:
        if self._connection is not None:
            self._dialect.finish(self._connection)

    def _end(self, _: None) -> Deferred[None]:
        self._drop()
        finished = deferToThreadPool(self._reactor, self._thread, self._finish)
        return finished.addBoth(lambda _: self._thread.stop())

    def _drop(self) -> None:
        # of a closed connection the driver says so, and another one is opened
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
