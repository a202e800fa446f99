"""Which kinds of password hashes there are, which is asked once by each gateway that starts."""

from __future__ import annotations

from imsys.store.database import Transaction

_SALT_AND_DIGEST = len("$") + 22 + len("$") + 43


def password_kinds(tx: Transaction, most: int) -> list[str]:
    """As :meth:`.AccountStore.password_kinds`."""
    rows = tx.rows("SELECT DISTINCT SUBSTR(password_hash, 1, LENGTH(password_hash) - ?) FROM accounts LIMIT ?", _SALT_AND_DIGEST, most)
    return [kind for (kind,) in rows if kind]
