"""Doubts: texts that may be stored although the database did not say so, and that nobody was told of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.errors import Refused
from imsys.store.threads import ThreadStore

_log = Logger()

RETRY = 1.0
"""Seconds until the database is asked, again and again, who may have missed something."""

THREADS = 100_000
"""Threads that are remembered; beyond, everybody is asked to catch up."""

AT_ONCE = 500
"""Threads of one query."""


class Doubts(Service):
    """Threads with such texts: as soon as the database answers, their members are asked to catch up.

    It does not depend on the sender, who may write the text again, to whichever server, or never.
    """

    def __init__(self, clock: IReactorTime, threads: ThreadStore, catch_up: Callable[[Collection[int] | None], None]) -> None:
        """``catch_up`` takes users, or ``None`` for everybody."""
        self._clock = clock
        self._store = threads
        self._catch_up = catch_up
        self._threads: set[int] = set()
        self._everybody = False
        self._call: IDelayedCall | None = None
        self._asking = False

    def __len__(self) -> int:
        return len(self._threads)

    def add(self, threads: Iterable[int]) -> None:
        """These threads may have texts that nobody was told of."""
        self._threads.update(threads)
        if len(self._threads) > THREADS:
            self._threads.clear()
            self._everybody = True
        self._later()

    def stopService(self) -> None:
        """Ask no more: users catch up when they log in elsewhere."""
        super().stopService()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _later(self) -> None:
        if self.running and self._call is None and not self._asking:
            self._call = self._clock.callLater(RETRY, self._start)

    def _start(self) -> None:
        self._call = None
        self._asking = True
        Deferred.fromCoroutine(self._ask()).addErrback(lambda reason: _log.failure("nobody could be asked to catch up", reason))

    async def _ask(self) -> None:
        try:
            while self._threads:
                some = sorted(self._threads)[:AT_ONCE]
                members = await self._store.members(some)
                self._threads.difference_update(some)
                self._catch_up(members)
            if self._everybody:
                await self._store.members([])  # whether it answers
                self._everybody = False
                self._catch_up(None)
        except Refused:
            pass  # it is still away
        finally:
            self._asking = False
            if self._threads or self._everybody:
                self._later()
