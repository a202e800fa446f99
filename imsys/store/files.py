"""Files: what was offered, what is kept of it, and what threads are still to be told.

The steps of a file's life are each one transaction. What is on a disk or in an object store is changed before a
transaction that adds to what is referred to, and after one that removes from it: a crash in between leaves something
that nothing refers to, and never the other way round.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from imsys.errors import Refused, Status
from imsys.store.database import Database, Row, Transaction
from imsys.store.heads import FRIENDS, PRIVATE, blocked_by


class Purpose(enum.IntEnum):
    """What a file is for."""

    MESSAGE = 0
    AVATAR = 1
    ORIGINAL = 2
    """By the original upload service; its user's, under its name."""
    DERIVED = 3
    """Made of another file: a thumbnail, a poster, an avatar in a smaller size."""


class State(enum.IntEnum):
    """How far a file is."""

    ARRIVING = 0
    WHOLE = 1
    REFUSED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A file that somebody wants to send; ``thread_id`` is 0 where it is for no thread."""

    file_id: bytes
    owner: int
    purpose: Purpose
    thread_id: int
    server: str
    filename: str
    size: int
    mime: str
    sha256: bytes | None = None
    key_id: str = ""
    wrapped_key: bytes = b""


@dataclass(frozen=True, slots=True)
class Content:
    """What a store keeps."""

    content_id: int
    store: str
    sha256: bytes
    size: int
    blob: str
    """Its name in the store: the identifier, in hex, of the file that it came as."""
    key_id: str
    wrapped_key: bytes


@dataclass(frozen=True, slots=True)
class File:
    """One file; ``content`` is there when it is whole."""

    file_id: bytes
    owner: int
    purpose: Purpose
    thread_id: int
    server: str
    filename: str
    size: int
    mime: str
    offered_sha256: bytes | None
    state: State
    key_id: str
    wrapped_key: bytes
    thumbnail_id: bytes | None
    expires_ms: int
    content: Content | None


@dataclass(frozen=True, slots=True)
class Announcement:
    """A whole file that its thread is to be told of."""

    file: File
    attempts: int


_FILE = (
    "SELECT f.file_id, f.owner_id, f.purpose, f.thread_id, f.server, f.filename, f.size, f.mime, f.offered_sha256, f.state, f.key_id, "
    "f.wrapped_key, f.thumbnail_id, f.expires_at, c.content_id, c.store, c.sha256, c.size, c.blob_name, c.key_id, c.wrapped_key "
    "FROM files f LEFT JOIN contents c ON c.content_id = f.content_id "
)


class FileStore:
    """The tables ``files``, ``contents``, ``file_usage`` and ``file_outbox``; times come from ``seconds`` (since 1970)."""

    def __init__(self, database: Database, seconds: Callable[[], float]) -> None:
        self._database = database
        self._seconds = seconds

    def _now(self) -> int:
        return round(self._seconds() * 1000)

    # -- on its way

    async def offer(self, offer: Offer, *, life: float, quota: int) -> None:
        """Make a file that is on its way.

        :param life: seconds that it may take.
        :param quota: bytes that a user's files take at most, 0 for no bound.
        :raises Refused: 65, 66 or 76, its owner may not write in the thread; 68, there is no room in the quota.
        """
        now = self._now()
        await self._database.write(self._offer, offer, now, now + round(life * 1000), quota)

    @staticmethod
    def _offer(tx: Transaction, offer: Offer, now: int, expires: int, quota: int) -> None:
        if offer.thread_id:
            _may_write(tx, offer.thread_id, offer.owner)
        _use(tx, offer.owner, offer.size, 1, quota)
        tx.execute(
            "INSERT INTO files (file_id, owner_id, purpose, thread_id, server, filename, size, mime, offered_sha256, key_id, wrapped_key, "
            "created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            offer.file_id,
            offer.owner,
            int(offer.purpose),
            offer.thread_id or None,
            offer.server,
            offer.filename,
            offer.size,
            offer.mime,
            offer.sha256,
            offer.key_id,
            offer.wrapped_key,
            now,
            expires,
        )

    async def find(self, file_id: bytes) -> File | None:
        """A file, whoever may see it."""
        return await self._database.read(_find, file_id)

    async def readable(self, file_id: bytes, user: int) -> File:
        """A file that a user may read: an avatar, one of a thread of theirs, or their own.

        :raises Refused: 38, there is none that they may read.
        """
        return await self._database.read(self._readable, file_id, user)

    @staticmethod
    def _readable(tx: Transaction, file_id: bytes, user: int) -> File:
        file = _find(tx, file_id)
        if file is not None and file.state is not State.REFUSED:
            if file.owner == user or (file.state is State.WHOLE and file.purpose is Purpose.AVATAR):
                return file
            member = "SELECT user_id FROM members WHERE thread_id = ? AND user_id = ?"
            if file.state is State.WHOLE and file.thread_id and tx.row(member, file.thread_id, user) is not None:
                return file
        raise Refused(Status.FILE_OPEN_ERROR, "There is no such file.")

    async def sealed_under(self, file_id: bytes, key_id: str, wrapped_key: bytes) -> File | None:
        """Give a file that is on its way the key of its spool, unless it has one; the file as it is then."""
        return await self._database.write(self._sealed_under, file_id, key_id, wrapped_key)

    @staticmethod
    def _sealed_under(tx: Transaction, file_id: bytes, key_id: str, wrapped_key: bytes) -> File | None:
        tx.execute(
            "UPDATE files SET key_id = ?, wrapped_key = ? WHERE file_id = ? AND state = 0 AND key_id = '' AND wrapped_key = ''",
            key_id,
            wrapped_key,
            file_id,
        )
        return _find(tx, file_id)

    # -- whole

    async def finish(
        self, file_id: bytes, content: Content, *, mime: str, thumbnail_id: bytes | None = None, announce: bool
    ) -> tuple[File, bool] | None:
        """A file is whole: its content is referred to, and its thread is to be told.

        :param content: what was just put into the store (``content_id`` says nothing); another one that is equal is taken instead.
        :returns: the file, and whether ``content`` was taken: else its blob is not needed. ``None``: the file is gone.
            It may run again: a file that is whole already stays what it is.
        """
        return await self._database.write(self._finish, file_id, content, mime, thumbnail_id, announce, self._now())

    @staticmethod
    def _finish(
        tx: Transaction, file_id: bytes, content: Content, mime: str, thumbnail_id: bytes | None, announce: bool, now: int
    ) -> tuple[File, bool] | None:
        row = tx.row("SELECT state FROM files WHERE file_id = ? {lock}", file_id)
        if row is None or row[0] == State.REFUSED:
            return None
        if row[0] == State.ARRIVING:
            taken = _refer(tx, content, now)
            tx.execute(
                "UPDATE files SET state = 1, content_id = ?, mime = ?, thumbnail_id = ? WHERE file_id = ?",
                *(taken, mime, thumbnail_id, file_id),
            )
            if announce:
                tx.execute(
                    "INSERT {ignore} INTO file_outbox (file_id, server, due_at) SELECT file_id, server, ? FROM files WHERE file_id = ?",
                    now,
                    file_id,
                )
        file = _find(tx, file_id)
        assert file is not None
        assert file.content is not None
        return file, file.content.blob == content.blob

    async def refuse(self, file_id: bytes) -> None:
        """A file was not what it may be: it is never whole."""
        await self._database.write(self._refuse, file_id)

    @staticmethod
    def _refuse(tx: Transaction, file_id: bytes) -> None:
        row = tx.row("SELECT owner_id, size, state FROM files WHERE file_id = ? {lock}", file_id)
        if row is not None and row[2] == State.ARRIVING:
            tx.execute("UPDATE files SET state = 2 WHERE file_id = ?", file_id)
            _use(tx, row[0], -row[1], -1, 0)

    async def delete(self, file_id: bytes) -> list[Content]:
        """Remove a file and what was made of it; the contents that nothing refers to any more, whose blobs are to be removed."""
        return await self._database.write(self._delete, file_id)

    @staticmethod
    def _delete(tx: Transaction, file_id: bytes) -> list[Content]:
        free: list[Content] = []
        for _ in range(2):  # the file, and its thumbnail
            file = _find(tx, file_id, lock=True)
            if file is None:
                break
            tx.execute("DELETE FROM file_outbox WHERE file_id = ?", file_id)
            tx.execute("DELETE FROM files WHERE file_id = ?", file_id)
            if file.state is not State.REFUSED:
                _use(tx, file.owner, -file.size, -1, 0)
            if file.content is not None:
                tx.execute("UPDATE contents SET refs = refs - 1 WHERE content_id = ?", file.content.content_id)
                if tx.execute("DELETE FROM contents WHERE content_id = ? AND refs <= 0", file.content.content_id):
                    free.append(file.content)
            if file.thumbnail_id is None:
                break
            file_id = file.thumbnail_id
        return free

    async def supersede(self, file_id: bytes) -> list[Content]:
        """A whole file of the original service takes the place of its owner's others of that name; contents as of :meth:`delete`."""
        return await self._database.write(self._supersede, file_id)

    @staticmethod
    def _supersede(tx: Transaction, file_id: bytes) -> list[Content]:
        file = _find(tx, file_id)
        if file is None or file.state is not State.WHOLE:
            return []
        rows = tx.rows(
            "SELECT file_id, filename FROM files WHERE owner_id = ? AND purpose = ? AND filename = ? AND state = 1 ORDER BY file_id {lock}",
            *(file.owner, int(file.purpose), file.filename),
        )
        same = [bytes(one) for one, name in rows if name == file.filename]  # MySQL takes no notice of spaces at the end
        if file_id not in same:
            return []  # another one was whole at the same time, and has taken the place
        return [content for one in same if one != file_id for content in FileStore._delete(tx, one)]

    async def expired(self, server: str, limit: int) -> list[bytes]:
        """Files of a server's spool whose time is over, or that were refused."""
        return await self._database.read(self._expired, server, self._now(), limit)

    @staticmethod
    def _expired(tx: Transaction, server: str, now: int, limit: int) -> list[bytes]:
        found = []
        for state in (State.ARRIVING, State.REFUSED):
            found += tx.rows(
                "SELECT file_id FROM files WHERE state = ? AND expires_at <= ? AND server = ? ORDER BY expires_at LIMIT ?",
                int(state),
                now,
                server,
                limit,
            )
        return [bytes(file_id) for (file_id,) in found]

    # -- what threads are to be told

    async def due(self, server: str, limit: int) -> list[Announcement]:
        """Whole files of a server whose threads are to be told now."""
        return await self._database.read(self._due, server, self._now(), limit)

    @staticmethod
    def _due(tx: Transaction, server: str, now: int, limit: int) -> list[Announcement]:
        rows = tx.rows(
            "SELECT file_id, attempts FROM file_outbox WHERE server = ? AND due_at <= ? ORDER BY due_at LIMIT ?", server, now, limit
        )
        found = ((_find(tx, bytes(file_id)), attempts) for file_id, attempts in rows)
        return [Announcement(file, attempts) for file, attempts in found if file is not None]

    async def told(self, file_id: bytes) -> None:
        """The thread has the message."""
        await self._database.write(lambda tx: tx.execute("DELETE FROM file_outbox WHERE file_id = ?", file_id))

    async def postpone(self, file_id: bytes, seconds: float) -> None:
        """It could not be told now."""
        due = self._now() + round(seconds * 1000)
        await self._database.write(
            lambda tx: tx.execute("UPDATE file_outbox SET due_at = ?, attempts = attempts + 1 WHERE file_id = ?", due, file_id)
        )

    # -- for the operator

    async def used(self, user: int) -> tuple[int, int]:
        """Bytes and number of a user's files."""
        row = await self._database.read(lambda tx: tx.row("SELECT bytes, files FROM file_usage WHERE user_id = ?", user))
        return (row[0], row[1]) if row is not None else (0, 0)

    async def page(self, after: bytes, limit: int) -> list[File]:
        """All files, by their identifiers, above one."""
        return await self._database.read(
            lambda tx: [_file(row) for row in tx.rows(_FILE + "WHERE f.file_id > ? ORDER BY f.file_id LIMIT ?", after, limit)]
        )

    async def known_blobs(self, blobs: Iterable[str]) -> set[str]:
        """Which of these blobs are referred to."""
        names = list(blobs)
        marks = ",".join("?" * len(names))
        rows = await self._database.read(
            lambda tx: tx.rows(f"SELECT blob_name FROM contents WHERE blob_name IN ({marks})", *names) if names else []  # noqa: S608
        )
        return {name for (name,) in rows}

    async def wrapped_otherwise(self, key_id: str, limit: int) -> list[Content]:
        """Contents whose keys are wrapped under other master keys than this one."""
        return await self._database.read(self._wrapped_otherwise, key_id, limit)

    @staticmethod
    def _wrapped_otherwise(tx: Transaction, key_id: str, limit: int) -> list[Content]:
        rows: list[Row] = []
        for low, high in (("", key_id), (key_id, "\x7f")):  # ids are of ASCII; two ranges of the index
            rows += tx.rows(
                "SELECT content_id, store, sha256, size, blob_name, key_id, wrapped_key FROM contents WHERE key_id > ? AND key_id < ? "
                "ORDER BY key_id, content_id LIMIT ?",
                low,
                high,
                limit - len(rows),
            )
        return [_content(row) for row in rows]

    async def rewrapped(self, contents: Sequence[tuple[int, str, str, bytes]]) -> None:
        """Store keys anew, each as (content id, former key id, key id, wrapped key); one that was changed meanwhile stays."""
        await self._database.write(self._rewrapped, contents)

    @staticmethod
    def _rewrapped(tx: Transaction, contents: Sequence[tuple[int, str, str, bytes]]) -> None:
        for content_id, former, key_id, wrapped in contents:
            tx.execute(
                "UPDATE contents SET key_id = ?, wrapped_key = ? WHERE content_id = ? AND key_id = ?", key_id, wrapped, content_id, former
            )


def _find(tx: Transaction, file_id: bytes, *, lock: bool = False) -> File | None:
    row = tx.row(_FILE + "WHERE f.file_id = ?" + (" {lock}" if lock else ""), file_id)
    return None if row is None else _file(row)


def _file(row: Row) -> File:
    file_id, owner, purpose, thread_id, server, filename, size, mime, offered, state, key_id, wrapped, thumbnail, expires = row[:14]
    content = row[14:]
    return File(
        bytes(file_id),
        owner,
        Purpose(purpose),
        thread_id or 0,
        server,
        filename,
        size,
        mime,
        None if offered is None else bytes(offered),
        State(state),
        key_id,
        bytes(wrapped),
        None if thumbnail is None else bytes(thumbnail),
        expires,
        None if content[0] is None else _content(content),
    )


def _content(row: Sequence[object]) -> Content:
    content_id, store, sha256, size, blob, key_id, wrapped = row
    return Content(content_id, store, bytes(sha256), size, blob, key_id, bytes(wrapped))  # type: ignore[arg-type, call-overload]


def _refer(tx: Transaction, content: Content, now: int) -> int:
    """Count one more file of this content; its id."""
    tx.execute(
        "INSERT {ignore} INTO contents (store, sha256, size, blob_name, key_id, wrapped_key, refs, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
        content.store,
        content.sha256,
        content.size,
        content.blob,
        content.key_id,
        content.wrapped_key,
        now,
    )
    row = tx.row(
        "SELECT content_id FROM contents WHERE store = ? AND sha256 = ? AND size = ? {lock}", content.store, content.sha256, content.size
    )
    assert row is not None
    tx.execute("UPDATE contents SET refs = refs + 1 WHERE content_id = ?", row[0])
    return int(row[0])


def _use(tx: Transaction, user: int, size: int, count: int, quota: int) -> None:
    tx.execute("INSERT {ignore} INTO file_usage (user_id, bytes, files) VALUES (?, 0, 0)", user)
    row = tx.row("SELECT bytes FROM file_usage WHERE user_id = ? {lock}", user)
    assert row is not None
    if quota and size > 0 and row[0] + size > quota:
        raise Refused(Status.QUOTA_EXCEEDED, f"Your files may take {quota} bytes; {max(0, quota - row[0])} are left.")
    tx.execute("UPDATE file_usage SET bytes = bytes + ?, files = files + ? WHERE user_id = ?", size, count, user)


def _may_write(tx: Transaction, thread_id: int, user: int) -> None:
    """:raises Refused: a user may not write in a thread; what counts in the end is the head when the message is stored."""
    row = tx.row("SELECT kind, COALESCE(low_id, 0), COALESCE(high_id, 0), flags FROM threads WHERE thread_id = ?", thread_id)
    if row is None or tx.row("SELECT user_id FROM members WHERE thread_id = ? AND user_id = ?", thread_id, user) is None:
        raise Refused(Status.PERMISSION_DENIED, "Only its members may write in a thread.")
    kind, low, high, flags = row
    if kind == PRIVATE:
        if flags & blocked_by(low, low + high - user):
            raise Refused(Status.BLOCKED, "This user does not want to hear from you.")
        if not flags & FRIENDS:
            raise Refused(Status.NOT_FRIENDS, "You are not friends.")
