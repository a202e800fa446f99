"""The looks of account names, in the table ``looks``, so that no two names look alike."""

from __future__ import annotations

import hashlib

from imsys.store.database import Transaction
from imsys.store.dialects import numbers
from imsys.util.lookalikes import looks

BATCH = 100
"""Newest accounts that are checked for missing looks whenever an account is created."""

BATCHES = 100
"""Batches that are checked, at most, while some accounts lack their looks."""

NEWEST = 1 << 62
"""A number above all account ids."""


def of_name(username: str) -> list[bytes]:
    """Return the looks of a name as in the table: 32 bytes each, sorted."""
    return sorted(hashlib.sha256(look.encode()).digest() for look in looks(username))


def taken(tx: Transaction, username: str) -> bool:
    """Return whether an account looks like this name."""
    return any(tx.row("SELECT 1 FROM looks WHERE look = ?", look) is not None for look in of_name(username))


def take(tx: Transaction, username: str, uuid: int) -> None:
    """Reserve the looks of an account; a look that is taken raises a duplicate error."""
    tx.execute_many(
        "INSERT INTO looks (look, user_id) VALUES (?, ?)", [(look, uuid) for look in of_name(username)]
    )


def fill(tx: Transaction, below: int) -> int:
    """Add missing looks of the newest accounts with ids below ``below``.

    A gateway of an older release does not know looks, and creates accounts while others are upgraded already.
    A look that is taken stays with its owner: of accounts that look alike by now, one has the look.

    :returns: the id below which to continue; 0: nothing was missing.
    """
    accounts = tx.rows(
        "SELECT user_id, username FROM accounts WHERE user_id < ? ORDER BY user_id DESC LIMIT ?", below, BATCH
    )
    if not accounts:
        return 0
    there = tx.rows(
        f"SELECT DISTINCT user_id FROM looks WHERE user_id IN ({numbers(uuid for uuid, _ in accounts)})"  # noqa: S608
    )
    missing: dict[int, str] = dict(accounts)
    for (uuid,) in there:
        del missing[uuid]
    enter = "INSERT {ignore} INTO looks (look, user_id) VALUES (?, ?)"
    entered = [
        tx.execute(enter, look, uuid) for uuid, username in missing.items() for look in of_name(username)
    ]
    return int(accounts[-1][0]) if any(entered) else 0
