"""Work that costs less for many at once: while it is done for some, the next ones gather."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from imsys.errors import Refused, Status
from imsys.util.background import run_in_background
from imsys.util.events import Event
from imsys.util.surge import Surge

_log = Logger()

T = TypeVar("T")
R = TypeVar("R")


class BatchingQueue(Generic[T, R]):
    """Does a piece of work for whatever has gathered. Nothing waits for company: the first one starts it.

    :param work: takes items, and gives for each what came of it, or the exception that is its alone, in their order.
        It may be called again with some of the items after it raised.
    :param surge: where one is expected, more is let come before work that several shared is begun again. With one, and a reactor that has
        ends of turns, work begins at those: what is read in the same turn goes together, and what is sent leaves no later.
    :param most: items of one call of ``work``.
    :param queue: items that wait at most; the next is refused with 73.
    """

    def __init__(
        self, work: Callable[[list[T]], Awaitable[Sequence[R | Exception]]], *, most: int, queue: int, surge: Surge | None = None
    ) -> None:
        self._work = work
        self._most = most
        self._queue = queue
        self._surge = surge
        self._at_turn_end = None if surge is None else surge.at_turn_end
        self._waiting: deque[tuple[T, Deferred[R]]] = deque()
        self._idle = Event(is_set=True)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, item: T) -> Deferred[R]:
        """Have the work done for one more item; fires with what came of it.

        Fails with :class:`Refused`, 73, when too many wait; with what ``work`` raised or gave otherwise.
        """
        result: Deferred[R] = Deferred()
        if len(self._waiting) >= self._queue:
            result.errback(Refused(Status.SERVER_BUSY, "Too many requests of this kind are waiting.", retry_after=1.0))
            return result
        self._waiting.append((item, result))
        if self._idle.is_set:
            self._idle.clear()
            if self._at_turn_end is None:
                self._begin()
            else:
                self._at_turn_end(self._begin)
        return result

    def idle(self) -> Deferred[None]:
        """Fires when nothing is being done, and nothing waits."""
        return self._idle.wait()

    def _begin(self) -> None:
        run_in_background(self._run(), _log, "work for many at once failed")

    async def _run(self) -> None:
        try:
            while self._waiting:
                count = min(len(self._waiting), self._most)
                await self._do([self._waiting.popleft() for _ in range(count)])
                if count > 1 and len(self._waiting) < self._most and self._surge is not None:
                    await self._surge.gather()
                if self._at_turn_end is not None and 0 < len(self._waiting) < self._most:
                    await self._turn_end(self._at_turn_end)
        finally:
            self._idle.set()

    async def _turn_end(self, at_turn_end: Callable[[Callable[[], object]], None]) -> None:
        ended: Deferred[None] = Deferred()
        at_turn_end(lambda: ended.callback(None))
        await ended

    async def _do(self, batch: list[tuple[T, Deferred[R]]]) -> None:
        outcomes: Sequence[R | Exception]
        try:
            outcomes = await self._work([item for item, _ in batch])
            if len(outcomes) != len(batch):
                raise ValueError(f"work for {len(batch)} items gave {len(outcomes)} results")
        except Refused as refused:
            # those who gathered meanwhile would wait as long again, for the same answer
            batch = [*batch, *self._waiting]
            self._waiting.clear()
            outcomes = [copy.copy(refused) for _ in batch]
        except Exception as error:
            if len(batch) > 1:  # find the one that cannot be done, so that it fails alone
                middle = len(batch) // 2
                await self._do(batch[:middle])
                await self._do(batch[middle:])
                return
            outcomes = [error]
        for (_, result), outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Exception):
                result.errback(outcome)
            else:
                result.callback(outcome)
