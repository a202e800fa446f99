"""Live streams: owner, thread, server and times.

A stream is WAITING for its publisher, LIVE while it is published, and ENDED. One UPDATE decides each of these
steps even if several servers try; only the one that changed the row announces it. The time at which an
abandoned stream is due stands in its row, so that any server can end it, even if its own server is dead.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from imsys.errors import Refused, Status
from imsys.store.clock import now_ms
from imsys.store.database import Database, Row, Transaction
from imsys.store.heads import FRIENDS, PRIVATE, may_write
from imsys.store.members import ADMIN, CHANNEL

LOST = 20.0
"""Seconds without a beat (four beats) after which the publisher may connect to another server."""


class LiveState(enum.IntEnum):
    """The state of a live stream."""

    WAITING = 0
    """Its publisher is not connected: not yet, or not any more."""
    LIVE = 1
    ENDED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStream:
    """One live stream; times are in milliseconds since 1970, 0 if it has not happened."""

    stream_id: bytes
    owner: int
    thread_id: int
    title: str
    server: str
    """The resources server for its publisher."""
    record: bool = False
    state: LiveState = LiveState.WAITING
    created_ms: int = 0
    started_ms: int = 0
    """When its publisher first connected."""
    ended_ms: int = 0
    seen_ms: int = 0
    """When its server last reported it."""
    latest_ms: int = 0
    """When it ends at the latest."""
    viewers: int = 0
    """Its players at ``seen_ms``."""
    posted: bool = False
    """Whether its message is posted in the thread."""


STREAM = (
    "SELECT s.stream_id, s.owner_id, s.thread_id, s.title, s.server, s.record, s.state, s.created_at, s.started_at, s.ended_at, s.seen_at, "
    "s.latest_at, s.viewers, s.posted FROM live_streams s "
)

_OPEN = f"(t.kind <> {PRIVATE} OR t.flags = {FRIENDS})"
"""SQL condition on a thread: it allows live streams.

A private one does while its users are friends without blocks.
"""

_WATCHER = (
    "SELECT m.user_id FROM live_streams s JOIN members m ON m.thread_id = s.thread_id JOIN threads t ON t.thread_id = s.thread_id "  # noqa: S608
    f"WHERE s.stream_id = ? AND m.user_id = ? AND ({_OPEN} OR s.owner_id = m.user_id)"
)
_SENT = (
    "SELECT s.stream_id FROM live_streams s JOIN threads t ON t.thread_id = s.thread_id "  # noqa: S608
    "JOIN members m ON m.thread_id = s.thread_id AND m.user_id = s.owner_id "
    f"WHERE s.stream_id = ? AND s.server = ? AND s.state IN (0, 1) AND {_OPEN} "
    f"AND (t.kind = {PRIVATE} OR m.role >= {ADMIN} OR ((t.rules & {CHANNEL}) = 0 AND m.muted_until <= ?))"
)
"""The SELECT of a stream that may be published at a server: not ended, and its owner may write in its thread."""


class LiveStore:
    """The table ``live_streams``.

    Times are by the database's clock, which servers share (SQLite: ``calendar``).
    """

    def __init__(self, database: Database, calendar: Callable[[], float]) -> None:
        self._database = database
        self._calendar = calendar

    def _now(self, tx: Transaction) -> int:
        return now_ms(tx, self._calendar)

    # -- for chat servers

    async def start(self, stream: LiveStream, most: int, *, wait: float, longest: float) -> LiveStream:
        """Create a stream that waits for its publisher; its state and times are set here.

        :param most: streams of one user, at most.
        :param wait: seconds in which the publisher must connect.
        :param longest: seconds after which it ends at the latest.
        :raises Refused: PERMISSION_DENIED (65), NOT_FRIENDS (66) or BLOCKED (76), its owner may not write in
            the thread; SERVER_BUSY (73), the owner has too many streams.
        """
        return await self._database.write(self._start, stream, most, _ms(wait), _ms(longest))

    def _start(self, tx: Transaction, stream: LiveStream, most: int, wait: int, longest: int) -> LiveStream:
        now = self._now(tx)
        _may_send(tx, stream.thread_id, stream.owner, now)
        tx.row("SELECT user_id FROM profiles WHERE user_id = ? {lock}", stream.owner)  # one after the other
        row = tx.row("SELECT COUNT(*) FROM live_streams WHERE owner_id = ? AND state IN (0, 1)", stream.owner)
        if row is not None and row[0] >= most:
            raise Refused(Status.SERVER_BUSY, f"You have {row[0]} live streams already; stop one of them.")
        tx.execute(
            "INSERT INTO live_streams (stream_id, owner_id, thread_id, title, record, server, created_at, seen_at, latest_at, due_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            stream.stream_id,
            stream.owner,
            stream.thread_id,
            stream.title,
            int(stream.record),
            stream.server,
            now,
            now,
            now + longest,
            now + min(wait, longest),
        )
        return _known(tx, stream.stream_id)

    async def running(
        self, user: int, *, thread_id: int = 0, after: bytes = b"", limit: int = 1000
    ) -> list[LiveStream]:
        """List the streams of a user's threads, or of one, that have not ended, by id above ``after``.

        In a private thread the other user's stream is listed only while both are friends and neither blocks
        the other.

        :raises Refused: PERMISSION_DENIED (65), the user is not a member of the thread.
        """
        return await self._database.read(self._running, user, thread_id, after, limit)

    @staticmethod
    def _running(tx: Transaction, user: int, thread_id: int, after: bytes, limit: int) -> list[LiveStream]:
        if (
            thread_id
            and tx.row("SELECT user_id FROM members WHERE thread_id = ? AND user_id = ?", thread_id, user)
            is None
        ):
            raise Refused(Status.PERMISSION_DENIED, "Only its members may see the live streams of a thread.")
        rows = tx.rows(
            f"{STREAM}JOIN members m ON m.thread_id = s.thread_id JOIN threads t ON t.thread_id = s.thread_id "
            f"WHERE m.user_id = ?{' AND m.thread_id = ?' if thread_id else ''} AND s.state IN (0, 1) AND s.stream_id > ? "
            f"AND ({_OPEN} OR s.owner_id = m.user_id) ORDER BY s.stream_id LIMIT ?",
            *((user, thread_id) if thread_id else (user,)),
            after,
            limit,
        )
        return [_stream_of(row) for row in rows]

    async def may_watch(self, stream_id: bytes, user: int) -> bool:
        """Return whether a user may watch a stream: :meth:`running` would list it if it has not ended."""
        return await self._database.read(lambda tx: tx.row(_WATCHER, stream_id, user) is not None)

    async def recipients(self, stream_id: bytes) -> tuple[LiveStream, int, list[int], int | None]:
        """Return a stream, the receiver of its message (0 in a group), and the users to push its state to.

        In a group these are its members, and the version of their list is returned instead.

        :raises Refused: STREAM_NOT_FOUND (74).
        """
        return await self._database.read(self._recipients, stream_id)

    @staticmethod
    def _recipients(tx: Transaction, stream_id: bytes) -> tuple[LiveStream, int, list[int], int | None]:
        stream = _known(tx, stream_id)
        row = tx.row(
            "SELECT kind, COALESCE(low_id, 0), COALESCE(high_id, 0), flags, members_version FROM threads WHERE thread_id = ?",
            stream.thread_id,
        )
        if row is None:
            return stream, 0, [stream.owner], None
        kind, low, high, flags, version = row
        if kind == PRIVATE:
            other = low + high - stream.owner
            heard = flags == FRIENDS or stream.state is LiveState.ENDED  # they were told of its beginning
            return stream, other, [stream.owner, other] if heard else [stream.owner], None
        return stream, 0, [], version

    async def mark_posted(self, stream_id: bytes) -> None:
        """Note that a stream's message is posted."""
        await self._database.write(
            lambda tx: tx.execute("UPDATE live_streams SET posted = 1 WHERE stream_id = ?", stream_id)
        )

    async def end(self, stream_id: bytes, user: int | None = None) -> LiveStream:
        """End a stream; a repetition changes nothing.

        :param user: the user who ends it; ``None``: the system does.
        :raises Refused: STREAM_NOT_FOUND (74), there is no such stream in a thread of the user;
            PERMISSION_DENIED (65), it is somebody else's.
        """
        return await self._database.write(self._end, stream_id, user)

    def _end(self, tx: Transaction, stream_id: bytes, user: int | None) -> LiveStream:
        # its INSERT may not be committed yet
        tx.row("SELECT stream_id FROM live_streams WHERE stream_id = ? {lock}", stream_id)
        stream = _known(tx, stream_id)
        if user not in (None, stream.owner):
            if (
                tx.row(
                    "SELECT user_id FROM members WHERE thread_id = ? AND user_id = ?", stream.thread_id, user
                )
                is None
            ):
                raise _unknown()
            raise Refused(Status.PERMISSION_DENIED, "Only who started a live stream may stop it.")
        over = "UPDATE live_streams SET state = 2, ended_at = ?, due_at = NULL, viewers = 0 WHERE stream_id = ? AND state IN (0, 1)"
        tx.execute(over, self._now(tx), stream_id)
        return _known(tx, stream_id)

    async def reassign(self, stream_id: bytes, away_from: str, server: str) -> LiveStream | None:
        """Move a stream from one server to another, if it is waiting or was not reported for some time.

        :returns: the stream; ``None``: it is live at that server, or is not assigned to it.
        """
        return await self._database.write(self._reassign, stream_id, away_from, server)

    def _reassign(self, tx: Transaction, stream_id: bytes, away_from: str, server: str) -> LiveStream | None:
        changed = tx.execute(
            "UPDATE live_streams SET server = ?, state = 0, viewers = 0 "
            "WHERE stream_id = ? AND server = ? AND (state = 0 OR (state = 1 AND seen_at <= ?))",
            server,
            stream_id,
            away_from,
            self._now(tx) - _ms(LOST),
        )
        return _known(tx, stream_id) if changed else None

    # -- for resources servers

    async def find(self, stream_id: bytes) -> LiveStream | None:
        """Find a stream, whether or not a user may see it."""
        return await self._database.read(_find, stream_id)

    async def mark_live(self, stream_id: bytes, server: str, *, away: float) -> LiveStream | None:
        """Note that the publisher has connected to a server.

        Return ``None`` if the stream has ended or does not exist.

        :param away: seconds without a :meth:`beat` after which it ends.
        :raises Refused: SERVER_BUSY (73), it is live at another server, which has reported it lately;
            PERMISSION_DENIED (65), NOT_FRIENDS (66) or BLOCKED (76), its owner may not write in the thread
            any more.
        """
        return await self._database.write(self._mark_live, stream_id, server, _ms(away))

    def _mark_live(self, tx: Transaction, stream_id: bytes, server: str, away: int) -> LiveStream | None:
        now = self._now(tx)
        changed = tx.execute(
            "UPDATE live_streams SET state = 1, server = ?, seen_at = ?, viewers = 0, "
            "started_at = CASE started_at WHEN 0 THEN ? ELSE started_at END, due_at = CASE WHEN latest_at < ? THEN latest_at ELSE ? END "
            "WHERE stream_id = ? AND (state = 0 OR (state = 1 AND (server = ? OR seen_at <= ?)))",
            server,
            now,
            now,
            now + away,
            now + away,
            stream_id,
            server,
            now - _ms(LOST),
        )
        stream = _find(tx, stream_id)
        if stream is None or stream.state is LiveState.ENDED:
            return None
        if not changed and stream.server != server:  # MySQL counts no row where nothing is new
            raise Refused(Status.SERVER_BUSY, "This stream is published at another server.", retry_after=LOST)
        _may_send(tx, stream.thread_id, stream.owner, now)
        return stream

    async def mark_waiting(self, stream_id: bytes, server: str, *, away: float) -> LiveStream | None:
        """Note that the publisher has left a server; return ``None`` if the stream was not live there.

        :param away: seconds in which the publisher must come back.
        """
        return await self._database.write(self._mark_waiting, stream_id, server, _ms(away))

    def _mark_waiting(self, tx: Transaction, stream_id: bytes, server: str, away: int) -> LiveStream | None:
        now = self._now(tx)
        changed = tx.execute(
            "UPDATE live_streams SET state = 0, seen_at = ?, viewers = 0, due_at = CASE WHEN latest_at < ? THEN latest_at ELSE ? END "
            "WHERE stream_id = ? AND state = 1 AND server = ?",
            now,
            now + away,
            now + away,
            stream_id,
            server,
        )
        return _known(tx, stream_id) if changed else None

    async def beat(self, server: str, viewers: Mapping[bytes, int], *, away: float) -> set[bytes]:
        """Report the streams of a server and their numbers of players.

        Return those that the server must drop.

        These have ended, or are at another server, or their owner may not write in the thread any more.

        :param away: seconds without another beat after which a live stream ends.
        """
        return await self._database.write(self._beat, server, viewers, _ms(away))

    def _beat(self, tx: Transaction, server: str, viewers: Mapping[bytes, int], away: int) -> set[bytes]:
        now = self._now(tx)
        # in one order, so that servers cannot deadlock
        for stream_id, players in sorted(viewers.items()):
            tx.execute(
                "UPDATE live_streams SET seen_at = ?, viewers = ?, due_at = CASE WHEN latest_at < ? THEN latest_at ELSE ? END "
                "WHERE stream_id = ? AND state = 1 AND server = ?",
                now,
                players,
                now + away,
                now + away,
                stream_id,
                server,
            )
        return {stream_id for stream_id in viewers if tx.row(_SENT, stream_id, server, now) is None}

    # -- for the reaper

    async def now(self) -> float:
        """Return the clock by which streams are due, in Unix seconds."""
        return await self._database.read(self._now) / 1000

    async def due(self, limit: int = 100) -> list[bytes]:
        """Return streams to end: no publisher came (back), their server is dead, or their time is over."""
        return await self._database.read(self._due, limit)

    def _due(self, tx: Transaction, limit: int) -> list[bytes]:
        now = self._now(tx)
        rows = tx.rows(
            "SELECT stream_id FROM live_streams WHERE due_at <= ? ORDER BY due_at LIMIT ?", now, limit
        )
        return [bytes(stream_id) for (stream_id,) in rows]

    async def end_due(self, due: Sequence[bytes]) -> list[LiveStream]:
        """End those of these streams that are still due.

        :returns: those that this call has ended.
        """
        return await self._database.write(self._end_due, due) if due else []

    def _end_due(self, tx: Transaction, due: Sequence[bytes]) -> list[LiveStream]:
        now = self._now(tx)
        over = "UPDATE live_streams SET state = 2, ended_at = ?, due_at = NULL, viewers = 0 WHERE stream_id = ? AND due_at <= ?"
        return [_known(tx, stream_id) for stream_id in sorted(due) if tx.execute(over, now, stream_id, now)]


def _may_send(tx: Transaction, thread_id: int, owner: int, now: int) -> None:
    """Check that a user may publish live streams to a thread.

    :raises Refused: as :func:`imsys.store.heads.may_write`; PERMISSION_DENIED (65), the user blocks the other one.
    """
    may_write(tx, thread_id, owner, now)
    if tx.row(f"SELECT t.thread_id FROM threads t WHERE t.thread_id = ? AND {_OPEN}", thread_id) is None:  # noqa: S608 (a constant)
        raise Refused(Status.PERMISSION_DENIED, "You block who would watch.")


def _find(tx: Transaction, stream_id: bytes) -> LiveStream | None:
    row = tx.row(STREAM + "WHERE s.stream_id = ?", stream_id)
    return None if row is None else _stream_of(row)


def _known(tx: Transaction, stream_id: bytes) -> LiveStream:
    stream = _find(tx, stream_id)
    if stream is None:
        raise _unknown()
    return stream


def _unknown() -> Refused:
    return Refused(Status.STREAM_NOT_FOUND, "There is no such live stream.")


def _stream_of(row: Row) -> LiveStream:
    (
        stream_id,
        owner,
        thread_id,
        title,
        server,
        record,
        state,
        created,
        started,
        ended,
        seen,
        latest,
        viewers,
        posted,
    ) = row
    return LiveStream(
        stream_id=bytes(stream_id),
        owner=owner,
        thread_id=thread_id,
        title=title,
        server=server,
        record=bool(record),
        state=LiveState(state),
        created_ms=created,
        started_ms=started,
        ended_ms=ended,
        seen_ms=seen,
        latest_ms=latest,
        viewers=viewers,
        posted=bool(posted),
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
