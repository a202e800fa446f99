"""Numbers of message-writing nodes, each leased to one process at a time.

The number is part of every message id. A lease that was not renewed in time
ends by the database's clock alone; its number is then given to someone else,
together with an id that all of the former holder's ids are below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from imsys.errors import Status, Unavailable
from imsys.store.clock import now_ms
from imsys.store.database import Database, Transaction
from imsys.store.ids import id_at

LEASE = 60.0
"""Seconds that a lease lives."""


@dataclass(frozen=True, slots=True)
class NodeLease:
    """A number, and an id above all that were ever made with it."""

    number: int
    floor_id: int


class NodeStore:
    """The table ``nodes``."""

    def __init__(self, database: Database, calendar: Callable[[], float]) -> None:
        self._database = database
        self._calendar = calendar

    async def acquire(self, holder: str) -> NodeLease:
        """Lease the lowest number that is free. :raises Unavailable: 73, all 1,024 are taken."""
        return await self._database.append(self._acquire, holder)

    def _acquire(self, tx: Transaction, holder: str) -> NodeLease:
        now = now_ms(tx, self._calendar)
        row = tx.row("SELECT number, floor_id FROM nodes WHERE expires_at <= ? ORDER BY number LIMIT 1 {lock}", now)
        if row is None:
            raise Unavailable(Status.SERVER_BUSY, "All 1,024 node numbers are leased.")
        number, floor_id = row[0], max(row[1], id_at(self._calendar()))
        self._write(tx, number, holder, now + int(LEASE * 1000), floor_id)
        return NodeLease(number, floor_id)

    @staticmethod
    def _write(tx: Transaction, number: int, holder: str, expires_at: int, floor_id: int) -> None:
        tx.execute("UPDATE nodes SET holder = ?, expires_at = ?, floor_id = ? WHERE number = ?", holder, expires_at, floor_id, number)

    async def renew(self, number: int, holder: str, highest_id: int) -> bool:
        """Keep a number for another lease; ``False`` when somebody else has it by now."""
        return await self._database.append(self._renew, number, holder, highest_id, LEASE)

    async def release(self, number: int, holder: str, highest_id: int) -> None:
        """Give a number back."""
        await self._database.append(self._renew, number, holder, highest_id, 0.0)

    def _renew(self, tx: Transaction, number: int, holder: str, highest_id: int, seconds: float) -> bool:
        row = tx.row("SELECT holder FROM nodes WHERE number = ? {lock}", number)
        if row is None or row[0] != holder:
            return False
        # until the lease ends, the ids of this holder grow by its length at most
        floor_id = max(highest_id, id_at(self._calendar())) + (int(seconds * 1000) << 22)
        self._write(tx, number, holder, now_ms(tx, self._calendar) + int(seconds * 1000), floor_id)
        return True
