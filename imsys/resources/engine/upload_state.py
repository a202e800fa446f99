"""One file on its way: what was fed and waits for the disk, how far it is durable, and who holds it."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.errors import Status
from imsys.protocols.deadlines import DeadlineWheel
from imsys.protocols.identifiers import encode_id
from imsys.resources.disk import Disk
from imsys.resources.engine.faults import not_written
from imsys.resources.engine.memory import Memory
from imsys.resources.engine.spooled import Spooled
from imsys.resources.engine.upload_handle import Hold, UploadHandle
from imsys.resources.transfers import TransferError
from imsys.resources.upload_listener import UploadListener
from imsys.store.files import File
from imsys.util.background import run_in_background

_log = Logger()

BATCH = 1 << 21
"""Bytes that one job writes at most (and a block more)."""

GATHER = 1 << 20
"""Smallest write batch, in bytes: fewer wait for more, for :data:`PATIENCE` seconds, unless somebody waits
for them or the file ends with them. A job costs some 100 µs, whatever it does."""

PATIENCE = 0.02

SMALL = 4096
"""Bytes of a block that is not kept alone."""

IDLE = 300.0
"""Seconds for which an upload is remembered that nobody holds; it takes up to a segment (64 KiB)."""


@dataclass(frozen=True, slots=True)
class UploadPorts:
    """What all uploads of a server work with."""

    clock: IReactorTime
    disk: Disk
    memory: Memory
    wheel: DeadlineWheel
    window: int
    """Bytes that one may have waiting at most."""
    stalled: float
    """Seconds that one may make no progress."""


class Phase(enum.Enum):
    """What is known of the file's spool."""

    UNREAD = enum.auto()
    """Nothing yet."""
    OPEN = enum.auto()
    FAILED = enum.auto()
    """The disk has failed; it is over when the jobs that run have ended."""
    OVER = enum.auto()
    """Nothing any more: the file is whole, was given up or forgotten, or the disk has failed.

    Who wants to go on opens it anew.
    """


class Job(enum.Flag):
    """What threads do for one file.

    One job writes and one syncs at a time, and one that settles does both.
    """

    NONE = 0
    WRITE = enum.auto()
    SYNC = enum.auto()
    SETTLE = WRITE | SYNC


_WRITING, _SYNCING = (Job.WRITE, Job.SETTLE), (Job.SYNC, Job.SETTLE)


class UploadState:
    """Keeps one file on its way, of which this process knows what is in the spool.

    One job at a time writes all that waits by then, and beside it another one has the disk take what was
    written. When nothing more comes, the bytes after the last whole segment become durable, too. Jobs of many
    files take turns, since each has one of each kind at a time, and the threads take them in order.

    :param left: called when nobody holds it any more, and when it is over.
    """

    spooled: Spooled
    """What is in the spool, from :meth:`begin` on."""

    def __init__(self, file: File, ports: UploadPorts, left: Callable[[UploadState], None]) -> None:
        self.file = file
        self.lock = DeferredLock()
        """Taken by whoever opens the file, finishes it, or gives it up."""
        self.handle: UploadHandle | None = None
        self.phase = Phase.UNREAD
        self.offset = 0
        """Bytes that are durable."""
        self.fed = 0
        """Bytes that have come; the offset of the next one."""
        self._written = 0  # the system has it, or it is durable
        self._ports = ports
        self._left = left
        self._due: IDelayedCall | None = None
        self.deadline = 0.0
        """When who holds it must have made progress; where nobody does, when it is forgotten."""
        self._hurried = False  # what is here is not to wait for more
        self._blocks: deque[bytes] = deque()  # a thread takes from it
        self._running = Job.NONE
        self._fault: TransferError | None = None
        self._flushed: list[tuple[int, Deferred[int]]] = []

    @property
    def over(self) -> bool:
        """Whether nothing is known of it any more."""
        return self.phase is Phase.OVER

    @property
    def pending(self) -> int:
        """Bytes that are not durable yet."""
        return self.fed - self.offset

    @property
    def waiting(self) -> int:
        """Bytes of them that are in memory."""
        return self.fed - self._written

    def begin(self, spooled: Spooled, offset: int) -> None:
        """Go on from what is in the spool."""
        self.phase, self.spooled = Phase.OPEN, spooled
        self.fed = self._written = self.offset = offset

    # -- who holds it

    def take(self, listener: UploadListener) -> UploadHandle:
        """Let a connection hold it, as long as nobody else does."""
        self.handle = handle = UploadHandle(listener, self._ports.window, self.fed)
        self._ports.memory.join(self)
        self.watch()
        return handle

    def release(self, handle: UploadHandle) -> None:
        """Let go of it, as a connection asks that may hold it no more (idempotent): what was fed is still
        written.
        """
        self._end_hold(handle, Hold.RELEASED)

    def lose(self, reason: TransferError) -> None:
        """Take it from the connection that holds it, if one does, and tell it why."""
        if self.handle is not None:
            self._end_hold(self.handle, Hold.LOST, reason)

    def _end_hold(self, handle: UploadHandle, hold: Hold, reason: TransferError | None = None) -> None:
        if handle is self.handle:
            self.handle = None
            self._ports.memory.leave(self)
            self._left(self)
        handle.end(
            hold,
            reason or TransferError(Status.FILE_UPLOAD_ERROR, "You have let go of this upload.", self.offset),
        )

    def watch(self) -> None:
        """Give who holds it time to make progress.

        Where nobody does, remember it for :data:`IDLE` seconds.
        """
        self.deadline = self._ports.clock.seconds() + (IDLE if self.handle is None else self._ports.stalled)
        self._ports.wheel.add(self)

    def expired(self) -> None:
        """Take it from who made no progress, or forget it.

        While bytes wait, or nobody may send, it is the disk that makes none.
        """
        if self.pending or self.lock.locked or (self.handle is not None and self.handle.paused):
            self.watch()
        elif self.handle is not None:
            self.lose(
                TransferError(
                    Status.FILE_UPLOAD_ERROR, "The upload made no progress; it can go on later.", self.offset
                )
            )
        else:
            self.complete()

    # -- bytes

    def feed(self, handle: UploadHandle, offset: int, data: bytes) -> None:
        """Take bytes, to be written.

        :raises TransferError: ``FILE_UPLOAD_ERROR``, they are not the next ones, or too many; or why who
            sends them holds the file no more.
        """
        if handle is not self.handle:
            handle.check()
        size = self.file.size
        if offset != self.fed:
            raise TransferError(
                Status.FILE_UPLOAD_ERROR,
                f"The bytes from {self.fed} on are expected, not from {offset}.",
                self.fed,
            )
        if offset + len(data) > size:
            raise TransferError(
                Status.FILE_UPLOAD_ERROR, f"The file has {size} bytes, and no more.", self.fed
            )
        if not data:
            return
        self._blocks.append(self._joined(data) if len(data) < SMALL else data)
        self.fed += len(data)
        self._ports.memory.take(self, len(data))
        self._hurried = self.fed == size or bool(self._flushed)
        if self._due is None and not self._hurried:
            self._due = self._ports.clock.callLater(PATIENCE, self._patience_over)
        if handle.is_progress(self.fed, size):
            self.deadline = self._ports.clock.seconds() + self._ports.stalled
        self.advance()

    def _joined(self, data: bytes) -> bytes:
        """Join a small block with the one before it if that is small as well: alone, each would take many
        times its bytes.
        """
        try:
            last = self._blocks.pop()
        except IndexError:  # a thread has taken it
            return data
        if len(last) < SMALL:
            return last + data
        self._blocks.append(last)
        return data

    def flushed(self) -> Deferred[int]:
        """Fire with the offset when all that was fed by now is durable.

        Fail with :class:`TransferError` where it never will be.
        """
        waiter: Deferred[int] = Deferred()
        if self.offset >= self.fed:
            waiter.callback(self.offset)
        else:
            self._flushed.append((self.fed, waiter))
            self._hurried = True
            self.advance()
        return waiter

    # -- the end

    def complete(self) -> None:
        """End it: the file is whole, was given up, or is forgotten."""
        self._end(Hold.COMPLETE)

    def fail(self, reason: TransferError) -> None:
        """End it, since what is in the spool is not known any more; whoever holds it, or waits, hears why."""
        self._end(Hold.LOST, reason)

    def _end(self, hold: Hold, reason: TransferError | None = None) -> None:
        self.phase = Phase.OVER
        self._wait_no_more()
        self._ports.wheel.remove(self)
        self._blocks.clear()
        lost, self.fed, self._written = self.waiting, self.offset, self.offset
        waiters, self._flushed = self._flushed, []
        if self.handle is not None:
            self._end_hold(self.handle, hold, reason)
        else:
            self._left(self)
        self._ports.memory.give(lost)
        for _, waiter in waiters:
            waiter.errback(reason)

    # -- jobs

    def advance(self) -> None:
        """Hold the sender, or let it go on, and begin the jobs that can begin.

        Called after all that may change either.
        """
        handle, waiting, unsynced = self.handle, self.fed - self._written, self._written - self.offset
        paused = handle is not None and handle.pause(
            self._ports.memory.must_hold(waiting, unsynced, handle.window, handle.paused)
        )
        if self.phase is not Phase.OPEN:
            return
        if self.fed == self.offset:
            self._wait_no_more()
            return
        # who settles syncs as well, and nothing may run when it is told that all is durable
        if (
            unsynced
            and (unsynced >= GATHER or (self._hurried and not self._blocks))
            and self._running not in _SYNCING
        ):
            self._start(Job.SYNC, self.spooled.sync)
        # who pauses sends no more to wait for
        if (self._hurried or paused or waiting >= GATHER) and self._running not in _WRITING:
            if self._hurried and self._running not in _SYNCING:
                self._start(Job.SETTLE, self._settle)
            elif self._blocks:
                self._start(Job.WRITE, self._batch)

    def _patience_over(self) -> None:
        self._due = None
        self._hurried = True
        self.advance()

    def _wait_no_more(self) -> None:
        due, self._due = self._due, None
        if due is not None:
            due.cancel()

    def _start(self, job: Job, work: Callable[[], int]) -> None:
        self._running |= job
        run_in_background(self._run(job, work), _log, "writing an upload failed")

    async def _run(self, job: Job, work: Callable[[], int]) -> None:
        """Run a job in a thread; an error ends the upload when no job runs any more."""
        offset = self.offset
        try:
            offset = await self._ports.disk.run_ahead(self.spooled.hash, work)
        except Exception as error:
            if not isinstance(error, OSError):
                _log.failure("an upload was not written")
            else:
                _log.error(
                    "the upload {name} was not written: {reason}",
                    name=encode_id(self.file.file_id),
                    reason=str(error),
                )
            self._fault = self._fault or not_written(error, self.offset)
            self.phase = Phase.FAILED if self.phase is Phase.OPEN else self.phase
        self._running &= ~job
        if self.phase is Phase.OPEN:
            self._has_run(offset, durable=Job.SYNC in job)
        elif self.phase is Phase.FAILED and not self._running and self._fault is not None:
            self.fail(self._fault)

    def _has_run(self, offset: int, *, durable: bool) -> None:
        """Note up to where the system has it, or the disk (``durable``), tell who waits for that, and go on."""
        given, before = max(0, offset - self._written), self.offset
        self._written += given
        self.offset = max(before, offset) if durable else before
        self._ports.memory.give(given)
        if self.offset == before:
            self.advance()
            return
        waiters = [waiter for target, waiter in self._flushed if target <= offset]
        self._flushed = [entry for entry in self._flushed if entry[0] > offset]
        if self.handle is not None:
            self.handle.durable(offset)
        self.advance()
        for waiter in waiters:
            waiter.callback(offset)

    def _settle(self) -> int:
        """In a thread: write what waits, and have the disk take everything."""
        if self._blocks:
            self._batch()
        return self.spooled.settle()

    def _batch(self) -> int:
        """In a thread: write what waits, up to :data:`BATCH`."""
        blocks: list[bytes] = []
        size = 0
        while self._blocks and size < BATCH:
            blocks.append(self._blocks.popleft())
            size += len(blocks[-1])
        return self.spooled.write(blocks)
