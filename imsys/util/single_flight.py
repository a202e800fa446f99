"""Work that is done once for all who ask for it at the same time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imsys.util.events import Waiters

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


class SingleFlight(Generic[K, R]):
    """Of each key one call of ``work`` at a time; who asks meanwhile shares it, and gets the same result or exception.

    What has begun is done to its end, even if nobody waits for it any more.
    """

    def __init__(self, work: Callable[[K], Coroutine[Any, Any, R]]) -> None:
        self._work = work
        self._flights: dict[K, Waiters[R]] = {}

    def __len__(self) -> int:
        """Keys that are worked on."""
        return len(self._flights)

    def __contains__(self, key: K) -> bool:
        return key in self._flights

    def run(self, key: K) -> Deferred[R]:
        """Have the work done for a key, or wait for who does; fires with what came of it. It may be cancelled."""
        waiters = self._flights.get(key)
        if waiters is not None:
            return waiters.add()
        waiters = self._flights[key] = Waiters()
        waiter = waiters.add()
        Deferred.fromCoroutine(self._work(key)).addBoth(self._landed, key)
        return waiter

    def _landed(self, result: R | Failure, key: K) -> None:
        self._flights.pop(key).fire(result)
