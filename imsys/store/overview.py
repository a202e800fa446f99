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
from imsys.store.dialects import numbers
from imsys.store.heads import SEEN, lock_heads
from imsys.store.ids import LARGEST
from imsys.store.mentions import EVERYBODY
from imsys.store.numbering import number

ACTIVE = "CASE t.last_msg_id WHEN t.quiet_id THEN t.active_id ELSE t.last_msg_id END"
"""The entry by which a thread has its place in lists: the last message, or the last by which somebody came into a group. Other
changes note the one that they leave in place, so messages, which are many, have nothing more to write."""

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
    active_id: int
    """The entry by which it has its place among the others."""
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


def _newest(archived: bool | None) -> str:
    only = ""
    if archived is not None:
        only = (
            f"AND {'' if archived else 'NOT'} EXISTS (SELECT 1 FROM thread_settings z WHERE z.user_id = m.user_id "  # noqa: S608
            "AND z.thread_id = m.thread_id AND z.archived = 1)"
        )
    return (
        "SELECT m.thread_id FROM members m JOIN threads t ON t.thread_id = m.thread_id WHERE m.user_id = ? "  # noqa: S608
        f"AND ({ACTIVE} < ? OR ({ACTIVE} = ? AND t.thread_id < ?)) {only} "
        f"ORDER BY {ACTIVE} DESC, t.thread_id DESC LIMIT ?"
    )


_MENTION = (
    "(SELECT n.msg_id FROM mentions n WHERE n.thread_id = p.thread_id AND n.user_id = {user} AND NOT EXISTS "
    "(SELECT 1 FROM hidden g WHERE g.user_id = ? AND g.thread_id = n.thread_id AND g.msg_id = n.msg_id) "
    "ORDER BY n.msg_id DESC LIMIT 1)"
)


def _views(tx: Transaction, threads: str) -> str:
    """Build the statement that reads these threads, found by a SELECT of their ids, each with what belongs to it."""
    sqlite = tx.dialect.name == "sqlite"
    greatest = "MAX" if sqlite else "GREATEST"
    # of ten tables that are joined by their keys MySQL would try many orders, which takes it longer than to read them
    in_this_order = "" if sqlite else "STRAIGHT_JOIN"
    floor = f"{greatest}(m.read_id, m.hidden_to, m.first_id - 1, m.sent_id, {SEEN})"
    peer = "t.low_id + t.high_id - m.user_id"
    mine, everybody = _MENTION.format(user="?"), _MENTION.format(user=EVERYBODY)
    return (
        f"SELECT {in_this_order} t.thread_id, t.kind, COALESCE({peer}, 0), t.title, t.avatar, t.member_count, t.timer, "  # noqa: S608
        f"t.last_msg_id, {ACTIVE}, t.numbered_id, t.last_number, m.delivered_id, m.read_id, m.hidden_to, m.first_id, "
        f"{floor}, x.sender_id, x.kind, x.status, "
        f"CASE x.kind WHEN {TEXT} THEN SUBSTR(x.content, 1, {SHOWN}) ELSE x.content END, "
        f"c.number, o.delivered_id, o.read_id, s.muted_until, s.pinned_at, s.archived, SUBSTR(s.draft, 1, {SHOWN}), "
        f"f.alternative_name, r.nickname, r.avatar, a.username, {mine}, {everybody}, "
        "(SELECT h.msg_id FROM hidden h WHERE h.user_id = ? AND h.thread_id = p.thread_id ORDER BY h.msg_id DESC LIMIT 1) "
        f"FROM ({threads}) p JOIN threads t ON t.thread_id = p.thread_id "
        "JOIN members m ON m.thread_id = p.thread_id AND m.user_id = ? "
        f"LEFT JOIN messages x ON x.thread_id = p.thread_id AND x.msg_id = {ACTIVE} "
        f"LEFT JOIN messages c ON c.thread_id = p.thread_id AND c.msg_id = {floor} "
        f"LEFT JOIN members o ON o.thread_id = p.thread_id AND o.user_id = {peer} "
        "LEFT JOIN thread_settings s ON s.user_id = ? AND s.thread_id = p.thread_id "
        f"LEFT JOIN friendships f ON f.user_id = ? AND f.friend_id = {peer} "
        f"LEFT JOIN profiles r ON r.user_id = {peer} LEFT JOIN accounts a ON a.user_id = {peer}"
    )


class OverviewStore:
    """Reads threads, members, settings and messages together; writes nothing but missing numbers of messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(
        self, user: int, before: tuple[int, int], limit: int, archived: bool | None = None
    ) -> tuple[list[ThreadView], list[ThreadView]]:
        """List a user's threads by (active id, thread), descending, below such a pair; ``(0, 0)``: from the newest.

        :param archived: only those that are, or are not; ``None``: all.
        :returns: them, and, with the newest, all pinned threads, the one pinned last first.
        """
        asked = user, before, limit, archived
        newest, pinned = await self._database.read_small(self._read, *asked)
        behind = [one.view.thread_id for one in (*newest, *pinned) if not one.numbered]
        if behind:
            await self._database.write(_number, behind)
            newest, pinned = await self._database.read_small(self._read, *asked)
        if any(_is_open(one) for one in (*newest, *pinned)):
            views = await self._database.read_small(_completed, user, [*newest, *pinned])
        else:
            views = [one.view for one in (*newest, *pinned)]
        count = len(newest)
        return views[:count], sorted(views[count:], key=lambda view: view.pinned_at, reverse=True)

    @staticmethod
    def _read(
        tx: Transaction, user: int, before: tuple[int, int], limit: int, archived: bool | None
    ) -> tuple[list[_Found], list[_Found]]:
        last, thread_id = before if any(before) else (LARGEST, LARGEST)
        newest = _found(tx, user, _newest(archived), user, last, last, thread_id, limit)
        if any(before):
            return newest, []
        there = {one.view.thread_id: one for one in newest}
        pinned = [
            thread_id
            for (thread_id,) in tx.rows(
                "SELECT thread_id FROM thread_settings WHERE user_id = ? AND pinned_at > 0", user
            )
        ]
        others = [thread_id for thread_id in pinned if thread_id not in there]
        found = [there[thread_id] for thread_id in pinned if thread_id in there]
        if others:
            found += _found(
                tx,
                user,
                f"SELECT thread_id FROM threads WHERE thread_id IN ({numbers(others)})",  # noqa: S608
            )
        return newest, found


def _number(tx: Transaction, thread_ids: Sequence[int]) -> None:
    number(tx, lock_heads(tx, thread_ids).values())


def _found(tx: Transaction, user: int, which: str, *more: int) -> list[_Found]:
    rows = tx.rows(_views(tx, which), user, user, user, user, *more, user, user, user)
    return sorted(map(_of_row, rows), key=lambda one: (one.view.active_id, one.view.thread_id), reverse=True)


def _of_row(row: Row) -> _Found:
    thread_id, kind, peer, title, avatar, members, timer, last_id, active_id, numbered_id, last_number = row[
        :11
    ]
    delivered, read, hidden_to, first, floor = row[11:16]
    sender, message_kind, status, content, at_floor, peer_delivered, peer_read = row[16:23]
    muted_until, pinned_at, archived, draft, name, nickname, peer_avatar, username = row[23:31]
    hidden = row[33] or 0
    seen = active_id > hidden_to and active_id >= first and hidden != active_id
    view = ThreadView(
        thread_id=thread_id,
        kind=kind,
        peer=peer,
        title=(name or nickname or username or "") if peer else title,
        avatar=(peer_avatar or "") if peer else avatar,
        members=2 if peer else members,
        timer=timer,
        last_id=last_id,
        active_id=active_id,
        delivered=delivered,
        read=read,
        peer_delivered=peer_delivered or 0,
        peer_read=peer_read or 0,
        muted_until=muted_until or 0,
        pinned_at=pinned_at or 0,
        archived=bool(archived),
        draft=draft or "",
        mentioned=max(row[31] or 0, row[32] or 0) > floor,
        last=None
        if sender is None or not seen
        else LastMessage(active_id, sender, message_kind, status, content),
    )
    counted = 0 if floor <= 0 else at_floor
    if counted is not None and floor < last_id and hidden <= floor:
        view = replace(view, unread=min(last_number - counted, UNREAD))
    return _Found(view, first, hidden_to, floor, last_number, counted, numbered_id == last_id, hidden)


def _is_open(found: _Found) -> bool:
    """Whether a thread takes another look, since what is looked for is not where it mostly is."""
    return _lacks_last(found) or _lacks_number(found) or _has_hidden(found)


def _lacks_last(found: _Found) -> bool:
    return found.view.last is None and found.view.active_id > max(found.hidden_to, found.first - 1)


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
