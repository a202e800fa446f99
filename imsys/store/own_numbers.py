"""Numbers of what a user changes for themselves: settings of threads, and hidden messages."""

from __future__ import annotations

from imsys.store.database import Transaction


def next_number(tx: Transaction, user: int) -> int:
    """Lock a user's own changes, one after the other, and return the number of the next; it counts when it is :func:`noted`."""
    row = tx.row("SELECT own_number FROM profiles WHERE user_id = ? {lock}", user)
    return int(row[0]) + 1 if row is not None else 1


def noted(tx: Transaction, user: int, number: int) -> int:
    """Note a change of this number."""
    tx.execute("UPDATE profiles SET own_number = ? WHERE user_id = ?", number, user)
    return number
