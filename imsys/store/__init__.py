"""The database: one store per aggregate, and all SQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from imsys.store.accounts import AccountStore
from imsys.store.contacts import ContactStore
from imsys.store.conversations import ConversationStore
from imsys.store.database import Database
from imsys.store.expiry import ExpiryStore
from imsys.store.files import FileStore
from imsys.store.groups import GroupStore
from imsys.store.health import HealthStore
from imsys.store.live import LiveStore
from imsys.store.messages import MessageStore
from imsys.store.nodes import NodeStore
from imsys.store.overview import OverviewStore
from imsys.store.own_changes import OwnChangeStore
from imsys.store.people import PeopleStore
from imsys.store.presence import PresenceStore
from imsys.store.scheduled import ScheduledStore
from imsys.store.thread_settings import ThreadSettingsStore
from imsys.store.threads import ThreadStore
from imsys.util.surge import Surge

__all__ = ["Database", "Stores"]


@dataclass(frozen=True)
class Stores:
    """All stores of one database."""

    accounts: AccountStore
    people: PeopleStore
    contacts: ContactStore
    threads: ThreadStore
    messages: MessageStore
    conversations: ConversationStore
    overview: OverviewStore
    presence: PresenceStore
    scheduled: ScheduledStore
    expiry: ExpiryStore
    thread_settings: ThreadSettingsStore
    own_changes: OwnChangeStore
    groups: GroupStore
    nodes: NodeStore
    files: FileStore
    live: LiveStore
    health: HealthStore

    @classmethod
    def on(cls, database: Database, calendar: Callable[[], float], surge: Surge | None = None) -> Stores:
        """Make the stores of a database.

        ``calendar`` returns Unix seconds, ``surge`` tells of login surges.
        """
        messages = MessageStore(database)
        return cls(
            AccountStore(database, calendar),
            PeopleStore(database),
            ContactStore(database, calendar, surge),
            ThreadStore(database, calendar, surge),
            messages,
            ConversationStore(database),
            OverviewStore(database),
            PresenceStore(database, messages.members, calendar),
            ScheduledStore(database),
            ExpiryStore(database),
            ThreadSettingsStore(database, calendar),
            OwnChangeStore(database, surge),
            GroupStore(database, calendar, messages.members),
            NodeStore(database, calendar),
            FileStore(database, calendar),
            LiveStore(database, calendar),
            HealthStore(database),
        )
