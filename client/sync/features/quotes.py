"""Messages that others answer and that are not on this disk: they are fetched, so that their answers show them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore

from client.core.model import Link, Message
from client.store import messages
from client.sync.history import History
from client.sync.keeping import Keeper
from client.sync.known import Known

AT_ONCE = 2
WAITING_MOST = 200
"""Answers whose questions are looked for; more are looked for when they are seen again."""

_log = logging.getLogger(__name__)


class Quotes:
    """Looks at whatever is shown; each message is looked for once a run of the program."""

    def __init__(self, known: Known, keeper: Keeper, history: History) -> None:
        self._known = known
        self._keeper = keeper
        self._history = history
        self._asked: set[tuple[int, int]] = set()
        self._waiting = 0
        self._turns = DeferredSemaphore(AT_ONCE)
        history.read.subscribe(self.look)
        known.changes.messages.subscribe(self.look)

    def look(self, shown: Sequence[Message]) -> None:
        """Fetch what these answer, where it is not known."""
        if self._known.link.link is not Link.ONLINE:
            return
        for one in shown:
            if one.quote is None or one.quote.sender or self._waiting >= WAITING_MOST:
                continue
            wanted = (one.conversation, one.quote.id)
            if wanted not in self._asked:
                self._asked.add(wanted)
                self._waiting += 1
                self._turns.run(self._begin, *wanted).addErrback(_failed)

    def _begin(self, conversation: int, number: int) -> Deferred[None]:
        return Deferred.fromCoroutine(self._fetch(conversation, number))

    async def _fetch(self, conversation: int, number: int) -> None:
        try:
            await self._history.around(conversation, number, 1)
        finally:
            self._waiting -= 1
        store, teller = self._keeper.store, self._keeper.teller
        for one in await store.read(lambda db: messages.answers(db, conversation, number)):
            if one.quote is not None and one.quote.sender:
                teller.message(one)
        teller.tell()


def _failed(reason: Any) -> None:
    _log.warning("a message that is answered could not be read: %s", reason.value)
