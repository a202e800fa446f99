"""Choose the dialect for a configuration."""

from __future__ import annotations

from imsys.config import DatabaseConfig
from imsys.store.dialects import Dialect
from imsys.store.mysql import Mysql
from imsys.store.sqlite import Sqlite


def dialect_of(config: DatabaseConfig) -> Dialect:
    """Make the dialect of a configuration. :raises ImportError: the driver is not installed."""
    return Sqlite(config) if config.engine == "sqlite" else Mysql(config)
