"""Events with several waiters. Each gets its own Deferred, so cancelling one does not affect the others."""

from __future__ import annotations

from typing import Generic, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

T = TypeVar("T")


class Waiters(Generic[T]):
    """The Deferreds that wait for one event; whether it has happened is stored elsewhere."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[Deferred[T], None] = {}  # in the order in which they came

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self) -> Deferred[T]:
        """Return a new waiting Deferred; it may be cancelled or given a timeout."""
        waiter: Deferred[T] = Deferred(self._forget)
        self._waiting[waiter] = None
        return waiter

    def fire(self, result: T | Failure) -> None:
        """Fire all of them with this result or failure; those added meanwhile wait for the next."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, {}
        for waiter in waiting:
            if not waiter.called:  # otherwise another waiter has just cancelled it
                waiter.callback(result)

    def join(self, others: Waiters[T]) -> None:
        """Move the Deferreds of ``others`` here, after the present ones."""
        for waiter in others._waiting:
            if not waiter.called:
                self._waiting[waiter] = None
        others._waiting = {}

    def _forget(self, waiter: Deferred[T]) -> None:
        self._waiting.pop(waiter, None)


class Event:
    """A flag to wait for, like ``asyncio.Event``: waiters continue when it is set, or at once while it is."""

    __slots__ = ("_waiters", "is_set")

    def __init__(self, is_set: bool = False) -> None:
        self.is_set = is_set
        """Whether it is set; read-only."""
        self._waiters: Waiters[None] = Waiters()

    def set(self) -> None:
        """Set it (idempotent)."""
        self.is_set = True
        self._waiters.fire(None)

    def clear(self) -> None:
        """Clear it (idempotent)."""
        self.is_set = False

    def wait(self) -> Deferred[None]:
        """Fire when it is set."""
        return succeed(None) if self.is_set else self._waiters.add()


class Result(Generic[T]):
    """A result that is set once; any number of callers may wait for it, before and after."""

    __slots__ = ("_outcome", "_waiters", "settled")

    def __init__(self) -> None:
        self.settled = False
        """Whether it is set; read-only."""
        self._outcome: T | Failure | None = None
        self._waiters: Waiters[T] = Waiters()

    def settle(self, outcome: T | Failure) -> None:
        """Set the result; only the first call has an effect."""
        if not self.settled:
            self.settled, self._outcome = True, outcome
            self._waiters.fire(outcome)

    def wait(self) -> Deferred[T]:
        """Fire with the result."""
        waiter = self._waiters.add()
        if self.settled:
            self._waiters.fire(self._outcome)  # type: ignore[arg-type]  # it is set
        return waiter
