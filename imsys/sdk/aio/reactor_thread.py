"""A Twisted reactor in a thread, and calls into it from an asyncio program."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from imsys.errors import Status, Unavailable
from imsys.sdk.connection import NotStarted

T = TypeVar("T")


def _new_reactor() -> Any:
    """Make a reactor that is nobody else's; it is not installed."""
    try:
        from twisted.internet.epollreactor import EPollReactor as Reactor
    except ImportError:
        from twisted.internet.selectreactor import SelectReactor as Reactor

    class Monotonic(Reactor):
        """Its clock cannot be set."""

        seconds = staticmethod(time.monotonic)

    return Monotonic()


class ReactorThread:
    """Runs a reactor from ``start`` to ``stop``, once.

    :attr:`reactor` may be used in calls alone that are made by :meth:`run` and :meth:`call`.
    """

    def __init__(self) -> None:
        self.reactor = _new_reactor()
        # a program that never comes to its end must not be kept from it by a thread that waits for work
        self.reactor.getThreadPool().threadFactory = partial(threading.Thread, daemon=True)
        self._thread = threading.Thread(target=self._run, name="imsys.sdk.aio", daemon=True)
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._running: set[Deferred[Any]] = set()  # calls that are under way; of the thread alone
        self.is_open = True
        """Whether calls can be made."""
        self._thread.start()

    async def stop(self) -> None:
        """End the thread; calls that are under way are given up."""
        if self.is_open:
            self.is_open = False
            self.reactor.callFromThread(self._end)
        await asyncio.shield(self._over)

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Have a function called in the thread; nothing happens when that is over."""
        if self.is_open:
            self.reactor.callFromThread(function, *arguments)

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Await in the thread what ``work`` gives back there; who is cancelled meanwhile cancels it.

        :raises Unavailable: the client is closed.
        """
        if not self.is_open:
            raise NotStarted
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        begun: list[Deferred[T]] = []

        async def awaited() -> T:
            return await work()

        def begin() -> None:
            deferred = Deferred.fromCoroutine(awaited())
            begun.append(deferred)
            self._running.add(deferred)
            deferred.addBoth(ended, deferred)
            deferred.addCallbacks(
                lambda result: _from_thread(loop, outcome, result, None),
                lambda reason: _from_thread(loop, outcome, None, reason),
            )

        def ended(result: Any, deferred: Deferred[T]) -> Any:
            self._running.discard(deferred)
            return result

        def cancel() -> None:
            for deferred in begun:  # it has begun: calls come in their order
                deferred.cancel()

        self.reactor.callFromThread(begin)
        try:
            return await outcome
        except asyncio.CancelledError:
            self.call(cancel)
            raise

    def _end(self) -> None:
        for deferred in tuple(self._running):
            deferred.cancel()
        self.reactor.stop()

    def _run(self) -> None:
        try:
            self.reactor.run(installSignalHandlers=False)
        finally:
            for waker in tuple(self.reactor._internalReaders):  # a reactor never closes these
                waker.connectionLost(Failure(ConnectionDone()))
            if (poller := getattr(self.reactor, "_poller", None)) is not None:
                poller.close()
            with suppress(RuntimeError):  # the program's loop is closed
                self._loop.call_soon_threadsafe(_settle, self._over, None, None)


def _from_thread(
    loop: asyncio.AbstractEventLoop, outcome: asyncio.Future[Any], result: Any, reason: Failure | None
) -> None:
    problem = None if reason is None else _translated(reason.value)
    with suppress(RuntimeError):  # the program's loop is closed
        loop.call_soon_threadsafe(_settle, outcome, result, problem)


def _settle(outcome: asyncio.Future[Any], result: Any, problem: BaseException | None) -> None:
    if outcome.done():
        return  # cancelled meanwhile
    if problem is None:
        outcome.set_result(result)
    else:
        outcome.set_exception(problem)


def _translated(problem: BaseException | None) -> BaseException:
    """Return what an asyncio program expects in the place of Twisted's own exceptions."""
    if isinstance(problem, defer.TimeoutError):
        return TimeoutError(str(problem))
    if problem is None or isinstance(problem, defer.CancelledError):  # asyncio's would end the caller's task
        return Unavailable(Status.NETWORK_ERROR, "It was given up.")
    return problem
