"""Make the shared dependencies of the services of one process."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred

from imsys.cluster.trust import Trust
from imsys.config import Config
from imsys.errors import ConfigError
from imsys.redis.client import Redis, RedisService
from imsys.security.tickets import TicketKeys, Tickets
from imsys.services.key_reloader import KeyReloader
from imsys.services.tls import PublicTls
from imsys.store import Database

CALENDAR: Callable[[], float] = time.time
"""The time of day in Unix seconds, for dates.

It may be set at any time; durations and timeouts use the reactor's clock.
"""


def database_of(reactor: Any, config: Config, parent: MultiService) -> Database:
    """Make the database of a daemon. :raises ConfigError: its driver is not installed."""
    try:
        database = Database(reactor, config.database)
    except ImportError:
        raise ConfigError(
            f"[database] driver: {config.database.driver} is not installed (pip install 'imsys[mysqlclient]')"
        ) from None
    database.setServiceParent(parent)
    return database


def seldom_used_database_of(reactor: Any, config: Config, parent: MultiService) -> Database:
    """Make a database that a daemon needs rarely: it is not checked at the start, and opened when needed."""
    seldom = _Seldom(database_of(reactor, config, MultiService()))
    seldom.setServiceParent(parent)
    return seldom.database


class _Seldom(Service):
    """Runs a database that is hidden from searches through the services of a daemon."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def startService(self) -> None:
        super().startService()
        self.database.startService()

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return self.database.stopService()


def redis_of(reactor: Any, config: Config, parent: MultiService) -> Redis:
    """Make the Redis client of a single daemon. :raises ConfigError: Redis is configured as embedded."""
    if config.redis.mode == "embedded":
        raise ConfigError(
            "[redis] mode: embedded is for all servers in one process (twistd imsys); a single daemon needs mode = server"
        )
    service = RedisService(reactor, config.redis)
    service.setServiceParent(parent)
    return service.redis


def trust_of(config: Config, parent: MultiService) -> Trust:
    """Make the cluster credentials of a daemon. :raises ConfigError: they cannot be used."""
    trust = Trust(config.cluster)
    trust.setServiceParent(parent)
    return trust


def tls_of(config: Config, parent: MultiService) -> PublicTls:
    """Make the TLS of a daemon's public ports."""
    tls = PublicTls(config.tls)
    tls.setServiceParent(parent)
    return tls


def tickets_of(reactor: Any, config: Config, parent: MultiService, calendar: Callable[[], float]) -> Tickets:
    """Make the tickets of a daemon, with keys that are read again when they change.

    :raises ConfigError: there are no keys.
    """
    keys = TicketKeys(Path(config.files.ticket_keys))
    KeyReloader(reactor, keys).setServiceParent(parent)
    return Tickets(keys, calendar, config.files.ticket_life)
