"""What waits for threads that another server holds: tried again in its order, while everything else goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

RETRY = 0.1
"""Seconds between two attempts at a thread."""


class Waiting(Protocol):
    """An item that waits."""

    thread_id: int
    since: float
    """When it came, by the clock."""


T = TypeVar("T", bound=Waiting)


class SetAside(Generic[T]):
    """Items by their threads.

    :param seconds: a clock that never goes back.
    :param patience: seconds after which an item is given up.
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
        """Items, not threads."""
        return sum(map(len, self._threads.values()))

    @property
    def wait(self) -> float:
        """Seconds until they are tried again."""
        return max(0.0, self._due - self._seconds())

    def add(self, item: T) -> None:
        """An item that came after all others of its thread."""
        self._threads.setdefault(item.thread_id, deque()).append(item)

    def put_back(self, items: Sequence[T]) -> None:
        """Items that were tried, in their order; they come before what was added to their threads meanwhile."""
        for item in reversed(items):
            self._threads.setdefault(item.thread_id, deque()).appendleft(item)
        self._due = self._seconds() + RETRY

    def late(self) -> list[T]:
        """Take those that have waited for too long, in the order of their threads."""
        latest = self._seconds() - self._patience
        late: list[T] = []
        for thread_id, items in list(self._threads.items()):
            while items and items[0].since <= latest:
                late.append(items.popleft())
            if not items:
                del self._threads[thread_id]
        return late

    def due(self, most: int) -> list[T]:
        """Take those that are to be tried now, in the order of their threads: ``most`` at most, the next ones at the next call."""
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
