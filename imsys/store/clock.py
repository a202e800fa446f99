"""The time that all nodes share."""

from __future__ import annotations

from collections.abc import Callable

from imsys.store.database import Transaction


def now_ms(tx: Transaction, calendar: Callable[[], float]) -> int:
    """Milliseconds since 1970 by the database's clock, which is the only one that all nodes share; by ours on SQLite."""
    if tx.dialect.name == "sqlite":
        return round(calendar() * 1000)
    row = tx.row("SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)")
    assert row is not None
    return int(row[0])
