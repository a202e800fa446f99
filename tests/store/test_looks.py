"""Names that look alike, on both databases."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread

from imsys.errors import Refused, Status
from imsys.store import looks, migrations
from imsys.store.database import Transaction
from tests.support.stores import OnMariaDb, OnSqlite, StoreCase


def older_account(tx: Transaction, name: str, key: str) -> int:
    """An account as an older release has made it."""
    uuid = tx.insert(
        "INSERT INTO accounts (username, username_key, email, email_key, password_hash, created_at) VALUES (?, ?, ?, ?, '-', 1)",
        name,
        key.encode(),
        f"{key!a}@example.org",
        f"{key!a}@example.org".encode(),
    )
    tx.execute("INSERT INTO profiles (user_id, nickname) VALUES (?, ?)", uuid, name)
    return uuid


class LooksCase(StoreCase):
    async def refused(self, name: str) -> None:
        with self.assertRaises(Refused) as caught:
            await self.stores.accounts.create(name, f"{name}@other.example", "-")
        self.assertEqual(caught.exception.status, Status.USERNAME_TAKEN)

    async def test_taken(self) -> None:
        """A name that looks like one that is taken is taken; one that was refused leaves nothing behind."""
        (anna,) = await self.people("AnnaI")
        for name in ("annal", "anna1", "ANNAi"):
            self.assertEqual(await self.stores.accounts.taken(name, "x@example.org"), (True, False))
            await self.refused(name)
        self.assertEqual(await self.stores.accounts.taken("annab", "x@example.org"), (False, False))
        await self.people("annab")
        found = await self.stores.people.by_name("ANNAI")
        self.assertEqual(found and found.uuid, anna)
        self.assertIsNone(await self.stores.people.by_name("annal"))

    async def test_at_once(self) -> None:
        """Of two that look alike and are made at once, one is."""
        made: list[Any] = await gatherResults(
            [
                Deferred.fromCoroutine(self.people(name)).addErrback(lambda failure: failure.trap(Refused))
                for name in ("anna1", "annal")
            ]
        )
        self.assertEqual(sum(isinstance(one, list) for one in made), 1)

    async def test_older_accounts(self) -> None:
        """Accounts that there are stay as they are: those that look alike, and those with characters that
        nobody sees.
        """

        def before(tx: Transaction) -> list[int]:
            tx.execute("DROP TABLE looks")
            tx.execute("DELETE FROM schema_migrations WHERE name = 'looks'")
            names = (("anna", "anna"), ("Anna\ufe0f", "anna\ufe0f"), ("bil1", "bil1"), ("bill", "bill"))
            return [older_account(tx, *name) for name in names]

        uuids = await self.database.write(before)
        self.assertEqual(await deferToThread(migrations.migrate, self.config), ["looks"])
        for name, uuid in zip(("ANNA", "anna\ufe0f", "bil1", "Bill"), uuids, strict=True):
            found, person = (
                await self.stores.accounts.credentials(name),
                await self.stores.people.by_name(name),
            )
            self.assertEqual((found and found.uuid, person and person.uuid), (uuid, uuid), ascii(name))
        self.assertEqual((await self.stores.accounts.credentials("ann\u034fa")).uuid, uuids[0])  # type: ignore[union-attr]
        for name in ("biI1", "bi1l", "bilI"):
            await self.refused(name)

    async def test_made_by_an_older_release(self) -> None:
        """Who looks like an account that an older release has made after the upgrade of the tables is
        refused, however many it has made.
        """
        self.patch(looks, "BATCH", 2)
        await self.people("annab")
        names = ("bil1", "carl", "dora", "emil", "bill")
        await self.database.write(lambda tx: [older_account(tx, name, name) for name in names])
        for name in ("biI1", "bilI", "car1", "emi1"):
            await self.refused(name)
        await self.people("annac")

    async def test_avatar(self) -> None:
        """A picture is what the server gave, or none."""
        (anna,) = await self.people("anna")
        with self.assertRaises(Refused) as caught:
            await self.stores.people.change(anna, nickname="A", avatar="https://example.org/me.png")
        self.assertEqual(caught.exception.status, Status.INVALID_FIELD)
        person, _ = await self.stores.people.change(anna, avatar="")
        self.assertEqual((person.nickname, person.avatar), ("anna", ""))


class SqliteTests(OnSqlite, LooksCase):
    pass


class MariaDbTests(OnMariaDb, LooksCase):
    pass


del LooksCase, StoreCase
