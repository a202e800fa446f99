"""Create what is missing at the first start, so that one command is enough."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from imsys.config import Config, DatabaseConfig
from imsys.errors import ConfigError
from imsys.security.certificates import ensure_development
from imsys.security.keyring import add_key
from imsys.store.migrations import create_database, migrate, version
from imsys.util.home import as_owner, make_home


class OldTables(ConfigError):
    """The tables are missing, or older than this program."""


def first_start(config: Config, now: datetime) -> None:
    """Create what is missing under the home folder: development certificates, keys, and an SQLite database.

    Files elsewhere and a MySQL database are the operator's task (``imsys-ctl``).

    :raises ConfigError: something cannot be created.
    """
    make_home(config)
    with as_owner(config.home):
        if config.home in Path(config.tls.certificate).parents and config.home in Path(config.tls.ca).parents:
            ensure_development(config.tls, [config.chat.advertise, config.resources.advertise], now)
        for path in map(
            Path, (config.files.ticket_keys, *([] if config.files.master_key else [config.files.master_keys]))
        ):
            if config.home in path.parents and not path.exists():
                add_key(path, 0)
        if config.database.engine == "sqlite":
            prepare_database(config.database)


def prepare_database(database: DatabaseConfig, *, create: bool = True) -> list[str]:
    """Bring the tables of a database up to date; return the names of the applied migrations.

    :param create: whether to create the database itself if it is missing.
    :raises ConfigError: it cannot be reached, or does not allow it.
    """
    try:
        if create:
            create_database(database)
        return migrate(database)
    except ImportError:
        raise ConfigError(
            f"[database] driver: {database.driver} is not installed (pip install 'imsys[mysqlclient]')"
        ) from None


def check_tables(database: DatabaseConfig) -> None:
    """Check that the tables of a database are those of this program, or newer (during an upgrade).

    :raises OldTables: they are missing or older.
    :raises ConfigError: the database cannot be reached now.
    """
    there, wanted = version(database)
    if there < wanted:
        raise OldTables(
            f"[database] the tables have version {there}, this program needs {wanted}: run 'imsys-ctl migrate' first"
        )
