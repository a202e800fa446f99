"""Share one call among all callers that need the same work at the same time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imsys.util.events import Waiters

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


class SingleFlight(Generic[K, R]):
    """Runs one call of ``work`` per key at a time; concurrent callers share its result or exception.

    A call runs to its end even if nobody waits for it any more.
    """

    def __init__(self, work: Callable[[K], Coroutine[Any, Any, R]]) -> None:
        self._work = work
        self._flights: dict[K, Waiters[R]] = {}

    def __len__(self) -> int:
        """Return the number of running calls."""
        return len(self._flights)

    def __contains__(self, key: K) -> bool:
        return key in self._flights

    def run(self, key: K) -> Deferred[R]:
        """Start the work for a key, or join the running call; fire with its result. It may be cancelled."""
        waiters = self._flights.get(key)
        if waiters is not None:
            return waiters.add()
        waiters = self._flights[key] = Waiters()
        waiter = waiters.add()
        Deferred.fromCoroutine(self._work(key)).addBoth(self._landed, key)
        return waiter

    def _landed(self, result: R | Failure, key: K) -> None:
        self._flights.pop(key).fire(result)
