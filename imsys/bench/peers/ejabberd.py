"""ejabberd with its archive in MariaDB, as an ordinary process beside our own server.

Erlang's distribution is off, so that no port mapper stays behind.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pymysql

from imsys.bench.peers.peer import Copy, copy_of, registered
from imsys.bench.processes import answers_at, free_port, started, wait_until
from imsys.bench.servers import mariadb
from imsys.bench.tasks import User
from imsys.errors import ConfigError

LABEL = "ejabberd, MariaDB"
ACKNOWLEDGEMENT = "XEP-0198: it follows the commit of the sender's copy; the receiver's is written when the message is delivered"
CONFIGURATION = """\
hosts: [localhost]
loglevel: warning
listen:
  - {port: PORT, ip: "127.0.0.1", module: ejabberd_c2s, access: all, backlog: 1024, max_stanza_size: 262144}
default_db: sql
auth_method: [sql]
auth_password_format: plain
sql_type: mysql
sql_server: "127.0.0.1"
sql_port: DATABASE_PORT
sql_database: ejabberd
sql_username: ejabberd
sql_password: "PASSWORD"
registration_timeout: infinity
modules:
  mod_carboncopy: {}
  mod_disco: {}
  mod_mam: {default: always, assume_mam_usage: true}
  mod_offline: {}
  mod_ping: {}
  mod_register: {access: all, ip_access: all}
  mod_roster: {}
  mod_stream_mgmt: {resend_on_timeout: if_offline}
"""

_LIBRARIES = Path("/usr/lib")
_SCHEMA = Path("/usr/share/ejabberd/sql/mysql.sql")


class Ejabberd:
    """One of its own, with a MariaDB of its own.

    :raises ConfigError: something is not installed, or does not start.
    """

    label = LABEL
    xmpp = True

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._program, self._libraries = _installed()
        self._stack = stack
        self._home = Path(tempfile.mkdtemp(prefix="imsys-ejabberd-"))
        stack.callback(shutil.rmtree, self._home, ignore_errors=True)
        self._port, database_port, password = free_port(), free_port(), secrets.token_hex(16)
        database = mariadb(
            stack, self._home, os.environ, ("--bind-address=127.0.0.1", f"--port={database_port}")
        )
        self._make_tables(password)
        text = CONFIGURATION.replace("DATABASE_PORT", str(database_port)).replace("PORT", str(self._port))
        settings = self._home / "ejabberd.yml"
        settings.touch(0o600)
        settings.write_text(text.replace("PASSWORD", password))
        self.pids = {"server": 0, "database": database}
        self.restart()

    def restart(self) -> None:
        """Start it (again)."""
        home = self._home
        environ = {
            **os.environ,
            "HOME": str(home),
            "ERL_LIBS": str(self._libraries),
            "ERL_CRASH_DUMP": str(home / "crash"),
            "EJABBERD_CONFIG_PATH": str(home / "ejabberd.yml"),
            "EJABBERD_LOG_PATH": str(home / "ejabberd.log"),
        }
        options = ["+K", "true", "+P", "250000", "-noinput", "-mnesia", "dir", f'"{home / "mnesia"}"']
        log = home / "output"
        child = started(self._stack, [self._program, *options, "-s", "ejabberd"], log, environ)
        wait_until(lambda: answers_at(self._port), child, log)
        self.pids["server"] = child.pid

    def users(self, pairs: int) -> list[User]:
        """Register pairs of users."""
        return registered(self._port, pairs)

    def copies(self, run: str, users: Sequence[User]) -> set[Copy]:
        """Read the table of the archive."""
        with contextlib.closing(self._connect("ejabberd")) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT username, xml FROM archive WHERE txt LIKE %s", (f"________:{run}:%",))
            found = (copy_of(str(owner), str(stanza), run) for owner, stanza in cursor.fetchall())
            return {copy for copy in found if copy is not None}

    def _make_tables(self, password: str) -> None:
        with contextlib.closing(self._connect(None)) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE ejabberd CHARACTER SET utf8mb4")
            cursor.execute("CREATE USER ejabberd@'%%' IDENTIFIED BY %s", (password,))
            cursor.execute("CREATE USER ejabberd@localhost IDENTIFIED BY %s", (password,))
            for host in ("'%'", "localhost"):
                cursor.execute(f"GRANT ALL ON ejabberd.* TO ejabberd@{host}")
            cursor.execute("USE ejabberd")
            lines = (line.partition("--")[0] for line in _SCHEMA.read_text("utf-8").splitlines())
            for statement in "\n".join(lines).split(";"):
                if statement.strip():
                    cursor.execute(statement)

    def _connect(self, database: str | None) -> pymysql.Connection[pymysql.cursors.Cursor]:
        return pymysql.connect(
            unix_socket=str(self._home / "sql.sock"), user="root", database=database, autocommit=True
        )


def _installed() -> tuple[str, Path]:
    """Return Erlang's program, and the folder of ejabberd's libraries. :raises ConfigError: one is missing."""
    program = shutil.which("erl")
    found = next(iter(sorted(_LIBRARIES.glob("*/ejabberd-*/ebin"))), None)
    if program is None or found is None or not _SCHEMA.exists():
        raise ConfigError("there is no ejabberd (Debian: apt-get install ejabberd erlang-p1-mysql)")
    libraries = found.parent.parent
    if not (
        next(libraries.glob("p1_mysql-*"), None) or next(Path("/usr/lib/erlang/lib").glob("p1_mysql-*"), None)
    ):
        raise ConfigError("ejabberd has no driver for MariaDB (Debian: apt-get install erlang-p1-mysql)")
    return program, libraries
