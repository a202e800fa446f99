"""Deadlines of many connections, by one timer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class HasDeadline(Protocol):
    """Something with a deadline that is put off as long as it lives."""

    deadline: float
    """When it is due, in seconds of the wheel's clock; may be moved on at any time."""

    def expired(self) -> None:
        """Act on the deadline, which has passed."""
        ...


class DeadlineWheel:
    """Watches deadlines with one timer: moving one on is an assignment, and costs nothing until the old one
    is reached.
    """

    def __init__(self, clock: IReactorTime, tick: float = 0.5) -> None:
        """``tick`` is in seconds; a deadline is noticed at most that late."""
        self.now: Callable[[], float] = clock.seconds
        """The time by which deadlines are."""
        self._clock = clock
        self._tick = tick
        self._slots: dict[int, set[HasDeadline]] = {}
        # the slot itself: its number would be one more object for each
        self._where: dict[HasDeadline, set[HasDeadline]] = {}
        self._next = 0
        self._call: IDelayedCall | None = None

    def __len__(self) -> int:
        return len(self._where)

    def add(self, one: HasDeadline) -> None:
        """Watch something until it is removed or expires; also where its deadline was moved nearer."""
        self._forget(one)
        if self._call is None:
            self._slots.clear()  # of those that became empty before their time
            self._next = self._slot(self.now()) + 1
            self._schedule()
        self._put(one)

    def expire(self, one: HasDeadline, seconds: float) -> None:
        """Set a deadline so many seconds from now, and watch it."""
        before, one.deadline = one.deadline, self.now() + seconds
        # else it is found out when the old one is reached
        if one.deadline < before or one not in self._where:
            self.add(one)

    def remove(self, one: HasDeadline) -> None:
        """Stop watching (idempotent)."""
        self._forget(one)
        if not self._where and self._call is not None:
            self._call.cancel()
            self._call = None

    def soon(self, call: Callable[[], object]) -> None:
        """Call this in the next turn of the reactor."""
        self._clock.callLater(0, call)

    def _forget(self, one: HasDeadline) -> None:
        slot = self._where.pop(one, None)
        if slot is not None:
            slot.discard(one)  # an empty one goes when its time has come

    def _schedule(self) -> None:
        self._call = self._clock.callLater(max(0.0, self._next * self._tick - self.now()), self._turn)

    def _slot(self, moment: float) -> int:
        return int(moment / self._tick)

    def _put(self, one: HasDeadline) -> None:
        slot = max(self._slot(one.deadline) + 1, self._next)
        members = self._where[one] = self._slots.setdefault(slot, set())
        members.add(one)

    def _turn(self) -> None:
        self._call = None
        now = self.now()
        due: list[HasDeadline] = []
        while self._next <= self._slot(now):
            due.extend(self._slots.pop(self._next, ()))
            self._next += 1
        if self._where:
            self._schedule()
        for one in due:
            if self._where.pop(one, None) is None:
                continue
            if one.deadline <= now:
                one.expired()
            else:
                self._put(one)
