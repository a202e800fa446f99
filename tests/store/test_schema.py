"""The schema: migrations from empty, and an index for every query."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import gatherResults
from twisted.internet.threads import deferToThread

from imsys.errors import ConfigError
from imsys.store import Stores, migrations
from imsys.store.database import Transaction
from tests.support.stores import OnMariaDb, OnSqlite, StoreCase, text

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
        broken = dataclasses.replace(whole[0], statements=(*whole[0].statements[:4], "broken", *whole[0].statements[5:]))
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
        await database.write(lambda tx: tx.execute("INSERT INTO schema_migrations VALUES (?, 'later', 1, 1, 0)", known + 1))
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
        rows = [(thread, 10 * number + thread, 5, 1, 2, b"%d.%d" % (thread, number), "x") for number in range(9) for thread in (1, 2)]
        columns = "thread_id, msg_id, sender_id, kind, status, unique_id, content"
        database = self.open_database()
        await database.write(lambda tx: tx.execute_many(f"INSERT INTO messages ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows))
        self.patch(migrations, "migrations", lambda dialect: whole)
        self.assertEqual(await self.migrate(), [one.name for one in whole[1:]])
        self.assertEqual(await database.read(lambda tx: tx.rows(f"SELECT {columns} FROM messages ORDER BY msg_id")), rows)


class MariaDbMigratingTests(Migrating, OnMariaDb):
    """On MariaDB."""


del Migrating


class Explaining(StoreCase):
    """Every statement that the stores use, on tables with many rows."""

    async def test_every_statement_uses_an_index(self) -> None:
        """No statement reads a whole table, but for the one of at most 1,024 node numbers."""
        statements: dict[str, Sequence[Any]] = {}
        await self.database.write(self._fill)
        if self.database.dialect.name == "mysql":
            for table in TABLES:
                await self.database.read(lambda tx, table=table: tx.rows(f"ANALYZE TABLE {table}"))  # type: ignore[misc]
        self.stores = Stores.on(self.open_database(lambda sql, parameters: statements.setdefault(sql, parameters)), self.reactor.seconds)
        await self._use_everything()
        self.assertGreater(len(statements), 40)
        scans = []
        for sql, parameters in statements.items():
            if sql.startswith(("SELECT", "UPDATE", "DELETE")) and "FROM nodes WHERE expires_at" not in sql:
                scans += [(sql, plan) for plan in await self.database.read(self._explain, sql, parameters)]
        self.assertEqual(scans, [])
        self.assertTrue(await self.database.read(self._explain, "SELECT 1 FROM messages WHERE content = ?", ["y"]), "a scan goes unnoticed")

    @staticmethod
    def _explain(tx: Transaction, sql: str, parameters: Sequence[Any]) -> list[Any]:
        if "UNIX_TIMESTAMP" in sql:
            return []
        if tx.dialect.name == "sqlite":
            rows = tx.rows(f"EXPLAIN QUERY PLAN {sql}", *parameters)
            return [row[3] for row in rows if row[3].startswith("SCAN") and row[3] != "SCAN CONSTANT ROW"]
        rows = tx.rows(f"EXPLAIN {sql}", *parameters)
        return [row for row in rows if row[3] in ("ALL", "index")]

    @staticmethod
    def _fill(tx: Transaction) -> None:
        users = range(1, 1501)
        tx.execute_many(
            "INSERT INTO accounts (user_id, username, username_key, email, email_key, password_hash, created_at) "
            "VALUES (?, ?, ?, ?, ?, '-', 0)",
            [(n, f"u{n}", f"u{n}".encode(), f"u{n}@x", f"u{n}@x".encode()) for n in users],
        )
        tx.execute_many("INSERT INTO profiles (user_id) VALUES (?)", [(n,) for n in users])
        pairs = [(low, high) for low in users for high in range(low + 1, min(low + 4, 1501))]
        tx.execute_many(
            "INSERT INTO threads (thread_id, low_id, high_id, flags) VALUES (?, ?, ?, 1)", [(i, *p) for i, p in enumerate(pairs, 1)]
        )
        both = [(i, *p) for i, p in enumerate(pairs, 1)] + [(i, p[1], p[0]) for i, p in enumerate(pairs, 1)]
        tx.execute_many("INSERT INTO members (thread_id, user_id) VALUES (?, ?)", [(i, one) for i, one, _ in both])
        tx.execute_many(
            "INSERT INTO friendships (thread_id, user_id, friend_id, created_at) VALUES (?, ?, ?, 0)",
            [(i, one, other) for i, one, other in both],
        )
        tx.execute_many("INSERT INTO blocks (user_id, blocked_id, created_at) VALUES (?, ?, 0)", [(high, low) for low, high in pairs[::3]])
        tx.execute_many(
            "INSERT INTO friend_requests (low_id, high_id, src_id, dst_id, state, updated_at) VALUES (?, ?, ?, ?, ?, 0)",
            [(low, high, low, high, i % 3) for i, (low, high) in enumerate(pairs)],
        )
        tx.execute_many(
            "INSERT INTO messages (thread_id, msg_id, sender_id, kind, unique_id, content) VALUES (?, ?, ?, 1, ?, 'x')",
            [(i, 5 * i + n, low, f"{i}.{n}".encode()) for i, (low, _) in enumerate(pairs, 1) for n in range(1, 6)],
        )

    async def _use_everything(self) -> None:
        stores, ids = self.stores, self.ids
        anna, bert, carl = await self.people("anna", "bert", "carl")
        await stores.accounts.credentials("anna")
        await stores.accounts.credentials_by_uuid(anna)
        await stores.accounts.by_name_and_email("anna", "anna@example.com")
        await stores.accounts.taken("anna", "x")
        await stores.accounts.set_password(anna, "-")
        await stores.people.by_name("anna")
        await stores.people.by_uuid([anna, bert])
        await stores.people.change(anna, nickname="A")
        thread = await self.befriend(anna, bert)
        await stores.contacts.ask(ids, carl, anna, "", "")
        await stores.contacts.decline(carl, anna)
        for blocked in (True, False):
            await stores.contacts.block(anna, carl, blocked)
        await stores.contacts.at_login(anna, 10)
        await stores.threads.of_user(anna, 0, 10)
        await stores.threads.private(anna, bert)
        await stores.threads.heads_since(anna, 1, (5, 5), 10)
        await stores.messages.append(ids, [text(anna, bert, thread, "a")])
        await stores.messages.append(ids, [text(anna, bert, thread, "a", "b"), text(carl, bert, 1, "c")])
        await stores.threads.move_marks(bert, thread, (1 << 63) - 1, 0)
        await stores.messages.page(anna, thread, 0, 10)
        await stores.messages.page_before(anna, thread, 0, 10)
        await stores.contacts.unfriend(anna, bert)
        lease = await stores.nodes.acquire("h")
        await stores.nodes.renew(lease.number, "h", 5)


class SqliteExplainingTests(Explaining, OnSqlite):
    """On SQLite."""


class MariaDbExplainingTests(Explaining, OnMariaDb):
    """On MariaDB."""


del Explaining
