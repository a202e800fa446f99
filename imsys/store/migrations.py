"""Schema migrations: each runs once, under a lock, and resumes after a crash."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import resources
from typing import Any

from imsys.config import DatabaseConfig
from imsys.errors import ConfigError
from imsys.store.database import describe
from imsys.store.dialects import Dialect, Fault, Use
from imsys.store.engines import dialect_of
from imsys.store.steps import PAUSE, add_conversations, fill_looks, persistently

_PROGRESS = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER NOT NULL PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    finished_at BIGINT NOT NULL
)"""

_ABANDONED = 10.0
"""Seconds without progress after which another process' migration is taken over.

It is needed only in a Galera cluster, whose members do not share locks; a look at the progress waits for a
statement that is still running.
"""


_STEPS: dict[str, Callable[[Dialect, Any], None]] = {
    "looks": fill_looks,
    "conversations": add_conversations,
}
"""Steps of migrations in Python, after their SQL statements, by name; like these they may run again."""


@dataclass(frozen=True)
class Migration:
    """One file of ``schema/``: its number, its name, and its statements in order."""

    version: int
    name: str
    statements: tuple[str, ...]

    @property
    def total(self) -> int:
        """The number of steps."""
        return len(self.statements) + (self.name in _STEPS)

    def step(self, index: int, dialect: Dialect, cursor: Any) -> None:
        """Run one step."""
        if index < len(self.statements):
            _run(dialect, cursor, self.statements[index])
        else:
            _STEPS[self.name](dialect, cursor)


def migrations(dialect: str) -> list[Migration]:
    """Return all migrations for ``sqlite`` or ``mysql``, ascending, without gaps."""
    found = []
    for file in resources.files("imsys.store.schema").iterdir():
        if match := re.fullmatch(rf"([0-9]{{4}})_(\w+)\.{dialect}\.sql", file.name):
            lines = [
                line for line in file.read_text("utf-8").splitlines() if not line.lstrip().startswith("--")
            ]
            statements = (part.strip() for part in re.split(r";\s*$", "\n".join(lines), flags=re.MULTILINE))
            found.append(Migration(int(match[1]), match[2], tuple(filter(None, statements))))
    found.sort(key=lambda migration: migration.version)
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise AssertionError("the migrations are not numbered 1, 2, 3, …")
    return found


def migrate(config: DatabaseConfig) -> list[str]:
    """Bring the schema up to date. It blocks: call it in a thread or a command.

    Several processes may do it at once: one works, the others wait.

    :returns: the names of the migrations that were applied.
    :raises ConfigError: the database cannot be reached, or is newer than this program.
    """
    dialect = dialect_of(config)
    with _connection(dialect) as connection, closing(connection.cursor()) as cursor:
        _lock(dialect, cursor, config)
        try:
            return _apply(dialect, connection, cursor)
        finally:
            _unlock(dialect, connection, cursor)


def version(config: DatabaseConfig) -> tuple[int, int]:
    """Return the schema's version in the database, and the one that this program needs.

    :raises ConfigError: the database cannot be reached.
    """
    dialect = dialect_of(config)
    with _connection(dialect) as connection, closing(connection.cursor()) as cursor:
        _run(dialect, cursor, _progress(dialect))
        cursor.execute("SELECT COALESCE(MAX(version), 0) FROM schema_migrations WHERE done = total")
        return int(cursor.fetchone()[0]), len(migrations(dialect.name))


def create_database(config: DatabaseConfig) -> None:
    """Create the database itself if it does not exist (MySQL; an SQLite file is created when it is opened).

    :raises ConfigError: the server cannot be reached, or does not allow it.
    """
    dialect = dialect_of(config)
    if dialect.name == "mysql":
        with _connection(dialect, anywhere=True) as connection, closing(connection.cursor()) as cursor:
            _run(
                dialect,
                cursor,
                f"CREATE DATABASE IF NOT EXISTS `{config.name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            )


@contextmanager
def _connection(dialect: Dialect, *, anywhere: bool = False) -> Iterator[Any]:
    try:
        connection, _ = dialect.connect(Use.SCHEMA, anywhere=anywhere)
    except Exception as error:
        if dialect.classify(error) is Fault.BUG:
            raise
        raise ConfigError(f"[database] the database cannot be opened: {describe(error)}") from None
    try:
        with closing(connection):
            yield connection
    except Exception as error:
        if isinstance(error, ConfigError) or dialect.classify(error) is Fault.BUG:
            raise
        raise ConfigError(f"[database] the database failed: {describe(error)}") from None


def _progress(dialect: Dialect) -> str:
    return _PROGRESS if dialect.name == "sqlite" else f"{_PROGRESS} ENGINE = InnoDB"


def _run(dialect: Dialect, cursor: Any, sql: str, parameters: Sequence[Any] = ()) -> None:
    """Run a statement of a migration, again if another transaction conflicts with it."""
    persistently(dialect, partial(cursor.execute, sql, parameters))


def _lock(dialect: Dialect, cursor: Any, config: DatabaseConfig) -> None:
    if dialect.name == "sqlite":
        cursor.execute(dialect.begin)
        return
    cursor.execute(
        "SELECT GET_LOCK(CONCAT('imsys.migrate.', MD5(DATABASE())), %s)", (max(60, round(config.timeout)),)
    )
    if cursor.fetchone()[0] != 1:
        raise ConfigError(
            "[database] another process has been migrating the schema for a minute; try again when it is done"
        )


def _unlock(dialect: Dialect, connection: Any, cursor: Any) -> None:
    if dialect.name == "sqlite":
        if connection.in_transaction:
            connection.rollback()
    else:
        cursor.execute("SELECT RELEASE_LOCK(CONCAT('imsys.migrate.', MD5(DATABASE())))")
        cursor.fetchall()


def _begin(dialect: Dialect, cursor: Any, migration: Migration) -> bool:
    """Claim a migration; return ``False`` if another process has just done so (possible only with Galera)."""
    sql = dialect.translate(
        "INSERT INTO schema_migrations (version, name, done, total, finished_at) VALUES (?, ?, 0, ?, 0)"
    )
    try:
        _run(dialect, cursor, sql, (migration.version, migration.name, migration.total))
    except Exception as error:
        if not dialect.galera or dialect.classify(error) is not Fault.DUPLICATE:
            raise
        return False
    return True


def _where_it_stands(cursor: Any, migration: Migration) -> int:
    """Wait until a migration is complete or abandoned; return the number of its steps that have run."""
    seen, since = -1, 0.0
    while True:
        cursor.execute("SELECT done FROM schema_migrations WHERE version = %s", (migration.version,))
        done, now = int(cursor.fetchone()[0]), time.monotonic()
        if done == migration.total or (done == seen and now - since >= _ABANDONED):
            return done
        if done != seen:
            seen, since = done, now
        time.sleep(PAUSE)


def _apply(dialect: Dialect, connection: Any, cursor: Any) -> list[str]:
    _run(dialect, cursor, _progress(dialect))
    cursor.execute("SELECT version, done, total FROM schema_migrations ORDER BY version")
    progress = {version: (done, total) for version, done, total in cursor.fetchall()}
    known = migrations(dialect.name)
    if progress and max(progress) > len(known):
        raise ConfigError(
            f"[database] the schema has version {max(progress)}, this program knows {len(known)}: use the newer program"
        )
    applied = []
    for migration in known:
        done, total = progress.get(migration.version, (0, migration.total))
        if migration.version in progress and done == total:
            continue
        if migration.version in progress:
            done = _where_it_stands(cursor, migration) if dialect.galera else done
        elif not _begin(dialect, cursor, migration):
            done = _where_it_stands(cursor, migration)
        if done == total:
            continue
        for index in range(done, total):
            migration.step(index, dialect, cursor)
            _run(
                dialect,
                cursor,
                dialect.translate("UPDATE schema_migrations SET done = ?, finished_at = ? WHERE version = ?"),
                (index + 1, round(time.time() * 1000), migration.version),
            )
        applied.append(migration.name)
    connection.commit()
    return applied
