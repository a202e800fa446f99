"""What differs between SQLite and MySQL: how they connect, lock, and fail."""

from __future__ import annotations

import enum
import importlib
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from imsys.config import DatabaseConfig


class Fault(enum.Enum):
    """What an exception of a driver means for the transaction it ended."""

    DUPLICATE = enum.auto()
    """A unique key is taken; only the statement was undone."""
    CONFLICT = enum.auto()
    """Another transaction was in the way: the same one may work now."""
    LOST = enum.auto()
    """The connection is gone."""
    AWAY = enum.auto()
    """The database cannot be reached, is full, or is otherwise not at our service."""
    BUG = enum.auto()
    """Anything else: a fault of ours."""


class Dialect(Protocol):
    """One kind of database."""

    name: str
    driver: str
    readers_need_own_pool: bool
    """Whether one writer at a time is all there can be."""
    begin: str
    """The statement that begins a writing transaction."""
    begin_log: str | None
    """The same on the message log's connection, where its first statement does not begin one."""
    lock: str
    """What a SELECT of rows that are going to be written ends with."""
    by_primary_key: str
    """What follows a table's name to have its rows read, and locked, in the order of their keys."""

    def connect_arguments(self, *, log: bool = False) -> dict[str, Any]:
        """Keyword arguments for the driver's ``connect``; ``log`` for the message log's connection, with :meth:`run_and_commit`."""
        ...

    def opened(self, connection: Any) -> None:
        """Set a new connection up."""
        ...

    def packed(self, columns: Sequence[str]) -> str:
        """An aggregate of integer columns as one string: rows ``1 2 3``, with commas between; NULL where there are no rows."""
        ...

    def run_and_commit(self, cursor: Any, statements: Sequence[str]) -> None:
        """Run statements and commit, in one round trip where that can be."""
        ...

    def translate(self, sql: str) -> str:
        """SQL with ``?`` for parameters, ``{lock}`` and ``{ignore}``, in the words of this database."""
        ...

    def union_all(self, selects: Iterable[str]) -> str:
        """One statement for many SELECTs, each with an ORDER BY and a LIMIT of its own; their rows come in any order."""
        ...

    def classify(self, error: BaseException) -> Fault:
        """What an exception means."""
        ...


def numbers(values: Iterable[int]) -> str:
    """A list of integer literals for SQL, ``1,2,3``: nothing but numbers can come out of it."""
    return ",".join(map(int.__repr__, values))


def hex_literal(value: bytes) -> str:
    """A string literal for MySQL, ``x'6162'``: nothing but hexadecimal digits can come out of it."""
    return f"x'{value.hex()}'"


class Sqlite:
    """SQLite in WAL mode; every commit is on the disk before it returns (``synchronous = FULL``)."""

    name = "sqlite"
    driver = "sqlite3"
    readers_need_own_pool = True
    begin = "BEGIN IMMEDIATE"
    begin_log: str | None = begin
    lock = ""
    by_primary_key = ""

    def __init__(self, config: DatabaseConfig) -> None:
        self._path = Path(config.path)
        self._timeout = config.timeout

    def connect_arguments(self, *, log: bool = False) -> dict[str, Any]:
        """A connection without implicit transactions, closed by whichever thread ends the pool."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return {"database": str(self._path), "timeout": self._timeout, "isolation_level": None, "check_same_thread": False}

    def opened(self, connection: sqlite3.Connection) -> None:
        """WAL and full durability; what is written twice in a while goes into the database once (64 MiB of WAL)."""
        self._write_ahead(connection)
        settings = ("synchronous = FULL", "foreign_keys = ON", "temp_store = MEMORY", "cache_size = -65536", "wal_autocheckpoint = 16384")
        for statement in settings:
            connection.execute(f"PRAGMA {statement}")

    def _write_ahead(self, connection: sqlite3.Connection) -> None:
        # changing the mode does not wait for a lock as other statements do
        for left in reversed(range(max(1, round(self._timeout * 20)))):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                if not left:
                    raise
                time.sleep(0.05)  # this is a thread of a pool, or a command

    def packed(self, columns: Sequence[str]) -> str:
        """By ``group_concat``."""
        return "group_concat(" + " || ' ' || ".join(columns) + ")"

    def run_and_commit(self, cursor: sqlite3.Cursor, statements: Sequence[str]) -> None:
        """One after the other."""
        for statement in (*statements, "COMMIT"):
            cursor.execute(statement)

    def translate(self, sql: str) -> str:
        """No row locks here: a writing transaction holds the whole database."""
        return sql.replace("{lock}", "").replace("{ignore}", "OR IGNORE")

    def union_all(self, selects: Iterable[str]) -> str:
        """A SELECT with a LIMIT has to be a subquery here."""
        return " UNION ALL ".join(f"SELECT * FROM ({select})" for select in selects)  # noqa: S608

    def classify(self, error: BaseException) -> Fault:
        """By SQLite's result codes (sqlite.org/rescode.html)."""
        if isinstance(error, sqlite3.IntegrityError) and error.sqlite_errorname in (
            "SQLITE_CONSTRAINT_UNIQUE",
            "SQLITE_CONSTRAINT_PRIMARYKEY",
            "SQLITE_CONSTRAINT_ROWID",
        ):
            return Fault.DUPLICATE
        if isinstance(error, sqlite3.OperationalError):
            code = getattr(error, "sqlite_errorname", "").split("_")
            if len(code) > 1 and code[1] in ("BUSY", "LOCKED"):
                return Fault.CONFLICT
            if len(code) > 1 and code[1] in ("CANTOPEN", "FULL", "IOERR", "READONLY", "NOTADB", "CORRUPT"):
                return Fault.AWAY
        if isinstance(error, OSError):
            return Fault.AWAY
        return Fault.BUG


PACKED = 16 << 20
"""Bytes that packed rows may take on MySQL; beyond, it would cut them off."""

_MULTI_STATEMENTS = 1 << 16
"""CLIENT_MULTI_STATEMENTS of the MySQL protocol."""

_AWAY = {
    *(1021, 1030, 1037, 1041, 1114, 1135),  # full: disk, memory, table, threads
    *(1040, 1129, 1203, 1226),  # too many connections, errors or queries
    *(1044, 1045, 1049, 1130),  # it does not let us in
    *(1180, 1317, 1969, 3024),  # a commit that failed, a statement that was ended or took too long
    *(1047, 1290, 1792, 1836),  # not ready, or read-only
    *(2002, 2003, 2005, 2012, 2026),  # not to be reached
}
"""Error numbers of a server that is not at our service."""


class Mysql:
    """MySQL 8 or MariaDB 10.5 and later, by PyMySQL or mysqlclient."""

    name = "mysql"
    readers_need_own_pool = False
    begin = "START TRANSACTION"
    begin_log: str | None = None
    lock = "FOR UPDATE"
    by_primary_key = "FORCE INDEX (PRIMARY)"

    def __init__(self, config: DatabaseConfig) -> None:
        self._config = config
        self.driver = "pymysql" if config.driver == "pymysql" else "MySQLdb"
        self._module = importlib.import_module(self.driver)

    def connect_arguments(self, *, log: bool = False) -> dict[str, Any]:
        """Every wait of the client has an end."""
        config, seconds = self._config, max(1, round(self._config.timeout))
        where: dict[str, Any] = {"unix_socket": config.socket} if config.socket else {"host": config.host, "port": config.port}
        if config.tls_ca:
            where["ssl"] = {"ca": config.tls_ca}
        return {
            **where,
            "user": config.user,
            "password": config.password,
            "database": config.name,
            "charset": "utf8mb4",
            "connect_timeout": seconds,
            "read_timeout": seconds,
            "write_timeout": seconds,
            "autocommit": not log,
            "client_flag": _MULTI_STATEMENTS if log else 0,
        }

    def opened(self, connection: Any) -> None:
        """READ COMMITTED: what a lock was waited for is then seen, and gaps are not locked; strict about what does not fit."""
        with closing(connection.cursor()) as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            cursor.execute(
                "SET SESSION sql_mode = 'TRADITIONAL,NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00', innodb_lock_wait_timeout = %s, "
                "group_concat_max_len = %s",
                (max(1, round(self._config.timeout)), PACKED),
            )

    def packed(self, columns: Sequence[str]) -> str:
        """By ``GROUP_CONCAT``."""
        return "GROUP_CONCAT(" + ", ' ', ".join(columns) + ")"

    def run_and_commit(self, cursor: Any, statements: Sequence[str]) -> None:
        """One text for all; what follows a statement that fails is not run."""
        cursor.execute(";".join((*statements, "COMMIT")))
        while cursor.nextset():
            pass

    def translate(self, sql: str) -> str:
        """Parameters are ``%s`` here, and no statement of ours has another per cent sign."""
        return sql.replace("?", "%s").replace("{lock}", self.lock).replace("{ignore}", "IGNORE")

    def union_all(self, selects: Iterable[str]) -> str:
        """Parentheses do; a subquery would be written to a temporary table."""
        return " UNION ALL ".join(f"({select})" for select in selects)

    def classify(self, error: BaseException) -> Fault:
        """By the server's and the client library's error numbers."""
        module = self._module
        if isinstance(error, OSError):
            return Fault.LOST
        if isinstance(error, module.InterfaceError):
            return Fault.LOST
        number = error.args[0] if isinstance(error, module.MySQLError) and error.args else None
        if number == 1062:
            return Fault.DUPLICATE
        if number in (1205, 1213, 1020):  # lock wait timeout, deadlock, record changed
            return Fault.CONFLICT
        if number in (1053, 1077, 1078, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 2006, 2013, 2014, 2055, 3169, 4031):
            return Fault.LOST
        if number in _AWAY:
            return Fault.AWAY
        return Fault.BUG


def dialect_of(config: DatabaseConfig) -> Dialect:
    """The dialect of a configuration. :raises ImportError: the driver is not installed."""
    return Sqlite(config) if config.engine == "sqlite" else Mysql(config)
