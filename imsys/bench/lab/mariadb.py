"""A MariaDB server on a host, with its durable defaults; we talk to it by its Unix socket, whatever becomes of the network."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pymysql

from imsys.bench.lab.network import Host
from imsys.bench.lab.programs import Program
from imsys.config import DatabaseConfig
from imsys.errors import ConfigError

PORT = 3306
NAME = "imsys"
_DEADLINE = 120.0


class MariaDb:
    """One server.

    :param folder: where its files are; its path is short enough for a socket in it.
    :param as_root: whether its host is a namespace in which we are root.
    :param number: the server's id, where it replicates.
    :param more: more options.
    """

    def __init__(
        self, host: Host, folder: Path, environ: Mapping[str, str], *, as_root: bool, number: int = 1, more: Sequence[str] = ()
    ) -> None:
        self.host = host
        self.folder = folder
        self.socket = folder / "sql.sock"
        self.password = secrets.token_hex(16)
        self._data = folder / "data"
        self._me = pwd.getpwuid(os.getuid()).pw_name
        (folder / "tmp").mkdir(parents=True)
        common = [*self._common("root" if as_root else self._me), *more]
        options = [
            f"--socket={self.socket}",
            f"--bind-address={'0.0.0.0' if as_root else host.address}",  # noqa: S104 (a namespace is nobody else's)
            f"--port={PORT}",
            f"--pid-file={folder / 'pid'}",
            "--skip-name-resolve",
            "--max-connections=300",
            f"--server-id={number}",
        ]
        server = program("mariadbd")
        self.program = Program(host.name, [server, *common, *options], environ, folder / "log", self._answers, host.enter)
        host.programs.append(self.program)

    def install(self) -> None:
        """Make its tables. :raises ConfigError: MariaDB is not installed, or cannot."""
        made = subprocess.run(  # noqa: S603 (a program found on the PATH)
            [program("mariadb-install-db"), *self._common(self._me), "--auth-root-authentication-method=normal", "--skip-test-db"],
            capture_output=True,
            check=False,
            timeout=_DEADLINE,
        )
        if made.returncode:
            raise ConfigError(f"mariadb-install-db failed: {made.stderr.decode('utf-8', 'replace').strip()[-300:]}")

    def copy_of(self, other: MariaDb) -> None:
        """Have the tables of another server, which does not run."""
        shutil.rmtree(self._data, ignore_errors=True)
        shutil.copytree(other._data, self._data)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.program.start()
        self.program.wait()

    def allow(self) -> None:
        """Let the servers in, each from its host."""
        self.execute(
            f"CREATE DATABASE {NAME}",
            f"CREATE USER {NAME}@'%' IDENTIFIED BY '{self.password}'",
            f"GRANT ALL ON {NAME}.* TO {NAME}@'%'",
        )

    def config(self) -> DatabaseConfig:
        """How we reach it: as root, by its socket."""
        return DatabaseConfig(engine="mysql", socket=str(self.socket), user="root", name=NAME)

    def connect(self, database: str = NAME) -> pymysql.Connection[Any]:
        """A connection of ours, as root; each statement is a transaction."""
        return pymysql.connect(
            unix_socket=str(self.socket), user="root", database=database, autocommit=True, connect_timeout=5, read_timeout=30
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a SELECT finds."""
        with self.talking() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def execute(self, *statements: str) -> None:
        """Run statements as root."""
        with self.talking() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def forget(self, host: Host) -> None:
        """End the connections that a host has left behind; their transactions are undone."""
        for (number,) in self.rows(f"SELECT ID FROM information_schema.processlist WHERE HOST LIKE '{host.address}:%'"):  # noqa: S608
            with contextlib.suppress(pymysql.MySQLError):  # it ended by itself
                self.execute(f"KILL {number}")

    @contextlib.contextmanager
    def talking(self) -> Iterator[Any]:
        """A connection of ours for a moment."""
        with contextlib.closing(self.connect("")) as connection, connection.cursor() as cursor:
            yield cursor

    def _common(self, user: str) -> list[str]:
        # a MariaDB that starts removes what others have in a folder that they share
        return ["--no-defaults", f"--datadir={self._data}", f"--tmpdir={self.folder / 'tmp'}", f"--user={user}"]

    def _answers(self, program: Program) -> bool:
        try:
            self.execute("SELECT 1")
        except pymysql.MySQLError:
            return False
        return True


def program(name: str) -> str:
    """The path of one of MariaDB's programs. :raises ConfigError: it is not installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise ConfigError(f"there is no {name} on the PATH; install MariaDB's server")
    return found
