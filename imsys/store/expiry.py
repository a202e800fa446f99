"""Messages that expire: each has a row of when it is due, written with it; and those that carried a file and were
recalled, which are due at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec

from imsys.store.changes import TEXT, empty
from imsys.store.database import Database, Transaction
from imsys.store.heads import lock_free_heads

LONGEST = 28 * 86_400
"""Seconds after which a message expires, at most."""


class Expired(msgspec.Struct, frozen=True, gc=False):
    """A message whose time is over; ``unique_id`` is that of one that may carry a file, else empty."""

    thread_id: int
    msg_id: int
    unique_id: str


class ExpiryStore:
    """The table ``expiring``; times are given, since they are those of message ids."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, now_ms: int, limit: int) -> list[Expired]:
        """Return messages whose time is over, those that are longest first."""
        return await self._database.read(self._due, now_ms, limit)

    @staticmethod
    def _due(tx: Transaction, now_ms: int, limit: int) -> list[Expired]:
        rows = tx.rows(
            "SELECT d.thread_id, d.msg_id, CASE WHEN m.kind > ? THEN m.unique_id END FROM "
            "(SELECT e.thread_id, e.msg_id FROM expiring e WHERE e.due_at <= ? ORDER BY e.due_at LIMIT ?) d "
            "LEFT JOIN messages m ON m.thread_id = d.thread_id AND m.msg_id = d.msg_id",
            TEXT,
            now_ms,
            limit,
        )
        return [
            Expired(thread_id, msg_id, bytes(unique_id or b"").decode())
            for thread_id, msg_id, unique_id in rows
        ]

    async def expire(self, messages: Sequence[Expired]) -> int:
        """Remove what messages said; return how many. Those of threads that are locked now are left for later."""
        return await self._database.write(self._expire, messages)

    @staticmethod
    def _expire(tx: Transaction, messages: Sequence[Expired]) -> int:
        done = 0
        _, locked = lock_free_heads(tx, {message.thread_id for message in messages}, wait=False)
        for thread_id, some in groupby(
            sorted(messages, key=lambda message: message.thread_id), key=lambda message: message.thread_id
        ):
            if thread_id not in locked:
                msg_ids = [message.msg_id for message in some]
                empty(tx, thread_id, msg_ids)
                done += len(msg_ids)
        return done
