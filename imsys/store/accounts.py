"""Accounts: who may log in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from imsys.errors import Refused, Status
from imsys.names import email_key, name_key
from imsys.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a password is checked against; ``password_hash`` is argon2's encoded form."""

    uuid: int
    username: str
    email: str
    password_hash: str = field(repr=False)


class AccountStore:
    """The table ``accounts``; times come from ``calendar`` (Unix seconds)."""

    def __init__(self, database: Database, calendar: Callable[[], float]) -> None:
        self._database = database
        self._calendar = calendar

    async def create(self, username: str, email: str, password_hash: str) -> int:
        """Make an account with an empty profile, nicknamed as it is named; give back its uuid.

        :raises Refused: 71 or 72, the name or the address is taken.
        """
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
        except Exception as error:
            if not tx.is_duplicate(error):
                raise
            name_taken, _ = self._taken(tx, username, email)
            if name_taken:
                raise Refused(Status.USERNAME_TAKEN, "This username is taken.") from None
            raise Refused(Status.EMAIL_TAKEN, "This e-mail address has an account.") from None
        tx.execute("INSERT INTO profiles (user_id, nickname) VALUES (?, ?)", uuid, username)
        return uuid

    async def taken(self, username: str, email: str) -> tuple[bool, bool]:
        """Whether the name, and whether the address, has an account."""
        return await self._database.read(self._taken, username, email)

    @staticmethod
    def _taken(tx: Transaction, username: str, email: str) -> tuple[bool, bool]:
        return (
            tx.row("SELECT 1 FROM accounts WHERE username_key = ?", name_key(username).encode()) is not None,
            tx.row("SELECT 1 FROM accounts WHERE email_key = ?", email_key(email).encode()) is not None,
        )

    async def has_email(self, email: str) -> bool:
        """Whether an address has an account."""
        return await self._database.read(self._has_email, email_key(email).encode())

    @staticmethod
    def _has_email(tx: Transaction, key: bytes) -> bool:
        return tx.row("SELECT 1 FROM accounts WHERE email_key = ?", key) is not None

    async def credentials(self, username: str) -> Credentials | None:
        """What belongs to a name, if it has an account."""
        return await self._database.read(self._credentials, "username_key", name_key(username).encode())

    async def credentials_by_uuid(self, uuid: int) -> Credentials | None:
        """What belongs to a uuid, if it has an account."""
        return await self._database.read(self._credentials, "user_id", uuid)

    @staticmethod
    def _credentials(tx: Transaction, column: str, value: bytes | int) -> Credentials | None:
        row = tx.row(f"SELECT user_id, username, email, password_hash FROM accounts WHERE {column} = ?", value)  # noqa: S608 (two constants)
        return None if row is None else Credentials(*row)

    async def by_name_and_email(self, username: str, email: str) -> int | None:
        """The uuid of the account that has both, if there is one."""
        return await self._database.read(self._by_name_and_email, name_key(username).encode(), email_key(email).encode())

    @staticmethod
    def _by_name_and_email(tx: Transaction, name: bytes, email: bytes) -> int | None:
        row = tx.row("SELECT user_id, email_key FROM accounts WHERE username_key = ?", name)
        return row[0] if row is not None and row[1] == email else None

    async def set_password(self, uuid: int, password_hash: str, *, replacing: str | None = None) -> None:
        """Store a new password hash; with ``replacing`` only in the place of that one."""
        await self._database.write(self._set_password, uuid, password_hash, replacing)

    @staticmethod
    def _set_password(tx: Transaction, uuid: int, password_hash: str, replacing: str | None) -> None:
        tx.execute(
            "UPDATE accounts SET password_hash = ? WHERE user_id = ? AND password_hash = COALESCE(?, password_hash)",
            password_hash,
            uuid,
            replacing,
        )
