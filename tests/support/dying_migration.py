"""Migrate, and be killed after every statement that writes, once after each; then say how often.

``python -m tests.support.dying_migration`` with the configuration in the environment. Each attempt is a process of its
own, killed as ``kill -9`` does, and goes on where the one before left the tables.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from imsys.config import load
from imsys.store import migrations, steps

_whole = migrations._connection


class Deadly:
    """A cursor that is the end of its process after a statement that was not ``survived`` yet."""

    def __init__(self, cursor: Any, survived: set[str], testament: int) -> None:
        self._cursor = cursor
        self._survived = survived
        self._testament = testament

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def execute(self, sql: str, parameters: Any = ()) -> None:
        """Run a statement, and die."""
        self._cursor.execute(sql, parameters)
        name = " ".join(sql.split())
        if "schema_migrations SET" in name:
            name += f" {parameters[0]} {parameters[2]}"
        if not name.startswith("SELECT") and name not in self._survived:
            os.write(self._testament, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)


class Connection:
    """A connection whose cursors are deadly."""

    def __init__(self, connection: Any, survived: set[str], testament: int) -> None:
        self._connection = connection
        self._more = survived, testament

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def cursor(self) -> Deadly:
        """A cursor."""
        return Deadly(self._connection.cursor(), *self._more)


def _attempt(config: Any, survived: set[str]) -> str | None:
    """Migrate in another process; the statement that was its last one, or ``None``: it came to the end."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:

        @contextmanager
        def deadly(*arguments: Any, **more: Any) -> Iterator[Any]:
            with _whole(*arguments, **more) as connection:
                yield Connection(connection, survived, writing)

        migrations._connection = deadly
        try:
            migrations.migrate(config)
        except BaseException:
            traceback.print_exc()
            os._exit(2)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as testament:
        last = testament.read().decode()
    _, status = os.waitpid(child, 0)
    if status and not os.WIFSIGNALED(status):
        sys.exit(2)
    return last or None


def main() -> None:
    """See above."""
    config = load(None, os.environ).database
    steps.MESSAGES = 500
    survived: set[str] = set()
    while (last := _attempt(config, survived)) is not None:
        survived.add(last)
    sys.stdout.write(f"{len(survived)}\n")


if __name__ == "__main__":
    main()
