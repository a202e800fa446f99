"""Keep messages of threads that another server has locked, and retry them in order, apart from others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

RETRY = 0.1
"""Seconds between two attempts at a thread."""


class Waiting(Protocol):
    """A waiting item."""

    thread_id: int
    since: float
    """When it arrived, by the clock."""


T = TypeVar("T", bound=Waiting)


class SetAside(Generic[T]):
    """Items that wait, by thread.

    :param seconds: a monotonic clock.
    :param patience: seconds after which an item is too late.
    """

    def __init__(self, seconds: Callable[[], float], patience: float) -> None:
        self._seconds = seconds
        self._patience = patience
        self._threads: dict[int, deque[T]] = {}
        self._due = 0.0

    def __bool__(self) -> bool:
        return bool(self._threads)

    def __contains__(self, thread_id: int) -> bool:
        return thread_id in self._threads

    def __len__(self) -> int:
        """Return the number of items, not of threads."""
        return sum(map(len, self._threads.values()))

    @property
    def wait(self) -> float:
        """Seconds until the next attempt."""
        return max(0.0, self._due - self._seconds())

    def add(self, item: T) -> None:
        """Add an item after all others of its thread."""
        self._threads.setdefault(item.thread_id, deque()).append(item)

    def put_back(self, items: Sequence[T]) -> None:
        """Put tried items back, in their order, before those that were added to their threads meanwhile."""
        for item in reversed(items):
            self._threads.setdefault(item.thread_id, deque()).appendleft(item)
        self._due = self._seconds() + RETRY

    def late(self) -> list[T]:
        """Take the items that have waited for too long, in the order of their threads."""
        latest = self._seconds() - self._patience
        late: list[T] = []
        for thread_id, items in list(self._threads.items()):
            while items and items[0].since <= latest:
                late.append(items.popleft())
            if not items:
                del self._threads[thread_id]
        return late

    def due(self, most: int) -> list[T]:
        """Take the items to try now, in the order of their threads; at most ``most`` per call."""
        if self.wait:
            return []
        due: list[T] = []
        for thread_id, items in list(self._threads.items()):
            while items and len(due) < most:
                due.append(items.popleft())
            if items:
                break
            del self._threads[thread_id]
        return due

    def take_all(self) -> list[T]:
        """Take everything."""
        threads, self._threads = self._threads, {}
        return [item for items in threads.values() for item in items]
