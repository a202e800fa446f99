"""Dense numbers of messages in their thread, from 1 on: what is unread is a subtraction of two of them.

A message gets its number under the lock of its thread's head, which keeps the last one. ``numbered_id`` is the
id up to which a thread is numbered. Where it is not the thread's last id, a server of an older version has
written since, and whoever locks the head next numbers what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from imsys.store.database import Transaction
from imsys.store.dialects import numbers

_SENT = (
    "(SELECT MAX(s.msg_id) FROM messages s WHERE s.thread_id = threads.thread_id AND s.msg_id > threads.numbered_id "
    "AND s.sender_id = threads.{user})"
)
"""The last message of a user that a server of an older version wrote."""


class Numbered(NamedTuple):
    """What the head of a thread says when all is numbered."""

    last_number: int
    low_sent: int
    high_sent: int


def number(tx: Transaction, threads: Sequence[int]) -> dict[int, Numbered]:
    """Number what is missing in threads whose heads are locked; return the heads' fields as they are then."""
    among = numbers(threads)
    missing = (
        "SELECT x.thread_id, x.msg_id, t.last_number + ROW_NUMBER() OVER (PARTITION BY x.thread_id ORDER BY x.msg_id) AS n "  # noqa: S608
        "FROM messages x JOIN threads t ON t.thread_id = x.thread_id "
        f"WHERE x.thread_id IN ({among}) AND x.msg_id > t.numbered_id"
    )
    if tx.dialect.name == "sqlite":
        tx.execute_literal(
            f"UPDATE messages SET number = s.n FROM ({missing}) AS s WHERE messages.msg_id = s.msg_id"  # noqa: S608
        )
    else:
        tx.execute_literal(
            f"UPDATE messages m JOIN ({missing}) s ON s.thread_id = m.thread_id AND s.msg_id = m.msg_id "  # noqa: S608
            "SET m.number = s.n"
        )
    tx.execute_literal(
        "UPDATE threads SET "  # noqa: S608
        f"low_sent = COALESCE({_SENT.format(user='low_id')}, low_sent), "
        f"high_sent = COALESCE({_SENT.format(user='high_id')}, high_sent), "
        "numbered_id = last_msg_id, last_number = COALESCE("
        "(SELECT m.number FROM messages m WHERE m.thread_id = threads.thread_id ORDER BY m.msg_id DESC LIMIT 1), 0) "
        f"WHERE thread_id IN ({among})"
    )
    rows = tx.rows_literal(
        f"SELECT thread_id, last_number, low_sent, high_sent FROM threads WHERE thread_id IN ({among})"  # noqa: S608
    )
    return {row[0]: Numbered(*row[1:]) for row in rows}
