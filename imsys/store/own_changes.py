"""What a user's other devices have to learn: settings of threads, hidden messages, and groups that are the user's no more.

Settings and hidden messages are counted for each user (``profiles.own_number``), under the lock of that row: so who knows
all up to a number misses none that comes later. Who left a group is noted by the entry by which they did.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from imsys.store.database import Database, Transaction
from imsys.store.thread_settings import ThreadSettings
from imsys.util.batching import BatchingQueue
from imsys.util.surge import Surge

TOGETHER = 100
"""Users who are looked at by one statement, at most; SQLite allows 500 SELECTs in one."""

WAITING = 20_000
"""Users who wait for that, at most."""

PARTED = 300
"""Groups that a user is told to have left, at most: the last ones."""

ROWS = 250
"""Rows of each kind that are read for a page, at most: more than one request hides."""


class Parted(msgspec.Struct, frozen=True, gc=False):
    """A group that a user belongs to no more, or did not for a while: the entry by which it was so, and who made it."""

    thread_id: int
    entry_id: int
    by: int


class Look(msgspec.Struct, frozen=True, gc=False):
    """The number of a user's last change, and the groups that the user has left."""

    number: int
    parted: list[Parted]


class OwnChange(msgspec.Struct, frozen=True, gc=False):
    """How a user keeps a thread now, since the change of this number; or what the user has hidden by it."""

    number: int
    thread_id: int
    settings: ThreadSettings | None = None
    hidden: tuple[int, ...] = ()
    up_to: int = 0


class OwnChangeStore:
    """Reads what users have changed for themselves, and the table ``departures``."""

    def __init__(self, database: Database, surge: Surge | None = None) -> None:
        self._database = database
        self._looks: BatchingQueue[tuple[int, int], Look] = BatchingQueue(
            self._read, most=TOGETHER, queue=WAITING, surge=surge
        )

    async def look(self, user: int, since: int) -> Look:
        """Look whether a user has anything to learn; of groups, by entries above ``since``.

        :raises Refused: SERVER_BUSY (73), too many wait for the database.
        """
        return await self._looks.add((user, since))

    async def _read(self, asked: list[tuple[int, int]]) -> list[Look]:
        return await self._database.read(self._look, asked)

    @staticmethod
    def _look(tx: Transaction, asked: Sequence[tuple[int, int]]) -> list[Look]:
        numbers = [0] * len(asked)
        parted: list[list[Parted]] = [[] for _ in asked]
        selects = [select for index, one in enumerate(asked) for select in _looks(index, *one)]
        for index, number, thread_id, entry_id, by in tx.rows_literal(tx.dialect.union_all(selects)):
            if thread_id:
                parted[index].append(Parted(thread_id, entry_id, by))
            else:
                numbers[index] = number
        return [Look(*one) for one in zip(numbers, parted, strict=True)]

    async def after(self, user: int, number: int) -> tuple[list[OwnChange], int, bool]:
        """Read what a user has changed after a number, ascending, each thread's settings once.

        :returns: a page, the number to go on from, and whether that is all.
        """
        return await self._database.read(self._after, user, number)

    @staticmethod
    def _after(tx: Transaction, user: int, number: int) -> tuple[list[OwnChange], int, bool]:
        parts = (
            "SELECT 0, p.own_number, 0, 0, 0, 0, '' FROM profiles p WHERE p.user_id = ?",
            "SELECT 1, s.number, s.thread_id, s.muted_until, s.pinned_at, s.archived, s.draft FROM thread_settings s "
            "WHERE s.user_id = ? AND s.number > ? ORDER BY s.number LIMIT ?",
            "SELECT 2, h.number, h.thread_id, h.msg_id, h.all_before, 0, '' FROM hidden h "
            "WHERE h.user_id = ? AND h.number > ? ORDER BY h.number LIMIT ?",
        )
        # in one statement, which sees one moment
        rows = tx.rows(tx.dialect.union_all(parts), user, user, number, ROWS, user, number, ROWS)
        last = max((row[1] for row in rows if row[0] == 0), default=0)
        whole = True
        for kind in (1, 2):
            some = sorted(row[1] for row in rows if row[0] == kind)
            if len(some) == ROWS:  # the last change may have more
                whole, last = False, min(last, some[-1] - 1)
        found: dict[tuple[int, int], OwnChange] = {}
        for kind, at, thread_id, *row in sorted(row for row in rows if row[0] and row[1] <= last):
            if kind == 1:
                muted_until, pinned_at, archived, draft = row
                kept = ThreadSettings(muted_until, pinned_at, bool(archived), draft)
                found[1, at] = OwnChange(at, thread_id, kept)
                continue
            before = found.get((2, at), OwnChange(at, thread_id))
            hidden, up_to = before.hidden, before.up_to
            found[2, at] = (
                OwnChange(at, thread_id, None, hidden, row[0])
                if row[1]
                else OwnChange(at, thread_id, None, (*hidden, row[0]), up_to)
            )
        return sorted(found.values(), key=lambda change: change.number), last, whole


_PART = "INSERT INTO departures (user_id, thread_id, entry_id, actor_id) VALUES "
_AGAIN = " ON DUPLICATE KEY UPDATE entry_id = VALUES(entry_id), actor_id = VALUES(actor_id)"
_AGAIN_SQLITE = " ON CONFLICT (user_id, thread_id) DO UPDATE SET entry_id = excluded.entry_id, actor_id = excluded.actor_id"


def part(tx: Transaction, users: Sequence[int], thread_id: int, entry_id: int, actor: int) -> None:
    """Note that users do not belong to a group any more."""
    rows = [(user, thread_id, entry_id, actor) for user in users]
    tx.execute_rows(_PART, rows, _AGAIN_SQLITE if tx.dialect.name == "sqlite" else _AGAIN)


def _looks(index: int, user: int, since: int) -> tuple[str, str]:
    return (
        f"SELECT {index:d}, p.own_number, 0, 0, 0 FROM profiles p WHERE p.user_id = {user:d}",  # noqa: S608
        f"SELECT {index:d}, 0, d.thread_id, d.entry_id, d.actor_id FROM departures d WHERE d.user_id = {user:d} "  # noqa: S608
        f"AND d.entry_id > {since:d} ORDER BY d.entry_id DESC LIMIT {PARTED}",
    )
