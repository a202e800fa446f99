"""Doing something for everybody once an interval, without ever doing it for all of them at once."""

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
"""Seconds until what could not be done is tried again."""


class PeriodicSweep(Service):
    """Goes round all members once an interval, in slices that are spread over it.

    A slice that could not be worked on is tried again until it can; the rest of
    its round then follows without pauses, so that nobody's turn is left out.

    :param interval: seconds of one round.
    :param members: whoever is to be worked on, asked for at the beginning of a round.
    :param work: does it for a slice; ``False``: it was not possible now.
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
        """Begin the first round."""
        super().startService()
        self._running = run_in_background(self._run(), _log, "going round failed")

    def stopService(self) -> None:
        """End with the slice that is being worked on."""
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
        if left > 0 and self.running:  # the work may have taken our being stopped for a failure of its own
            await deferLater(self._clock, left)
