"""Messages: append waiting ones in one transaction, and read pages of the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imsys.errors import Refused, Status
from imsys.store.appending import Appended, Submission, append
from imsys.store.database import Database, Row, Transaction
from imsys.store.ids import LARGEST, MessageIds


@dataclass(frozen=True, slots=True)
class Record:
    """One message of the history; ``receiver`` is 0 in a group; ``status``: 0 unread, 1 read, 2 revoked."""

    thread_id: int
    msg_id: int
    sender: int
    receiver: int
    kind: int
    status: int
    content: str


class MessageStore:
    """The table ``messages``, and the heads of its threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(
        self, ids: MessageIds, submissions: Sequence[Submission], *, wait: bool = True
    ) -> list[Appended | Refused]:
        """Store submissions in one transaction and return the result of each.

        :param wait: see :func:`imsys.store.appending.append`.
        :raises Unavailable: the database did not answer; running it again is harmless.
        """
        return await self._database.append(append, ids, submissions, wait)

    async def page(self, user: int, thread_id: int, after: int, limit: int) -> list[Record]:
        """Read records with ids above ``after``, ascending.

        :raises Refused: PERMISSION_DENIED (65), not a member.
        """
        return await self._database.read(self._page, user, thread_id, after, LARGEST, limit, "ASC")

    async def page_before(self, user: int, thread_id: int, before: int, limit: int) -> list[Record]:
        """Read the records just below ``before`` (0: the newest), ascending.

        :raises Refused: PERMISSION_DENIED (65), not a member.
        """
        return await self._database.read(self._page, user, thread_id, 0, before or LARGEST, limit, "DESC")

    async def previous(self, messages: Sequence[tuple[int, int]]) -> list[int]:
        """Return the id before each of these (thread, id) pairs, 0 before the first."""
        return await self._database.read(self._previous, messages)

    @staticmethod
    def _previous(tx: Transaction, messages: Sequence[tuple[int, int]]) -> list[int]:
        rows = (
            tx.row("SELECT MAX(msg_id) FROM messages WHERE thread_id = ? AND msg_id < ?", *message)
            for message in messages
        )
        return [row[0] or 0 if row is not None else 0 for row in rows]

    @staticmethod
    def _page(
        tx: Transaction, user: int, thread_id: int, after: int, before: int, limit: int, direction: str
    ) -> list[Record]:
        # in one round trip: the marks of both members of a private thread (of a group only the user's own),
        # and the page
        both = tx.dialect.union_all(
            (
                "SELECT 0, m.user_id, m.read_id, 0, 0, '' FROM threads t JOIN members m ON m.thread_id = t.thread_id "
                "AND m.user_id IN (?, t.low_id, t.high_id) WHERE t.thread_id = ?",
                "SELECT 1, msg_id, sender_id, kind, status, content FROM messages "  # noqa: S608
                f"WHERE thread_id = ? AND msg_id > ? AND msg_id < ? ORDER BY msg_id {direction} LIMIT ?",
            )
        )
        rows = tx.rows(both, user, thread_id, thread_id, after, before, limit)
        marks = {member: read for is_message, member, read, *_ in rows if not is_message}
        if user not in marks:
            raise Refused(Status.PERMISSION_DENIED, "Only its members may read a thread.")
        return [_record(thread_id, marks, row) for row in sorted(row[1:] for row in rows if row[0])]


def _record(thread_id: int, marks: dict[int, int], row: Row) -> Record:
    msg_id, sender, kind, status, content = row
    others = [user for user in marks if user != sender]
    if status == 0 and others and all(marks[user] >= msg_id for user in others):
        status = 1
    return Record(
        thread_id, msg_id, sender, others[0] if len(marks) == 2 and others else 0, kind, status, content
    )
