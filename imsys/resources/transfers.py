"""What the protocols of a resources server (frames, HTTP, the original's service) see of the files behind
them.
"""

from __future__ import annotations

from typing import Protocol

from imsys.errors import Refused, Status
from imsys.resources.upload_listener import UploadListener
from imsys.store.files import Content, File

READ = 1 << 20
"""Bytes that a download gives at a time at most.

Each time costs a thread's turn, some 100 µs, whatever it reads.
"""


class TransferError(Refused):
    """Bytes of an upload were not taken, or will not be durable; ``offset`` is where to go on."""

    def __init__(self, status: Status, message: str, offset: int) -> None:
        super().__init__(status, message)
        self.offset = offset


class Upload(Protocol):
    """One file on its way, as the connection sees it that holds it."""

    @property
    def file(self) -> File:
        """What was offered."""
        ...

    @property
    def offset(self) -> int:
        """Bytes that are durable."""
        ...

    @property
    def fed(self) -> int:
        """Bytes that were fed, the next one's offset; at least ``offset``."""
        ...

    def feed(self, offset: int, data: bytes) -> None:
        """Take bytes; they are written as soon as a thread is free, together with all that wait by then.

        :raises TransferError: ``FILE_UPLOAD_ERROR``, they are not the next ones, or go past the file's size,
            or this connection does not hold the upload any more.
        """
        ...

    async def flushed(self) -> int:
        """Wait until all that was fed is durable; the offset.

        :raises TransferError: ``FILE_WRITE_ERROR``, the disk did not take it; ``QUOTA_EXCEEDED``, it is full:
            the upload stays resumable.
        """
        ...

    async def finish(self, md5: str = "") -> File:
        """Make the file whole, of which all is here: compare, inspect and keep it. It is visible when this
        returns.

        It may be called again, also after a crash.

        :param md5: what the MD5 in hex is to be, of a file that comes by the original service.

        :raises TransferError: ``CHECKSUM_MISMATCH``, it is not what was offered, and is to be sent from 0
            again; ``FILE_UPLOAD_ERROR``, it is not all here.
        :raises Refused: ``PERMISSION_DENIED``, the scan refused it, and it never will be whole;
            ``FILE_OPEN_ERROR``, it was given up meanwhile; ``MYSQL_INTERNAL_ERROR`` or ``SERVER_BUSY``, it
            cannot be inspected or stored now: ask again.
        """
        ...

    def release(self) -> None:
        """Let go of it (idempotent): what was fed is still written, and anyone with a ticket may go on."""
        ...


class Uploads(Protocol):
    """All files on their way here."""

    @property
    def chunk(self) -> int:
        """Bytes of a chunk that clients are told to send."""
        ...

    @property
    def window(self) -> int:
        """Chunks that may be on their way unacknowledged."""
        ...

    async def open(self, file_id: bytes, user: int, listener: UploadListener) -> Upload:
        """Let a connection hold an upload. Another one that holds it loses it: it may be broken without
        having heard so.

        A file of this user that is whole already can be opened, too: all of it is durable, and
        :meth:`Upload.finish` gives it.

        :param listener: told what becomes of the bytes, and of the hold.
        :raises Refused: ``FILE_OPEN_ERROR``, there is no such file on its way, or its time is over;
            ``FILE_WRITE_ERROR``, the disk does not give what is here of it; ``QUOTA_EXCEEDED``, it is full;
            ``SERVER_BUSY``, this user has too many on their way.
        """
        ...

    async def terminate(self, file_id: bytes, user: int) -> None:
        """Give a file up, and remove what is here of it (idempotent).

        :raises Refused: ``FILE_OPEN_ERROR``, it is whole, or not this user's.
        """
        ...


class Download(Protocol):
    """One whole file that is read."""

    @property
    def file(self) -> File:
        """What it was sent as."""
        ...

    @property
    def content(self) -> Content:
        """What is read; of an avatar it is not what was sent."""
        ...

    async def read(self, offset: int, length: int) -> bytes:
        """Read bytes from anywhere, up to :data:`READ` at a time; fewer at the end.

        :raises Refused: ``FILE_WRITE_ERROR``, the store does not give them, or gives others than were
            written.
        """
        ...


class Downloads(Protocol):
    """All whole files that are here (or, in a store that all share, anywhere)."""

    async def open(self, file_id: bytes) -> Download:
        """Open a file to read.

        :raises Refused: ``FILE_OPEN_ERROR``, there is none, or it is on another server's disk.
        """
        ...
