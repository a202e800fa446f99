"""Process all members once per interval, spread over the interval."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from imsys.util.background import run_in_background

_log = Logger()

RETRY = 1.0
"""Seconds before a failed slice is retried."""


class PeriodicSweep(Service):
    """Processes every member once per interval, in slices that are spread over it.

    A slice that fails is retried until it succeeds; the rest of the sweep then follows without pauses, so
    that every member is processed once a sweep.

    :param interval: seconds of one sweep.
    :param members: returns the members; called at the beginning of a sweep.
    :param work: processes a slice; returns ``False`` if that is not possible now.
    :param size: members of a slice.
    """

    def __init__(
        self,
        clock: IReactorTime,
        interval: float,
        members: Callable[[], list[int]],
        work: Callable[[list[int]], Awaitable[bool]],
        size: int,
    ) -> None:
        self._clock = clock
        self._interval = interval
        self._members = members
        self._work = work
        self._size = size
        self._running: Deferred[None] | None = None

    def startService(self) -> None:
        """Begin the first sweep."""
        super().startService()
        self._running = run_in_background(self._run(), _log, "going round failed")

    def stopService(self) -> None:
        """Stop; cancel the present slice."""
        super().stopService()
        running, self._running = self._running, None
        if running is not None:
            running.cancel()

    async def _run(self) -> None:
        while self.running:
            began = self._clock.seconds()
            members = self._members()
            for start in range(0, len(members), self._size):
                await self._until(began + self._interval * start / len(members))
                await self._insist(members[start : start + self._size])
            await self._until(began + self._interval)

    async def _insist(self, members: list[int]) -> None:
        while self.running:
            try:
                if await self._work(members):
                    return
            except CancelledError:
                raise
            except Exception:
                _log.failure("a slice of a round failed")
                return
            await self._until(self._clock.seconds() + RETRY)

    async def _until(self, moment: float) -> None:
        left = moment - self._clock.seconds()
        if left > 0 and self.running:  # the work may have swallowed the cancellation
            await deferLater(self._clock, left)
