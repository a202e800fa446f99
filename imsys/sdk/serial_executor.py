"""Run the blocking work on one file in threads, one call at a time."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, ParamSpec, TypeVar

from twisted.internet.threads import deferToThreadPool

P = ParamSpec("P")
T = TypeVar("T")


class SerialExecutor:
    """Runs functions in the reactor's threads, one at a time."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._lock = Lock()

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a thread and return its result."""

        def alone() -> T:
            with self._lock:  # the thread of a cancelled call may still be running
                return work(*args, **kwargs)

        return await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), alone)
