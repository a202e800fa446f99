"""The schema: migrations from empty, and an index for every query."""

from __future__ import annotations

import dataclasses

from twisted.internet.defer import gatherResults
from twisted.internet.threads import deferToThread

from imsys.errors import ConfigError
from imsys.store import migrations
from tests.support.stores import OnMariaDb, OnSqlite, StoreCase

TABLES = {
    "accounts",
    "profiles",
    "friend_requests",
    "friendships",
    "blocks",
    "threads",
    "members",
    "messages",
    "nodes",
    "files",
    "contents",
    "file_usage",
    "file_outbox",
    "live_streams",
    "sign_ins",
    "devices",
    "epochs",
    "looks",
    "entries",
    "reactions",
    "pins",
    "hidden",
    "invitations",
    "group_links",
    "join_requests",
    "departures",
    "mentions",
    "expiring",
    "thread_settings",
    "scheduled",
    "schema_migrations",
}


class Migrating(StoreCase):
    async def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor = reactor
        self.config = self.database_config()

    async def tables(self) -> set[str]:
        database = self.open_database()
        sql = {
            "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'sqlite_sequence'",
            "mysql": "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
        }[database.dialect.name]
        rows = await database.read(lambda tx: tx.rows(sql))
        return {name for (name,) in rows}

    def names(self) -> list[str]:
        """All migrations that there are."""
        return [one.name for one in migrations.migrations(self.config.engine)]

    async def migrate(self) -> list[str]:
        return await deferToThread(migrations.migrate, self.config)

    async def test_once(self) -> None:
        """The first run makes everything, the second nothing."""
        names = self.names()
        self.assertEqual(migrations.version(self.config), (0, len(names)))
        self.assertEqual(await self.migrate(), names)
        self.assertEqual(await self.migrate(), [])
        self.assertEqual(migrations.version(self.config), (len(names), len(names)))
        self.assertEqual(await self.tables(), TABLES)

    async def test_many_at_once(self) -> None:
        """Of several processes that migrate at once, one does the work, and none fails."""
        results = await gatherResults([deferToThread(migrations.migrate, self.config) for _ in range(5)])
        self.assertEqual(sorted(results), [[], [], [], [], self.names()])
        self.assertEqual(await self.tables(), TABLES)

    async def test_after_a_crash(self) -> None:
        """A migration that broke off goes on where it was."""
        whole = migrations.migrations(self.open_database().dialect.name)
        broken = dataclasses.replace(
            whole[0], statements=(*whole[0].statements[:4], "broken", *whole[0].statements[5:])
        )
        self.patch(migrations, "migrations", lambda dialect: [broken])
        with self.assertRaises(Exception) as caught:
            await self.migrate()
        self.assertIn("broken", str(caught.exception))
        self.patch(migrations, "migrations", lambda dialect: whole)
        self.assertEqual(await self.migrate(), self.names())
        self.assertEqual(await self.tables(), TABLES)

    async def test_newer_schema(self) -> None:
        """A program that is older than the schema says so and changes nothing."""
        await self.migrate()
        database = self.open_database()
        known = len(self.names())
        await database.write(
            lambda tx: tx.execute("INSERT INTO schema_migrations VALUES (?, 'later', 1, 1, 0)", known + 1)
        )
        with self.assertRaises(ConfigError) as caught:
            await self.migrate()
        self.assertIn(f"version {known + 1}, this program knows {known}", str(caught.exception))


class SqliteMigratingTests(Migrating, OnSqlite):
    """On SQLite."""

    async def test_messages_by_id(self) -> None:
        """Messages of a database whose table was ordered by threads are all there afterwards."""
        whole = migrations.migrations("sqlite")
        self.patch(migrations, "migrations", lambda dialect: whole[:1])
        await self.migrate()
        rows = [
            (thread, 10 * number + thread, 5, 1, 2, b"%d.%d" % (thread, number), "x")
            for number in range(9)
            for thread in (1, 2)
        ]
        columns = "thread_id, msg_id, sender_id, kind, status, unique_id, content"
        database = self.open_database()
        await database.write(
            lambda tx: tx.execute_many(f"INSERT INTO messages ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        )
        self.patch(migrations, "migrations", lambda dialect: whole)
        self.assertEqual(await self.migrate(), [one.name for one in whole[1:]])
        self.assertEqual(
            await database.read(lambda tx: tx.rows(f"SELECT {columns} FROM messages ORDER BY msg_id")), rows
        )


class MariaDbMigratingTests(Migrating, OnMariaDb):
    """On MariaDB."""


del Migrating
