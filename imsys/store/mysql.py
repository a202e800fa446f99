"""MySQL 8 or MariaDB 10.5 and later, by PyMySQL or mysqlclient.

One server, or several that are tried in turn.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

from imsys.config import DatabaseConfig
from imsys.store.dialects import Fault, Opened, Use
from imsys.store.log_cursor import LogCursor
from imsys.store.sqlite_process import Step

PACKED = 16 << 20
"""Bytes of packed rows, at most; the server would truncate more."""

ABANDONED = 3
"""Seconds that a transaction may be idle before the server ends it: its owner is dead and its locks block.

A server of ours that was merely slow begins it again.
"""

LOCK_WAIT = 1
"""Seconds that a statement waits for a lock: the smallest possible value."""

CONNECT = 3.0
"""Seconds to connect to one server, at most."""

UNACKNOWLEDGED = 5.0
"""Seconds after which the kernel drops a connection with unacknowledged data, so that no commit arrives
late."""

IDLE = 600
"""Seconds without a statement after which the server closes a connection; a dead machine's would stay for
hours."""

_MULTI_STATEMENTS = 1 << 16
"""CLIENT_MULTI_STATEMENTS of the MySQL protocol."""

ROOM = 1024
"""Bytes of ``max_allowed_packet`` that are left free."""

_READ_ONLY = 1290

_CONFLICT = {
    1213,  # deadlock; in a Galera cluster, at any statement or at COMMIT: another node's transaction was first
    1020,  # the row has changed since it was read
    3101,  # group replication: another member's transaction was first
}

_LOCKED = {1205, 3572}  # waited too long for a lock, or would have to wait for one

_LOST = {
    *(1077, 1078, 1079, 1152, 1158, 1159, 1160, 1161, 1184),  # the server has closed it
    *(1927, 3169, 4031),  # killed by an operator or for being idle
    *(2006, 2013, 2014, 2055),  # the same in the client library
}

_MOVED = {
    *(_READ_ONLY, 1792, 1836, 1874, 1036),  # read-only: server, transaction, mode, InnoDB, table
    # not ready (a Galera node without its cluster), shutting down, offline, not available
    *(1047, 1053, 3032, 3168),
}
"""Error numbers of a server after a fail-over away from it, or before one."""

_AWAY = {
    # full: disk, memory, table, threads, locks, transactions
    *(1021, 1030, 1037, 1041, 1114, 1135, 1206, 1637),
    *(1040, 1129, 1203, 1226),  # too many connections, errors or queries
    *(1044, 1045, 1049, 1130),  # access denied
    *(1180, 1317, 1969, 3024),  # commit failed, statement killed or took too long
    *(2002, 2003, 2005, 2012, 2026),  # unreachable
}
"""Error numbers of a server that refuses service."""


class Mysql:
    """One database on one server, or on several of which one is writable."""

    name = "mysql"
    readers_need_own_pool = False
    begin = "START TRANSACTION"
    begin_log: str | None = None
    lock = "FOR UPDATE"
    by_primary_key = "FORCE INDEX (PRIMARY)"

    def __init__(self, config: DatabaseConfig) -> None:
        self._config = config
        self.driver = "pymysql" if config.driver == "pymysql" else "MySQLdb"
        self.patience = config.timeout
        self._module = importlib.import_module(self.driver)
        if config.socket:
            self._servers: list[dict[str, Any]] = [{"unix_socket": config.socket}]
        else:
            addresses = config.hosts or ((config.host, config.port),)
            self._servers = [{"host": host, "port": port} for host, port in addresses]
        self._first = 0
        self.galera = False
        self.skip_locked: str | None = None
        self.most_bytes = 1 << 20

    # -- connecting

    @property
    def wired(self) -> bool:
        """Whether the driver is PyMySQL, whose socket can be replaced."""
        return self.driver == "pymysql"

    def connect(self, use: Use = Use.GENERAL, *, anywhere: bool = False) -> Opened:
        """Try the servers in turn, beginning with the last good one, until one is writable.

        If none is, a connection for general use goes to a readable one.
        """
        count = len(self._servers)
        problem: BaseException | None = None
        reader: Any = None
        for index in [(self._first + step) % count for step in range(count)]:
            try:
                connection, writable = self._connect_to(self._servers[index], use, anywhere)
            except Exception as error:
                if self.classify(error) is Fault.BUG:
                    raise
                problem = error
                continue
            if writable:
                self._first = index
                if reader is not None:
                    reader.close()
                return Opened(connection)
            if reader is None and use is Use.GENERAL:
                reader = connection
            else:
                connection.close()
        if reader is not None:
            return Opened(reader, writable=False)
        if problem is None:
            problem = self._module.OperationalError(_READ_ONLY, "the server is read-only")
        raise problem

    def connect_wired(self, use: Use) -> Opened:
        """Open a connection of PyMySQL, which has a socket that can be replaced."""
        opened = self.connect(use)
        opened.connection.cursorclass = LogCursor
        return opened

    def finish(self, connection: Any) -> None:
        """Do nothing: the server sees to it."""

    def _connect_to(self, server: dict[str, Any], use: Use, anywhere: bool) -> tuple[Any, bool]:
        config = self._config
        seconds = max(1, round(config.timeout))
        arguments: dict[str, Any] = {
            **server,
            "user": config.user,
            "password": config.password,
            "charset": "utf8mb4",
            "connect_timeout": max(1, round(min(CONNECT, config.timeout))),
            "autocommit": use is not Use.LOG,
            "client_flag": _MULTI_STATEMENTS if use is Use.LOG else 0,
        }
        if not anywhere:
            arguments["database"] = config.name
        if config.tls_ca:
            arguments["ssl"] = {"ca": config.tls_ca}
        if use is not Use.SCHEMA:
            # a frozen server accepts connections, too: PyMySQL waits no longer for its greeting than for the
            # connection
            greeting = arguments["connect_timeout"] if self.driver == "pymysql" else seconds
            arguments |= {"read_timeout": greeting, "write_timeout": seconds}
        connection = self._module.connect(**arguments)
        try:
            _bound_sending(connection)
            writable = self._set_up(connection, use)
        except BaseException:
            connection.close()
            raise
        if use is not Use.SCHEMA and hasattr(connection, "_read_timeout"):
            connection._read_timeout = seconds
        return connection, writable

    def _set_up(self, connection: Any, use: Use) -> bool:
        """Set up a session: READ COMMITTED and strict mode.

        A statement then sees changes made while it waited for a lock, and gaps are not locked.

        :returns: whether the server is writable.
        """
        with closing(connection.cursor()) as cursor:
            known = _variables(cursor)
            mariadb = "mariadb" in known["version"].lower()
            version = tuple(int(part) for part in known["version"].split("-")[0].split(".")[:2])
            self.galera = galera = known.get("wsrep_on") == "ON"
            self.skip_locked = "FOR UPDATE SKIP LOCKED" if not mariadb or version >= (10, 6) else None
            self.most_bytes = int(known["max_allowed_packet"]) - ROOM
            settings: dict[str, Any] = {
                "sql_mode": "TRADITIONAL,NO_AUTO_VALUE_ON_ZERO",
                "time_zone": "+00:00",
                "group_concat_max_len": PACKED,
                "innodb_lock_wait_timeout": LOCK_WAIT
                if use is not Use.SCHEMA
                else max(1, round(self._config.timeout)),
            }
            if use is not Use.SCHEMA:
                settings |= self._patience(mariadb)
            if galera:
                settings["wsrep_sync_wait"] = 1  # reads see what another member has acknowledged
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            cursor.execute(
                "SET SESSION " + ", ".join(f"{name} = %s" for name in settings), tuple(settings.values())
            )
            if galera and not _ready(cursor):
                raise self._module.OperationalError(1047, "this member of the Galera cluster is not ready")
        return "ON" not in (known.get("read_only", ""), known.get("innodb_read_only", ""))

    @staticmethod
    def _patience(mariadb: bool) -> dict[str, int]:
        """Return the server's timeouts: within a statement, within a transaction, and between them."""
        waits = {"net_read_timeout": ABANDONED, "net_write_timeout": ABANDONED * 2}
        if mariadb:
            within = (
                "idle_transaction_timeout",
                "idle_write_transaction_timeout",
                "idle_readonly_transaction_timeout",
            )
            return waits | dict.fromkeys(within, ABANDONED) | {"wait_timeout": IDLE}
        # MySQL has no other timeout; an idle connection is reopened
        return waits | {"wait_timeout": ABANDONED}

    # -- statements

    def packed(self, columns: Sequence[str]) -> str:
        """Use ``GROUP_CONCAT``."""
        return "CONCAT('[', GROUP_CONCAT('[', " + ", ',', ".join(columns) + ", ']'), ']')"

    def run_and_commit(self, cursor: Any, statements: Sequence[str]) -> None:
        """Send one text with all statements; those after a failed one do not run."""
        text = ";".join((*statements, "COMMIT"))
        if isinstance(cursor, LogCursor):
            cursor.run_all(text)
            return
        cursor.execute(text)
        while cursor.nextset():
            pass

    def run_steps(self, cursor: Any, steps: Sequence[Step]) -> None:
        """There are none of MySQL."""
        raise NotImplementedError

    def translate(self, sql: str) -> str:
        """Write parameters as ``%s``; no statement of ours has another percent sign."""
        return sql.replace("?", "%s").replace("{lock}", self.lock).replace("{ignore}", "IGNORE")

    def union_all(self, selects: Iterable[str]) -> str:
        """Use parentheses; a subquery would be written to a temporary table."""
        return " UNION ALL ".join(f"({select})" for select in selects)

    def classify(self, error: BaseException) -> Fault:
        """Classify by the error numbers of MySQL, MariaDB and the client library (their manuals)."""
        module = self._module
        if isinstance(error, OSError):
            return Fault.LOST
        if isinstance(error, module.InterfaceError):
            return Fault.LOST
        number = error.args[0] if isinstance(error, module.MySQLError) and error.args else None
        if number == 1062:
            return Fault.DUPLICATE
        for numbers, fault in _FAULTS:
            if number in numbers:
                return fault
        return Fault.BUG


_FAULTS = (
    (_CONFLICT, Fault.CONFLICT),
    (_LOCKED, Fault.LOCKED),
    (_LOST, Fault.LOST),
    (_MOVED, Fault.MOVED),
    (_AWAY, Fault.AWAY),
)


def _variables(cursor: Any) -> dict[str, str]:
    wanted = ("version", "wsrep_on", "read_only", "innodb_read_only", "max_allowed_packet")
    cursor.execute(f"SHOW VARIABLES WHERE Variable_name IN ({', '.join(['%s'] * len(wanted))})", wanted)
    return {str(name).lower(): str(value) for name, value in cursor.fetchall()}


def _ready(cursor: Any) -> bool:
    cursor.execute("SHOW STATUS LIKE 'wsrep_ready'")
    return any(value == "ON" for _, value in cursor.fetchall())


@contextlib.contextmanager
def _socket_of(connection: Any) -> Iterator[socket.socket | None]:
    """Provide the socket of a driver's connection, if it is accessible."""
    theirs = getattr(connection, "_sock", None)  # PyMySQL
    if theirs is not None:
        yield theirs
        return
    number = getattr(connection, "fileno", None)  # mysqlclient
    if number is None:
        yield None
        return
    with closing(socket.socket(fileno=os.dup(number()))) as ours:
        yield ours


def _bound_sending(connection: Any) -> None:
    option = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux
    if option is None:
        return
    with _socket_of(connection) as found:
        if found is not None and found.family != getattr(socket, "AF_UNIX", None):
            found.setsockopt(socket.IPPROTO_TCP, option, round(UNACKNOWLEDGED * 1000))
            found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 3)):
                found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
