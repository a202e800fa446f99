"""Threads: their members, how far these have read, and which threads have new messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imsys.errors import Refused, Status
from imsys.store.database import Database, Transaction
from imsys.store.dialects import numbers
from imsys.store.heads import GROUP, cut, lock_heads
from imsys.store.people import people
from imsys.util.batching import BatchingQueue
from imsys.util.surge import Surge

TOGETHER = 100
"""Users whose heads are read in one statement, at most; SQLite allows 500 SELECTs in one."""

TOLD = 100
"""Members of a group, up to which they hear how far the others have read; of larger ones it is told when asked for."""

WAITING = 20_000
"""Users who wait for that, at most."""

Newer = tuple[int, int, tuple[int, int], int]
"""A query of heads: the user, the id that they must be above, the pair to begin after, and the limit."""


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """One thread of a user; ``kind`` is 0 for a private one (of two users), 1 for a group (no users here)."""

    thread_id: int
    kind: int
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one member has received and read a thread: message ids."""

    thread_id: int
    user: int
    delivered: int
    read: int


class ThreadStore:
    """The tables ``threads`` and ``members``; times come from ``calendar`` (Unix seconds)."""

    def __init__(self, database: Database, calendar: Callable[[], float], surge: Surge | None = None) -> None:
        self._database = database
        self._calendar = calendar
        self._newer: BatchingQueue[Newer, list[tuple[int, int]]] = BatchingQueue(
            self._read_heads, most=TOGETHER, queue=WAITING, surge=surge
        )

    async def of_user(self, user: int, after: int, limit: int) -> list[ThreadRow]:
        """List threads with ids above ``after``, ascending."""
        return await self._database.read(self._of_user, user, after, limit)

    @staticmethod
    def _of_user(tx: Transaction, user: int, after: int, limit: int) -> list[ThreadRow]:
        rows = tx.rows(
            "SELECT t.thread_id, t.kind, t.low_id, t.high_id FROM members m JOIN threads t ON t.thread_id = m.thread_id "
            "WHERE m.user_id = ? AND m.thread_id > ? ORDER BY m.thread_id LIMIT ?",
            user,
            after,
            limit,
        )
        return [ThreadRow(*row) for row in rows]

    async def private(self, user: int, friend: int) -> int:
        """Return the private thread of two friends.

        :raises Refused: CREATE_PRIVATE_CHAT_USER_NOT_EXIST (27), no such user; NOT_FRIENDS (66).
        """
        return await self._database.write(self._private, user, friend)

    def _private(self, tx: Transaction, user: int, friend: int) -> int:
        if not people(tx, [friend]):
            raise Refused(Status.CREATE_PRIVATE_CHAT_USER_NOT_EXIST, "There is no such user.")
        row = tx.row("SELECT thread_id FROM friendships WHERE user_id = ? AND friend_id = ?", user, friend)
        if row is None:
            raise Refused(Status.NOT_FRIENDS, "You are not friends.")
        return int(row[0])

    async def move_marks(
        self, user: int, thread_id: int, delivered: int, read: int
    ) -> tuple[Mark, list[int], int | None]:
        """Move a member's marks forward, at most to the thread's last message.

        What is read is also delivered.

        In a private thread they do not move, and nobody is told, if the users are not friends or one blocks
        the other.

        :returns: the marks, and the users to tell: the other one, or nobody if both marks were further already; or
            the version of the members' list of a group whose members are to be told: of one with many nobody is.
        :raises Refused: PERMISSION_DENIED (65), not a member.
        """
        return await self._database.write(self._move_marks, user, thread_id, delivered, read)

    @staticmethod
    def _move_marks(
        tx: Transaction, user: int, thread_id: int, delivered: int, read: int
    ) -> tuple[Mark, list[int], int | None]:
        row = tx.row(
            "SELECT delivered_id, read_id FROM members WHERE thread_id = ? AND user_id = ? {lock}",
            thread_id,
            user,
        )
        if row is None:
            raise Refused(Status.PERMISSION_DENIED, "Only its members may mark a thread.")
        head = tx.row(
            "SELECT last_msg_id, kind, flags, low_id, high_id, members_version, member_count FROM threads WHERE thread_id = ?",
            thread_id,
        )
        assert head is not None
        highest, kind, flags, low, high, version, members = head
        if cut(kind, flags):
            return Mark(thread_id, user, *row), [], None
        read = min(read, highest)
        delivered = max(read, min(delivered, highest))
        # an unchanged mark is told again: the server that set it may have died before it told others
        news = delivered >= max(1, row[0]) or read >= max(1, row[1])
        mark = Mark(thread_id, user, max(delivered, row[0]), max(read, row[1]))
        if (mark.delivered, mark.read) != row:
            tx.execute(
                "UPDATE members SET delivered_id = ?, read_id = ? WHERE thread_id = ? AND user_id = ?",
                mark.delivered,
                mark.read,
                thread_id,
                user,
            )
        if not news:
            return mark, [], None
        if kind == GROUP:
            return mark, [], version if members <= TOLD else None
        return mark, [low + high - user], None

    async def marks(self, user: int, after: tuple[int, int], limit: int, *, mine: bool = False) -> list[Mark]:
        """List the marks of other members of a user's threads after a (thread, member) pair, ascending by it.

        Members who have received nothing are left out, and groups of more than :data:`TOLD`.

        :param mine: list the user's own marks as well, of all threads.
        """
        return await self._database.read(self._marks, user, after, limit, mine)

    @staticmethod
    def _marks(tx: Transaction, user: int, after: tuple[int, int], limit: int, mine: bool) -> list[Mark]:
        thread_id, member = after
        rows = tx.rows(
            "SELECT o.thread_id, o.user_id, o.delivered_id, o.read_id FROM members m "  # noqa: S608 (a constant)
            f"JOIN threads t ON t.thread_id = m.thread_id AND t.member_count <= {TOLD} "
            "JOIN members o ON o.thread_id = m.thread_id "
            "WHERE m.user_id = ? AND m.thread_id >= ? AND o.user_id <> m.user_id AND o.delivered_id > 0 "
            "AND (o.thread_id > ? OR o.user_id > ?) ORDER BY m.thread_id, o.user_id LIMIT ?",
            user,
            thread_id,
            thread_id,
            member,
            limit,
        )
        if mine:
            rows += tx.rows(
                "SELECT thread_id, user_id, delivered_id, read_id FROM members WHERE user_id = ? AND thread_id >= ? "
                "AND delivered_id > 0 ORDER BY thread_id LIMIT ?",
                user,
                thread_id if user > member else thread_id + 1,
                limit,
            )
            rows = sorted(rows)[:limit]
        return [Mark(*row) for row in rows]

    async def members(self, thread_ids: Sequence[int]) -> set[int]:
        """Return all members of these threads, after waiting for transactions that are writing to them.

        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        return await self._database.write(self._members, thread_ids)

    @staticmethod
    def _members(tx: Transaction, thread_ids: Sequence[int]) -> set[int]:
        lock_heads(tx, some := sorted({0, *thread_ids}))  # the list must not be empty
        return {
            user
            for (user,) in tx.rows(f"SELECT user_id FROM members WHERE thread_id IN ({numbers(some)})")  # noqa: S608
        }

    async def heads_since(
        self, user: int, since: int, after: tuple[int, int], limit: int
    ) -> list[tuple[int, int]]:
        """List (last message id, thread id) of a user's threads above ``since``, ascending, after a pair.

        Queries of several users are read together.

        :raises Refused: SERVER_BUSY (73), too many wait for the database.
        """
        return await self._newer.add((user, since, after, limit))

    async def _read_heads(self, asked: list[Newer]) -> list[list[tuple[int, int]]]:
        return await self._database.read(self._heads_since, asked)

    @staticmethod
    def _heads_since(tx: Transaction, asked: Sequence[Newer]) -> list[list[tuple[int, int]]]:
        rows = tx.rows_literal(tx.dialect.union_all(_newer(index, *one) for index, one in enumerate(asked)))
        found: list[list[tuple[int, int]]] = [[] for _ in asked]
        for index, last, thread_id in rows:
            found[index].append((last, thread_id))
        for heads in found:
            heads.sort()  # a UNION returns rows in any order
        return found


def _newer(index: int, user: int, since: int, after: tuple[int, int], limit: int) -> str:
    last, thread_id = after
    return (
        f"SELECT {index:d}, t.last_msg_id, t.thread_id FROM members m JOIN threads t ON t.thread_id = m.thread_id "  # noqa: S608
        f"WHERE m.user_id = {user:d} AND t.last_msg_id > {since:d} "
        f"AND (t.last_msg_id > {last:d} OR (t.last_msg_id = {last:d} AND t.thread_id > {thread_id:d})) "
        f"ORDER BY t.last_msg_id, t.thread_id LIMIT {limit:d}"
    )
