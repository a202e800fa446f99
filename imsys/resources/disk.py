"""Threads for work on the disk."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from imsys.errors import Status, Unavailable

_log = Logger()
P = ParamSpec("P")
T = TypeVar("T")


class Disk(Service):
    """Runs functions that block in a few threads; when it stops, it waits for what runs or waits.

    A connection has one block at a time in here, and so the queue is bounded
    by the number of connections.
    """

    def __init__(self, reactor: Any, workers: int) -> None:
        self._reactor = reactor
        self._workers = workers
        self._threads: ThreadPool | None = None
        self.pending = 0
        """Functions that run, or wait for a thread."""
        self.done = 0
        """Functions that have run well."""
        self._idle: Deferred[None] | None = None

    def startService(self) -> None:
        """Start the threads."""
        super().startService()
        self._threads = ThreadPool(0, self._workers, "disk")
        self._threads.start()

    def stopService(self) -> Deferred[None]:
        """Take no more work; fires when all of it is done."""
        super().stopService()
        threads, self._threads = self._threads, None
        if threads is None:
            return succeed(None)
        done: Deferred[None] = Deferred()
        # joining the threads takes no time: all are idle, or are about to be
        done.addCallback(lambda _: threads.stop())
        if self.pending:
            self._idle = done
        else:
            done.callback(None)
        return done

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a thread, to its end even if this is cancelled, and return its result.

        :raises Unavailable: ``SERVER_BUSY``, the server is shutting down.
        """
        return await self.run_ahead(_nothing, partial(work, *args, **kwargs))

    async def run_ahead(self, rest: Callable[[], None], work: Callable[[], T]) -> T:
        """Do the same; ``rest`` follows in the same thread, and the result does not wait for it.

        If ``work`` fails, ``rest`` does not follow; it raises nothing.
        """
        if self._threads is None:
            raise Unavailable(Status.SERVER_BUSY, "The server is shutting down.")
        self.pending += 1
        waiting: Deferred[T] = Deferred()

        def ended(result: T | Failure) -> None:
            self.pending -= 1
            self.done += not isinstance(result, Failure)
            if not self.pending and self._idle is not None:
                idle, self._idle = self._idle, None
                self._reactor.callLater(0, idle.callback, None)
            waiting.callback(result)

        def in_thread() -> None:
            try:
                result: T | Failure = work()
            except BaseException:
                self._reactor.callFromThread(ended, Failure())
            else:
                self._reactor.callFromThread(ended, result)
                rest()

        self._threads.callInThread(in_thread)
        return await waiting

    def soon(self, work: Callable[[], None]) -> None:
        """Run a function whose result nobody waits for; what goes wrong is logged."""

        def failed(failure: Failure) -> None:
            _log.warn("work on the disk failed: {reason}", reason=failure.getErrorMessage())

        Deferred.fromCoroutine(self.run(work)).addErrback(failed)


def _nothing() -> None:
    pass
