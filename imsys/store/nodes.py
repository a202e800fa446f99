"""Numbers of message-writing nodes, each leased to one process at a time.

The number is part of every message id. A lease that was not renewed in time
ends by the database's clock alone; its number is then given to someone else,
together with an id that all of the former holder's ids are below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from imsys.errors import Status, Unavailable
from imsys.store.database import Database, Transaction
from imsys.store.ids import NODES, id_at

LEASE = 60.0
"""Seconds that a lease lives."""


@dataclass(frozen=True, slots=True)
class NodeLease:
    """A number, and an id above all that were ever made with it."""

    number: int
    floor_id: int


class NodeStore:
    """The table ``nodes``."""

    def __init__(self, database: Database, seconds: Callable[[], float]) -> None:
        self._database = database
        self._seconds = seconds

    async def acquire(self, holder: str) -> NodeLease:
        """Lease the lowest number that is free. :raises Unavailable: 73, all 1,024 are taken."""
        return await self._database.write(self._acquire, holder)

    def _acquire(self, tx: Transaction, holder: str) -> NodeLease:
        now = self._now(tx)
        taken = {row[0]: row[1:] for row in tx.rows("SELECT number, expires_at, floor_id FROM nodes ORDER BY number {lock}")}
        for number in range(NODES):
            expires_at, floor_id = taken.get(number, (0, 0))
            if expires_at > now:
                continue
            floor_id = max(floor_id, id_at(self._seconds()))
            expires_at = now + int(LEASE * 1000)
            if number in taken:
                tx.execute(
                    "UPDATE nodes SET holder = ?, expires_at = ?, floor_id = ? WHERE number = ?", holder, expires_at, floor_id, number
                )
            else:
                tx.execute(
                    "INSERT INTO nodes (number, holder, expires_at, floor_id) VALUES (?, ?, ?, ?)", number, holder, expires_at, floor_id
                )
            return NodeLease(number, floor_id)
        raise Unavailable(Status.SERVER_BUSY, "All 1,024 node numbers are leased.")

    async def renew(self, number: int, holder: str, highest_id: int) -> bool:
        """Keep a number for another lease; ``False`` when somebody else has it by now."""
        return await self._database.write(self._renew, number, holder, highest_id, LEASE)

    async def release(self, number: int, holder: str, highest_id: int) -> None:
        """Give a number back."""
        await self._database.write(self._renew, number, holder, highest_id, 0.0)

    def _renew(self, tx: Transaction, number: int, holder: str, highest_id: int, seconds: float) -> bool:
        row = tx.row("SELECT holder FROM nodes WHERE number = ? {lock}", number)
        if row is None or row[0] != holder:
            return False
        # until the lease ends, the ids of this holder grow by its length at most
        floor_id = max(highest_id, id_at(self._seconds())) + (int(seconds * 1000) << 22)
        expires_at = self._now(tx) + int(seconds * 1000)
        tx.execute("UPDATE nodes SET expires_at = ?, floor_id = ? WHERE number = ?", expires_at, floor_id, number)
        return True

    def _now(self, tx: Transaction) -> int:
        """Milliseconds by the database's clock, which is the only one that all nodes share."""
        if tx.dialect.name == "sqlite":
            return round(self._seconds() * 1000)
        row = tx.row("SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)")
        assert row is not None
        return int(row[0])
