"""What the names of accounts look like, in the table ``looks``: names that look alike are not both taken."""

from __future__ import annotations

import hashlib

from imsys.store.database import Transaction
from imsys.util.lookalikes import looks


def of_name(username: str) -> list[bytes]:
    """What stands in the table for a name: 32 bytes each, in order."""
    return sorted(hashlib.sha256(look.encode()).digest() for look in looks(username))


def taken(tx: Transaction, username: str) -> bool:
    """Whether some account looks like this name."""
    return any(tx.row("SELECT 1 FROM looks WHERE look = ?", look) is not None for look in of_name(username))


def take(tx: Transaction, username: str, uuid: int) -> None:
    """Let no other account look like this one; a look that is taken is an error of a duplicate."""
    tx.execute_many("INSERT INTO looks (look, user_id) VALUES (?, ?)", [(look, uuid) for look in of_name(username)])
