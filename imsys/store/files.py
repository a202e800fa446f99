"""Files: offers, contents, and files to announce.

Each step of a file's life is one transaction. Blobs on disks and in object stores are written before the
transaction that adds a reference to them, and removed after the one that drops the last reference: a crash in
between leaves an unreferenced blob, never a reference to a missing one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence

from imsys.errors import Refused, Status
from imsys.store.changes import RECALLED
from imsys.store.database import Database, Row, Transaction
from imsys.store.file_rows import (
    FILE,
    SHARED,
    Announcement,
    Content,
    File,
    Finished,
    Offer,
    Purpose,
    State,
    content_of,
    file_of,
    find_file,
)
from imsys.store.heads import PRIVATE, may_write
from imsys.store.people import Person, change_person

OFFER_AGAIN = 60.0
"""Seconds after which a user with too many unfinished uploads may offer again."""

PUT_OFF = 120.0
"""Seconds for which an announcement is postponed, at most; later ones date from before the clock was set
back."""

__all__ = ["SHARED", "Announcement", "Content", "File", "FileStore", "Finished", "Offer", "Purpose", "State"]


class FileStore:
    """The tables ``files``, ``contents``, ``file_usage`` and ``file_outbox``.

    Times come from ``calendar`` (Unix seconds).
    """

    def __init__(self, database: Database, calendar: Callable[[], float]) -> None:
        self._database = database
        self._calendar = calendar

    def _now(self) -> int:
        return round(self._calendar() * 1000)

    # -- uploads

    async def offer(self, offer: Offer, *, life: float, quota: int, most: int = 0) -> None:
        """Create a file that is to be uploaded.

        :param life: seconds that the upload may take.
        :param quota: bytes of a user's files, at most; 0: unlimited.
        :param most: concurrent uploads of a user, at most; 0: unlimited.
        :raises Refused: PERMISSION_DENIED (65), NOT_FRIENDS (66) or BLOCKED (76), its owner may not write in
            the thread; QUOTA_EXCEEDED (68); SERVER_BUSY (73), too many uploads.
        """
        now = self._now()
        await self._database.write(self._offer, offer, now, now + round(life * 1000), quota, most)

    @staticmethod
    def _offer(tx: Transaction, offer: Offer, now: int, expires: int, quota: int, most: int) -> None:
        if offer.thread_id:
            may_write(tx, offer.thread_id, offer.owner, now)
        _use(tx, offer.owner, offer.size, 1, quota)
        if most:  # concurrent offers are counted one after the other: the usage row is locked
            _some_open(tx, offer.owner, most, now)
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
        """Find a file, whether or not a user may see it."""
        return await self._database.read(find_file, file_id)

    async def readable(self, file_id: bytes, user: int) -> File:
        """Find a file that a user may read: an avatar, one of the user's threads, or their own.

        An upload that has expired is not found.

        :raises Refused: FILE_OPEN_ERROR (38), there is no such file.
        """
        return await self._database.read(self._readable, file_id, user, self._now())

    @staticmethod
    def _readable(tx: Transaction, file_id: bytes, user: int, now: int) -> File:
        file = find_file(tx, file_id)
        over = (
            file is None
            or file.state is State.REFUSED
            or (file.state is State.ARRIVING and file.expires_ms <= now)
        )
        if file is None or over or not (file.owner == user or _is_for(tx, file, user)):
            raise Refused(Status.FILE_OPEN_ERROR, "There is no such file.")
        return file

    async def sealed_under(self, file_id: bytes, key_id: str, wrapped_key: bytes) -> File | None:
        """Set the spool key of an unfinished upload, unless it has one; return the file as it is then."""
        return await self._database.write(self._sealed_under, file_id, key_id, wrapped_key)

    @staticmethod
    def _sealed_under(tx: Transaction, file_id: bytes, key_id: str, wrapped_key: bytes) -> File | None:
        tx.execute(
            "UPDATE files SET key_id = ?, wrapped_key = ? WHERE file_id = ? AND state = 0 AND key_id = ''",
            key_id,
            wrapped_key,
            file_id,
        )
        return find_file(tx, file_id)

    # -- complete files

    async def finish(
        self,
        file_id: bytes,
        content: Content,
        *,
        mime: str,
        thumbnail_id: bytes | None = None,
        announce: bool,
    ) -> Finished | None:
        """Complete a file: reference its content, and have it announced to its thread.

        A file of the original service replaces its owner's other file of that name. It may run again: a
        complete file stays as it is.

        :param content: what was just put into the store (``content_id`` is ignored); an equal one is used
            instead if there is one.
        :returns: ``None``: the file is gone.
        """
        return await self._database.write(
            self._finish, file_id, content, mime, thumbnail_id, announce, self._now()
        )

    @staticmethod
    def _finish(
        tx: Transaction,
        file_id: bytes,
        content: Content,
        mime: str,
        thumbnail_id: bytes | None,
        announce: bool,
        now: int,
    ) -> Finished | None:
        _owner_first(tx, file_id)
        row = tx.row("SELECT state FROM files WHERE file_id = ? {lock}", file_id)
        if row is None or row[0] == State.REFUSED:
            return None
        freed: list[Content] = []
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
        file = find_file(tx, file_id)
        assert file is not None
        assert file.content is not None
        # what is kept counts, not what was sent
        if row[0] == State.ARRIVING and file.readable_size != file.size:
            _use(tx, file.owner, file.readable_size - file.size, 0, 0)
        if row[0] == State.ARRIVING and file.purpose is Purpose.ORIGINAL:
            freed = _supersede(tx, file)
        return Finished(file, file.content.blob == content.blob, freed)

    async def refuse(self, file_id: bytes) -> None:
        """Mark a file as refused: it will never be complete."""
        await self._database.write(self._refuse, file_id)

    @staticmethod
    def _refuse(tx: Transaction, file_id: bytes) -> None:
        _owner_first(tx, file_id)
        row = tx.row("SELECT owner_id, size, state FROM files WHERE file_id = ? {lock}", file_id)
        if row is not None and row[2] == State.ARRIVING:
            tx.execute("UPDATE files SET state = 2 WHERE file_id = ?", file_id)
            _use(tx, row[0], -row[1], -1, 0)

    async def delete(self, file_id: bytes) -> list[Content]:
        """Remove a file and its thumbnail; return the unreferenced contents, whose blobs must be removed."""
        return await self._database.write(delete_file, file_id)

    async def give_up(self, file_id: bytes) -> bool:
        """Remove an unfinished upload (idempotent); return ``False`` if it is complete, and keep it."""
        return await self._database.write(self._give_up, file_id)

    @staticmethod
    def _give_up(tx: Transaction, file_id: bytes) -> bool:
        _owner_first(tx, file_id)
        row = tx.row("SELECT state FROM files WHERE file_id = ? {lock}", file_id)
        if row is not None and row[0] == State.WHOLE:
            return False
        delete_file(tx, file_id)
        return True

    async def expired(self, server: str, limit: int) -> list[bytes]:
        """Return a server's unfinished or refused files that have expired; see :meth:`give_up`."""
        return await self._database.read(self._expired, server, self._now(), limit)

    @staticmethod
    def _expired(tx: Transaction, server: str, now: int, limit: int) -> list[bytes]:
        found: list[Row] = []
        for state in (State.ARRIVING, State.REFUSED):
            found += tx.rows(
                "SELECT file_id FROM files WHERE server = ? AND state = ? AND expires_at <= ? ORDER BY expires_at LIMIT ?",
                server,
                int(state),
                now,
                limit - len(found),
            )
        return [bytes(file_id) for (file_id,) in found]

    # -- announcements

    async def due(self, server: str, limit: int) -> list[Announcement]:
        """Return a server's files to announce now, and those postponed before the clock was set back."""
        return await self._database.read(self._due, server, self._now(), limit)

    @staticmethod
    def _due(tx: Transaction, server: str, now: int, limit: int) -> list[Announcement]:
        rows = tx.rows(
            "SELECT file_id, attempts FROM file_outbox WHERE server = ? AND due_at <= ? ORDER BY due_at LIMIT ?",
            server,
            now,
            limit,
        )
        rows += tx.rows(
            "SELECT file_id, attempts FROM file_outbox WHERE server = ? AND due_at > ? ORDER BY due_at LIMIT ?",
            server,
            now + round(PUT_OFF * 1000),
            limit - len(rows),
        )
        return _announcements(tx, rows)

    async def overdue(self, store: str, seconds: float, limit: int) -> list[Announcement]:
        """Return files of a store that are overdue by so many seconds: their server is down.

        Only the first ``limit`` of all due files are looked at, those of other stores included; ``attempts``
        is 0.
        """
        return await self._database.read(self._overdue, store, self._now() - round(seconds * 1000), limit)

    @staticmethod
    def _overdue(tx: Transaction, store: str, before: int, limit: int) -> list[Announcement]:
        # the index covers it
        rows = tx.rows("SELECT file_id, due_at FROM file_outbox ORDER BY due_at LIMIT ?", limit)
        late = [(file_id, 0) for file_id, due in rows if due <= before]
        return [
            one
            for one in _announcements(tx, late)
            if one.file.content is not None and one.file.content.store == store
        ]

    async def told(self, file_id: bytes) -> None:
        """Note that a file was announced."""
        await self._database.write(
            lambda tx: tx.execute("DELETE FROM file_outbox WHERE file_id = ?", file_id)
        )

    async def postpone(self, file_id: bytes, seconds: float) -> None:
        """Postpone an announcement that failed; ``seconds`` is at most :data:`PUT_OFF`."""
        due = self._now() + round(seconds * 1000)
        await self._database.write(
            lambda tx: tx.execute(
                "UPDATE file_outbox SET due_at = ?, attempts = attempts + 1 WHERE file_id = ?", due, file_id
            )
        )

    async def to_announce(self, file_id: bytes) -> tuple[File, int]:
        """Return a complete file and its message's receiver: the other of a private thread, 0 in a group.

        :raises Refused: FILE_OPEN_ERROR (38), there is no such complete file.
        """
        return await self._database.read(self._to_announce, file_id)

    @staticmethod
    def _to_announce(tx: Transaction, file_id: bytes) -> tuple[File, int]:
        file = find_file(tx, file_id)
        if file is None or file.state is not State.WHOLE:
            raise Refused(Status.FILE_OPEN_ERROR, "There is no such file.")
        thread = (
            tx.row("SELECT kind, low_id, high_id FROM threads WHERE thread_id = ?", file.thread_id)
            if file.thread_id
            else None
        )
        return file, thread[1] + thread[2] - file.owner if thread is not None and thread[0] == PRIVATE else 0

    async def become_avatar(self, file_id: bytes, name: str) -> tuple[Person, list[int]] | None:
        """Set a complete avatar in its owner's profile, and remove older ones.

        Return the person and the friends to tell.

        Blobs that are unreferenced then are orphans. ``None``: the file is gone or there is a newer avatar,
        so the profile has not changed.

        :param name: its name in the profile.
        """
        return await self._database.write(self._become_avatar, file_id, name)

    @staticmethod
    def _become_avatar(tx: Transaction, file_id: bytes, name: str) -> tuple[Person, list[int]] | None:
        file = find_file(tx, file_id)
        if file is None or file.state is not State.WHOLE:
            return None
        tx.row("SELECT user_id FROM profiles WHERE user_id = ? {lock}", file.owner)  # one after the other
        rows = tx.rows(
            "SELECT created_at, file_id FROM files WHERE owner_id = ? AND purpose = 1 AND state = 1",
            file.owner,
        )
        avatars = sorted((created, bytes(found)) for created, found in rows)
        mine = file.created_ms, file_id
        for avatar in avatars:
            if avatar < mine or (avatar == mine and avatars[-1] != mine):
                delete_file(tx, avatar[1])
        return (
            change_person(tx, file.owner, None, name, None, None)
            if mine in avatars and avatars[-1] == mine
            else None
        )

    # -- for the operator

    async def used(self, user: int) -> tuple[int, int]:
        """Return the bytes and number of a user's files."""
        row = await self._database.read(
            lambda tx: tx.row("SELECT bytes, files FROM file_usage WHERE user_id = ?", user)
        )
        return (row[0], row[1]) if row is not None else (0, 0)

    async def page(self, after: bytes, limit: int, *, user: int = 0, thread_id: int = 0) -> list[File]:
        """List files by id, above ``after``: all, or those of a user or a thread."""
        return await self._database.read(self._page, after, limit, user, thread_id)

    @staticmethod
    def _page(tx: Transaction, after: bytes, limit: int, user: int, thread_id: int) -> list[File]:
        above = "f.file_id > ? ORDER BY f.file_id LIMIT ?"
        if user:
            rows = tx.rows(f"{FILE}WHERE f.owner_id = ? AND {above}", user, after, limit)
        elif thread_id:
            rows = tx.rows(f"{FILE}WHERE f.thread_id = ? AND {above}", thread_id, after, limit)
        else:
            rows = tx.rows(f"{FILE}WHERE {above}", after, limit)
        return [file_of(row) for row in rows]

    async def of_content(self, content_id: int, limit: int) -> list[File]:
        """Return the files with a content."""
        return await self._database.read(
            lambda tx: [
                file_of(row) for row in tx.rows(FILE + "WHERE f.content_id = ? LIMIT ?", content_id, limit)
            ]
        )

    async def is_derived_from(self, file_id: bytes) -> bytes | None:
        """Return the file of which this one is the smaller picture."""
        return await self._database.read(_parent, file_id)

    async def contents(self, after: int, limit: int) -> list[Content]:
        """List contents by id, above ``after``."""
        return await self._database.read(self._contents, after, limit)

    @staticmethod
    def _contents(tx: Transaction, after: int, limit: int) -> list[Content]:
        rows = tx.rows(
            "SELECT content_id, store, sha256, size, blob_name, key_id, wrapped_key FROM contents WHERE content_id > ? "
            "ORDER BY content_id LIMIT ?",
            after,
            limit,
        )
        return [content_of(row) for row in rows]

    async def known_blobs(self, blobs: Iterable[str]) -> set[str]:
        """Return those of these blobs that are referenced."""
        names = list(blobs)
        marks = ",".join("?" * len(names))
        rows = await self._database.read(
            lambda tx: (
                tx.rows(f"SELECT blob_name FROM contents WHERE blob_name IN ({marks})", *names)  # noqa: S608
                if names
                else []
            )
        )
        return {name for (name,) in rows}

    async def rewrapped(self, contents: Sequence[tuple[int, str, str, bytes]]) -> None:
        """Replace keys, as (content id, former key id, key id, wrapped key), unless changed meanwhile."""
        await self._database.write(self._rewrapped, contents)

    @staticmethod
    def _rewrapped(tx: Transaction, contents: Sequence[tuple[int, str, str, bytes]]) -> None:
        for content_id, former, key_id, wrapped in contents:
            tx.execute(
                "UPDATE contents SET key_id = ?, wrapped_key = ? WHERE content_id = ? AND key_id = ?",
                key_id,
                wrapped,
                content_id,
                former,
            )


def _is_for(tx: Transaction, file: File, user: int) -> bool:
    """Return whether a user who is not its owner may read a file."""
    if file.state is not State.WHOLE:
        return False
    if file.purpose is Purpose.DERIVED:
        parent = _parent(tx, file.file_id)
        found = find_file(tx, parent) if parent is not None else None
        return found is not None and found.purpose is not Purpose.DERIVED and _is_for(tx, found, user)
    if file.purpose.is_avatar:
        return True
    if not file.thread_id:
        return False
    member = tx.row("SELECT first_id FROM members WHERE thread_id = ? AND user_id = ?", file.thread_id, user)
    if member is None:
        return False
    # the messages of files have their names in their unique ids (imsys.chat.file_announcer)
    posted = tx.row(
        "SELECT msg_id, status FROM messages WHERE sender_id = ? AND unique_id = ?",
        file.owner,
        b"file:" + base64.urlsafe_b64encode(file.file_id).rstrip(b"="),
    )
    msg_id, status = posted or (0, 0)
    return bool(msg_id >= member[0] and status != RECALLED)


def _announcements(tx: Transaction, rows: Sequence[Row]) -> list[Announcement]:
    """Convert rows of file ids and attempts."""
    found = ((find_file(tx, bytes(file_id)), attempts) for file_id, attempts in rows)
    return [Announcement(file, attempts) for file, attempts in found if file is not None]


def _parent(tx: Transaction, file_id: bytes) -> bytes | None:
    row = tx.row("SELECT file_id FROM files WHERE thumbnail_id = ? LIMIT 1", file_id)
    return None if row is None else bytes(row[0])


def _supersede(tx: Transaction, file: File) -> list[Content]:
    """Remove the owner's other original-service files of this name; return as :meth:`FileStore.delete`."""
    rows = tx.rows(
        "SELECT file_id, filename FROM files WHERE owner_id = ? AND purpose = ? AND filename = ? AND state = 1 {lock}",
        *(file.owner, int(file.purpose), file.filename),
    )
    same = sorted(bytes(one) for one, name in rows if name == file.filename)  # MySQL ignores trailing spaces
    return [content for one in same if one != file.file_id for content in delete_file(tx, one)]


def _owner_first(tx: Transaction, file_id: bytes) -> None:
    """Lock the usage row of a file's owner before the file, so that changes of files cannot deadlock."""
    row = tx.row("SELECT owner_id FROM files WHERE file_id = ?", file_id)
    if row is not None:
        tx.row("SELECT bytes FROM file_usage WHERE user_id = ? {lock}", row[0])


def delete_file(tx: Transaction, file_id: bytes) -> list[Content]:
    """Do :meth:`FileStore.delete` inside a transaction."""
    _owner_first(tx, file_id)
    free: list[Content] = []
    for _ in range(2):  # the file, and its thumbnail
        file = find_file(tx, file_id, lock=True)
        if file is None:
            break
        tx.execute("DELETE FROM file_outbox WHERE file_id = ?", file_id)
        tx.execute("DELETE FROM files WHERE file_id = ?", file_id)
        if file.state is not State.REFUSED:
            _use(tx, file.owner, -file.readable_size, -1, 0)
        if file.content is not None:
            tx.execute("UPDATE contents SET refs = refs - 1 WHERE content_id = ?", file.content.content_id)
            if tx.execute("DELETE FROM contents WHERE content_id = ? AND refs <= 0", file.content.content_id):
                free.append(file.content)
        if file.thumbnail_id is None:
            break
        file_id = file.thumbnail_id
    return free


def _refer(tx: Transaction, content: Content, now: int) -> int:
    """Add a reference to a content; return its id.

    The row is looked up first: an INSERT that finds it takes a shared lock; two that hold it would deadlock.
    """
    found = "SELECT content_id FROM contents WHERE store = ? AND sha256 = ? AND size = ? {lock}"
    row = tx.row(found, content.store, content.sha256, content.size)
    if row is None:
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
        row = tx.row(found, content.store, content.sha256, content.size)
    assert row is not None
    tx.execute("UPDATE contents SET refs = refs + 1 WHERE content_id = ?", row[0])
    return int(row[0])


def _use(tx: Transaction, user: int, size: int, count: int, quota: int) -> None:
    used = "SELECT bytes FROM file_usage WHERE user_id = ? {lock}"
    row = tx.row(used, user)
    if row is None:
        tx.execute("INSERT {ignore} INTO file_usage (user_id, bytes, files) VALUES (?, 0, 0)", user)
        row = tx.row(used, user)
    assert row is not None
    if quota and size > 0 and row[0] + size > quota:
        raise Refused(
            Status.QUOTA_EXCEEDED, f"Your files may take {quota} bytes; {max(0, quota - row[0])} are left."
        )
    tx.execute(
        "UPDATE file_usage SET bytes = bytes + ?, files = files + ? WHERE user_id = ?", size, count, user
    )


def _some_open(tx: Transaction, user: int, most: int, now: int) -> None:
    """Check the number of a user's unexpired uploads. :raises Refused: SERVER_BUSY (73), too many."""
    row = tx.row("SELECT COUNT(*) FROM files WHERE owner_id = ? AND state = 0 AND expires_at > ?", user, now)
    if row is not None and row[0] >= most:
        reason = f"{most} files of yours are on their way already; send them to their end, or give some of them up."
        raise Refused(Status.SERVER_BUSY, reason, retry_after=OFFER_AGAIN)
