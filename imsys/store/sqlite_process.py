"""A process that works on one SQLite file for another one: ``python -P …/sqlite_process.py FILE SECONDS``.

It runs by its path, since to import the package of the store takes longer, and more memory, than all that it needs.

Its standard input is a socket, on which requests and answers are MessagePack after their length (4 bytes, big
endian). Whoever asks has ended when the socket has; what is not committed then is undone.

SQLite's work needs the processor without the interpreter's lock, but each of its calls gives that lock away and waits
for it again. In a process of its own it waits for nobody, and nobody for it.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import msgspec

LENGTH = 4
"""Bytes of the length before a request or an answer."""

ROWS = 512
"""Rows of one statement with parameters, at most; a power of two."""


class Step(msgspec.Struct, array_like=True, gc=False):
    """Statements of one text."""

    sql: str
    parameters: Sequence[Any] = ()
    """The statement's own; or ``rows`` of them."""
    rows: bool = False
    """Whether rows of parameters follow ``sql``, which ends with VALUES: in statements of many rows each."""
    end: str = ""
    """What follows the rows."""
    keep: bool = False
    """Whether rows before one that fails stay: to undo a single statement, SQLite would copy each page before it changes
    it."""
    each: bool = False
    """Whether the statement runs once for each row of parameters."""


class Answer(msgspec.Struct, array_like=True, gc=False):
    """What the last step gave, or why one failed; then those after it were not run."""

    done: int
    """How many steps were run."""
    rows: list[tuple[Any, ...]] = []
    rowcount: int = -1
    lastrowid: int | None = None
    error: str = ""
    """The name of an exception of :mod:`sqlite3`; empty: none."""
    name: str = ""
    """SQLite's name of the error, ``SQLITE_BUSY``."""
    code: int = 0
    message: str = ""


def in_statements(step: Step) -> Iterator[tuple[str, list[Any]]]:
    """Divide the rows of a step into statements of many rows each, with their parameters.

    A text is prepared once, so there are few texts: of 1, 2, 4, ... rows. Those that are too many are NULL, which the
    first column never is.
    """
    into, rows = step.sql.rpartition("VALUES")[0], step.parameters
    if step.keep:
        into = into.replace("INSERT", "INSERT OR FAIL", 1)
    for first in range(0, len(rows), ROWS):
        some = rows[first : first + ROWS]
        width, count = len(some[0]), 1 << (len(some) - 1).bit_length()
        parameters = [value for row in some for value in row]
        parameters += [None] * (width * count - len(parameters))
        values = ",".join([f"({','.join('?' * width)})"] * count)
        sql = f"{into}SELECT * FROM (VALUES {values}) WHERE column1 IS NOT NULL{step.end}"  # noqa: S608 - texts of ours
        yield sql, parameters


def take(cursor: sqlite3.Cursor, step: Step) -> None:
    """Run a step."""
    if step.rows:
        for sql, parameters in in_statements(step):
            cursor.execute(sql, parameters)
    elif step.each:
        cursor.executemany(step.sql, step.parameters)
    else:
        cursor.execute(step.sql, step.parameters)


def _run(connection: sqlite3.Connection, steps: Sequence[Step]) -> Answer:
    cursor = connection.cursor()
    done = 0
    try:
        for step in steps:
            if connection.in_transaction or step.sql not in ("COMMIT", "ROLLBACK"):
                take(cursor, step)
            done += 1
        return Answer(done, cursor.fetchall(), cursor.rowcount, cursor.lastrowid)
    except Exception as error:
        return _failed(done, error)
    finally:
        cursor.close()


def _failed(done: int, error: Exception) -> Answer:
    kind = type(error).__name__
    name, code = getattr(error, "sqlite_errorname", ""), getattr(error, "sqlite_errorcode", 0)
    return Answer(done, error=kind, name=name, code=code, message=str(error))


def serve(wire: socket.socket, path: str, seconds: float) -> None:
    """Answer requests until there are no more."""
    requests: BinaryIO = wire.makefile("rb")
    decode = msgspec.msgpack.Decoder(list[Step]).decode
    encode = msgspec.msgpack.Encoder().encode
    connection = None
    while len(length := requests.read(LENGTH)) == LENGTH:
        steps = decode(requests.read(int.from_bytes(length, "big")))
        try:
            connection = connection or sqlite3.connect(path, seconds, isolation_level=None)
        except sqlite3.Error as error:
            answer = _failed(0, error)
        else:
            answer = _run(connection, steps)
        data = encode(answer)
        wire.sendall(len(data).to_bytes(LENGTH, "big") + data)
    if connection is not None:
        connection.close()


if __name__ == "__main__":
    # its end is that of the socket: what is sent to all processes of a service is not meant for this one
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(ConnectionError):
        serve(socket.socket(fileno=0), sys.argv[1], float(sys.argv[2]))
