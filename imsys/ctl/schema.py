"""``imsys-ctl init-db`` and ``migrate``."""

from __future__ import annotations

import argparse
from typing import Any

from imsys.config import Config
from imsys.util.home import as_owner, make_home


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add both commands to the parser."""
    first = commands.add_parser(
        "init-db", parents=[common], help="make the database (if it is missing) and its tables"
    )
    first.set_defaults(run=lambda options: _apply(_config(options), create=True))
    later = commands.add_parser(
        "migrate", parents=[common], help="bring the tables up to date; safe to repeat, also at once"
    )
    later.set_defaults(run=lambda options: _apply(_config(options), create=False))


def _config(options: argparse.Namespace) -> Config:
    from imsys.ctl.configured import settings

    config = settings(options)
    if config.database.engine == "sqlite":
        make_home(config)
    return config


def _apply(config: Config, *, create: bool) -> int:
    from imsys.services.first_start import prepare_database

    with as_owner(config.home):
        applied = prepare_database(config.database, create=create)
    print(f"Applied: {', '.join(applied)}." if applied else "The tables are up to date.")
    return 0
