"""Our own server as one of the peers."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import pymysql

from imsys.bench.peers.peer import Copy
from imsys.bench.servers import Setup, private_servers, start_again
from imsys.bench.tasks import User
from imsys.bench.users import users_of

LABELS = {"mysql": "imsys, MariaDB", "sqlite": "imsys, SQLite"}
ACKNOWLEDGEMENT = "it follows the commit of the message, which both users read"
CONFIGURATION = """\
[database]
engine = ENGINE
[limits]
text_minute = 0
text_day = 0
login_source = 0
"""

_COLUMNS = "SELECT thread_id, sender_id, content FROM messages WHERE"


class Imsys:
    """All servers in one process. :raises ConfigError: something is not installed, or does not start."""

    xmpp = False

    def __init__(self, stack: contextlib.ExitStack, backend: str) -> None:
        self.label = LABELS[backend]
        self._stack, self._setup = stack, Setup(backend=backend)
        self._servers = stack.enter_context(private_servers(self._setup))
        self.pids = dict(self._servers.pids)

    def restart(self) -> None:
        """Start it again."""
        self.pids["server"] = start_again(self._stack, self._servers, self._setup)

    def users(self, pairs: int) -> list[User]:
        """Make pairs of friends."""
        return users_of(self._servers.environ, self._servers.addresses(tls=False), pairs)

    def copies(self, run: str, users: Sequence[User]) -> set[Copy]:
        """Read the table of messages: the two of a thread have one copy."""
        threads = {user[5]: (user[0], user[4]) for user in users}
        return {
            (owner, sender, int(str(content)[:8], 16))
            for thread, sender, content in self._rows(run, users)
            for owner in threads[thread]
        }

    def _rows(self, run: str, users: Sequence[User]) -> Iterable[Sequence[Any]]:
        # bytes, as the column is: SQLite finds no text there
        wanted = [(user[0], f"{run}-{user[0]}-".encode()) for user in users]
        if self._setup.backend == "sqlite":
            path = self._servers.home / "imsys.db"
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                for sender, begin in wanted:
                    yield from connection.execute(
                        f"{_COLUMNS} sender_id = ? AND unique_id >= ? AND unique_id < ?",
                        (sender, begin, begin + b"g"),
                    )
            return
        with (
            contextlib.closing(
                pymysql.connect(
                    unix_socket=self._servers.environ["IMSYS_DATABASE_SOCKET"], user="root", database="imsys"
                )
            ) as database,
            database.cursor() as cursor,
        ):
            for sender, begin in wanted:
                cursor.execute(
                    f"{_COLUMNS} sender_id = %s AND unique_id >= %s AND unique_id < %s",
                    (sender, begin, begin + b"g"),
                )
                yield from cursor.fetchall()
