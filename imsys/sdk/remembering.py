"""Continue where an earlier client stopped: load the seen positions once, and save them now and then."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.sdk.delivery import Delivery
from imsys.sdk.inbox import Inbox
from imsys.sdk.own_changes import OwnChanges
from imsys.sdk.seen import Seen, SeenStore

_log = Logger()


class Remembering:
    """Saves which messages the application has handled.

    :param store: where to save; ``None``: nowhere.
    :param interval: seconds between two saves, at least.
    """

    def __init__(
        self,
        clock: IReactorTime,
        store: SeenStore | None,
        inbox: Inbox,
        own: OwnChanges,
        delivery: Delivery,
        interval: float,
    ) -> None:
        self._clock = clock
        self._store = store
        self._inbox = inbox
        self._own = own
        self._delivery = delivery
        self._interval = interval
        self._loaded = False
        self._user = 0
        self._since = 0  # as in the newest ``Seen``
        self._saving: IDelayedCall | None = None

    async def load(self, user: int) -> None:
        """Restore the inbox to where an earlier client of this user stopped; a second call does nothing."""
        self._user = user
        if self._store is None or self._loaded:
            return
        kept = await self._store.load()
        self._loaded = True
        if kept is not None and kept.uuid == user:
            self._inbox.restore(kept)
            self._since = kept.since
            self._own.number = kept.own_number

    def save_soon(self) -> None:
        """Schedule a save: a message was handled."""
        if self._store is not None and self._saving is None:
            self._saving = self._clock.callLater(self._interval, self._begin)

    async def finish(self) -> None:
        """Save now if a save is scheduled. :raises OSError: it cannot be written."""
        if self._saving is not None:
            self._saving.cancel()
            await self._save()

    def _begin(self) -> None:
        Deferred.fromCoroutine(self._save()).addErrback(_unsaved)

    async def _save(self) -> None:
        self._saving = None
        if self._store is None:
            return
        threads = self._inbox.positions()
        unhandled = self._delivery.unhandled()
        for message in reversed(unhandled):
            threads[message.thread_id] = message.id - 1
        if not unhandled and not self._inbox.behind:
            self._since = self._inbox.since
        await self._store.save(
            Seen(uuid=self._user, since=self._since, threads=threads, own_number=self._own.number)
        )


def _unsaved(reason: Failure) -> None:
    _log.error("What was seen could not be saved: {reason}", reason=reason.value)
