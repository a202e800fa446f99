"""Queries about conversations, people, requests, settings and uploads that are under way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import apsw

from client.core.model import Conversation, ConversationKind, FriendRequest, Person
from client.core.spans import Spans
from client.store import messages

_FIELDS = (
    "id, kind, title, people, unread, mentioned, read, told, their_delivered, their_read, "
    "draft, pinned, archived, muted_until_ms, synced, grouped, untold"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation with what its view need not know.

    :param told: how far the server knows that I have read.
    :param synced: id up to which everything that came was stored.
    :param untold: what the server does not know yet of how I keep it: names of fields of the conversation.
    """

    conversation: Conversation
    told: int = 0
    their_delivered: int = 0
    their_read: int = 0
    synced: int = 0
    untold: frozenset[str] = frozenset()


def conversations(db: apsw.Connection) -> list[Row]:
    """All of them, with their newest messages."""
    rows: list[Any] = db.execute(f"SELECT {_FIELDS} FROM conversations").fetchall()  # noqa: S608
    return [_row(db, *row) for row in rows]


def _row(
    db: apsw.Connection,
    number: int,
    kind: str,
    title: str,
    people: str,
    unread: int,
    mentioned: int,
    read: int,
    told: int,
    *more: Any,
) -> Row:
    delivered, their_read, draft, pinned, archived, muted, synced, grouped, untold = more
    known = {one.value: one for one in ConversationKind}
    conversation = Conversation(
        number, known.get(kind, ConversationKind.GROUP), title, tuple(json.loads(people)), last=messages.newest(db, number), unread=unread,
        mentioned=bool(mentioned), read=read, draft=draft, pinned=bool(pinned), archived=bool(archived),
        muted_until_ms=muted, **_grouped(grouped),
    )  # fmt: skip
    return Row(conversation, told, delivered, their_read, synced, frozenset(untold.split()))


_GROUPED = (
    "avatar",
    "members",
    "role",
    "description",
    "old_for_new",
    "gone",
    "silent_until_ms",
    "timer",
    "asking",
)
"""What is kept of a group alone, but for the timer."""


def _grouping(one: Conversation) -> str:
    if one.kind is ConversationKind.PRIVATE:
        return json.dumps({"timer": one.timer}) if one.timer else ""
    return json.dumps({name: getattr(one, name) for name in _GROUPED})


def _grouped(text: str) -> dict[str, Any]:
    return {name: value for name, value in json.loads(text or "{}").items() if name in _GROUPED}


def put_conversation(db: apsw.Connection, row: Row) -> None:
    """Store how a conversation stands."""
    one = row.conversation
    values: tuple[Any, ...] = (
        one.id,
        one.kind.value,
        one.title,
        json.dumps(one.people),
        one.unread,
        one.mentioned,
        one.read,
        row.told,
        row.their_delivered,
    )
    values += (
        row.their_read,
        one.draft.encode("utf-8", "replace").decode(),
        one.pinned,
        one.archived,
        one.muted_until_ms,
        row.synced,
        _grouping(one),
        " ".join(sorted(row.untold)),
    )
    db.execute(
        f"INSERT OR REPLACE INTO conversations ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        values,
    )


def spans(db: apsw.Connection, conversation: int) -> Spans:
    """Which ids are known without a gap."""
    return Spans(
        (int(low), int(high))
        for low, high in db.execute("SELECT low, high FROM spans WHERE conversation = ?", (conversation,))
    )


def add_span(db: apsw.Connection, conversation: int, low: int, high: int) -> None:
    """Nothing is missing from one id to another."""
    db.execute(
        "INSERT INTO spans SELECT ?1, coalesce(min(min(low), ?2), ?2), coalesce(max(max(high), ?3), ?3) FROM spans"
        " WHERE conversation = ?1 AND low <= ?3 + 1 AND high >= ?2 - 1"
        " ON CONFLICT (conversation, low) DO UPDATE SET high = max(high, excluded.high)",
        (conversation, low, high),
    )
    db.execute(
        "DELETE FROM spans WHERE conversation = ?1 AND EXISTS (SELECT 1 FROM spans AS wide WHERE wide.conversation = ?1"
        " AND wide.low <= spans.low AND wide.high >= spans.high AND (wide.low, wide.high) != (spans.low, spans.high))",
        (conversation,),
    )


def people(db: apsw.Connection) -> list[Person]:
    """Everybody."""
    return [
        Person(uuid, username, nickname, alias, avatar, description, sex, bool(friend), bool(blocked))
        for uuid, username, nickname, alias, avatar, description, sex, friend, blocked in db.execute(
            "SELECT * FROM people"
        )
    ]


def put_people(db: apsw.Connection, some: Iterable[Person]) -> None:
    """Store what is known of people."""
    db.executemany(
        "INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (p.uuid, p.username, p.nickname, p.alias, p.avatar, p.description, p.sex, p.friend, p.blocked)
            for p in some
        ],
    )


def requests(db: apsw.Connection, known: Mapping[int, Person]) -> list[FriendRequest]:
    """Who asks to become friends."""
    found: list[Any] = db.execute("SELECT uuid, text, at_ms FROM requests ORDER BY at_ms DESC").fetchall()
    return [
        FriendRequest(known.get(uuid) or Person(uuid, str(uuid)), text, at_ms) for uuid, text, at_ms in found
    ]


def set_requests(db: apsw.Connection, some: Iterable[FriendRequest]) -> None:
    """Store who asks, in the place of who did."""
    db.execute("DELETE FROM requests")
    db.executemany(
        "INSERT OR REPLACE INTO requests VALUES (?, ?, ?)",
        [(one.person.uuid, one.text, one.at_ms) for one in some],
    )


def settings(db: apsw.Connection) -> dict[str, str]:
    """All of them."""
    return {str(name): str(value) for name, value in db.execute("SELECT name, value FROM settings")}


def set_setting(db: apsw.Connection, name: str, value: str) -> None:
    """Keep one; empty: forget it."""
    if value:
        db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))
    else:
        db.execute("DELETE FROM settings WHERE name = ?", (name,))
