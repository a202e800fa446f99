"""A MariaDB server on a host, with its durable defaults.

We talk to it by its Unix socket, whatever becomes of the network.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping
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
_CATCHING_UP = 20
"""Seconds that a replica may take to catch up."""


class MariaDb:
    """One server.

    :param folder: where its files are; its path is short enough for a socket in it.
    :param as_root: whether its host is a namespace in which we are root.
    :param password: that of the user by whom our servers come, and that of replicas.
    :param number: the server's id; from 1 on it replicates, or is replicated.
    """

    def __init__(
        self,
        host: Host,
        folder: Path,
        environ: Mapping[str, str],
        *,
        as_root: bool,
        password: str,
        number: int = 0,
    ) -> None:
        self.host = host
        self.folder = folder
        self.socket = folder / "sql.sock"
        self._password = password
        self._data = folder / "data"
        self._me = pwd.getpwuid(os.getuid()).pw_name
        (folder / "tmp").mkdir(parents=True)
        common = self._common("root" if as_root else self._me)
        options = [
            f"--socket={self.socket}",
            f"--bind-address={host.address}",
            f"--port={PORT}",
            f"--pid-file={folder / 'pid'}",
            "--skip-name-resolve",
            "--max-connections=300",
        ]
        if number:
            options += [f"--server-id={number}", "--log-bin", "--log-slave-updates", "--gtid-strict-mode"]
        server = program("mariadbd")
        self.program = Program(
            host.name, [server, *common, *options], environ, folder / "log", self._answers, host.enter
        )
        host.programs.append(self.program)

    def install(self) -> None:
        """Create its data folder. :raises ConfigError: MariaDB is not installed, or fails."""
        made = subprocess.run(  # noqa: S603 (a program found on the PATH)
            [
                program("mariadb-install-db"),
                *self._common(self._me),
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            capture_output=True,
            check=False,
            timeout=_DEADLINE,
        )
        if made.returncode:
            raise ConfigError(
                f"mariadb-install-db failed: {made.stderr.decode('utf-8', 'replace').strip()[-300:]}"
            )

    def copy_of(self, other: MariaDb) -> None:
        """Copy the data folder of another server, which has not run yet."""
        shutil.copytree(other._data, self._data)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.program.start()
        self.program.wait()

    def allow(self) -> None:
        """Create the database, and the account of our servers and replicas."""
        self.execute(
            f"CREATE DATABASE {NAME}",
            f"CREATE USER {NAME}@'%' IDENTIFIED BY '{self._password}'",
            f"GRANT ALL ON {NAME}.* TO {NAME}@'%'",
            f"GRANT REPLICATION SLAVE ON *.* TO {NAME}@'%'",
        )

    def follow(self, other: MariaDb) -> None:
        """Become a replica of another server, read-only for all others."""
        (logged,) = self.rows("SELECT @@gtid_binlog_pos")[0]
        self.execute(
            "SET GLOBAL read_only = 1",
            f"SET GLOBAL gtid_slave_pos = '{logged}'" if logged else "DO 0",
            f"CHANGE MASTER TO MASTER_HOST = '{other.host.address}', MASTER_PORT = {PORT}, MASTER_USER = '{NAME}', "
            f"MASTER_PASSWORD = '{self._password}', MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos",
            "START SLAVE",
        )

    def catch_up(self, other: MariaDb) -> None:
        """Wait until this replica has all that ``other`` has now. :raises ConfigError: it takes too long."""
        (position,) = other.rows("SELECT @@gtid_binlog_pos")[0]
        (late,) = self.rows(f"SELECT MASTER_GTID_WAIT('{position}', {_CATCHING_UP})")[0]
        if late:
            raise ConfigError(f"{self.host.name} does not follow {other.host.name}")

    def lead(self) -> None:
        """Stop being a replica, and accept writes."""
        self.execute("STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only = 0")

    def config(self) -> DatabaseConfig:
        """The settings to reach it as root, by its socket."""
        return DatabaseConfig(engine="mysql", socket=str(self.socket), user="root", name=NAME)

    def connect(self, database: str = NAME) -> pymysql.Connection[Any]:
        """Connect as root, with autocommit."""
        return pymysql.connect(
            unix_socket=str(self.socket),
            user="root",
            database=database,
            autocommit=True,
            connect_timeout=5,
            read_timeout=30,
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT."""
        with self.talking() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def execute(self, *statements: str) -> None:
        """Run statements as root."""
        with self.talking() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def forget(self, host: Host) -> None:
        """Kill the connections that a host has left behind; their transactions are rolled back."""
        for (number,) in self.rows(
            f"SELECT ID FROM information_schema.processlist WHERE HOST LIKE '{host.address}:%'"  # noqa: S608
        ):
            with contextlib.suppress(pymysql.MySQLError):  # it ended by itself
                self.execute(f"KILL {number}")

    @contextlib.contextmanager
    def talking(self) -> Iterator[Any]:
        """Provide a short connection as root."""
        with contextlib.closing(self.connect("")) as connection, connection.cursor() as cursor:
            yield cursor

    def _common(self, user: str) -> list[str]:
        # a MariaDB that starts removes what others have in a folder that they share
        return [
            "--no-defaults",
            f"--datadir={self._data}",
            f"--tmpdir={self.folder / 'tmp'}",
            f"--user={user}",
        ]

    def _answers(self, program: Program) -> bool:
        try:
            self.execute("SELECT 1")
        except pymysql.MySQLError:
            return False
        return True


def program(name: str) -> str:
    """Return the path of one of MariaDB's programs. :raises ConfigError: it is not installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise ConfigError(f"there is no {name} on the PATH; install MariaDB's server")
    return found
