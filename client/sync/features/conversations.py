"""Storing how conversations stand, and having the beginning of each."""

from __future__ import annotations

from typing import Any

import apsw
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults

from client.store import tables
from client.sync.history import History
from client.sync.keeping import Keeper
from client.sync.known import Known

AT_ONCE = 3
"""Conversations whose first page is read side by side."""


class Conversations:
    """Stores them as they stand."""

    def __init__(self, known: Known, keeper: Keeper) -> None:
        self._known = known
        self._keeper = keeper

    def store(self, conversation: int) -> Deferred[Any]:
        """Store how one stands, and tell; fires when that is done, or cannot be."""

        def told(_: object) -> None:
            self._keeper.teller.conversations.add(conversation)

        return self._keeper.write(
            lambda db: tables.put_conversation(db, self._known.row(conversation))
        ).addCallback(told)


class FirstPages:
    """Has the newest messages of conversations of which nothing is here yet."""

    def __init__(self, known: Known, keeper: Keeper, history: History) -> None:
        self._known = known
        self._keeper = keeper
        self._history = history

    async def read(self) -> None:
        """Read them, a few side by side."""

        def work(db: apsw.Connection) -> list[int]:
            return [number for number in self._known.rows if not len(tables.spans(db, number))]

        new = await self._keeper.write(work) or ()
        turns = DeferredSemaphore(AT_ONCE)
        await gatherResults([turns.run(self._history.begin, one) for one in new], consumeErrors=True)
