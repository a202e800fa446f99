"""Stores on a fresh database of either kind."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from imsys.config import DatabaseConfig
from imsys.store import Database, Stores
from imsys.store.appending import Draft, Submission
from imsys.store.ids import MessageIds
from imsys.store.migrations import migrate
from tests.support.servers import mariadb


class StoreCase(TestCase):
    """A test with a database; the kind is the subclass's choice."""

    def database_config(self) -> DatabaseConfig:
        """Where a new, empty database is."""
        raise NotImplementedError

    async def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.config = self.database_config()
        await deferToThread(migrate, self.config)
        self.database = self.open_database()
        self.stores = Stores.on(self.database, time.time)
        self.ids = MessageIds(time.time, 1)

    def open_database(self, watch: Any = None) -> Database:
        """Another set of connections to the test's database, closed after the test."""
        database = Database(self.reactor, self.config, watch)
        database.open()
        self.addCleanup(database.close)
        return database

    async def people(self, *names: str) -> list[int]:
        """Accounts of these names."""
        return [await self.stores.accounts.create(name, f"{name}@example.com", "-") for name in names]

    async def befriend(self, one: int, other: int) -> int:
        """Make two users friends; gives back their thread."""
        await self.stores.contacts.ask(self.ids, one, other, "", "Hi")
        return (await self.stores.contacts.confirm(self.ids, one, other, "")).thread_id


class OnSqlite(StoreCase):
    """On SQLite."""

    def database_config(self) -> DatabaseConfig:
        return DatabaseConfig(engine="sqlite", path=str(Path(self.mktemp()).absolute() / "imsys.db"))


class OnMariaDb(StoreCase):
    """On MariaDB."""

    def database_config(self) -> DatabaseConfig:
        return mariadb(self)


class OnMariaDbPool(OnMariaDb):
    """On MariaDB, with the message log's connection in a thread of its own."""

    def database_config(self) -> DatabaseConfig:
        return dataclasses.replace(super().database_config(), log_connection="pool")


def text(sender: int, receiver: int, thread_id: int, *contents: str, tag: str = "") -> Submission:
    """A submission of texts, whose unique ids are their contents."""
    return Submission(
        sender, receiver, thread_id, tuple(Draft(f"{tag}{content}", content) for content in contents)
    )
