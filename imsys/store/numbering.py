"""Dense numbers of messages in their thread, from 1 on: what is unread is a subtraction of two of them.

A message gets its number under the lock of its thread's head, which keeps the last one. ``numbered_id`` is the
id up to which a thread is numbered. Where it is not the thread's last id, a server of an older version has
written since, and whoever locks the head next numbers what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence

from imsys.store.database import Transaction
from imsys.store.heads import Head
from imsys.store.ids import LARGEST


def number(tx: Transaction, heads: Sequence[Head], up_to: int = LARGEST) -> None:
    """Number what is missing in threads, whose heads are locked, and bring the heads up to date.

    Only messages are read that have no number, however many others their threads have.

    :param up_to: the id of the last message that is numbered.
    """
    missing = " OR ".join(
        f"(x.thread_id = {head.thread_id:d} AND x.msg_id > {head.numbered_id:d} AND x.msg_id <= {up_to:d})"
        for head in heads
    )
    before = " ".join(f"WHEN {head.thread_id:d} THEN {head.last_number:d}" for head in heads)
    numbered = (
        f"SELECT x.thread_id, x.msg_id, CASE x.thread_id {before} END "  # noqa: S608
        "+ ROW_NUMBER() OVER (PARTITION BY x.thread_id ORDER BY x.msg_id) AS n "
        f"FROM messages x WHERE {missing}"
    )
    if tx.dialect.name == "sqlite":
        tx.execute_literal(
            f"UPDATE messages SET number = s.n FROM ({numbered}) AS s WHERE messages.msg_id = s.msg_id"  # noqa: S608
        )
    else:
        tx.execute_literal(
            f"UPDATE messages m JOIN ({numbered}) s ON s.thread_id = m.thread_id AND s.msg_id = m.msg_id "  # noqa: S608
            "SET m.number = s.n"
        )
    there = {head.thread_id: head for head in heads}
    for thread_id, sender, count, last in tx.rows_literal(
        f"SELECT x.thread_id, x.sender_id, COUNT(*), MAX(x.msg_id) FROM messages x WHERE {missing} "  # noqa: S608
        "GROUP BY x.thread_id, x.sender_id"
    ):
        head = there[thread_id]
        head.last_number += count
        if sender == head.low:
            head.low_sent = last
        elif sender == head.high:
            head.high_sent = last
    for head in heads:
        head.numbered_id = min(head.last_msg_id, up_to)
        tx.execute(
            "UPDATE threads SET numbered_id = ?, last_number = ?, low_sent = ?, high_sent = ? WHERE thread_id = ?",
            head.numbered_id,
            head.last_number,
            head.low_sent,
            head.high_sent,
            head.thread_id,
        )
