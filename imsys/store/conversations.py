"""What belongs to the messages of a thread: pins, reactions, and what a user has hidden."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from imsys.errors import Refused, Status
from imsys.store.changes import RECALLED, TEXT, no_message
from imsys.store.database import Database, Transaction
from imsys.store.own_numbers import next_number, noted


class Original(msgspec.Struct, frozen=True, gc=False):
    """A text to be forwarded; ``extra`` is what it says beside it, as JSON."""

    sender: int
    content: str
    extra: str | None


class ConversationStore:
    """The tables ``pins``, ``reactions`` and ``hidden``, as far as the log does not write them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pins(self, user: int, thread_id: int) -> list[int]:
        """The pinned messages of a thread, the one pinned last first.

        :raises Refused: PERMISSION_DENIED (65), not a member.
        """
        return await self._database.read(self._pins, user, thread_id)

    @staticmethod
    def _pins(tx: Transaction, user: int, thread_id: int) -> list[int]:
        first = _first_readable(tx, user, thread_id)
        rows = tx.rows(
            "SELECT entry_id, msg_id FROM pins WHERE thread_id = ? AND msg_id >= ?", thread_id, first
        )
        return [msg_id for _, msg_id in sorted(rows, reverse=True)]

    async def reactors(
        self, user: int, thread_id: int, msg_id: int, after: tuple[str, int], limit: int
    ) -> list[tuple[str, int]]:
        """Who reacted to a message: (emoji, user), ascending, after such a pair.

        :raises Refused: PERMISSION_DENIED (65), not a member; CHATRECORD_NOT_EXIST (24), there is no such message.
        """
        return await self._database.read(self._reactors, user, thread_id, msg_id, after, limit)

    @staticmethod
    def _reactors(
        tx: Transaction, user: int, thread_id: int, msg_id: int, after: tuple[str, int], limit: int
    ) -> list[tuple[str, int]]:
        demand_message(tx, user, thread_id, msg_id)
        emoji, last = after[0].encode(), after[1]
        rows = tx.rows(
            "SELECT emoji, user_id FROM reactions WHERE thread_id = ? AND msg_id = ? AND emoji >= ? "
            "AND (emoji > ? OR user_id > ?) ORDER BY emoji, user_id LIMIT ?",
            thread_id,
            msg_id,
            emoji,
            emoji,
            last,
            limit,
        )
        return [(bytes(emoji).decode(), user) for emoji, user in rows]

    async def text(self, user: int, thread_id: int, msg_id: int) -> Original:
        """A text that a user may read, to forward it.

        :raises Refused: PERMISSION_DENIED (65), not a member; CHATRECORD_NOT_EXIST (24), there is none, or not any
            more; INVALID_FIELD (70), it is no text.
        """
        return await self._database.read(self._text, user, thread_id, msg_id)

    @staticmethod
    def _text(tx: Transaction, user: int, thread_id: int, msg_id: int) -> Original:
        first = _first_readable(tx, user, thread_id)
        row = tx.row(
            "SELECT sender_id, kind, status, content, extra FROM messages WHERE thread_id = ? AND msg_id = ?",
            thread_id,
            msg_id,
        )
        if row is None or msg_id < first or row[2] == RECALLED:
            raise no_message()
        sender, kind, _, content, extra = row
        if kind != TEXT:
            raise Refused(Status.INVALID_FIELD, "Only texts are forwarded like this.")
        return Original(sender, content, extra)

    async def hide(self, user: int, thread_id: int, msg_ids: Sequence[int], up_to: int) -> tuple[int, int]:
        """Hide messages from one user: these, and all up to an id.

        :returns: up to which all are hidden now, and the number of the last of the user's own changes.
        :raises Refused: PERMISSION_DENIED (65), not a member.
        """
        return await self._database.write(self._hide, user, thread_id, msg_ids, up_to)

    @staticmethod
    def _hide(
        tx: Transaction, user: int, thread_id: int, msg_ids: Sequence[int], up_to: int
    ) -> tuple[int, int]:
        number = next_number(tx, user)
        row = tx.row(
            "SELECT hidden_to FROM members WHERE thread_id = ? AND user_id = ? {lock}", thread_id, user
        )
        if row is None:
            raise _no_member()
        hidden_to, changed = row[0], 0
        last = tx.row("SELECT last_msg_id FROM threads WHERE thread_id = ?", thread_id) if up_to else None
        up_to = min(up_to, last[0]) if last is not None else 0
        if up_to > hidden_to:
            hidden_to = up_to
            tx.execute(
                "UPDATE members SET hidden_to = ? WHERE thread_id = ? AND user_id = ?",
                hidden_to,
                thread_id,
                user,
            )
            tx.execute(
                "DELETE FROM hidden WHERE user_id = ? AND thread_id = ? AND msg_id <= ?",
                user,
                thread_id,
                hidden_to,
            )
            changed += tx.execute(
                "INSERT INTO hidden (user_id, thread_id, msg_id, all_before, number) VALUES (?, ?, ?, 1, ?)",
                user,
                thread_id,
                hidden_to,
                number,
            )
        for msg_id in msg_ids:
            there = tx.row("SELECT 1 FROM messages WHERE thread_id = ? AND msg_id = ?", thread_id, msg_id)
            if there is not None and msg_id > hidden_to:
                changed += tx.execute(
                    "INSERT {ignore} INTO hidden (user_id, thread_id, msg_id, number) VALUES (?, ?, ?, ?)",
                    user,
                    thread_id,
                    msg_id,
                    number,
                )
        return int(hidden_to), noted(tx, user, number) if changed else number - 1


def demand_message(tx: Transaction, user: int, thread_id: int, msg_id: int) -> None:
    """Check that there is a message that a user may read.

    :raises Refused: PERMISSION_DENIED (65), not a member; CHATRECORD_NOT_EXIST (24), there is none.
    """
    first = _first_readable(tx, user, thread_id)
    there = tx.row("SELECT 1 FROM messages WHERE thread_id = ? AND msg_id = ?", thread_id, msg_id)
    if there is None or msg_id < first:
        raise no_message()


def _first_readable(tx: Transaction, user: int, thread_id: int) -> int:
    row = tx.row("SELECT first_id FROM members WHERE thread_id = ? AND user_id = ?", thread_id, user)
    if row is None:
        raise _no_member()
    return int(row[0])


def _no_member() -> Refused:
    return Refused(Status.PERMISSION_DENIED, "Only its members may read a thread.")
