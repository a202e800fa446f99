"""Dense numbers of messages in their thread, from 1 on: what is unread is a subtraction of two of them.

A message gets its number under the lock of its thread's head, which keeps the last one. ``numbered_id`` is the
id up to which a thread is numbered. Where it is not the thread's last id, a server of an older version has
written since, and whoever locks the head next numbers what is missing, and learns whose turn it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from imsys.store.database import Transaction
from imsys.store.dialects import numbers
from imsys.store.heads import Head, turn_after
from imsys.store.ids import LARGEST


def number(tx: Transaction, heads: Iterable[Head], up_to: int = LARGEST) -> None:
    """Number what is missing in threads whose heads are locked, and bring the heads up to date.

    Only messages are read that have no number, however many others their threads have.

    :param up_to: the id of the last message that is numbered.
    """
    behind = {head.thread_id: head for head in heads if not head.numbered}
    if not behind:
        return
    since: dict[int, int] = dict(
        tx.rows_literal(
            f"SELECT thread_id, numbered_id FROM threads WHERE thread_id IN ({numbers(sorted(behind))})"  # noqa: S608
        )
    )
    missing = " OR ".join(
        f"(x.thread_id = {thread_id:d} AND x.msg_id > {after:d} AND x.msg_id <= {up_to:d})"
        for thread_id, after in since.items()
    )
    before = " ".join(f"WHEN {head.thread_id:d} THEN {head.last_number:d}" for head in behind.values())
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
    last_of: dict[tuple[int, int], int] = defaultdict(int)
    for thread_id, sender, count, last in tx.rows_literal(
        f"SELECT x.thread_id, x.sender_id, COUNT(*), MAX(x.msg_id) FROM messages x WHERE {missing} "  # noqa: S608
        "GROUP BY x.thread_id, x.sender_id"
    ):
        behind[thread_id].last_number += count
        last_of[thread_id, sender] = last
    for thread_id, head in behind.items():
        by_low, by_high = last_of[thread_id, head.low], last_of[thread_id, head.high]
        if by_low and by_high:
            head.turn = -by_low if by_high > by_low else by_high
        elif by_low or by_high:
            head.turn = turn_after(head.turn, by_high > 0, since[thread_id])
        head.numbered = int(head.last_msg_id <= up_to)
        tx.execute(
            "UPDATE threads SET numbered_id = ?, last_number = ?, turn = ? WHERE thread_id = ?",
            min(head.last_msg_id, up_to),
            head.last_number,
            head.turn,
            thread_id,
        )
