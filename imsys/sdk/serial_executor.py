"""Work on one file, in threads, a piece at a time."""

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
        """The result of a function."""

        def alone() -> T:
            with self._lock:  # who was cancelled may have left a thread behind
                return work(*args, **kwargs)

        return await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), alone)
