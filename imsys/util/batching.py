"""Process items in batches: while one batch is processed, the next one gathers."""

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
    """Calls ``work`` with all items that have gathered.

    No item waits for others: the first one starts a call.

    :param work: takes items; returns for each, in order, its result or its own exception. After it has
        raised, it may be called again with some of the items.
    :param surge: while a surge is expected, wait a moment after a shared call, so that more items gather.
        With it, and a reactor that supports it, calls begin at the end of a reactor's turn: items of one turn
        share a call.
    :param most: items of one call, at most.
    :param queue: items that wait, at most; further ones are refused with SERVER_BUSY (73).
    """

    def __init__(
        self,
        work: Callable[[list[T]], Awaitable[Sequence[R | Exception]]],
        *,
        most: int,
        queue: int,
        surge: Surge | None = None,
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
        """Queue an item; fire with its result.

        Fails with :class:`Refused` (SERVER_BUSY, 73) if too many wait, else with the exception that ``work``
        raised or returned.
        """
        result: Deferred[R] = Deferred()
        if len(self._waiting) >= self._queue:
            result.errback(
                Refused(Status.SERVER_BUSY, "Too many requests of this kind are waiting.", retry_after=1.0)
            )
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
        """Fire when nothing runs or waits."""
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
            # items that gathered meanwhile would wait as long again for the same answer
            batch = [*batch, *self._waiting]
            self._waiting.clear()
            outcomes = [copy.copy(refused) for _ in batch]
        except Exception as error:
            if len(batch) > 1:  # find the failing item, so that it fails alone
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
