"""Which conversations there are, and how they stand."""

from __future__ import annotations

from typing import Any

import apsw
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults

from client.store import tables
from client.sync.history import History
from client.sync.keeping import Keeper
from client.sync.known import Known
from imsys.sdk import Client

AT_ONCE = 3
"""Conversations whose first page is read side by side."""


class Conversations:
    """Keeps the list of them."""

    def __init__(self, client: Client, known: Known, keeper: Keeper) -> None:
        self._client = client
        self._known = known
        self._keeper = keeper

    async def read(self) -> None:
        """Have those that are not known."""
        known = self._known
        rows = []
        for thread in await self._client.history.threads().all():
            if thread.thread_id not in known.rows:
                other = next((uuid for uuid in thread.users if uuid != known.me.uuid), 0)
                rows.append(known.row(thread.thread_id, other if thread.private else 0))

        def work(db: apsw.Connection) -> None:
            for row in rows:
                tables.put_conversation(db, row)

        def told(_: object) -> None:
            self._keeper.teller.conversations |= {row.conversation.id for row in rows}

        await self._keeper.write(work).addCallback(told)

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
