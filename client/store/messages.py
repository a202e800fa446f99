"""Queries about messages.

Pages go by order, never by number: the ten-thousandth costs what the first does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from typing import Any

import apsw

from client.core.model import Attachment, Kind, Mark, Message
from client.store import details
from client.store.schema import LAST

COLUMNS = (
    "m.conversation, m.ord, m.at_ms, m.key, m.sender, m.kind, m.text, m.mine, m.mark, m.failure, m.attachment, m.stream, "
    "m.pinned, m.as_of, m.details, m.expires_ms"
)
_MARKED = "c.their_delivered, c.their_read"
_QUOTED = "m.reply_to, q.sender, q.text, q.attachment"
_FROM = (
    "FROM messages m LEFT JOIN conversations c ON c.id = m.conversation"
    " LEFT JOIN messages q ON m.reply_to != 0 AND q.conversation = m.conversation AND q.ord = m.reply_to"
)
SELECT = f"SELECT {COLUMNS}, {_MARKED}, {_QUOTED} {_FROM}"
_STORED = (
    "ord",
    "at_ms",
    "key",
    "sender",
    "kind",
    "text",
    "mine",
    "mark",
    "failure",
    "file_id",
    "attachment",
    "stream",
    "reply_to",
    "pinned",
    "as_of",
    "details",
    "expires_ms",
    "conversation",
)
_CHANGED = ("kind", "text", "file_id", "attachment", "reply_to", "pinned", "as_of", "details")
"""What changes to a conversation may change of a message: then what has more of them counts."""
_TWINS = "SELECT key FROM messages WHERE conversation = ? AND ord = ? AND key != ?"
_PUT = (
    f"INSERT INTO messages ({', '.join(_STORED)}) VALUES ({', '.join('?' * len(_STORED))}) ON CONFLICT (key, conversation) DO UPDATE SET "  # noqa: S608
    + ", ".join(
        f"{name} = CASE WHEN excluded.as_of < messages.as_of THEN messages.{name} ELSE excluded.{name} END"
        if name in _CHANGED
        else f"{name} = excluded.{name}"
        for name in _STORED
        if name not in ("key", "conversation")
    )
)
_KINDS = {kind.value: kind for kind in Kind}
Order = tuple[int, int, str]


def order(message: Message) -> Order:
    """What a message is sorted by here."""
    return (message.id or LAST, message.at_ms, message.key)


def put(db: apsw.Connection, message: Message) -> list[str]:
    """Store a message, or what has become of it.

    The keys of others that turn out to be the same one, which are gone now.
    """
    twins = []
    if message.id:
        # fetched at once: a cursor that lives while others come makes each of them slower
        known = db.execute(_TWINS, (message.conversation, message.id, message.key)).fetchall()
        twins = [str(row[0]) for row in known]
        for twin in twins:
            remove(db, message.conversation, twin)
    attachment = (
        json.dumps(asdict(message.attachment), ensure_ascii=False) if message.attachment is not None else ""
    )
    file_id = message.attachment.file_id if message.attachment is not None else ""
    values: tuple[Any, ...] = (
        *order(message),
        message.sender,
        message.kind.value,
        _clean(message.text),
        message.mine,
        int(message.mark),
        message.failure,
    )
    values += (file_id, _clean(attachment), message.stream)
    values += (message.quote.id if message.quote is not None else 0, message.pinned, message.as_of)
    values += (_clean(details.written(message)), message.expires_ms)
    db.execute(_PUT, (*values, message.conversation))
    return twins


def bring(db: apsw.Connection, message: Message) -> None:
    """Let a message that is here have what changed since, if this one has more of that."""
    known = by_id(db, message.conversation, message.id)
    if known is None or known.as_of >= message.as_of:
        return
    kept = None if message.recalled else known.attachment
    put(db, replace(message, key=known.key, mark=known.mark, attachment=kept or message.attachment))


def remove(db: apsw.Connection, conversation: int, key: str) -> None:
    """Forget one."""
    db.execute("DELETE FROM messages WHERE key = ? AND conversation = ?", (key, conversation))


def by_key(db: apsw.Connection, conversation: int, key: str) -> Message | None:
    """One message."""
    return next(
        _read(db.execute(f"{SELECT} WHERE m.key = ? AND m.conversation = ?", (key, conversation))), None
    )


def stored(db: apsw.Connection, conversation: int, number: int) -> bool:
    """Whether there is a message of an id."""
    return bool(
        db.execute(
            "SELECT 1 FROM messages WHERE conversation = ? AND ord = ?", (conversation, number)
        ).fetchall()
    )


def by_id(db: apsw.Connection, conversation: int, number: int) -> Message | None:
    """The message of an id."""
    found = db.execute(f"{SELECT} WHERE m.conversation = ? AND m.ord = ?", (conversation, number))
    return next(iter(list(_read(found))), None)


def answers(db: apsw.Connection, conversation: int, number: int) -> list[Message]:
    """Messages that answer the one of an id, and show it."""
    found = db.execute(
        f"{SELECT} WHERE m.conversation = ? AND m.reply_to = ? LIMIT 200", (conversation, number)
    )
    return list(_read(found)) if number else []


def up_to(db: apsw.Connection, conversation: int, number: int) -> list[Message]:
    """All that have ids, up to one."""
    return list(
        _read(db.execute(f"{SELECT} WHERE m.conversation = ? AND m.ord <= ?", (conversation, number)))
    )


def expired(db: apsw.Connection, now_ms: int) -> list[Message]:
    """Those whose time is over."""
    return list(_read(db.execute(f"{SELECT} WHERE m.expires_ms != 0 AND m.expires_ms <= ?", (now_ms,))))


def next_expiry(db: apsw.Connection) -> int:
    """When the next one is gone; 0: none will be."""
    row = db.execute("SELECT min(expires_ms) FROM messages WHERE expires_ms != 0").fetchone()
    return int(row[0] or 0) if row is not None else 0


def pinned(db: apsw.Connection, conversation: int, most: int) -> list[Message]:
    """Pinned messages that are here, the newest first."""
    found = db.execute(
        f"{SELECT} WHERE m.conversation = ? AND m.pinned ORDER BY m.ord DESC LIMIT ?", (conversation, most)
    )
    return list(_read(found))


def by_file(db: apsw.Connection, conversation: int, file_id: str) -> Message | None:
    """The message of mine that a file was sent with and that has no id yet."""
    found = db.execute(
        f"{SELECT} WHERE m.file_id = ? AND m.file_id != '' AND m.conversation = ? AND m.ord = {LAST}",
        (file_id, conversation),
    )
    return next(_read(found), None)


def before(db: apsw.Connection, conversation: int, place: Order | None, most: int) -> list[Message]:
    """Up to so many before a place, the oldest first."""
    where, values = ("", ()) if place is None else (" AND (m.ord, m.at_ms, m.key) < (?, ?, ?)", place)
    found = db.execute(
        f"{SELECT} WHERE m.conversation = ?{where} ORDER BY m.ord DESC, m.at_ms DESC, m.key DESC LIMIT ?",
        (conversation, *values, most),
    )
    return list(_read(found))[::-1]


def after(db: apsw.Connection, conversation: int, place: Order, most: int) -> list[Message]:
    """Up to so many after a place, the oldest first."""
    found = db.execute(
        f"{SELECT} WHERE m.conversation = ? AND (m.ord, m.at_ms, m.key) > (?, ?, ?) ORDER BY m.ord, m.at_ms, m.key LIMIT ?",
        (conversation, *place, most),
    )
    return list(_read(found))


def newest(db: apsw.Connection, conversation: int) -> Message | None:
    """The last one."""
    return next(iter(before(db, conversation, None, 1)), None)


def unsent(db: apsw.Connection) -> list[Message]:
    """Whatever has no id, in the order in which it was written; with ``paused`` uploads as well."""
    return list(_read(db.execute(f"{SELECT} WHERE m.ord = {LAST} ORDER BY m.conversation, m.at_ms, m.key")))


def paused(db: apsw.Connection) -> set[str]:
    """Keys of those whose upload is stopped."""
    return {str(row[0]) for row in db.execute(f"SELECT key FROM messages WHERE ord = {LAST} AND paused")}  # noqa: S608


def set_paused(db: apsw.Connection, conversation: int, key: str, stopped: bool) -> None:
    """An upload is stopped, or goes on."""
    db.execute(
        "UPDATE messages SET paused = ? WHERE key = ? AND conversation = ?", (stopped, key, conversation)
    )


def first_at(db: apsw.Connection, conversation: int, at_ms: int, low: int, high: int) -> int:
    """The id of the first message at or after a time, among those of a range of ids; 0: there is none.

    Times grow with ids.
    """
    question = (
        "SELECT ord, at_ms FROM messages WHERE conversation = ? AND ord BETWEEN ? AND ? ORDER BY ord LIMIT 1"
    )
    start, end = low, high + 1
    while start < end:  # the least number at or after which nothing is older
        middle = (start + end) // 2
        row = db.execute(question, (conversation, middle, high)).fetchone()
        if row is None or int(row[1]) >= at_ms:
            end = middle
        else:
            start = int(row[0]) + 1
    row = db.execute(question, (conversation, start, high)).fetchone()
    return int(row[0]) if row is not None else 0


def unread(db: apsw.Connection, conversation: int, read: int, most: int = 10_000) -> int:
    """Messages of others after an id, counted up to a bound."""
    found = db.execute(
        "SELECT count(*) FROM (SELECT 1 FROM messages WHERE conversation = ? AND ord > ? AND ord < ? AND NOT mine"
        " AND kind != 'notice' LIMIT ?)",
        (conversation, read, LAST, most),
    )
    return found.fetchone()[0]  # type: ignore[index,no-any-return]


def mine_between(
    db: apsw.Connection, conversation: int, low: int, high: int, most: int = 500
) -> list[Message]:
    """The newest of my messages with ids above one and up to another, the oldest first."""
    found = db.execute(
        f"{SELECT} WHERE m.conversation = ? AND m.ord > ? AND m.ord <= ? AND m.mine ORDER BY m.ord DESC LIMIT ?",
        (conversation, low, high, most),
    )
    return list(_read(found))[::-1]


def find(
    db: apsw.Connection, conversation: int, text: str, place: Order | None, most: int, rows: int
) -> tuple[list[Message], Order | None]:
    """Messages before a place that hold a text, newest first, among so many.

    And the place to go on from, ``None``: it is the beginning.
    """
    page = before(db, conversation, place, rows)
    sought = text.casefold()
    found = [
        message
        for message in reversed(page)
        if message.kind is not Kind.NOTICE and (sought in message.text.casefold() or _named(message, sought))
    ]
    return found[:most], order(page[0]) if len(page) == rows else None


def files(
    db: apsw.Connection,
    kind: str,
    text: str,
    most: int,
    skip: int,
    *,
    conversation: int = 0,
    here: bool = False,
    largest: bool = False,
) -> list[Message]:
    """Messages with files; see :meth:`client.core.ports.Reader.files`."""
    where, values = "", []
    for clause, value in (("m.kind = ?", kind), ("m.conversation = ?", conversation)):
        if value:
            where += f" AND {clause}"
            values.append(value)
    where += " AND json_extract(m.attachment, '$.path') != ''" if here else ""
    by = "CAST(json_extract(m.attachment, '$.size') AS REAL) DESC, " if largest else ""
    found = db.execute(
        f"{SELECT} WHERE m.attachment != ''{where} ORDER BY {by}m.at_ms DESC, m.ord DESC, m.key DESC",
        tuple(values),
    )
    sought, taken = text.casefold(), []
    for message in _read(found):
        if not sought or _named(message, sought):
            taken.append(message)
            if len(taken) == skip + most:
                break
    return taken[skip:]


def at_path(db: apsw.Connection, paths: Iterable[str]) -> list[Message]:
    """Messages whose file or preview is at one of these paths."""
    wanted = set(paths)
    found = _read(db.execute(f"{SELECT} WHERE m.attachment != ''"))
    return [
        one
        for one in found
        if one.attachment is not None and {one.attachment.path, one.attachment.preview} & wanted
    ]


def _named(message: Message, sought: str) -> bool:
    return message.attachment is not None and sought in message.attachment.filename.casefold()


def _read(rows: Iterable[tuple[Any, ...]]) -> Iterator[Message]:
    for (
        conversation,
        ordinal,
        at_ms,
        key,
        sender,
        kind,
        text,
        mine,
        mark,
        failure,
        attachment,
        stream,
        pinned,
        as_of,
        more,
        expires,
        delivered,
        read,
        *quoted,
    ) in rows:
        number = 0 if ordinal == LAST else ordinal
        come = Mark(mark)
        if mine and number:
            come = max(
                come,
                Mark.READ
                if number <= (read or 0)
                else Mark.DELIVERED
                if number <= (delivered or 0)
                else Mark.STORED,
            )
        yield Message(
            key, conversation, sender, at_ms, _KINDS.get(kind, Kind.UNKNOWN), text, number, bool(mine), come, failure,
            Attachment(**json.loads(attachment)) if attachment else None, stream,
            quote=details.quote(*quoted), pinned=bool(pinned), as_of=as_of, expires_ms=expires, **details.read(more),
        )  # fmt: skip


def with_paths(
    message: Message, *, path: str | None = None, preview: str | None = None, width: int = 0, height: int = 0
) -> Message:
    """A message whose file is somewhere on this disk now."""
    attachment = message.attachment
    if attachment is None:
        return message
    return replace(
        message,
        attachment=replace(
            attachment,
            path=attachment.path if path is None else path,
            preview=attachment.preview if preview is None else preview,
            width=attachment.width or width,
            height=attachment.height or height,
        ),
    )


def _clean(text: str) -> str:
    """SQLite takes no lone surrogates."""
    return text.encode("utf-8", "replace").decode()
