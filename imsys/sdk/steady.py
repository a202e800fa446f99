"""Monotonic timed calls, on a reactor whose clock is the time of day.

Twisted's own reactors use the time of day. When that is set back by an hour, every timed call is an hour
late: deadlines do not end, and retries do not happen. A library must not replace the clock of the
application's reactor. So, if the reactor's clock can be set, :func:`steady_reactor` keeps timed calls of its
own by the monotonic clock. It cannot use a timed call of the reactor as its wake-up, since that would be late
too; so a thread sleeps until the next call is due, and then calls into the reactor. There is one such thread
for each reactor, and it does nothing else.
"""

from __future__ import annotations

import math
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from heapq import heapify, heappop, heappush
from typing import Any

from twisted.internet.base import DelayedCall
from twisted.internet.interfaces import IDelayedCall, IReactorThreads, IReactorTime
from twisted.logger import Logger
from zope.interface import directlyProvides, implementer, providedBy

_log = Logger()

_DATE = 1e9
"""A clock beyond this is the time of day (Unix seconds: 2001); a monotonic one starts at zero or at boot."""

_LONGEST = 3600.0
"""Seconds that the thread sleeps, at most: systems limit the length of a wait."""

_MANY_CANCELLED = 50
"""Cancelled calls that are kept in the heap before it is cleaned."""

_made: dict[Any, Steady] = {}


def steady_reactor(reactor: Any) -> Any:
    """Return the reactor with timed calls that are on time even if the time of day is set.

    It returns the reactor itself if its clock cannot be set (that of imsys' servers, a test's clock).
    """
    threads: bool = IReactorThreads.providedBy(reactor)
    if not threads or reactor.seconds() < _DATE:
        return reactor
    if reactor not in _made:
        _made[reactor] = Steady(reactor)
        reactor.addSystemEventTrigger("after", "shutdown", _made[reactor].end)
    return _made[reactor]


def own_clock(reactor: Any) -> Any:
    """Return the clock of a reactor itself, for what it does in its next turn: no other is as quick."""
    return reactor._reactor if isinstance(reactor, Steady) else reactor


@implementer(IReactorTime)
class Steady:
    """A proxy of a reactor with a monotonic clock. Made by :func:`steady_reactor`."""

    seconds = staticmethod(time.monotonic)

    def __init__(self, reactor: Any) -> None:
        directlyProvides(self, providedBy(reactor))
        self._reactor = reactor
        self._calls: list[DelayedCall] = []  # a heap
        self._cancelled = 0
        self._alarm = _Alarm(lambda: reactor.callFromThread(self._due))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> IDelayedCall:
        """See :class:`twisted.internet.interfaces.IReactorTime`."""
        if delay < 0:
            raise ValueError(f"{delay} s is no time to wait")
        call = DelayedCall(
            self.seconds() + delay, callable, args, kwargs, self._forget, self._sooner, self.seconds
        )
        heappush(self._calls, call)
        self._alarm.set(self._calls[0].time)
        return call

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        """See :class:`twisted.internet.interfaces.IReactorTime`."""
        return [call for call in self._calls if not call.cancelled]

    def end(self) -> None:
        """Stop all timed calls: the reactor has stopped."""
        _made.pop(self._reactor, None)
        self._alarm.end()

    def _forget(self, call: DelayedCall) -> None:
        self._cancelled += 1
        if self._cancelled > _MANY_CANCELLED and self._cancelled > len(self._calls) / 2:
            self._cancelled = 0
            self._calls = [other for other in self._calls if not other.cancelled and other is not call]
            heapify(self._calls)

    def _sooner(self, call: DelayedCall) -> None:
        heapify(self._calls)
        self._alarm.set(self._calls[0].time)

    def _due(self) -> None:
        now = self.seconds()
        while self._calls and self._calls[0].time <= now:
            call = heappop(self._calls)
            if call.cancelled:
                self._cancelled = max(0, self._cancelled - 1)
            elif call.delayed_time > 0.0:
                call.activate_delay()
                heappush(self._calls, call)
            else:
                call.called = 1
                with _log.failuresHandled("a timed call failed"):
                    call.func(*call.args, **call.kw)
        if self._calls:
            self._alarm.set(self._calls[0].time)


class _Alarm:
    """A thread that sleeps until a given time, and then calls ``ring``."""

    def __init__(self, ring: Callable[[], object]) -> None:
        self._ring = ring
        self._lock = threading.Lock()
        self._at = math.inf
        self._over = False
        self._waker, self._woken = socket.socketpair()
        for end in (self._waker, self._woken):
            end.setblocking(False)
        self._thread: threading.Thread | None = None

    def set(self, at: float) -> None:
        """Ring at a time of the monotonic clock; an earlier time that is already set comes first."""
        with self._lock:
            sooner = at < self._at
            if sooner:
                self._at = at
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="imsys.sdk.steady", daemon=True)
            self._thread.start()
        elif sooner:
            self._wake()

    def end(self) -> None:
        """Stop ringing, and end the thread."""
        self._over = True
        if self._thread is None:
            self._close()
        else:
            self._wake()

    def _wake(self) -> None:
        with suppress(OSError):  # full: the thread wakes anyway; or closed: it has ended
            self._waker.send(b"!")

    def _run(self) -> None:
        # Waiting on a socket goes by a duration; waiting on a lock goes by the time of day on some systems.
        with getattr(selectors, "PollSelector", selectors.SelectSelector)() as waiting:
            waiting.register(self._woken, selectors.EVENT_READ)
            while not self._over:
                with self._lock:
                    left = self._at - time.monotonic()
                    if left <= 0:
                        self._at = math.inf
                if left <= 0:
                    try:
                        self._ring()
                    except (OSError, RuntimeError):
                        break  # the reactor has stopped without shutting down
                elif waiting.select(min(left, _LONGEST)):
                    self._woken.recv(4096)
        self._close()

    def _close(self) -> None:
        self._waker.close()
        self._woken.close()
