"""Steps of migrations that cannot be written in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from imsys.store.dialects import Dialect
from imsys.store.looks import of_name

BATCH = 1000
"""Accounts processed at once."""


def fill_looks(dialect: Dialect, cursor: Any) -> None:
    """Add the looks of all accounts, oldest first.

    Of accounts that look alike already, only the first gets the look.
    """
    enter = dialect.translate("INSERT {ignore} INTO looks (look, user_id) VALUES (?, ?)")
    select = dialect.translate(
        "SELECT user_id, username FROM accounts WHERE user_id > ? ORDER BY user_id LIMIT ?"
    )
    rows = _some(cursor, select, 0)
    while rows:
        cursor.executemany(enter, [(look, uuid) for uuid, name in rows for look in of_name(name)])
        rows = _some(cursor, select, rows[-1][0])


def _some(cursor: Any, select: str, after: int) -> list[Any]:
    cursor.execute(select, (after, BATCH))
    found: Iterable[Any] = cursor.fetchall()
    return list(found)
