"""``imsys-ctl init-db`` and ``migrate``."""

from __future__ import annotations

import argparse
from typing import Any

from imsys.config import DatabaseConfig
from imsys.errors import ConfigError
from imsys.home import make_home


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add both commands to the parser."""
    first = commands.add_parser("init-db", parents=[common], help="make the database (if it is missing) and its tables")
    first.set_defaults(run=lambda options: _init(_database(options)))
    later = commands.add_parser("migrate", parents=[common], help="bring the tables up to date; safe to repeat, also at once")
    later.set_defaults(run=lambda options: _migrate(_database(options)))


def prepare(database: DatabaseConfig) -> list[str]:
    """Make the database where it is missing and bring its tables up to date; give back what was applied.

    :raises ConfigError: it cannot be reached, or does not allow it.
    """
    from imsys.store.migrations import create_database, migrate

    try:
        create_database(database)
        return migrate(database)
    except ImportError:
        raise ConfigError(f"[database] driver: {database.driver} is not installed") from None


def _database(options: argparse.Namespace) -> DatabaseConfig:
    from imsys.ctl import settings

    config = settings(options)
    if config.database.engine == "sqlite":
        make_home(config)
    return config.database


def _init(database: DatabaseConfig) -> int:
    return _report(prepare(database))


def _migrate(database: DatabaseConfig) -> int:
    from imsys.store.migrations import migrate

    try:
        return _report(migrate(database))
    except ImportError:
        raise ConfigError(f"[database] driver: {database.driver} is not installed") from None


def _report(applied: list[str]) -> int:
    print(f"Applied: {', '.join(applied)}." if applied else "The tables are up to date.")
    return 0
