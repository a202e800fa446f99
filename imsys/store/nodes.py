"""Lease node numbers to processes that write messages, and give them the time for message ids.

The number is part of every message id, and is leased to one process at a time. A lease that is not renewed in
time ends by the database's clock alone; its number is then leased to another process, together with an id
above all ids of the former holder.

The other part of an id is the time. It is the database's, so that nodes agree even if their own clocks
differ. When that clock is set, nodes notice at different moments, with their renewals. If the ids of one node
were suddenly an hour ahead, a client that has seen one of them would not ask for messages that another node
stores now (:data:`imsys.chat.features.catch_up.OVERLAP`). So, while there are other nodes, the time of a node
advances by at most a :data:`LEASE` from one renewal to the next, and is never behind what others had reached
at their last one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from imsys.errors import Status, Unavailable
from imsys.store.clock import now_ms
from imsys.store.database import Database, Transaction
from imsys.store.ids import first_id, ms_of

LEASE = 60.0
"""Seconds that a lease is valid."""

_LEASE_MS = int(LEASE * 1000)


@dataclass(frozen=True, slots=True)
class Term:
    """A lease until its next renewal; times are Unix seconds, for :class:`imsys.store.clock.SharedTime`."""

    number: int
    floor_id: int
    """After acquisition, an id above all that were made with the number before."""
    now: float
    """The time of the database's clock."""
    least: float
    """Lower bound of this node's time from now on."""
    most: float
    """Upper bound of this node's time until the next renewal."""


class NodeStore:
    """The table ``nodes``."""

    def __init__(self, database: Database, calendar: Callable[[], float]) -> None:
        self._database = database
        self._calendar = calendar

    async def acquire(self, holder: str) -> Term:
        """Lease the lowest free number. :raises Unavailable: SERVER_BUSY (73), all 1,024 are taken."""
        return await self._database.append(self._acquire, holder)

    def _acquire(self, tx: Transaction, holder: str) -> Term:
        now = now_ms(tx, self._calendar)
        row = tx.row(
            "SELECT number, floor_id FROM nodes WHERE expires_at <= ? ORDER BY number LIMIT 1 {lock}", now
        )
        if row is None:
            raise Unavailable(Status.SERVER_BUSY, "All 1,024 node numbers are leased.")
        number, floor_id = row
        others = _reached_by_others(tx, number, now)
        begin = now if others is None else min(max(now, others - _LEASE_MS), others)
        return self._write(tx, number, holder, now, begin, max(floor_id, first_id(begin)))

    async def renew(self, number: int, holder: str, highest_id: int) -> Term | None:
        """Renew a lease; return ``None`` if another process has the number by now.

        :param highest_id: an id above all that were made, and not below the node's time.
        """
        return await self._database.append(self._renew, number, holder, highest_id)

    def _renew(self, tx: Transaction, number: int, holder: str, highest_id: int) -> Term | None:
        row = tx.row("SELECT holder, expires_at FROM nodes WHERE number = ? {lock}", number)
        if row is None or row[0] != holder:
            return None
        now = now_ms(tx, self._calendar)
        # if the clock was set forward since our last renewal, all leases seem expired: others are as alive as
        # this one
        others = _reached_by_others(tx, number, min(now, row[1] - _LEASE_MS))
        begin = max(ms_of(highest_id), now if others is None else others - _LEASE_MS)
        return self._write(tx, number, holder, now, begin, highest_id)

    async def release(self, number: int, holder: str, highest_id: int) -> None:
        """Release a number."""
        await self._database.append(self._release, number, holder, highest_id)

    def _release(self, tx: Transaction, number: int, holder: str, highest_id: int) -> None:
        row = tx.row("SELECT holder FROM nodes WHERE number = ? {lock}", number)
        if row is not None and row[0] == holder:
            _set(tx, number, holder, now_ms(tx, self._calendar), highest_id)

    @staticmethod
    def _write(tx: Transaction, number: int, holder: str, now: int, begin: int, floor_id: int) -> Term:
        most = max(begin, ms_of(floor_id)) + _LEASE_MS
        _set(tx, number, holder, now + _LEASE_MS, first_id(most))
        return Term(number, floor_id, now / 1000, begin / 1000, most / 1000)


def _set(tx: Transaction, number: int, holder: str, expires_at: int, floor_id: int) -> None:
    tx.execute(
        "UPDATE nodes SET holder = ?, expires_at = ?, floor_id = ? WHERE number = ?",
        holder,
        expires_at,
        floor_id,
        number,
    )


def _reached_by_others(tx: Transaction, number: int, alive: int) -> int | None:
    """Return the latest time (ms since 1970) that other nodes' ids may reach before they renew, if any.

    :param alive: nodes whose leases end after this time (ms since 1970) count.
    """
    row = tx.row("SELECT MAX(floor_id) FROM nodes WHERE expires_at > ? AND number <> ?", alive, number)
    return None if row is None or row[0] is None else ms_of(row[0])
