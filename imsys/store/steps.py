"""Steps of migrations that cannot be written in SQL."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from imsys.store.database import Transaction
from imsys.store.dialects import Dialect, Fault, numbers
from imsys.store.heads import lock_heads
from imsys.store.ids import LARGEST
from imsys.store.looks import of_name
from imsys.store.numbering import number

BATCH = 1000
"""Accounts processed at once."""

THREADS = 200
"""Threads that are looked through at once."""

MESSAGES = 10_000
"""Messages that are numbered in one transaction, which locks the heads of their threads meanwhile: servers of an older
version are writing there."""

AGAIN = 20
"""How often something is tried if a deadlock or another member of a Galera cluster conflicts with it."""

PAUSE = 0.25
"""Seconds between two attempts."""

T = TypeVar("T")

_COLUMNS = (
    # -- threads: the last number of a message, and the id up to which messages are numbered
    ("threads", "last_number", "{long} NOT NULL DEFAULT 0"),
    ("threads", "numbered_id", "{long} NOT NULL DEFAULT 0"),
    # -- of groups: moves with each change of the members, and bits of imsys.store.members
    ("threads", "members_version", "{long} NOT NULL DEFAULT 0"),
    ("threads", "rules", "{long} NOT NULL DEFAULT 0"),
    ("threads", "member_count", "{long} NOT NULL DEFAULT 0"),
    ("threads", "description", "{line} NOT NULL DEFAULT ''"),
    ("threads", "avatar", "{line} NOT NULL DEFAULT ''"),
    # -- profiles: who sees when the user is online, of imsys.store.presence
    ("profiles", "seen_by", "{long} NOT NULL DEFAULT 0"),
    # -- of private threads: where the turn of who wrote last began, of imsys.store.heads; what was written is read
    ("threads", "turn", "{long} NOT NULL DEFAULT 0"),
    # -- seconds after which messages expire, 0 never
    ("threads", "timer", "{long} NOT NULL DEFAULT 0"),
    # -- the last entry, if it was none that moves the thread up in lists; and the last one that did, then
    ("threads", "quiet_id", "{long} NOT NULL DEFAULT 0"),
    ("threads", "active_id", "{long} NOT NULL DEFAULT 0"),
    # -- profiles: who may add the user to groups, of imsys.store.groups
    ("profiles", "added_by", "{long} NOT NULL DEFAULT 0"),
    # -- profiles: counts what the user changes for themselves, of imsys.store.own_changes
    ("profiles", "own_number", "{long} NOT NULL DEFAULT 0"),
    # -- messages: dense in their thread, 0 not yet known; when it was edited (ms, 0 never); JSON of what else it says
    ("messages", "number", "{long} NOT NULL DEFAULT 0"),
    ("messages", "edited_at", "{long} NOT NULL DEFAULT 0"),
    ("messages", "extra", "TEXT NULL"),
    # -- members: all up to this id is hidden from the member, by the member's wish; before this id nothing may be
    # read; a time (ms) until which the member may not write
    ("members", "hidden_to", "{long} NOT NULL DEFAULT 0"),
    ("members", "first_id", "{long} NOT NULL DEFAULT 0"),
    ("members", "muted_until", "{long} NOT NULL DEFAULT 0"),
    # -- of a group: the last message of this member
    ("members", "sent_id", "{long} NOT NULL DEFAULT 0"),
)


def fill_looks(dialect: Dialect, cursor: Any) -> None:
    """Add the looks of all accounts, oldest first.

    Of accounts that look alike already, only the first gets the look.
    """
    enter = dialect.translate("INSERT {ignore} INTO looks (look, user_id) VALUES (?, ?)")
    select = dialect.translate(
        "SELECT user_id, username FROM accounts WHERE user_id > ? ORDER BY user_id LIMIT ?"
    )
    rows = _some(cursor, select, 0)
    while rows:
        cursor.executemany(enter, [(look, uuid) for uuid, name in rows for look in of_name(name)])
        rows = _some(cursor, select, rows[-1][0])


def _some(cursor: Any, select: str, after: int) -> list[Any]:
    cursor.execute(select, (after, BATCH))
    found: Iterable[Any] = cursor.fetchall()
    return list(found)


def add_conversations(dialect: Dialect, cursor: Any) -> None:
    """Add what messages, threads and members have got, and number all messages."""
    add_columns(dialect, cursor, _COLUMNS)
    tx = Transaction(cursor, dialect, None, in_doubt=False)
    after = 0
    while found := tx.rows(
        "SELECT thread_id, last_msg_id, numbered_id FROM threads WHERE thread_id > ? ORDER BY thread_id LIMIT ?",
        after,
        THREADS,
    ):
        after = found[-1][0]
        for some in _portions(tx, [thread_id for thread_id, last, numbered in found if last > numbered]):
            while not persistently(dialect, partial(_number, tx, some)):
                pass


def _portions(tx: Transaction, threads: Sequence[int]) -> Iterator[list[int]]:
    """Divide threads into portions that are numbered together; one with very many messages is a portion of its own."""
    counts: dict[int, int] = {}
    if threads:
        rows = tx.rows_literal(
            "SELECT m.thread_id, COUNT(*) FROM messages m JOIN threads t ON t.thread_id = m.thread_id "  # noqa: S608
            f"WHERE m.thread_id IN ({numbers(threads)}) AND m.msg_id > t.numbered_id GROUP BY m.thread_id"
        )
        counts = dict(rows)
    portion: list[int] = []
    room = MESSAGES
    for thread_id in threads:
        count = counts.get(thread_id, 0)
        if portion and count > room:
            yield portion
            portion, room = [], MESSAGES
        portion.append(thread_id)
        room -= count
    if portion:
        yield portion


def _number(tx: Transaction, threads: Sequence[int]) -> bool:
    """Number messages of a portion, in one transaction; return whether that was all."""
    mysql = tx.dialect.name == "mysql"
    if mysql:
        tx.execute_literal("START TRANSACTION")
    try:
        heads = lock_heads(tx, threads)
        last = None
        if len(threads) == 1:
            last = tx.row(
                "SELECT msg_id FROM messages WHERE thread_id = ? AND msg_id > (SELECT numbered_id FROM threads "
                "WHERE thread_id = ?) ORDER BY msg_id LIMIT 1 OFFSET ?",
                threads[0],
                threads[0],
                MESSAGES - 1,
            )
        number(tx, heads.values(), LARGEST if last is None else last[0])
    except Exception:
        if mysql:
            tx.execute_literal("ROLLBACK")
        raise
    if mysql:
        tx.execute_literal("COMMIT")
    return last is None


def persistently(dialect: Dialect, work: Callable[[], T]) -> T:
    """Do something that blocks, again if another transaction conflicts with it."""
    for left in reversed(range(AGAIN)):
        try:
            return work()
        except Exception as error:
            conflict = dialect.classify(error) in (Fault.CONFLICT, Fault.LOCKED)
            if not left or dialect.name == "sqlite" or not conflict:
                raise
            time.sleep(PAUSE)
    raise AssertionError


def add_columns(dialect: Dialect, cursor: Any, columns: Iterable[tuple[str, str, str]]) -> None:
    """Add (table, column, definition) where it is not there yet: only MariaDB has ``IF NOT EXISTS`` for that."""
    for table, column, definition in columns:
        if dialect.name == "sqlite":
            cursor.execute("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", (table, column))
        else:
            cursor.execute(
                "SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s AND column_name = %s",
                (table, column),
            )
        if cursor.fetchone() is None:
            sqlite = dialect.name == "sqlite"
            kind = definition.format(
                long="INTEGER" if sqlite else "BIGINT", line="TEXT" if sqlite else "VARCHAR(500)"
            )
            cursor.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
