"""Pages of a thread's log: messages as they are now, and with the other entries between them where these are asked
for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from imsys.errors import Refused, Status
from imsys.store.changes import EntryKind
from imsys.store.database import Row, Transaction
from imsys.store.dialects import numbers

EDIT = EntryKind.EDIT


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the log. Of a message: ``receiver`` is 0 in a group; ``status``: 0 unread, 1 read, 2 recalled.

    Of another entry: ``content`` is its body, as JSON of the wire.
    """

    thread_id: int
    msg_id: int
    sender: int
    receiver: int
    kind: int
    status: int
    content: str
    number: int = 0
    edited_at: int = 0
    """When it was edited last, in ms since 1970; 0, never."""
    extra: str | None = None
    unique_id: str = ""
    reactions: tuple[tuple[str, int, bool], ...] = ()
    """Each with how often there is one, and whether the reader's own is among them."""
    pinned: bool = False
    edits: int = 0
    """Of an edit: the message that it is of."""
    as_of: int = 0
    """Of a full page: the thread's last id when what may change was read. It has all entries up to there."""

    @property
    def is_message(self) -> bool:
        """Whether it is a message, not another entry."""
        return self.kind < EDIT


class Window(msgspec.Struct, frozen=True, gc=False):
    """What a user asks for: ids between two others, the oldest of them or the newest."""

    user: int
    thread_id: int
    after: int
    before: int
    limit: int
    newest: bool


_MAY_READ = (
    "{id} > (SELECT r.hidden_to FROM members r WHERE r.thread_id = ? AND r.user_id = ?) "
    "AND {id} >= (SELECT r.first_id FROM members r WHERE r.thread_id = ? AND r.user_id = ?)"
)


def _marks_of(rest: str) -> str:
    return (
        f"SELECT 0, m.user_id, m.read_id, {rest} FROM threads t JOIN members m ON m.thread_id = t.thread_id "  # noqa: S608
        "AND m.user_id IN (?, t.low_id, t.high_id) WHERE t.thread_id = ?"
    )


def _messages(direction: str, rest: str) -> str:
    may_read = _MAY_READ.format(id="m.msg_id")
    return (
        f"SELECT 1, m.msg_id, m.sender_id, m.kind, {rest} FROM messages m "  # noqa: S608
        f"WHERE m.thread_id = ? AND m.msg_id > ? AND m.msg_id < ? AND {may_read} AND NOT EXISTS "
        "(SELECT 1 FROM hidden h WHERE h.user_id = ? AND h.thread_id = m.thread_id AND h.msg_id = m.msg_id) "
        f"ORDER BY m.msg_id {direction} LIMIT ?"
    )


def _entries(direction: str) -> str:
    may_read = _MAY_READ.format(id="e.entry_id")
    return (
        "SELECT 2, e.entry_id, e.actor_id, e.kind, 0, e.unique_id, e.body FROM entries e "  # noqa: S608
        f"WHERE e.thread_id = ? AND e.entry_id > ? AND e.entry_id < ? AND {may_read} "
        f"ORDER BY e.entry_id {direction} LIMIT ?"
    )


def page(tx: Transaction, window: Window) -> list[Record]:
    """Read messages alone."""
    # in one round trip: the marks of both members of a private thread (of a group only the user's own), and the page
    parts = _marks_of("0, 0, ''"), _messages(_direction(window), "m.status, m.content")
    rows = tx.rows(
        tx.dialect.union_all(parts), window.user, window.thread_id, *_range(window), window.user, window.limit
    )
    marks = _marks(window, rows)
    return [_record(window.thread_id, marks, row) for row in sorted(row[1:] for row in rows if row[0])]


def full_page(tx: Transaction, window: Window, *, entries: bool) -> list[Record]:
    """Read messages with all that belongs to them; and, if ``entries``, the other entries between them."""
    # What never changes is read first; all that may change by one statement then, which sees one moment of the log.
    direction = _direction(window)
    parts = [_marks_of("0, 0, NULL, NULL"), _messages(direction, "m.number, m.unique_id, NULL")]
    parameters: list[int] = [window.user, window.thread_id, *_range(window), window.user, window.limit]
    if entries:
        parts.append(_entries(direction))
        parameters += [*_range(window), window.limit]
    rows = tx.rows(tx.dialect.union_all(parts), *parameters)
    marks = _marks(window, rows)
    found = sorted((row for row in rows if row[0]), key=lambda row: row[1])
    found = found[-window.limit :] if window.newest else found[: window.limit]
    now = _now(tx, window, found)
    return [_full_record(window, marks, now, row) for row in found if row[0] == 2 or row[1] in now.messages]


def _direction(window: Window) -> str:
    return "DESC" if window.newest else "ASC"


def _range(window: Window) -> tuple[int, ...]:
    me = window.thread_id, window.user
    return (window.thread_id, window.after, window.before, *me, *me)


def _marks(window: Window, rows: Iterable[Row]) -> dict[int, int]:
    marks = {row[1]: row[2] for row in rows if not row[0]}
    if window.user not in marks:
        raise Refused(Status.PERMISSION_DENIED, "Only its members may read a thread.")
    return marks


def _record(thread_id: int, marks: dict[int, int], row: Sequence[Any]) -> Record:
    msg_id, sender, kind, status, content = row
    others = [user for user in marks if user != sender]
    if status == 0 and others and all(marks[user] >= msg_id for user in others):
        status = 1
    receiver = others[0] if len(marks) == 2 and others else 0
    return Record(thread_id, msg_id, sender, receiver, kind, status, content)


class _Now(msgspec.Struct):
    """What may change of the messages of a page, at one moment of the log."""

    head: int = 0
    messages: dict[int, tuple[int, int, str, str | None]] = {}
    """Status, time of the last edit, content and extra."""
    reactions: dict[int, list[tuple[str, int, bool]]] = {}
    pinned: set[int] = set()


def _now(tx: Transaction, window: Window, found: Sequence[Row]) -> _Now:
    now = _Now()
    messages = [row[1] for row in found if row[0] == 1]
    edited = {target_of(row[6]) for row in found if row[3] == EDIT}
    if not messages and not edited:
        return now
    among = numbers(messages or (0,))
    parts = (
        "SELECT 0, t.last_msg_id, 0, 0, '', NULL, x'' FROM threads t WHERE t.thread_id = ?",
        # of an edit's message that the user may not read there is nothing
        "SELECT 1, m.msg_id, m.status, m.edited_at, m.content, m.extra, x'' FROM messages m "  # noqa: S608
        f"WHERE m.thread_id = ? AND m.msg_id IN ({numbers({*messages, *edited})}) AND {_MAY_READ.format(id='m.msg_id')}",
        "SELECT 2, r.msg_id, COUNT(*), MAX(CASE r.user_id WHEN ? THEN 1 ELSE 0 END), '', NULL, r.emoji "  # noqa: S608
        f"FROM reactions r WHERE r.thread_id = ? AND r.msg_id IN ({among}) GROUP BY r.msg_id, r.emoji",
        f"SELECT 3, p.msg_id, 0, 0, '', NULL, x'' FROM pins p WHERE p.thread_id = ? AND p.msg_id IN ({among})",  # noqa: S608
    )
    thread_id = window.thread_id
    reader = thread_id, window.user, thread_id, window.user
    rows = tx.rows(
        tx.dialect.union_all(parts), thread_id, thread_id, *reader, window.user, thread_id, thread_id
    )
    for which, msg_id, one, other, content, extra, emoji in rows:
        if which == 0:
            now.head = msg_id
        elif which == 1:
            now.messages[msg_id] = one, other, content, extra
        elif which == 2:
            now.reactions.setdefault(msg_id, []).append((bytes(emoji).decode(), one, bool(other)))
        else:
            now.pinned.add(msg_id)
    return now


def _full_record(window: Window, marks: dict[int, int], now: _Now, row: Row) -> Record:
    which, msg_id, sender, kind, number, unique_id, body = row
    name = bytes(unique_id).decode() if unique_id else ""
    if which == 2:
        target = 0
        if kind == EDIT:
            target = target_of(body)
            body = _as_it_is_now(body, now)
        return Record(
            window.thread_id, msg_id, sender, 0, kind, 0, body, unique_id=name, edits=target, as_of=now.head
        )
    status, edited_at, content, extra = now.messages[msg_id]
    return replace(
        _record(window.thread_id, marks, (msg_id, sender, kind, status, content)),
        number=number,
        edited_at=edited_at,
        extra=extra,
        unique_id=name,
        reactions=tuple(sorted(now.reactions.get(msg_id, ()), key=lambda one: one[0].encode())),
        pinned=msg_id in now.pinned,
        as_of=now.head,
    )


def target_of(body: str) -> int:
    """The message that an edit is of."""
    return int(msgspec.json.decode(body)["target"])


def _as_it_is_now(body: str, now: _Now) -> str:
    """An edit with the content that its message has now: nothing older is kept anywhere."""
    _, _, content, extra = now.messages.get(target_of(body), (0, 0, "", None))
    told: dict[str, Any] = {**msgspec.json.decode(body), "content": content}
    mentions = msgspec.json.decode(extra).get("mentions") if extra else None
    if mentions:
        told["mentions"] = mentions
    return msgspec.json.encode(told).decode()
