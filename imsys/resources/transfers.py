"""What the doors of a resources server (frames, HTTP, the original's service) see of the files behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from imsys.errors import Refused, Status
from imsys.store.files import File

READ = 1 << 20
"""Bytes that a download gives at a time at most. Each time costs a thread's turn, some 100 µs, whatever it reads."""


class Misplaced(Refused):
    """Bytes for another place than the next one, or spoilt ones: nothing was taken; ``offset`` is where to go on."""

    def __init__(self, status: Status, message: str, offset: int) -> None:
        super().__init__(status, message)
        self.offset = offset


class Upload(Protocol):
    """One file on its way, in the hands of one connection."""

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

        :raises Misplaced: 36, they are not the next ones, or go past the file's size, or this upload is not in these hands any more.
        """
        ...

    async def flushed(self) -> int:
        """Wait until all that was fed is durable; the offset.

        :raises Misplaced: 39, the disk did not take it; 68, it is full: the upload stays resumable.
        """
        ...

    async def finish(self) -> File:
        """The file is all here: compare, judge and keep it; it is whole and visible when this returns (idempotent, also after a crash).

        :raises Misplaced: 69, it is not what was offered, and is to be sent from 0 again; 36, it is not all here.
        :raises Refused: 65, the scan refused it, and it never will be whole; 38, it was given up meanwhile;
            14 or 73, it cannot be judged or stored now: ask again.
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

    async def open(
        self, file_id: bytes, user: int, *, durable: Callable[[int], None], hold: Callable[[bool], None], lost: Callable[[Refused], None]
    ) -> Upload:
        """Take a file into one's hands: where somebody else has it, they lose it (a connection that broke may not know yet).

        A file of this user that is whole already can be taken, too: all of it is durable, and :meth:`Upload.finish` gives it.

        :param durable: called with every new durable offset.
        :param hold: called with true when no more should be read from this connection (its own share, or the memory of all together,
            is used up), and with false when it may go on.
        :param lost: called when it is in these hands no more: somebody else took it, it stalled, or the disk failed.
        :raises Refused: 38, there is no such file on its way, or its time is over; 39, the disk does not give what is here of it;
            68, it is full; 73, this user has too many on their way.
        """
        ...

    async def terminate(self, file_id: bytes, user: int) -> None:
        """Give a file on its way up; what is here of it is removed (idempotent). :raises Refused: 38, it is whole, or not this user's."""
        ...


class Download(Protocol):
    """One whole file that is read."""

    @property
    def file(self) -> File:
        """What it is; it has a content."""
        ...

    async def read(self, offset: int, length: int) -> bytes:
        """Bytes from anywhere; fewer at the end. Up to :data:`READ` at a time.

        :raises Refused: 39, the store does not give them, or gives others than were written.
        """
        ...


class Downloads(Protocol):
    """All whole files that are here (or, in a store that all share, anywhere)."""

    async def open(self, file_id: bytes) -> Download:
        """A file. :raises Refused: 38, there is none, or it is on another server's disk."""
        ...
