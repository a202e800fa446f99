"""Messages that do not stay: each is taken from this disk, and from the screen, when its time is over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from client.core.model import Message
from client.store import messages
from client.sync.features.entries import Entries
from client.sync.file_cache import FileCache
from client.sync.history import History
from client.sync.keeping import Keeper
from client.sync.known import Known

LONGEST = 3_600.0
"""Seconds that are slept at a time: clocks are set."""

_log = logging.getLogger(__name__)


class Expiring:
    """Sleeps until the next message is due, where there is one."""

    def __init__(
        self,
        reactor: Any,
        known: Known,
        keeper: Keeper,
        entries: Entries,
        cache: FileCache,
        history: History,
        now: Callable[[], float],
    ) -> None:
        self._reactor = reactor
        self._keeper = keeper
        self._entries = entries
        self._cache = cache
        self._now = now
        self._call: IDelayedCall | None = None
        self._open = True
        known.changes.messages.subscribe(self._look)
        history.read.subscribe(self._look)

    async def read(self) -> None:
        """Remove those whose time is over, and sleep until the next one."""
        if not self._open:
            return
        store = self._keeper.store
        await self._keeper.barrier()
        gone = await store.read(lambda db: messages.expired(db, int(self._now() * 1000)))
        for conversation, some in groupby(
            sorted(gone, key=lambda one: one.conversation), key=lambda one: one.conversation
        ):
            await self._remove(conversation, list(some))
        await self._keeper.barrier()
        self._sleep(await store.read(messages.next_expiry))

    def close(self) -> None:
        """Sleep no more."""
        self._open = False
        if self._call is not None and self._call.active():
            self._call.cancel()

    async def _remove(self, conversation: int, gone: list[Message]) -> None:
        for one in gone:
            try:
                await self._cache.erase(one)
            except OSError as problem:
                _log.warning("the file of a message that expired is still there: %s", problem)
        self._entries.hidden(conversation, [one.id for one in gone])

    def _look(self, shown: Sequence[Message]) -> None:
        self._sleep(min((one.expires_ms for one in shown if one.expires_ms), default=0))

    def _sleep(self, until_ms: int) -> None:
        """Wake at a time (0: not for that), or before it where that was wanted already."""
        if not until_ms or not self._open:
            return
        wait = min(LONGEST, max(0.0, until_ms / 1000 - self._now()))
        if self._call is not None and self._call.active():
            if self._call.getTime() - self._reactor.seconds() <= wait:
                return
            self._call.cancel()
        self._call = self._reactor.callLater(wait, self._wake)

    def _wake(self) -> None:
        Deferred.fromCoroutine(self.read()).addErrback(
            lambda reason: _log.warning("messages that expire could not be removed: %s", reason.value)
        )
