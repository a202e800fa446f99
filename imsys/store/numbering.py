"""Dense numbers of messages in their thread, from 1 on: what is unread is a subtraction of two of them.

A message gets its number under the lock of its thread's head, which keeps the last one. ``numbered_id`` is the
id up to which a thread is numbered. Where it is not the thread's last id, a server of an older version has
written since, and whoever locks the head next numbers what is missing, and learns whose turn it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from imsys.store.database import Transaction
from imsys.store.dialects import numbers
from imsys.store.heads import Head, advance, turn_after

_LAST_OF = (
    "COALESCE((SELECT MAX(s.msg_id) FROM messages s WHERE s.thread_id = t.thread_id AND s.msg_id > t.numbered_id "
    "AND s.sender_id = t.{user}), 0)"
)
"""The last message of a user that a server of an older version wrote."""


def number(tx: Transaction, heads: Iterable[Head]) -> None:
    """Number what is missing in threads whose heads are locked, and bring the heads up to date."""
    behind = {head.thread_id: head for head in heads if not head.numbered}
    if not behind:
        return
    among = numbers(sorted(behind))
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
    rows = tx.rows_literal(
        "SELECT t.thread_id, t.numbered_id, COALESCE((SELECT m.number FROM messages m WHERE m.thread_id = t.thread_id "  # noqa: S608
        f"ORDER BY m.msg_id DESC LIMIT 1), 0), {_LAST_OF.format(user='low_id')}, {_LAST_OF.format(user='high_id')} "
        f"FROM threads t WHERE t.thread_id IN ({among})"
    )
    for thread_id, numbered_id, last_number, by_low, by_high in rows:
        head = behind[thread_id]
        head.last_number, head.numbered = last_number, 1
        if by_low and by_high:
            head.turn = -by_low if by_high > by_low else by_high
        elif by_low or by_high:
            head.turn = turn_after(head.turn, by_high > 0, numbered_id)
    advance(behind.values()).run(tx)
