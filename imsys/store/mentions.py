"""Whom messages mention: one row for each, so that a user's unread mentions are found without reading messages."""

from __future__ import annotations

from collections.abc import Sequence

from imsys.store.database import Transaction

EVERYBODY = 0
"""Stands for all members of a thread."""


def mentioned(users: Sequence[str] | str | None) -> tuple[int, ...]:
    """The users of the key ``mentions`` of a text."""
    if not users:
        return ()
    return (EVERYBODY,) if isinstance(users, str) else tuple(map(int, users))


def mention_anew(tx: Transaction, thread_id: int, msg_id: int, users: Sequence[int]) -> None:
    """Replace whom a message mentions."""
    tx.execute("DELETE FROM mentions WHERE thread_id = ? AND msg_id = ?", thread_id, msg_id)
    if users:
        tx.execute_rows(
            "INSERT INTO mentions (thread_id, user_id, msg_id) VALUES ",
            [(thread_id, user, msg_id) for user in users],
        )
