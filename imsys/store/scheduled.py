"""Texts that the server sends later: taken by one server at a time, for as long as its lease lasts."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import msgspec

from imsys.errors import Refused, Status
from imsys.store.conversations import demand_message
from imsys.store.database import Database, Row, Transaction
from imsys.store.dialects import numbers
from imsys.store.heads import may_write

SCHEDULED = 100
"""Scheduled texts of a user, at most."""

LEASE_MS = 5_000
"""Milliseconds for which a text is its server's to send; then any server sends it, and the log knows what was sent.

A text that a server had taken when it died is late by as much.
"""


class Scheduled(msgspec.Struct, frozen=True, gc=False):
    """A text that is due at a time, in ms since 1970; ``extra`` as in messages."""

    schedule_id: int
    user: int
    thread_id: int
    unique_id: str
    due_at: int
    content: str
    extra: str | None = None
    receiver: int = 0
    """Of one that is to be sent in a private thread: the other one."""


_COLUMNS = "s.schedule_id, s.user_id, s.thread_id, s.unique_id, s.due_at, s.content, s.extra"


class ScheduledStore:
    """The table ``scheduled``; times are given, since they are those of message ids."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, text: Scheduled, reply_to: int, now_ms: int) -> Scheduled:
        """Schedule a text; return it as it waits. One with the same ``unique_id`` that waits still stays as it is.

        :param reply_to: the message that it answers, or 0.
        :raises Refused: PERMISSION_DENIED (65), NOT_FRIENDS (66), BLOCKED (76), MUTED (79), READ_ONLY (80), the user
            may not write there; CHATRECORD_NOT_EXIST (24), what it answers is not there; TOO_MANY (82).
        """
        return await self._database.write(self._add, text, reply_to, now_ms)

    @staticmethod
    def _add(tx: Transaction, text: Scheduled, reply_to: int, now_ms: int) -> Scheduled:
        may_write(tx, text.thread_id, text.user, now_ms)
        if reply_to:
            demand_message(tx, text.user, text.thread_id, reply_to)
        # those of one user one after the other, so that they are counted
        tx.row("SELECT user_id FROM profiles WHERE user_id = ? {lock}", text.user)
        unique_id = text.unique_id.encode()
        before = tx.row(
            f"SELECT {_COLUMNS} FROM scheduled s WHERE s.user_id = ? AND s.unique_id = ?",  # noqa: S608
            text.user,
            unique_id,
        )
        if before is not None:
            return _of_row(before)
        count = tx.row("SELECT COUNT(*) FROM scheduled WHERE user_id = ?", text.user)
        if count is not None and count[0] >= SCHEDULED:
            raise Refused(Status.TOO_MANY, f"At most {SCHEDULED} texts are scheduled at a time.")
        schedule_id = tx.insert(
            "INSERT INTO scheduled (user_id, thread_id, unique_id, due_at, content, extra, next_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            text.user,
            text.thread_id,
            unique_id,
            text.due_at,
            text.content,
            text.extra,
            text.due_at,
        )
        return msgspec.structs.replace(text, schedule_id=schedule_id)

    async def of_user(self, user: int, after: tuple[int, int], limit: int) -> list[Scheduled]:
        """List a user's scheduled texts by (time, id), ascending, after such a pair."""
        return await self._database.read(self._of_user, user, after, limit)

    @staticmethod
    def _of_user(tx: Transaction, user: int, after: tuple[int, int], limit: int) -> list[Scheduled]:
        due_at, schedule_id = after
        rows = tx.rows(
            f"SELECT {_COLUMNS} FROM scheduled s WHERE s.user_id = ? AND s.due_at >= ? "  # noqa: S608
            "AND (s.due_at > ? OR s.schedule_id > ?) ORDER BY s.due_at, s.schedule_id LIMIT ?",
            user,
            due_at,
            due_at,
            schedule_id,
            limit,
        )
        return [_of_row(row) for row in rows]

    async def change(self, user: int, schedule_id: int, content: str | None, due_at: int | None) -> Scheduled:
        """Change what is not ``None``; return the text as it is then.

        :raises Refused: CHATRECORD_NOT_EXIST (24), there is none, or not any more; TOO_LATE (78), it is being sent.
        """
        return await self._database.write(self._change, user, schedule_id, content, due_at)

    @classmethod
    def _change(
        cls, tx: Transaction, user: int, schedule_id: int, content: str | None, due_at: int | None
    ) -> Scheduled:
        text = _own(tx, user, schedule_id)
        due_at = text.due_at if due_at is None else due_at
        content = text.content if content is None else content
        tx.execute(
            "UPDATE scheduled SET content = ?, due_at = ?, next_at = ? WHERE schedule_id = ?",
            content,
            due_at,
            due_at,
            schedule_id,
        )
        return msgspec.structs.replace(text, content=content, due_at=due_at)

    async def cancel(self, user: int, schedule_id: int) -> Scheduled:
        """Remove a text, and return it. :raises Refused: see :meth:`change`."""
        return await self._database.write(self._cancel, user, schedule_id)

    @staticmethod
    def _cancel(tx: Transaction, user: int, schedule_id: int) -> Scheduled:
        text = _own(tx, user, schedule_id)
        tx.execute("DELETE FROM scheduled WHERE schedule_id = ?", schedule_id)
        return text

    # -- for who sends them

    async def take(self, now_ms: int, limit: int) -> list[Scheduled]:
        """Take texts that are due, and that no other server is sending now; in their order."""
        due = await self._database.read(self._due, now_ms, limit)
        return await self._database.write(self._take, due, now_ms) if due else []

    @staticmethod
    def _due(tx: Transaction, now_ms: int, limit: int) -> list[int]:
        rows = tx.rows(
            "SELECT schedule_id FROM scheduled WHERE next_at <= ? ORDER BY next_at LIMIT ?", now_ms, limit
        )
        return [schedule_id for (schedule_id,) in rows]

    @staticmethod
    def _take(tx: Transaction, schedule_ids: Sequence[int], now_ms: int) -> list[Scheduled]:
        lease, among = secrets.randbits(62) | 1, numbers(sorted(schedule_ids))
        tx.execute(
            f"UPDATE scheduled SET lease = ?, next_at = ? WHERE schedule_id IN ({among}) AND next_at <= ?",  # noqa: S608
            lease,
            now_ms + LEASE_MS,
            now_ms,
        )
        rows = tx.rows(
            f"SELECT {_COLUMNS}, COALESCE(t.low_id + t.high_id - s.user_id, 0) FROM scheduled s "  # noqa: S608
            f"LEFT JOIN threads t ON t.thread_id = s.thread_id WHERE s.schedule_id IN ({among}) AND s.lease = ?",
            lease,
        )
        return sorted(map(_of_row, rows), key=lambda text: (text.due_at, text.schedule_id))

    async def done(self, schedule_ids: Sequence[int]) -> None:
        """Remove texts that were sent, or never can be."""
        await self._database.write(
            lambda tx: tx.execute(
                f"DELETE FROM scheduled WHERE schedule_id IN ({numbers(sorted(schedule_ids))})"  # noqa: S608
            )
        )


def _own(tx: Transaction, user: int, schedule_id: int) -> Scheduled:
    row = tx.row(
        f"SELECT {_COLUMNS}, s.lease FROM scheduled s WHERE s.schedule_id = ? {{lock}}",  # noqa: S608
        schedule_id,
    )
    if row is None or row[1] != user:
        raise Refused(Status.CHATRECORD_NOT_EXIST, "There is no such scheduled text.")
    if row[7]:
        raise Refused(Status.TOO_LATE, "This text is being sent.")
    return _of_row(row[:7])


def _of_row(row: Row) -> Scheduled:
    schedule_id, user, thread_id, unique_id, *more = row
    return Scheduled(schedule_id, user, thread_id, bytes(unique_id).decode(), *more)
