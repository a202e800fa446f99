"""What the names of accounts look like, in the table ``looks``: names that look alike are not both taken."""

from __future__ import annotations

import hashlib

from imsys.store.database import Transaction
from imsys.store.dialects import numbers
from imsys.util.lookalikes import looks

BATCH = 100
"""Accounts that are looked at whenever one is made: the newest."""

BATCHES = 100
"""As many times these at most, while some lack their looks."""

NEWEST = 1 << 62
"""Above the numbers of all accounts."""


def of_name(username: str) -> list[bytes]:
    """What stands in the table for a name: 32 bytes each, in order."""
    return sorted(hashlib.sha256(look.encode()).digest() for look in looks(username))


def taken(tx: Transaction, username: str) -> bool:
    """Whether some account looks like this name."""
    return any(tx.row("SELECT 1 FROM looks WHERE look = ?", look) is not None for look in of_name(username))


def take(tx: Transaction, username: str, uuid: int) -> None:
    """Let no other account look like this one; a look that is taken is an error of a duplicate."""
    tx.execute_many("INSERT INTO looks (look, user_id) VALUES (?, ?)", [(look, uuid) for look in of_name(username)])


def fill(tx: Transaction, below: int) -> int:
    """Enter what the newest accounts with smaller numbers than this look like, where that is missing.

    A gateway of an older release knows of no looks, and makes accounts while others are upgraded already. What is taken stays its
    owner's: of those that look alike by now, one has the look.

    :returns: below which number to go on; 0: nothing was missing.
    """
    accounts = tx.rows("SELECT user_id, username FROM accounts WHERE user_id < ? ORDER BY user_id DESC LIMIT ?", below, BATCH)
    if not accounts:
        return 0
    there = tx.rows(f"SELECT DISTINCT user_id FROM looks WHERE user_id IN ({numbers(uuid for uuid, _ in accounts)})")  # noqa: S608
    missing: dict[int, str] = dict(accounts)
    for (uuid,) in there:
        del missing[uuid]
    enter = "INSERT {ignore} INTO looks (look, user_id) VALUES (?, ?)"
    entered = [tx.execute(enter, look, uuid) for uuid, username in missing.items() for look in of_name(username)]
    return int(accounts[-1][0]) if any(entered) else 0
