"""Faults that hit a chat server while it is in a transaction: told by the database, and by what its system
has not sent yet.

Between the two round trips of a transaction is less than a millisecond, which nobody hits by luck. So the
database is made to wait: while we hold the table of the heads, the statement that locks heads stands in the
queue for it. Then the node is frozen, and the table let go: the statement gets its locks and its answer, and
the node stands still where it would go on to the commit.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from imsys.bench.lab.cluster import Cluster, Machine
from imsys.errors import ConfigError

_HOLD = 0.5
"""Seconds that the table is held at most: nobody can write meanwhile."""

_GLANCE = 0.002

_STALE = 0.12
"""Seconds after which ``information_schema.innodb_trx`` is looked up anew: before, it answers what it
answered last.
"""

_QUEUED = "SELECT HOST, INFO FROM information_schema.processlist WHERE HOST LIKE '{address}:%' AND STATE LIKE 'Waiting for table%'"
_LOCKING = re.compile(r"\bthreads\b.*\bthread_id IN \(([\d,]+)\).*\bFOR UPDATE\b", re.DOTALL)
_TRANSACTIONS = """
SELECT p.HOST, p.COMMAND FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.ID = t.trx_mysql_thread_id
WHERE t.trx_rows_locked > 0 AND p.HOST LIKE '{address}:%'
"""


@dataclass(frozen=True, kw_only=True)
class Caught:
    """A chat server that stands still in the middle of a transaction, with the heads of threads locked."""

    since: float
    """When it was frozen, by the monotonic clock."""
    threads: frozenset[int]
    """The threads whose heads are locked."""
    port: int
    """The local port of the connection in question."""


def catch(
    cluster: Cluster, node: Machine, provoke: Callable[[], object] = lambda: None, deadline: float = 30.0
) -> Caught:
    """Freeze a node between the two round trips of a transaction of its message log.

    :param provoke: has something written through this node; called while the table is held.
    :raises ConfigError: it was not caught within ``deadline`` seconds.
    """
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        with contextlib.closing(cluster.database.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("LOCK TABLES threads WRITE")
            provoke()
            found = _wait_for_queued(cursor, node)
            since = time.monotonic()
            node.program.freeze()
            cursor.execute("UNLOCK TABLES")
        if found is not None:
            port, threads = found
            time.sleep(_STALE)
            if _open(cluster, node).get(port) == "Sleep":
                return Caught(since=since, threads=threads, port=port)
        node.program.thaw()
    raise ConfigError(f"{node.name} was not caught in a transaction within {deadline:g} s")


def catch_idle(cluster: Cluster, node: Machine, deadline: float = 30.0) -> float:
    """Freeze a node while it is in no transaction; when that was, by the monotonic clock.

    :raises ConfigError: it did not come to that within ``deadline`` seconds.
    """
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        since = time.monotonic()
        node.program.freeze()
        time.sleep(_STALE)
        if not _open(cluster, node):
            return since
        node.program.thaw()
    raise ConfigError(f"{node.name} was always in a transaction for {deadline:g} s")


def hold_commit(cluster: Cluster, node: Machine, caught: Caught, deadline: float = 5.0) -> None:
    """Cut a node that was caught off from the database, and let it write its commit, which does not get
    there; it lives.

    :raises ConfigError: it wrote nothing within ``deadline`` seconds.
    """
    network, database = cluster.network, cluster.database.host
    network.cut(node.host, database)
    node.program.thaw()
    end = time.monotonic() + deadline
    while caught.port not in network.unsent(node.host, database):
        if time.monotonic() > end:
            raise ConfigError(f"{node.name} did not write its commit within {deadline:g} s")
        time.sleep(_GLANCE)


def _wait_for_queued(cursor: Any, node: Machine) -> tuple[int, frozenset[int]] | None:
    """The port and the threads of a statement of a node that locks heads, once it stands in the queue."""
    end = time.monotonic() + _HOLD
    while time.monotonic() < end:
        cursor.execute(_QUEUED.format(address=node.host.address))
        for host, statement in cursor.fetchall():
            if statement and (locking := _LOCKING.search(statement)):
                return int(host.rpartition(":")[2]), frozenset(map(int, locking[1].split(",")))
        time.sleep(_GLANCE)
    return None


def _open(cluster: Cluster, node: Machine) -> dict[int, str]:
    """The local ports of a node's connections with locks, and what each does now: ``Sleep`` while it waits
    for its client.
    """
    rows = cluster.database.rows(_TRANSACTIONS.format(address=node.host.address))
    return {int(host.rpartition(":")[2]): command for host, command in rows}
