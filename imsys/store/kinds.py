"""List the kinds of stored password hashes; each gateway asks once at its start."""

from __future__ import annotations

from imsys.store.database import Transaction

_SALT_AND_DIGEST = len("$") + 22 + len("$") + 43


def password_kinds(tx: Transaction, most: int) -> list[str]:
    """Implement :meth:`.AccountStore.password_kinds`."""
    rows = tx.rows(
        "SELECT DISTINCT SUBSTR(password_hash, 1, LENGTH(password_hash) - ?) FROM accounts LIMIT ?",
        _SALT_AND_DIGEST,
        most,
    )
    return [kind for (kind,) in rows if kind]
