"""The durable truth: one file per aggregate, and all SQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from imsys.store.accounts import AccountStore
from imsys.store.contacts import ContactStore
from imsys.store.database import Database
from imsys.store.files import FileStore
from imsys.store.health import HealthStore
from imsys.store.live import LiveStore
from imsys.store.messages import MessageStore
from imsys.store.nodes import NodeStore
from imsys.store.people import PeopleStore
from imsys.store.threads import ThreadStore

__all__ = ["Database", "Stores"]


@dataclass(frozen=True)
class Stores:
    """Every store of one database."""

    accounts: AccountStore
    people: PeopleStore
    contacts: ContactStore
    threads: ThreadStore
    messages: MessageStore
    nodes: NodeStore
    files: FileStore
    live: LiveStore
    health: HealthStore

    @classmethod
    def on(cls, database: Database, seconds: Callable[[], float]) -> Stores:
        """The stores of a database; ``seconds`` is the wall clock (seconds since 1970)."""
        return cls(
            AccountStore(database, seconds),
            PeopleStore(database),
            ContactStore(database, seconds),
            ThreadStore(database, seconds),
            MessageStore(database),
            NodeStore(database, seconds),
            FileStore(database, seconds),
            LiveStore(database, seconds),
            HealthStore(database),
        )
