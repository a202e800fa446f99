"""Heads of threads: the rows whose locks order the messages of a thread and the changes of who may write."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from imsys.errors import Refused, Status
from imsys.store.database import Transaction
from imsys.store.dialects import numbers
from imsys.store.inserts import Insert
from imsys.store.members import may_write_in_group, not_a_member

PRIVATE, GROUP = 0, 1
FRIENDS, BLOCKED_BY_LOW, BLOCKED_BY_HIGH = 1, 2, 4


class Head(msgspec.Struct, array_like=True, gc=False):
    """A thread whose row is locked; ``last_msg_id`` advances with new messages.

    ``low`` and ``high`` are 0 in a group.
    """

    thread_id: int
    kind: int
    low: int
    high: int
    flags: int
    last_msg_id: int
    """The id of the last entry, of whatever kind."""
    last_number: int
    numbered: int
    """Whether all messages have their numbers (1; else 0); see :mod:`imsys.store.numbering`."""
    turn: int
    """Of a private thread; see :func:`turn_after`."""
    timer: int
    """Seconds after which messages expire, 0 never."""


_COLUMNS = (
    "thread_id",
    "kind",
    "COALESCE(low_id, 0)",
    "COALESCE(high_id, 0)",
    "flags",
    "last_msg_id",
    "last_number",
    "(numbered_id = last_msg_id)",
    "turn",
    "timer",
)

_decode = msgspec.json.Decoder(list[Head]).decode


def turn_after(turn: int, by_high: bool, prev_id: int) -> int:
    """Return the turn of a private thread after a message that follows ``prev_id``.

    A turn is what one of the two users writes until the other one does. The head has the id before it, which is
    negative while it is the turn of the user ``high``. So it tells with one number how far each of them has read at
    least: the one whose turn it is everything, the other one all before it.
    """
    if by_high:
        return turn if turn < 0 else -(prev_id or 1)
    return turn if turn >= 0 else prev_id


SEEN = (
    "CASE m.user_id WHEN t.low_id THEN CASE WHEN t.turn < 0 THEN -t.turn ELSE t.last_msg_id END "
    "WHEN t.high_id THEN CASE WHEN t.turn < 0 THEN t.last_msg_id ELSE t.turn END ELSE 0 END"
)
"""How far a member ``m`` of a private thread ``t`` has read at least, in SQL; see :func:`turn_after`."""


def advance(heads: Iterable[Head]) -> Insert:
    """Make the statement that writes how far the logs of threads go now; all their messages are numbered."""
    return Insert(
        "INSERT INTO threads (thread_id, last_msg_id, last_number, turn) VALUES ",
        [(head.thread_id, head.last_msg_id, head.last_number, head.turn) for head in heads],
        " ON DUPLICATE KEY UPDATE last_msg_id = VALUES(last_msg_id), numbered_id = VALUES(last_msg_id), "
        "last_number = VALUES(last_number), turn = VALUES(turn)",
        " ON CONFLICT (thread_id) DO UPDATE SET last_msg_id = excluded.last_msg_id, "
        "numbered_id = excluded.last_msg_id, last_number = excluded.last_number, turn = excluded.turn",
    )


def lock_heads(tx: Transaction, thread_ids: Collection[int]) -> dict[int, Head]:
    """Lock the heads of threads, in ascending order so that writers cannot deadlock.

    Unknown ids are left out.

    They are read as one JSON text: separate rows would take the drivers many times as long.
    """
    return _select(tx, thread_ids, tx.dialect.lock)


def read_heads(tx: Transaction, thread_ids: Collection[int]) -> dict[int, Head]:
    """Read the heads of threads as they are committed, without a lock; unknown ids are left out."""
    return _select(tx, thread_ids, "")


def lock_free_heads(
    tx: Transaction, thread_ids: Collection[int], *, wait: bool
) -> tuple[dict[int, Head], set[int]]:
    """Lock heads except those that other transactions have locked.

    Return the heads, and the threads left out.

    :param wait: first wait for all locks as long as any statement does: a working server releases them
        quickly.
    """
    if wait:
        try:
            return lock_heads(tx, thread_ids), set()
        except Exception as error:
            if not tx.is_locked(error):
                raise
    if tx.dialect.skip_locked is not None:
        heads = _select(tx, thread_ids, tx.dialect.skip_locked)
    else:
        heads = {}
        for thread_id in sorted(thread_ids):
            try:
                heads |= _select(tx, (thread_id,), f"{tx.dialect.lock} NOWAIT")
            except Exception as error:
                if not tx.is_locked(error):
                    raise
    missing = set(thread_ids).difference(heads)
    if not missing:
        return heads, missing
    there = tx.rows_literal(f"SELECT thread_id FROM threads WHERE thread_id IN ({numbers(sorted(missing))})")  # noqa: S608
    return heads, {thread_id for (thread_id,) in there}


def _select(tx: Transaction, thread_ids: Collection[int], lock: str) -> dict[int, Head]:
    packed = tx.value_literal(
        f"SELECT {tx.dialect.packed(_COLUMNS)} FROM threads {tx.dialect.by_primary_key} "  # noqa: S608
        f"WHERE thread_id IN ({numbers(sorted(thread_ids))}) {lock}"
    )
    return {head.thread_id: head for head in _decode(packed)} if packed else {}


def pair(one: int, other: int) -> tuple[int, int]:
    """Return two users in ascending order, as in the database."""
    return (one, other) if one < other else (other, one)


def blocked_by(low: int, user: int) -> int:
    """Return the flag for ``user`` blocking the other of a pair whose lower user is ``low``."""
    return BLOCKED_BY_LOW if user == low else BLOCKED_BY_HIGH


def cut(kind: int, flags: int) -> bool:
    """Return whether a thread is private and its users are not friends or one blocks the other."""
    return kind == PRIVATE and flags != FRIENDS


def private_thread(tx: Transaction, one: int, other: int, flags: int, now_ms: int) -> Head:
    """Lock and return the head of two users' private thread; create it if needed, and set its ``flags``."""
    low, high = pair(one, other)
    found = tx.row("SELECT thread_id FROM threads WHERE low_id = ? AND high_id = ?", low, high)
    if found is None:
        tx.execute(
            "INSERT {ignore} INTO threads (kind, low_id, high_id, flags, created_at) VALUES (?, ?, ?, ?, ?)",
            PRIVATE,
            low,
            high,
            flags,
            now_ms,
        )
        found = tx.row("SELECT thread_id FROM threads WHERE low_id = ? AND high_id = ? {lock}", low, high)
        assert found is not None
        for user in (low, high):
            tx.execute(
                "INSERT {ignore} INTO members (thread_id, user_id, joined_at) VALUES (?, ?, ?)",
                found[0],
                user,
                now_ms,
            )
    head = lock_heads(tx, [found[0]])[found[0]]
    if head.flags != flags:
        tx.execute("UPDATE threads SET flags = ? WHERE thread_id = ?", flags, head.thread_id)
        head.flags = flags
    return head


def may_write(tx: Transaction, thread_id: int, user: int, now_ms: int) -> None:
    """Check early that a user may write in a thread.

    Storing the message checks it again under the head's lock.

    :raises Refused: PERMISSION_DENIED (65), not a member; BLOCKED (76); NOT_FRIENDS (66); READ_ONLY (80); MUTED (79).
    """
    row = tx.row(
        "SELECT t.kind, COALESCE(t.low_id, 0), COALESCE(t.high_id, 0), t.flags, t.rules, m.role, m.muted_until "
        "FROM threads t JOIN members m ON m.thread_id = t.thread_id WHERE t.thread_id = ? AND m.user_id = ?",
        thread_id,
        user,
    )
    if row is None:
        raise not_a_member()
    kind, low, high, flags, rules, role, muted_until = row
    if kind == GROUP:
        refused = may_write_in_group(rules, role, muted_until, now_ms)
        if refused is not None:
            raise refused
    else:
        if flags & blocked_by(low, low + high - user):
            raise Refused(Status.BLOCKED, "This user does not want to hear from you.")
        if not flags & FRIENDS:
            raise Refused(Status.NOT_FRIENDS, "You are not friends.")
