"""Accounts: names, e-mail addresses and password hashes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from imsys.errors import Refused, Status
from imsys.store import looks
from imsys.store.database import Database, Row, Transaction
from imsys.store.kinds import password_kinds
from imsys.store.sign_ins import end_all
from imsys.util.names import email_key, name_key, name_keys


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is needed to check a password; ``password_hash`` is argon2's encoded form."""

    uuid: int
    username: str
    email: str
    password_hash: str = field(repr=False)
    epoch: int
    """The account's epoch when the hash was read; see :mod:`imsys.store.sign_ins`."""


_CREDENTIALS = "a.user_id, a.username, a.email, a.password_hash, COALESCE(e.epoch, 0)"
_EPOCH = "LEFT JOIN epochs e ON e.user_id = a.user_id"

TAKEN = "This username is taken, or looks like one that is."


def find_name(tx: Transaction, columns: str, username: str, more: str = "") -> Row | None:
    """Find the row of an account by name, ignoring case and width.

    :param columns: columns of ``accounts a`` and of the tables joined by ``more``; a constant.
    """
    for key in name_keys(username):
        row = tx.row(f"SELECT {columns} FROM accounts a {more} WHERE a.username_key = ?", key.encode())  # noqa: S608 (constants)
        if row is not None:
            return row
    return None


class AccountStore:
    """The table ``accounts``; times come from ``calendar`` (Unix seconds)."""

    def __init__(self, database: Database, calendar: Callable[[], float]) -> None:
        self._database = database
        self._calendar = calendar

    async def create(self, username: str, email: str, password_hash: str) -> int:
        """Create an account, and a profile with its name as nickname; return its uuid.

        :raises Refused: USERNAME_TAKEN (71), the name or one that looks like it is taken; EMAIL_TAKEN (72).
        """
        below = looks.NEWEST
        for _ in range(looks.BATCHES):
            below = await self._database.write(looks.fill, below)
            if not below:
                break
        return await self._database.write(self._create, username, email, password_hash)

    def _create(self, tx: Transaction, username: str, email: str, password_hash: str) -> int:
        try:
            uuid = tx.insert(
                "INSERT INTO accounts (username, username_key, email, email_key, password_hash, created_at) VALUES (?, ?, ?, ?, ?, ?)",
                username,
                name_key(username).encode(),
                email,
                email_key(email).encode(),
                password_hash,
                round(self._calendar() * 1000),
            )
            looks.take(tx, username, uuid)
        except Exception as error:
            if not tx.is_duplicate(error):
                raise
            name_taken, _ = self._taken(tx, username, email)
            if name_taken:
                raise Refused(Status.USERNAME_TAKEN, TAKEN) from None
            raise Refused(Status.EMAIL_TAKEN, "This e-mail address has an account.") from None
        tx.execute("INSERT INTO profiles (user_id, nickname) VALUES (?, ?)", uuid, username)
        return uuid

    async def taken(self, username: str, email: str) -> tuple[bool, bool]:
        """Return whether the name, or one that looks like it, is taken, and whether the address is."""
        return await self._database.read(self._taken, username, email)

    @staticmethod
    def _taken(tx: Transaction, username: str, email: str) -> tuple[bool, bool]:
        return (
            find_name(tx, "a.user_id", username) is not None or looks.taken(tx, username),
            tx.row("SELECT 1 FROM accounts WHERE email_key = ?", email_key(email).encode()) is not None,
        )

    async def has_email(self, email: str) -> bool:
        """Return whether an address has an account."""
        return await self._database.read(self._has_email, email_key(email).encode())

    @staticmethod
    def _has_email(tx: Transaction, key: bytes) -> bool:
        return tx.row("SELECT 1 FROM accounts WHERE email_key = ?", key) is not None

    async def credentials(self, username: str) -> Credentials | None:
        """Return the credentials of a name, if it has an account."""
        return await self._database.read(self._credentials_by_name, username)

    @staticmethod
    def _credentials_by_name(tx: Transaction, username: str) -> Credentials | None:
        row = find_name(tx, _CREDENTIALS, username, _EPOCH)
        return None if row is None else Credentials(*row)

    async def password_kinds(self, most: int) -> list[str]:
        """Return the parts before salt and digest of all password hashes, at most ``most``.

        It reads all accounts.
        """
        return await self._database.read(password_kinds, most)

    async def by_name_and_email(self, username: str, email: str) -> int | None:
        """Return the uuid of the account that has both, if there is one."""
        return await self._database.read(self._by_name_and_email, username, email_key(email).encode())

    @staticmethod
    def _by_name_and_email(tx: Transaction, username: str, email: bytes) -> int | None:
        row = find_name(tx, "a.user_id, a.email_key", username)
        return row[0] if row is not None and row[1] == email else None

    async def reset_password(self, password_hash: str, uuid: int) -> list[bytes]:
        """Store a new password hash and end all sign-ins; return the digests of those that ended."""
        return await self._database.write(self._reset_password, password_hash, uuid)

    @classmethod
    def _reset_password(cls, tx: Transaction, password_hash: str, uuid: int) -> list[bytes]:
        cls._set_password(tx, uuid, password_hash, None)
        return end_all(tx, uuid)

    async def set_password(self, uuid: int, password_hash: str, *, replacing: str | None = None) -> None:
        """Store a new password hash; with ``replacing``, only if that is the present one."""
        await self._database.write(self._set_password, uuid, password_hash, replacing)

    @staticmethod
    def _set_password(tx: Transaction, uuid: int, password_hash: str, replacing: str | None) -> None:
        tx.execute(
            "UPDATE accounts SET password_hash = ? WHERE user_id = ? AND password_hash = COALESCE(?, password_hash)",
            password_hash,
            uuid,
            replacing,
        )
