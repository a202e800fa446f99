"""A user's list of threads, as its first screen shows it: by last activity, with what is unread.

What is unread is a subtraction of two numbers (:mod:`imsys.store.numbering`): of the last message, and of the last one
up to which the user has read, written or hidden. Both are mostly found by their ids at once; what is not takes one
more statement for the whole page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from imsys.store.changes import TEXT
from imsys.store.database import Database, Row, Transaction
from imsys.store.heads import lock_heads
from imsys.store.ids import LARGEST
from imsys.store.mentions import EVERYBODY
from imsys.store.numbering import number

UNREAD = 1000
"""What is unread is exact below this, which stands for all that is above."""

SHOWN = 200
"""Characters of a text or draft that are shown."""


class LastMessage(msgspec.Struct, frozen=True, gc=False):
    """The last message that a user sees in a thread; of a text, its beginning."""

    msg_id: int
    sender: int
    kind: int
    status: int
    content: str


class ThreadView(msgspec.Struct, frozen=True, gc=False):
    """A thread as one user sees it. ``peer`` is the other one of a private thread, 0 in a group."""

    thread_id: int
    kind: int
    peer: int
    title: str
    avatar: str
    members: int
    timer: int
    last_id: int
    delivered: int
    read: int
    peer_delivered: int
    peer_read: int
    muted_until: int
    pinned_at: int
    archived: bool
    draft: str
    mentioned: bool
    unread: int = 0
    last: LastMessage | None = None


class _Found(msgspec.Struct, frozen=True, gc=False):
    """A thread, and what its unread messages are counted by."""

    view: ThreadView
    first: int
    hidden_to: int
    floor: int
    """The id up to which nothing is unread."""
    last_number: int
    number: int | None
    """The number of the message ``floor``, if there is such a message."""
    numbered: bool
    hidden: int
    """The last message that the user has hidden."""


def _threads(greatest: str, which: str) -> str:
    return (
        "SELECT t.thread_id, t.kind, COALESCE(t.low_id + t.high_id - m.user_id, 0) AS peer, t.title, t.avatar, "
        "t.member_count, t.timer, t.last_msg_id, t.numbered_id, t.last_number, m.delivered_id, m.read_id, m.hidden_to, "
        f"m.first_id, {greatest}(m.read_id, m.hidden_to, m.first_id - 1, m.sent_id, "
        "CASE m.user_id WHEN t.low_id THEN t.low_sent WHEN t.high_id THEN t.high_sent ELSE 0 END) AS floor_id "
        f"{which}"
    )


_NEWEST = (
    "FROM members m JOIN threads t ON t.thread_id = m.thread_id WHERE m.user_id = ? "
    "AND (t.last_msg_id < ? OR (t.last_msg_id = ? AND t.thread_id < ?)) {archived} "
    "ORDER BY t.last_msg_id DESC, t.thread_id DESC LIMIT ?"
)

_ARCHIVED = (
    "AND {negated} EXISTS (SELECT 1 FROM thread_settings z WHERE z.user_id = m.user_id "
    "AND z.thread_id = m.thread_id AND z.archived = 1)"
)

_PINNED = (
    "FROM thread_settings y JOIN members m ON m.thread_id = y.thread_id AND m.user_id = y.user_id "
    "JOIN threads t ON t.thread_id = m.thread_id WHERE y.user_id = ? AND y.pinned_at > 0"
)

_MENTION = (
    "(SELECT n.msg_id FROM mentions n WHERE n.thread_id = p.thread_id AND n.user_id = {user} AND NOT EXISTS "
    "(SELECT 1 FROM hidden g WHERE g.user_id = ? AND g.thread_id = n.thread_id AND g.msg_id = n.msg_id) "
    "ORDER BY n.msg_id DESC LIMIT 1)"
)


def _views(threads: str) -> str:
    mine, everybody = _MENTION.format(user="?"), _MENTION.format(user=EVERYBODY)
    return (
        "SELECT p.thread_id, p.kind, p.peer, p.title, p.avatar, p.member_count, p.timer, p.last_msg_id, p.numbered_id, "  # noqa: S608
        "p.last_number, p.delivered_id, p.read_id, p.hidden_to, p.first_id, p.floor_id, x.sender_id, x.kind, x.status, "
        f"CASE x.kind WHEN {TEXT} THEN SUBSTR(x.content, 1, {SHOWN}) ELSE x.content END, "
        f"c.number, o.delivered_id, o.read_id, s.muted_until, s.pinned_at, s.archived, SUBSTR(s.draft, 1, {SHOWN}), "
        f"f.alternative_name, r.nickname, r.avatar, a.username, {mine}, {everybody}, "
        "(SELECT h.msg_id FROM hidden h WHERE h.user_id = ? AND h.thread_id = p.thread_id ORDER BY h.msg_id DESC LIMIT 1) "
        f"FROM ({threads}) p "
        "LEFT JOIN messages x ON x.thread_id = p.thread_id AND x.msg_id = p.last_msg_id "
        "LEFT JOIN messages c ON c.thread_id = p.thread_id AND c.msg_id = p.floor_id "
        "LEFT JOIN members o ON o.thread_id = p.thread_id AND o.user_id = p.peer "
        "LEFT JOIN thread_settings s ON s.user_id = ? AND s.thread_id = p.thread_id "
        "LEFT JOIN friendships f ON f.user_id = ? AND f.friend_id = p.peer "
        "LEFT JOIN profiles r ON r.user_id = p.peer LEFT JOIN accounts a ON a.user_id = p.peer"
    )


class OverviewStore:
    """Reads threads, members, settings and messages together; writes nothing but missing numbers of messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(
        self, user: int, before: tuple[int, int], limit: int, archived: bool | None = None
    ) -> list[ThreadView]:
        """List a user's threads by (last id, thread), descending, below such a pair; ``(0, 0)``: from the newest.

        :param archived: only those that are, or are not; ``None``: all.
        """
        last, thread_id = before if any(before) else (LARGEST, LARGEST)
        return await self._read(user, self._newest, (last, last, thread_id), limit, archived)

    async def pinned(self, user: int) -> list[ThreadView]:
        """List a user's pinned threads, the one pinned last first."""
        found = await self._read(user, self._pinned)
        return sorted(found, key=lambda view: view.pinned_at, reverse=True)

    async def _read(self, user: int, read: Any, *args: Any) -> list[ThreadView]:
        found = await self._database.read(read, user, *args)
        behind = [one.view.thread_id for one in found if not one.numbered]
        if behind:
            await self._database.write(_number, behind)
            found = await self._database.read(read, user, *args)
        if any(_is_open(one) for one in found):
            return await self._database.read(_completed, user, found)
        return [one.view for one in found]

    @staticmethod
    def _newest(
        tx: Transaction, user: int, before: tuple[int, int, int], limit: int, archived: bool | None
    ) -> list[_Found]:
        only = "" if archived is None else _ARCHIVED.format(negated="" if archived else "NOT")
        return _found(tx, _NEWEST.format(archived=only), user, *before, limit)

    @staticmethod
    def _pinned(tx: Transaction, user: int) -> list[_Found]:
        return _found(tx, _PINNED, user)


def _number(tx: Transaction, thread_ids: Sequence[int]) -> None:
    heads = lock_heads(tx, thread_ids)
    behind = [head.thread_id for head in heads.values() if head.numbered_id != head.last_msg_id]
    if behind:
        number(tx, behind)


def _found(tx: Transaction, which: str, user: int, *more: int) -> list[_Found]:
    greatest = "MAX" if tx.dialect.name == "sqlite" else "GREATEST"
    rows = tx.rows(_views(_threads(greatest, which)), user, user, user, user, user, *more, user, user)
    return sorted(map(_of_row, rows), key=lambda one: (one.view.last_id, one.view.thread_id), reverse=True)


def _of_row(row: Row) -> _Found:
    thread_id, kind, peer, title, avatar, members, timer, last_id, numbered_id, last_number = row[:10]
    delivered, read, hidden_to, first, floor = row[10:15]
    sender, message_kind, status, content, at_floor, peer_delivered, peer_read = row[15:22]
    muted_until, pinned_at, archived, draft, name, nickname, peer_avatar, username = row[22:30]
    hidden = row[32] or 0
    seen = last_id > hidden_to and last_id >= first and hidden != last_id
    view = ThreadView(
        thread_id=thread_id,
        kind=kind,
        peer=peer,
        title=(name or nickname or username or "") if peer else title,
        avatar=(peer_avatar or "") if peer else avatar,
        members=2 if peer else members,
        timer=timer,
        last_id=last_id,
        delivered=delivered,
        read=read,
        peer_delivered=peer_delivered or 0,
        peer_read=peer_read or 0,
        muted_until=muted_until or 0,
        pinned_at=pinned_at or 0,
        archived=bool(archived),
        draft=draft or "",
        mentioned=max(row[30] or 0, row[31] or 0) > floor,
        last=None
        if sender is None or not seen
        else LastMessage(last_id, sender, message_kind, status, content),
    )
    counted = 0 if floor <= 0 else at_floor
    if counted is not None and floor < last_id and hidden <= floor:
        view = replace(view, unread=min(last_number - counted, UNREAD))
    return _Found(view, first, hidden_to, floor, last_number, counted, numbered_id == last_id, hidden)


def _is_open(found: _Found) -> bool:
    """Whether a thread takes another look, since what is looked for is not where it mostly is."""
    return _lacks_last(found) or _lacks_number(found) or _has_hidden(found)


def _lacks_last(found: _Found) -> bool:
    return found.view.last is None and found.view.last_id > max(found.hidden_to, found.first - 1)


def _lacks_number(found: _Found) -> bool:
    return found.number is None and found.floor < found.view.last_id


def _has_hidden(found: _Found) -> bool:
    return found.floor < min(found.hidden, found.view.last_id)


_LAST, _NUMBER, _HIDDEN = range(3)


def _completed(tx: Transaction, user: int, found: Sequence[_Found]) -> list[ThreadView]:
    rows = tx.rows_literal(tx.dialect.union_all(_looks(user, found)))
    looked = {(what, thread_id): row for what, thread_id, *row in rows}
    return [_complete(one, looked) for one in found]


def _looks(user: int, found: Iterable[_Found]) -> Iterable[str]:
    for one in found:
        thread_id = one.view.thread_id
        if _lacks_last(one):
            yield (
                f"SELECT {_LAST}, m.thread_id, m.msg_id, m.sender_id, m.kind, m.status, "  # noqa: S608
                f"CASE m.kind WHEN {TEXT} THEN SUBSTR(m.content, 1, {SHOWN}) ELSE m.content END FROM messages m "
                f"WHERE m.thread_id = {thread_id:d} AND m.msg_id > {one.hidden_to:d} AND m.msg_id >= {one.first:d} "
                f"AND NOT EXISTS (SELECT 1 FROM hidden h WHERE h.user_id = {user:d} AND h.thread_id = {thread_id:d} "
                "AND h.msg_id = m.msg_id) ORDER BY m.msg_id DESC LIMIT 1"
            )
        if _lacks_number(one):
            yield (
                f"SELECT {_NUMBER}, m.thread_id, m.number, 0, 0, 0, '' FROM messages m "  # noqa: S608
                f"WHERE m.thread_id = {thread_id:d} AND m.msg_id <= {one.floor:d} ORDER BY m.msg_id DESC LIMIT 1"
            )
        if _has_hidden(one):
            yield (
                f"SELECT {_HIDDEN}, {thread_id:d}, COUNT(*), 0, 0, 0, '' FROM (SELECT 1 FROM hidden h "  # noqa: S608
                f"WHERE h.user_id = {user:d} AND h.thread_id = {thread_id:d} AND h.msg_id > {one.floor:d} "
                f"LIMIT {UNREAD}) some"
            )


def _complete(one: _Found, looked: dict[tuple[int, int], list[Any]]) -> ThreadView:
    view = one.view
    last = looked.get((_LAST, view.thread_id))
    if last is not None:
        view = replace(view, last=LastMessage(*last))
    if one.floor < view.last_id:
        counted = looked.get((_NUMBER, view.thread_id), [0])[0] if one.number is None else one.number
        hidden = looked.get((_HIDDEN, view.thread_id), [0])[0]
        view = replace(view, unread=max(0, min(one.last_number - counted - hidden, UNREAD)))
    return view
