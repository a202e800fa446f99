"""People: the public cards of accounts."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from imsys.errors import Refused, Status
from imsys.store.accounts import find_name
from imsys.store.database import Database, Row, Transaction
from imsys.store.dialects import numbers

PERSON = "a.user_id, a.username, p.nickname, p.avatar, p.description, p.sex"
"""The columns of a :class:`Person`, from ``accounts a`` joined with ``profiles p``."""


class Person(msgspec.Struct, frozen=True):
    """A user's public card; ``avatar`` is a file id or a path, ``sex`` 0 or 1."""

    uuid: int
    username: str
    nickname: str
    avatar: str
    description: str
    sex: int


class PeopleStore:
    """The tables ``accounts`` and ``profiles``, read together."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_name(self, username: str) -> Person | None:
        """Find a user by name, ignoring case."""
        return await self._database.read(self._by_name, username)

    @staticmethod
    def _by_name(tx: Transaction, username: str) -> Person | None:
        row = find_name(tx, PERSON, username, "JOIN profiles p ON p.user_id = a.user_id")
        return None if row is None else Person(*row)

    async def by_uuid(self, uuids: Sequence[int]) -> list[Person]:
        """Return those of these users that exist, in the given order."""
        return await self._database.read(people, uuids)

    async def change(
        self,
        uuid: int,
        *,
        nickname: str | None = None,
        avatar: str | None = None,
        description: str | None = None,
        sex: int | None = None,
    ) -> tuple[Person, list[int]]:
        """Change fields that are not ``None``.

        Return the card and the friends to tell (not where one blocks the other).

        :param avatar: the present one, or empty to remove it; :meth:`.FileStore.become_avatar` sets a new
            one.
        :raises Refused: INVALID_FIELD (70), ``avatar`` is something else.
        """
        return await self._database.write(self._change, uuid, nickname, avatar, description, sex)

    @staticmethod
    def _change(
        tx: Transaction,
        uuid: int,
        nickname: str | None,
        avatar: str | None,
        description: str | None,
        sex: int | None,
    ) -> tuple[Person, list[int]]:
        if avatar is not None and avatar not in ("", people(tx, [uuid])[0].avatar):
            raise Refused(
                Status.INVALID_FIELD, "The key avator is what the server gave: send a picture as an avatar."
            )
        return change_person(tx, uuid, nickname, avatar, description, sex)


def change_person(
    tx: Transaction,
    uuid: int,
    nickname: str | None,
    avatar: str | None,
    description: str | None,
    sex: int | None,
) -> tuple[Person, list[int]]:
    """Do :meth:`PeopleStore.change` inside a transaction; the row stays locked to its end."""
    tx.execute(
        "UPDATE profiles SET nickname = COALESCE(?, nickname), avatar = COALESCE(?, avatar), "
        "description = COALESCE(?, description), sex = COALESCE(?, sex) WHERE user_id = ?",
        nickname,
        avatar,
        description,
        sex,
        uuid,
    )
    friends = tx.rows(
        "SELECT friend_id FROM friendships WHERE user_id = ? "
        "AND NOT EXISTS (SELECT 1 FROM blocks WHERE blocks.user_id = friendships.user_id AND blocked_id = friend_id) "
        "AND NOT EXISTS (SELECT 1 FROM blocks WHERE blocks.user_id = friend_id AND blocked_id = friendships.user_id)",
        uuid,
    )
    return people(tx, [uuid])[0], [friend for (friend,) in friends]


def people(tx: Transaction, uuids: Sequence[int]) -> list[Person]:
    """Return those of these users that exist, in the given order, each once."""
    if not uuids:
        return []
    rows: list[Row] = tx.rows(
        f"SELECT {PERSON} FROM accounts a JOIN profiles p ON p.user_id = a.user_id WHERE a.user_id IN ({numbers(uuids)})"  # noqa: S608
    )
    found = {row[0]: Person(*row) for row in rows}
    return [found[uuid] for uuid in dict.fromkeys(uuids) if uuid in found]
