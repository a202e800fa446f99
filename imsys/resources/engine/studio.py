"""Threads in which whole files are inspected and pictured; users take turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from imsys.resources.disk import Disk
from imsys.util.fair_queue import FairQueue

T = TypeVar("T")

THREADS = 2
"""Files that are inspected at a time."""

SHARE = THREADS - 1
"""Of one user: so that whatever somebody sends, the next one has a thread at once."""


class Studio(Disk):
    """Runs work that may take seconds in a few threads.

    That of a user waits for one piece of every other user's, at most.
    """

    def __init__(self, reactor: Any) -> None:
        super().__init__(reactor, THREADS)
        self._queue: FairQueue[int, tuple[int, Deferred[None]]] = FairQueue()
        self._at_work: Counter[int] = Counter()

    async def run_for(self, user: int, work: Callable[[], T]) -> T:
        """Run a function in a thread when it is this user's turn, and return its result.

        :raises Unavailable: ``SERVER_BUSY``, the server is shutting down.
        """
        turn: Deferred[None] = Deferred()
        self._queue.add(user, (user, turn))
        self._next()
        await turn
        try:
            return await self.run(work)
        finally:
            self._at_work[user] -= 1
            self._at_work += Counter()  # those with nothing go
            self._next()

    def _next(self) -> None:
        while self._at_work.total() < THREADS:
            try:
                user, turn = self._queue.pop(
                    {user for user, count in self._at_work.items() if count >= SHARE}
                )
            except IndexError:
                return
            if not turn.called:  # else nobody waits for it any more
                self._at_work[user] += 1
                turn.callback(None)
