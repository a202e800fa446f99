"""Insert users, friendships and history in bulk for benchmarks, as the other stores would make them."""

from __future__ import annotations

from collections.abc import Sequence

from imsys.errors import Refused, Status
from imsys.store.changes import TEXT
from imsys.store.contacts import ACCEPTED, GREETING
from imsys.store.database import Transaction
from imsys.store.dialects import numbers
from imsys.store.heads import FRIENDS, PRIVATE
from imsys.store.ids import MessageIds
from imsys.store.members import MEMBER, OWNER
from imsys.util.names import name_key

Friends = tuple[int, int]
"""Two users; the first has the lower uuid."""

_FIRST_USER, _FIRST_THREAD = 100_001, 1

_WORDS = "Shall we meet at the usual place, or is it too far for you today? I could bring the book that you asked for, and the map. "

_FILL = """
INSERT INTO messages (thread_id, msg_id, sender_id, kind, unique_id, content)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last})
SELECT t.thread_id, {oldest} + ({position} + n.i) * {step} + t.thread_id % 4194304,
    CASE n.i % 2 WHEN 0 THEN t.low_id ELSE t.high_id END, 1, {unique}, SUBSTR('{words}', 1, 20 + (t.thread_id * 7 + n.i * 13) % 90)
FROM threads t CROSS JOIN n
WHERE t.thread_id >= {first} AND t.thread_id < {end} AND (t.thread_id - {begin}) % {stride} = 0 {without}
"""
_UNIQUE = {
    "mysql": "MD5(CONCAT(t.thread_id, '.', {position} + n.i))",
    "sqlite": "CAST(lower(hex(randomblob(16))) AS BLOB)",
}


def free_numbers(tx: Transaction) -> tuple[int, int]:
    """Return a user id and a thread id from which all ids are free."""
    (user,), (thread,) = (
        tx.rows("SELECT MAX(user_id) FROM accounts")[0],
        tx.rows("SELECT MAX(thread_id) FROM threads")[0],
    )
    return max(_FIRST_USER, (user or 0) + 1), max(_FIRST_THREAD, (thread or 0) + 1)


def insert_accounts(tx: Transaction, users: Sequence[tuple[int, str]], now_ms: int) -> None:
    """Create accounts with these ids and names; nobody can log in to them by password.

    :raises Refused: USERNAME_TAKEN (71), an id or name is taken.
    """
    try:
        tx.execute_many(
            "INSERT INTO accounts (user_id, username, username_key, email, email_key, password_hash, created_at) "
            "VALUES (?, ?, ?, ?, ?, '-', ?)",
            [
                (
                    uuid,
                    name,
                    name_key(name).encode(),
                    f"{name}@bench.example",
                    f"{name}@bench.example".encode(),
                    now_ms,
                )
                for uuid, name in users
            ],
        )
    except Exception as error:
        if tx.is_duplicate(error):
            raise Refused(
                Status.USERNAME_TAKEN, "Somebody registered meanwhile, and has a number of ours: try again."
            ) from error
        raise
    tx.execute_many("INSERT INTO profiles (user_id, nickname) VALUES (?, ?)", users)


def befriend(tx: Transaction, ids: MessageIds, friends: Sequence[Friends], thread: int, now_ms: int) -> None:
    """Make users friends, as if by request and confirmation; thread ids start at ``thread``."""
    rows = [(thread + index, low, high, ids.next(), ids.next()) for index, (low, high) in enumerate(friends)]
    tx.execute_many(
        "INSERT INTO threads (thread_id, kind, low_id, high_id, flags, last_msg_id, numbered_id, last_number, turn, "
        "created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (thread_id, PRIVATE, low, high, FRIENDS, last, last, 2, -hello, now_ms)
            for thread_id, low, high, hello, last in rows
        ],
    )
    tx.execute_many(
        "INSERT INTO members (thread_id, user_id, joined_at) VALUES (?, ?, ?)",
        [(thread_id, user, now_ms) for thread_id, low, high, _, _ in rows for user in (low, high)],
    )
    tx.execute_many(
        "INSERT INTO friendships (user_id, friend_id, alternative_name, thread_id, created_at) VALUES (?, ?, '', ?, ?)",
        [
            (*both, thread_id, now_ms)
            for thread_id, low, high, _, _ in rows
            for both in ((low, high), (high, low))
        ],
    )
    tx.execute_many(
        "INSERT INTO friend_requests (low_id, high_id, src_id, dst_id, nickname, message, state, updated_at) "
        "VALUES (?, ?, ?, ?, '', 'Hello!', ?, ?)",
        [(low, high, low, high, ACCEPTED, now_ms) for _, low, high, _, _ in rows],
    )
    tx.execute_many(
        "INSERT INTO messages (thread_id, msg_id, number, sender_id, kind, unique_id, content) VALUES (?, ?, ?, ?, ?, NULL, ?)",
        [
            (thread_id, msg_id, number, sender, TEXT, text)
            for thread_id, low, high, hello, last in rows
            for number, msg_id, sender, text in ((1, hello, low, "Hello!"), (2, last, high, GREETING))
        ],
    )


def history(
    dialect: str,
    threads: range,
    *,
    every: int,
    but: int,
    begin: int,
    count: int,
    oldest: int,
    position: int,
    step: int,
) -> str:
    """Build the statement with which the database itself appends a block of messages to private threads.

    :param threads: the threads; every ``every``-th from ``begin`` on is used, except every ``but``-th (0: no
        exception).
    :param count: messages in the block; the first is number ``position`` of its thread.
    :param oldest: the approximate id of message number 0; the next ids follow in steps of ``step``.
    """
    return _FILL.format(
        last=count - 1,
        oldest=oldest,
        position=position,
        step=step,
        unique=_UNIQUE[dialect].format(position=position),
        words=_WORDS,
        first=threads.start,
        end=threads.stop,
        begin=begin,
        stride=every,
        without=f"AND (t.thread_id - {begin}) % {but} <> 0" if but else "",
    )


def insert_group(tx: Transaction, ids: MessageIds, users: Sequence[int], title: str, now_ms: int) -> int:
    """Create a group of these users, the first of whom owns it; return its thread."""
    made = ids.next()
    thread_id = tx.insert(
        "INSERT INTO threads (kind, title, last_msg_id, numbered_id, members_version, member_count, created_at) "
        "VALUES (1, ?, ?, ?, ?, ?, ?)",
        title,
        made,
        made,
        made,
        len(users),
        now_ms,
    )
    tx.execute_rows(
        "INSERT INTO members (thread_id, user_id, role, joined_at, delivered_id, read_id) VALUES ",
        [
            (thread_id, user, MEMBER if index else OWNER, now_ms, made, made)
            for index, user in enumerate(users)
        ],
    )
    return thread_id


def all_told(tx: Transaction, users: Sequence[int]) -> None:
    """Note that these users were told of all their devices."""
    tx.execute_literal(f"UPDATE devices SET told = 1 WHERE user_id IN ({numbers(users)})")  # noqa: S608
