"""Dataclasses of files, and how they are read from table rows."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from imsys.store.database import Row, Transaction

SHARED = "s3"
"""The name of the store that all resources servers share; other stores have the name of their server."""


class Purpose(enum.IntEnum):
    """What a file is for."""

    MESSAGE = 0
    AVATAR = 1
    ORIGINAL = 2
    """Sent by the original upload service; it belongs to its user, under its name."""
    DERIVED = 3
    """Made from another file: a thumbnail, a poster, a smaller avatar."""
    GROUP = 4
    """The avatar of a group."""

    @property
    def is_avatar(self) -> bool:
        """Whether it is a small square picture that everybody may see."""
        return self in (Purpose.AVATAR, Purpose.GROUP)


class State(enum.IntEnum):
    """The state of a file."""

    ARRIVING = 0
    WHOLE = 1
    REFUSED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A file that a user wants to send; ``thread_id`` is 0 if it is not for a thread."""

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
    """The bytes of a file in a store."""

    content_id: int
    store: str
    sha256: bytes
    size: int
    blob: str
    """Its name in the store: the id, in hex, of the file with which it came."""
    key_id: str
    wrapped_key: bytes


@dataclass(frozen=True, slots=True)
class File:
    """One file; ``content`` is set when it is complete."""

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
    created_ms: int = 0

    @property
    def readable_size(self) -> int:
        """Bytes that a reader gets; ``size`` is what was sent, but of an avatar another picture is kept."""
        return self.size if self.content is None else self.content.size


class Finished(NamedTuple):
    """A file that is now complete."""

    file: File
    taken: bool
    """Whether the given content is used; otherwise an equal one existed, and the given blob is not needed."""
    freed: list[Content]
    """Contents that are unreferenced because the file replaced another; their blobs must be removed."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A complete file that must be announced to its thread."""

    file: File
    attempts: int


FILE = (
    "SELECT f.file_id, f.owner_id, f.purpose, f.thread_id, f.server, f.filename, f.size, f.mime, f.offered_sha256, f.state, f.key_id, "
    "f.wrapped_key, f.thumbnail_id, f.expires_at, f.created_at, "
    "c.content_id, c.store, c.sha256, c.size, c.blob_name, c.key_id, c.wrapped_key "
    "FROM files f LEFT JOIN contents c ON c.content_id = f.content_id "
)
"""The SELECT of a :class:`File`; a condition follows."""


def find_file(tx: Transaction, file_id: bytes, *, lock: bool = False) -> File | None:
    """Read a file with its content; ``lock`` its row if it is going to be changed."""
    row = tx.row(FILE + "WHERE f.file_id = ?" + (" {lock}" if lock else ""), file_id)
    return None if row is None else file_of(row)


def file_of(row: Row) -> File:
    """Convert a row of :data:`FILE`."""
    file_id, owner, purpose, thread_id, server, filename, size, mime, offered = row[:9]
    state, key_id, wrapped, thumbnail, expires, created = row[9:15]
    content = row[15:]
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
        None if content[0] is None else content_of(content),
        created,
    )


def content_of(row: Sequence[object]) -> Content:
    """Convert a row of content_id, store, sha256, size, blob_name, key_id, wrapped_key."""
    content_id, store, sha256, size, blob, key_id, wrapped = row
    return Content(content_id, store, bytes(sha256), size, blob, key_id, bytes(wrapped))  # type: ignore[arg-type, call-overload]
