"""Things that several may wait for. Each gets a Deferred of its own: who gives up, or is late, harms nobody else."""

from __future__ import annotations

from typing import Generic, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

T = TypeVar("T")


class Waiters(Generic[T]):
    """Those who wait for the same thing now; whether it has happened is known elsewhere."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[Deferred[T], None] = {}  # in the order in which they came

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self) -> Deferred[T]:
        """One more. It may be cancelled, or given a timeout, and waits no more then."""
        waiter: Deferred[T] = Deferred(self._forget)
        self._waiting[waiter] = None
        return waiter

    def fire(self, result: T | Failure) -> None:
        """Give all of them this result, or failure; whoever comes meanwhile waits for the next."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, {}
        for waiter in waiting:
            if not waiter.called:  # else another of them has cancelled it just now
                waiter.callback(result)

    def join(self, others: Waiters[T]) -> None:
        """Have others wait here from now on, behind those who do already."""
        for waiter in others._waiting:
            if not waiter.called:
                self._waiting[waiter] = None
        others._waiting = {}

    def _forget(self, waiter: Deferred[T]) -> None:
        self._waiting.pop(waiter, None)


class Event:
    """Something that is so or not, as ``asyncio.Event``: whoever waits goes on when it is set, or at once while it is."""

    __slots__ = ("_waiters", "is_set")

    def __init__(self, is_set: bool = False) -> None:
        self.is_set = is_set
        """Whether it is so; to be read only."""
        self._waiters: Waiters[None] = Waiters()

    def set(self) -> None:
        """It is so from now on (idempotent)."""
        self.is_set = True
        self._waiters.fire(None)

    def clear(self) -> None:
        """It is so no more (idempotent)."""
        self.is_set = False

    def wait(self) -> Deferred[None]:
        """Fires when it is so."""
        return succeed(None) if self.is_set else self._waiters.add()


class Result(Generic[T]):
    """What comes of something, once and for all: it may be asked for any number of times, before and after."""

    __slots__ = ("_outcome", "_waiters", "settled")

    def __init__(self) -> None:
        self.settled = False
        """Whether it is known; to be read only."""
        self._outcome: T | Failure | None = None
        self._waiters: Waiters[T] = Waiters()

    def settle(self, outcome: T | Failure) -> None:
        """Here it is; what is said later changes nothing."""
        if not self.settled:
            self.settled, self._outcome = True, outcome
            self._waiters.fire(outcome)

    def wait(self) -> Deferred[T]:
        """Fires with it."""
        waiter = self._waiters.add()
        if self.settled:
            self._waiters.fire(self._outcome)  # type: ignore[arg-type]  # it is one
        return waiter
