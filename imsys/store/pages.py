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


def _marks_of(more: str = "") -> str:
    return (
        f"SELECT 0, m.user_id, m.read_id, 0, 0, ''{more} FROM threads t JOIN members m ON m.thread_id = t.thread_id "  # noqa: S608
        "AND m.user_id IN (?, t.low_id, t.high_id) WHERE t.thread_id = ?"
    )


def _messages(direction: str, more: str = "") -> str:
    may_read = _MAY_READ.format(id="m.msg_id")
    return (
        f"SELECT 1, m.msg_id, m.sender_id, m.kind, m.status, m.content{more} FROM messages m "  # noqa: S608
        f"WHERE m.thread_id = ? AND m.msg_id > ? AND m.msg_id < ? AND {may_read} AND NOT EXISTS "
        "(SELECT 1 FROM hidden h WHERE h.user_id = ? AND h.thread_id = m.thread_id AND h.msg_id = m.msg_id) "
        f"ORDER BY m.msg_id {direction} LIMIT ?"
    )


def _entries(direction: str) -> str:
    may_read = _MAY_READ.format(id="e.entry_id")
    return (
        "SELECT 2, e.entry_id, e.actor_id, e.kind, 0, e.body, 0, 0, NULL, e.unique_id FROM entries e "  # noqa: S608
        f"WHERE e.thread_id = ? AND e.entry_id > ? AND e.entry_id < ? AND {may_read} "
        f"ORDER BY e.entry_id {direction} LIMIT ?"
    )


def page(tx: Transaction, window: Window) -> list[Record]:
    """Read messages alone."""
    # in one round trip: the marks of both members of a private thread (of a group only the user's own), and the page
    parts = _marks_of(), _messages(_direction(window))
    rows = tx.rows(
        tx.dialect.union_all(parts), window.user, window.thread_id, *_range(window), window.user, window.limit
    )
    marks = _marks(window, rows)
    return [_record(window.thread_id, marks, row) for row in sorted(row[1:] for row in rows if row[0])]


def log_page(tx: Transaction, window: Window) -> list[Record]:
    """Read all entries, and what belongs to each message."""
    direction = _direction(window)
    parts = (
        _marks_of(", 0, 0, NULL, NULL"),
        _messages(direction, ", m.number, m.edited_at, m.extra, m.unique_id"),
        _entries(direction),
    )
    rows = tx.rows(
        tx.dialect.union_all(parts),
        window.user,
        window.thread_id,
        *_range(window),
        window.user,
        window.limit,
        *_range(window),
        window.limit,
    )
    marks = _marks(window, rows)
    found = sorted((row for row in rows if row[0]), key=lambda row: row[1])
    found = found[-window.limit :] if window.newest else found[: window.limit]
    records = [_record(window.thread_id, marks, row[1:]) for row in found]
    return list(_attach(window, records, _attachments(tx, window, records)))


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
    msg_id, sender, kind, status, content, *more = row
    others = [user for user in marks if user != sender]
    if status == 0 and others and all(marks[user] >= msg_id for user in others):
        status = 1
    receiver = others[0] if len(marks) == 2 and others else 0
    record = Record(thread_id, msg_id, sender, receiver, kind, status, content)
    if not more:
        return record
    number, edited_at, extra, unique_id = more
    return replace(
        record,
        number=number,
        edited_at=edited_at,
        extra=extra,
        unique_id=bytes(unique_id).decode() if unique_id else "",
    )


class _Attached(msgspec.Struct):
    reactions: dict[int, list[tuple[str, int, bool]]]
    pinned: set[int]
    targets: dict[int, tuple[str, str | None]]
    """Content and extra of messages that the page says were edited, as they are now."""


def _attachments(tx: Transaction, window: Window, records: Sequence[Record]) -> _Attached:
    """Read what belongs to the messages of a page, in one more statement for each kind."""
    attached = _Attached({}, set(), {})
    messages = [record.msg_id for record in records if record.is_message]
    if messages:
        among = numbers(messages)
        for msg_id, emoji, count, mine in tx.rows(
            "SELECT msg_id, emoji, COUNT(*), MAX(CASE user_id WHEN ? THEN 1 ELSE 0 END) FROM reactions "  # noqa: S608
            f"WHERE thread_id = ? AND msg_id IN ({among}) GROUP BY msg_id, emoji ORDER BY msg_id, emoji",
            window.user,
            window.thread_id,
        ):
            attached.reactions.setdefault(msg_id, []).append((bytes(emoji).decode(), count, bool(mine)))
        attached.pinned = {
            msg_id
            for (msg_id,) in tx.rows(
                f"SELECT msg_id FROM pins WHERE thread_id = ? AND msg_id IN ({among})",  # noqa: S608
                window.thread_id,
            )
        }
    edited = {target_of(record) for record in records if record.kind == EDIT}
    if edited:
        attached.targets = {
            msg_id: (content, extra)
            for msg_id, content, extra in tx.rows(
                f"SELECT msg_id, content, extra FROM messages WHERE thread_id = ? AND msg_id IN ({numbers(edited)})",  # noqa: S608
                window.thread_id,
            )
        }
    return attached


def _attach(window: Window, records: Iterable[Record], attached: _Attached) -> Iterable[Record]:
    for record in records:
        reactions = attached.reactions.get(record.msg_id)
        pinned = record.msg_id in attached.pinned
        if record.kind == EDIT:
            yield _as_it_is_now(record, *attached.targets.get(target_of(record), ("", None)))
        elif record.is_message and (reactions or pinned):
            yield replace(record, reactions=tuple(reactions or ()), pinned=pinned)
        else:
            yield record


def target_of(record: Record) -> int:
    """The message that an edit is of."""
    return int(msgspec.json.decode(record.content)["target"])


def _as_it_is_now(edit: Record, content: str, extra: str | None) -> Record:
    """An edit with the content that its message has now: nothing older is kept anywhere."""
    body: dict[str, Any] = {**msgspec.json.decode(edit.content), "content": content}
    mentions = msgspec.json.decode(extra).get("mentions") if extra else None
    if mentions:
        body["mentions"] = mentions
    return replace(edit, content=msgspec.json.encode(body).decode())
