"""A store that turned out to be damaged: what is in memory goes into a new one, and the messages come from the
server again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import apsw
from twisted.internet.defer import Deferred

from client.core.changes import Signal
from client.core.model import Link, Message
from client.store import messages, tables
from client.sync.keeping import Keeper
from client.sync.known import Known
from client.sync.seen import SINCE
from client.sync.session import Session

_log = logging.getLogger(__name__)


class Renewal:
    """Happens by itself, once at a time.

    :param unsent: the messages that the server does not have yet.
    """

    def __init__(
        self, known: Known, keeper: Keeper, unsent: Callable[[], list[Message]], session: Session
    ) -> None:
        self.done = Signal[None]()
        """There is a new store, and a connection to fill it by."""
        self._known = known
        self._keeper = keeper
        self._unsent = unsent
        self._session = session
        self._running = False
        keeper.store.damaged = self._damaged

    def _damaged(self) -> None:
        if not self._running and not self._session.closing:
            self._running = True
            Deferred.fromCoroutine(self._renew()).addErrback(
                lambda reason: _log.error("no new store: %s", reason.getTraceback())
            )

    async def _renew(self) -> None:
        known = self._known
        aside = await self._keeper.store.renew()
        known.rows = {number: replace(row, synced=0) for number, row in known.rows.items()}
        rows, unsent = list(known.rows.values()), self._unsent()
        settings = {name: value for name, value in known.settings.items() if name != SINCE}

        def work(db: apsw.Connection) -> None:
            tables.put_people(db, [known.me, *known.persons.values()])
            tables.set_requests(db, known.asking)
            for row in rows:
                tables.put_conversation(db, row)
            for message in unsent:
                messages.put(db, message)
            for name, value in settings.items():
                tables.set_setting(db, name, value)

        await self._keeper.write(work)
        self._running = False
        known.changes.notice.fire(
            f"What was kept on this computer was damaged; it was set aside as {aside.name}, and is read anew from the server."
        )
        known.changes.conversations.fire(set(known.rows))
        if known.link.link is Link.ONLINE:
            self.done.fire(None)
