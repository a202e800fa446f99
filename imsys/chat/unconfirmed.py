"""Changes that may be stored although the database did not answer, so that nobody was told of them."""

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
"""Reads the present state from the database and pushes it to the users concerned."""

RETRY = 1.0
"""Seconds between two attempts to ask the database who may have missed something."""

THREADS = 100_000
"""Threads that are remembered, at most; beyond it everybody is asked to catch up."""

NEWS = 10_000
"""Other changes that are remembered, at most; beyond it everybody is asked to catch up."""

AT_ONCE = 500
"""Threads of one query."""

TOLD_AT_ONCE = 10
"""Changes that are told concurrently."""

FLUSH = 2.0
"""Seconds for the last attempt, when the server stops."""


class UnconfirmedWrites(Service):
    """Remembers unconfirmed changes, and tells the users concerned as soon as the database answers.

    This does not rely on the client whose request it was: it may repeat the request, here or elsewhere, or
    never.
    """

    def __init__(
        self, clock: IReactorTime, threads: ThreadStore, catch_up: Callable[[Collection[int] | None], None]
    ) -> None:
        """``catch_up`` takes users, or ``None`` for everybody."""
        self._clock = clock
        self._store = threads
        self._catch_up = catch_up
        self._threads: set[int] = set()
        self._news: dict[Hashable, Tell] = {}
        self._everybody = False
        self._call: IDelayedCall | None = None
        self._idle = Event(is_set=True)  # set while the database is not being asked

    def __len__(self) -> int:
        return len(self._threads) + len(self._news)

    def add(self, threads: Iterable[int]) -> None:
        """Remember threads that may have messages which nobody was told of."""
        self._threads.update(threads)
        if len(self._threads) > THREADS:
            self._threads.clear()
            self._everybody = True
        self._later()

    def tell(self, key: Hashable, tell: Tell) -> None:
        """Call ``tell`` soon, until it succeeds or is refused for good; only the latest of a key."""
        self._news[key] = tell
        if len(self._news) > NEWS:
            self._news.clear()
            self._everybody = True
        self._later()

    async def watch(self, key: Hashable, change: Awaitable[T], tell: Tell) -> T:
        """Await a change; if the database does not answer whether it was made, call ``tell`` later.

        :raises Refused: as the change does.
        """
        try:
            return await change
        except Unavailable as unavailable:
            if unavailable.status is Status.MYSQL_INTERNAL_ERROR:
                self.tell(key, tell)
            raise

    def stopService(self) -> Deferred[None]:
        """Try once more; if that fails, ask everybody to catch up (users here do so at their next login)."""
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
            return  # the database still does not answer
        news = list(self._news.items())
        for start in range(0, len(news), TOLD_AT_ONCE):
            some = news[start : start + TOLD_AT_ONCE]
            await gatherResults([Deferred.fromCoroutine(self._tell(key, tell)) for key, tell in some])

    async def _ask_for_threads(self) -> None:
        while self._threads or self._everybody:
            some, everybody = sorted(self._threads)[:AT_ONCE], self._everybody
            self._threads.difference_update(some)  # one that is added again meanwhile is asked for again
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
