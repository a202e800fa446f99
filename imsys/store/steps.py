"""What migrations do that SQL cannot say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from imsys.store.dialects import Dialect
from imsys.store.looks import of_name

BATCH = 1000
"""Accounts that are looked at in one go."""


def fill_looks(dialect: Dialect, cursor: Any) -> None:
    """Enter what all accounts that there are look like, the oldest first; of those that look alike already, only the first has its look."""
    enter = dialect.translate("INSERT {ignore} INTO looks (look, user_id) VALUES (?, ?)")
    select = dialect.translate("SELECT user_id, username FROM accounts WHERE user_id > ? ORDER BY user_id LIMIT ?")
    rows = _some(cursor, select, 0)
    while rows:
        cursor.executemany(enter, [(look, uuid) for uuid, name in rows for look in of_name(name)])
        rows = _some(cursor, select, rows[-1][0])


def _some(cursor: Any, select: str, after: int) -> list[Any]:
    cursor.execute(select, (after, BATCH))
    found: Iterable[Any] = cursor.fetchall()
    return list(found)
