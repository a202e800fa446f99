"""Deadlines of many connections, by one timer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Mortal(Protocol):
    """Something with a deadline that is put off as long as it lives."""

    deadline: float
    """When it is due, in seconds of the wheel's clock; may be moved on at any time."""

    def expired(self) -> None:
        """The deadline has passed."""
        ...


class DeadlineWheel:
    """A timing wheel: moving a deadline on is an assignment, and costs nothing until the old one is reached."""

    def __init__(self, clock: IReactorTime, tick: float = 0.5) -> None:
        """``tick`` is in seconds; a deadline is noticed at most that late."""
        self._clock = clock
        self._tick = tick
        self._slots: dict[int, set[Mortal]] = {}
        self._where: dict[Mortal, int] = {}
        self._next = 0
        self._call: IDelayedCall | None = None

    def __len__(self) -> int:
        return len(self._where)

    def add(self, mortal: Mortal) -> None:
        """Watch something until it is removed or expires; also where its deadline was moved nearer."""
        self._forget(mortal)
        if self._call is None:
            self._next = self._slot(self._clock.seconds()) + 1
            self._schedule()
        self._put(mortal)

    def remove(self, mortal: Mortal) -> None:
        """Watch it no more."""
        self._forget(mortal)
        if not self._where and self._call is not None:
            self._call.cancel()
            self._call = None

    def soon(self, call: Callable[[], object]) -> None:
        """Have this called in the next turn."""
        self._clock.callLater(0, call)

    def _forget(self, mortal: Mortal) -> None:
        slot = self._where.pop(mortal, None)
        members = None if slot is None else self._slots.get(slot)  # none for one that is about to expire
        if slot is not None and members is not None:
            members.discard(mortal)
            if not members:
                del self._slots[slot]

    def _schedule(self) -> None:
        self._call = self._clock.callLater(max(0.0, self._next * self._tick - self._clock.seconds()), self._turn)

    def _slot(self, moment: float) -> int:
        return int(moment / self._tick)

    def _put(self, mortal: Mortal) -> None:
        slot = max(self._slot(mortal.deadline) + 1, self._next)
        self._where[mortal] = slot
        self._slots.setdefault(slot, set()).add(mortal)

    def _turn(self) -> None:
        self._call = None
        now = self._clock.seconds()
        due: list[Mortal] = []
        while self._next <= self._slot(now):
            due.extend(self._slots.pop(self._next, ()))
            self._next += 1
        if self._where:
            self._schedule()
        for mortal in due:
            if self._where.pop(mortal, None) is None:
                continue
            if mortal.deadline <= now:
                mortal.expired()
            else:
                self._put(mortal)
