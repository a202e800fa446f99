"""A connection to an SQLite file that is in a process of its own (:mod:`imsys.store.sqlite_process`)."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from imsys.store import sqlite_process
from imsys.store.sqlite_process import LENGTH, Answer, Step

END = 5.0
"""Seconds for a process to end before it is killed."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Answer).decode


class SqliteConnection:
    """A connection of DB-API, as far as it is needed; ``_sock`` and ``_rfile`` are those of PyMySQL's: they may be replaced.

    :param seconds: for which a statement waits for locks, and what has begun is waited for at the end.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - a program of ours
                    [sys.executable, "-P", sqlite_process.__file__, str(path), str(seconds)],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except BaseException:
                ours.close()
                raise
        self._sock: Any = ours
        ours.settimeout(seconds * 2)
        self._rfile: Any = ours.makefile("rb")
        self._begin: list[Step] = []

    def cursor(self) -> Cursor:
        """Return a cursor."""
        return Cursor(self)

    def execute(self, sql: str) -> None:
        """Run a statement."""
        self.ask(Step(sql))

    def commit(self) -> None:
        """Commit, if anything has begun."""
        if not self._begin:
            self.ask(Step("COMMIT"))
        self._begin = []

    def rollback(self) -> None:
        """Undo, if anything has begun."""
        if not self._begin:
            self.ask(Step("ROLLBACK"))
        self._begin = []

    def close(self) -> None:
        """Have the process end; it undoes what is not committed."""
        with contextlib.suppress(OSError):
            self._rfile.close()
        self._sock.close()

    def wait(self) -> None:
        """Return when the process has ended; blocks."""
        try:
            self._process.wait(END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def begin(self, sql: str) -> None:
        """Begin a transaction, together with what is asked next."""
        self._begin = [Step(sql)]

    def ask(self, *steps: Step) -> Answer:
        """Have steps run, and return what the last one gave.

        :raises OSError: there is no answer; they may have been run.
        """
        begin = self._begin
        data = _encode([*begin, *steps])
        self._sock.sendall(len(data).to_bytes(LENGTH, "big") + data)
        answer = _decode(self._read(int.from_bytes(self._read(LENGTH), "big")))
        if answer.done:
            self._begin = []
        if answer.error:
            kind = getattr(sqlite3, answer.error, None)
            error: Any = (kind if isinstance(kind, type) else sqlite3.ProgrammingError)(answer.message)
            if answer.name:
                error.sqlite_errorname, error.sqlite_errorcode = answer.name, answer.code
            raise error
        return answer

    def _read(self, count: int) -> bytes:
        data: bytes = self._rfile.read(count)
        if len(data) < count:
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        return data


class Cursor:
    """A cursor of such a connection."""

    __slots__ = ("_answer", "_connection")

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._answer = Answer(0)

    @property
    def rowcount(self) -> int:
        """Rows that were changed."""
        return self._answer.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The id of the row that was inserted."""
        return self._answer.lastrowid

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement; one that begins a transaction goes along with the next."""
        if sql.startswith("BEGIN"):
            self._connection.begin(sql)
        else:
            self.run(Step(sql, parameters))

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each row of parameters."""
        self.run(Step(sql, rows, each=True))

    def run(self, *steps: Step) -> None:
        """Run steps, in one round trip."""
        self._answer = self._connection.ask(*steps)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all rows of the last statement."""
        return self._answer.rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the first one."""
        return next(iter(self._answer.rows), None)

    def close(self) -> None:
        """Do nothing."""
