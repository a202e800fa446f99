"""Doubts: what may be stored although the database did not say so, and what nobody was told of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable
from contextlib import suppress
from typing import TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.errors import Refused, Status, Unavailable
from imsys.store.threads import ThreadStore
from imsys.util.background import run_in_background
from imsys.util.events import Event

_log = Logger()

T = TypeVar("T")

Tell = Callable[[], Awaitable[object]]
"""Reads what stands in the database, once nothing is under way that could change it unheard, and tells whoever is concerned."""

RETRY = 1.0
"""Seconds until the database is asked, again and again, who may have missed something."""

THREADS = 100_000
"""Threads that are remembered; beyond, everybody is asked to catch up."""

NEWS = 10_000
"""Other news that are remembered; beyond, everybody is asked to catch up."""

AT_ONCE = 500
"""Threads of one query."""

TOLD_AT_ONCE = 10
"""News that are told at the same time."""

FLUSH = 2.0
"""Seconds for the last attempt, when the server stops."""


class UnconfirmedWrites(Service):
    """What one server has in doubt: as soon as the database answers, the members of these threads are asked to catch up, and news are told.

    It does not depend on who wanted it, who may ask for it again, at whichever server, or never.
    """

    def __init__(self, clock: IReactorTime, threads: ThreadStore, catch_up: Callable[[Collection[int] | None], None]) -> None:
        """``catch_up`` takes users, or ``None`` for everybody."""
        self._clock = clock
        self._store = threads
        self._catch_up = catch_up
        self._threads: set[int] = set()
        self._news: dict[Hashable, Tell] = {}
        self._everybody = False
        self._call: IDelayedCall | None = None
        self._idle = Event(is_set=True)  # nobody is being asked

    def __len__(self) -> int:
        return len(self._threads) + len(self._news)

    def add(self, threads: Iterable[int]) -> None:
        """These threads may have texts that nobody was told of."""
        self._threads.update(threads)
        if len(self._threads) > THREADS:
            self._threads.clear()
            self._everybody = True
        self._later()

    def tell(self, key: Hashable, tell: Tell) -> None:
        """Have something told in a moment, and again until that has worked or is refused for good; of one key only the latest."""
        self._news[key] = tell
        if len(self._news) > NEWS:
            self._news.clear()
            self._everybody = True
        self._later()

    async def watch(self, key: Hashable, change: Awaitable[T], tell: Tell) -> T:
        """Make a change. Where the database does not say whether it was made, that is told as soon as it is known.

        :raises Refused: as the change.
        """
        try:
            return await change
        except Unavailable as unavailable:
            if unavailable.status is Status.MYSQL_INTERNAL_ERROR:
                self.tell(key, tell)
            raise

    def stopService(self) -> Deferred[None]:
        """Try once more; if that is in vain, whoever is online elsewhere catches up, and those who are here do when they log in again."""
        super().stopService()
        if self._call is not None:
            self._call.cancel()
            self._call = None
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._doubtful and self._idle.is_set:
            self._start()
        with suppress(DeferredTimeout):
            await self._idle.wait().addTimeout(FLUSH, self._clock)
        if self._doubtful or not self._idle.is_set:
            self._catch_up(None)

    @property
    def _doubtful(self) -> bool:
        return bool(self._threads or self._news or self._everybody)

    def _later(self) -> None:
        if self.running and self._call is None and self._idle.is_set:
            self._call = self._clock.callLater(RETRY, self._start)

    def _start(self) -> None:
        self._call = None
        self._idle.clear()
        run_in_background(self._ask(), _log, "nobody could be asked to catch up").addCallback(self._asked)

    def _asked(self, _: None) -> None:
        self._idle.set()
        if self._doubtful:
            self._later()

    async def _ask(self) -> None:
        try:
            await self._ask_for_threads()
        except Refused:
            return  # it is still away
        news = list(self._news.items())
        for start in range(0, len(news), TOLD_AT_ONCE):
            some = news[start : start + TOLD_AT_ONCE]
            await gatherResults([Deferred.fromCoroutine(self._tell(key, tell)) for key, tell in some])

    async def _ask_for_threads(self) -> None:
        while self._threads or self._everybody:
            some, everybody = sorted(self._threads)[:AT_ONCE], self._everybody
            self._threads.difference_update(some)  # one that comes to be in doubt meanwhile is asked for again
            self._everybody = False
            try:
                members = await self._store.members(some)
            except BaseException:
                self._threads.update(some)
                self._everybody = self._everybody or everybody
                raise
            self._catch_up(None if everybody else members)

    async def _tell(self, key: Hashable, tell: Tell) -> None:
        try:
            await tell()
        except Refused as refused:
            if refused.status.retryable:
                return
            _log.debug("there is nothing to tell of {key}: {reason}", key=key, reason=refused.message)
        except Exception:
            _log.failure("what became of {key} could not be told", key=key)
        if self._news.get(key) is tell:
            del self._news[key]
