"""Who may see whether somebody is online, and who hears that somebody is writing."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Sequence

from imsys.errors import Refused
from imsys.store.changes import may_write
from imsys.store.database import Database, Transaction
from imsys.store.dialects import numbers
from imsys.store.heads import GROUP, Head, read_heads
from imsys.store.members import MemberList, MemberLists

AT_ONCE = 200
"""Users of one statement, at most."""

AUDIENCE = 100
"""Members of a group in which it is told who writes, at most."""


class SeenBy(enum.IntEnum):
    """Who sees when a user is or was online; who does not show it to somebody does not see theirs."""

    EVERYBODY = 0
    FRIENDS = 1
    NOBODY = 2


class PresenceStore:
    """The column ``seen_by`` of ``profiles``, and the tables by which is decided who sees what.

    :param lists: the members of groups, as this server keeps them.
    :param calendar: returns Unix seconds.
    """

    def __init__(self, database: Database, lists: MemberLists, calendar: Callable[[], float]) -> None:
        self._database = database
        self._lists = lists
        self._calendar = calendar

    async def seen_by(self, user: int) -> SeenBy:
        """Return who sees when a user is online."""
        row = await self._database.read(
            lambda tx: tx.row("SELECT seen_by FROM profiles WHERE user_id = ?", user)
        )
        return SeenBy(row[0] if row is not None else SeenBy.NOBODY)

    async def set_seen_by(self, user: int, seen_by: SeenBy) -> None:
        """Set who sees when a user is online."""
        await self._database.write(
            lambda tx: tx.execute("UPDATE profiles SET seen_by = ? WHERE user_id = ?", int(seen_by), user)
        )

    async def open_to(self, user: int, others: Collection[int]) -> set[int]:
        """Return those of some users who see when this user is online, and whom this user sees: it is the same."""
        found: set[int] = set()
        some = list(others)
        for start in range(0, len(some), AT_ONCE):
            found |= await self._database.read(self._open_to, user, some[start : start + AT_ONCE])
        return found

    @staticmethod
    def _open_to(tx: Transaction, user: int, others: Sequence[int]) -> set[int]:
        rows = tx.rows(
            f"SELECT o.user_id FROM profiles m JOIN profiles o {tx.dialect.by_primary_key} LEFT JOIN friendships f "  # noqa: S608
            "ON f.user_id = m.user_id AND f.friend_id = o.user_id "
            f"WHERE m.user_id = ? AND o.user_id IN ({numbers(others)}) "
            "AND m.seen_by + o.seen_by < CASE WHEN f.user_id IS NULL THEN 1 ELSE 3 END AND m.seen_by < 2 AND o.seen_by < 2 "
            "AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = m.user_id AND b.blocked_id = o.user_id) "
            "AND NOT EXISTS (SELECT 1 FROM blocks c WHERE c.user_id = o.user_id AND c.blocked_id = m.user_id)",
            user,
        )
        return {other for (other,) in rows}

    async def exist(self, users: Sequence[int]) -> set[int]:
        """Return those of these users, at most 200, that exist."""
        return await self._database.read(self._exist, users)

    @staticmethod
    def _exist(tx: Transaction, users: Sequence[int]) -> set[int]:
        rows = tx.rows_literal(f"SELECT user_id FROM profiles WHERE user_id IN ({numbers(users)})")  # noqa: S608
        return {user for (user,) in rows}

    async def audiences(self, asked: list[tuple[int, int]]) -> list[Sequence[int] | Exception | None]:
        """For each (user, thread): who hears that the user writes there, or why the user may not write there.

        ``None``: nobody, since these are too many.
        """
        return await self._database.read(self._audiences, asked, round(self._calendar() * 1000))

    def _audiences(
        self, tx: Transaction, asked: Sequence[tuple[int, int]], now_ms: int
    ) -> list[Sequence[int] | Exception | None]:
        heads = read_heads(tx, {thread_id for _, thread_id in asked})
        groups = [head.thread_id for head in heads.values() if head.kind == GROUP]
        lists = self._lists.of(tx, groups) if groups else {}
        return [
            _audience(heads.get(thread_id), lists.get(thread_id), user, now_ms) for user, thread_id in asked
        ]


def _audience(
    head: Head | None, members: MemberList | None, user: int, now_ms: int
) -> Sequence[int] | Refused | None:
    refused = may_write(head, members, user, now_ms)
    if refused is not None or head is None:
        return refused
    if members is None:
        return (head.low + head.high - user,)
    if len(members.roles) > AUDIENCE:
        return None
    return [member for member in members.roles if member != user]
