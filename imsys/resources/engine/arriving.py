"""One file on its way: what was fed and waits for the disk, and in whose hands it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.protocols.identifiers import encode_id
from imsys.resources.disk import Disk
from imsys.resources.engine.faults import not_written
from imsys.resources.engine.memory import Memory
from imsys.resources.engine.shielding import alone
from imsys.resources.engine.spooled import Spooled
from imsys.resources.transfers import Misplaced
from imsys.store.files import File

_log = Logger()

BATCH = 1 << 21
"""Bytes that one job writes at most (and a block more)."""

GATHER = 1 << 20
"""Bytes that a job is worth: fewer wait for more, for :data:`PATIENCE` seconds, unless somebody waits for them or the file ends with them.
A job costs some 100 µs, whatever it does."""

PATIENCE = 0.02

SMALL = 4096
"""Bytes of a block that is not kept alone."""

UNSYNCED = 1 << 23
"""Bytes that are written and not durable beyond which nothing more is taken; fewer than :data:`imsys.files.spool.UNSYNCED` segments."""


class Holder(Protocol):
    """The connection that an upload is held by."""

    held: bool
    """Whether it is not to send on."""

    def adjust(self) -> None:
        """See anew whether it may send on."""

    def progressed(self) -> None:
        """More of it is durable."""

    def lose(self, reason: Misplaced) -> None:
        """The upload is its own no more."""

    def complete(self) -> None:
        """The file is whole."""

    def release(self) -> None:
        """Hold the upload no more; a later connection may."""


class Arriving:
    """A file of which this process knows what is in the spool.

    One job at a time writes all that waits by then, and beside it another one has the disk take what was written. When nothing
    more comes, the bytes after the last whole segment become durable, too.
    Jobs of many files take turns, since each has one of each kind at a time, and the threads take them in order.

    :param ended: called when what is in the spool is not known any more: who wants to go on opens it anew.
    """

    def __init__(self, file: File, clock: IReactorTime, disk: Disk, memory: Memory, ended: Callable[[Arriving], None]) -> None:
        self.file = file
        self.lock = DeferredLock()
        """Held by whoever takes the file into their hands, finishes it, or gives it up."""
        self.hand: Holder | None = None
        self.over = False
        self.spooled: Spooled | None = None
        self.offset = 0
        """Bytes that are durable."""
        self.fed = 0
        self._written = 0  # the system has it, or it is durable
        self._clock = clock
        self._due: IDelayedCall | None = None
        self._hurried = False  # what is here is not to wait for more
        self._disk = disk
        self._memory = memory
        self._ended = ended
        self._waiting: deque[bytes] = deque()  # a thread takes from it
        self._writing = self._syncing = False
        self._settling = False  # what is being written becomes durable with it
        self._fault: Misplaced | None = None
        self._flushed: list[tuple[int, Deferred[int]]] = []

    @property
    def pending(self) -> int:
        """Bytes that are not durable yet."""
        return self.fed - self.offset

    @property
    def waiting(self) -> int:
        """Bytes of them that are in memory."""
        return self.fed - self._written

    def begin(self, spooled: Spooled, offset: int) -> None:
        """This is what is here of it."""
        self.spooled = spooled
        self.fed = self._written = self.offset = offset

    def feed(self, data: bytes) -> None:
        """Have bytes written."""
        self._waiting.append(self._joined(data) if len(data) < SMALL else data)
        self.fed += len(data)
        self._memory.take(len(data))
        self._hurried = self.fed == self.file.size or bool(self._flushed)
        if self._due is None and not self._hurried:
            self._due = self._clock.callLater(PATIENCE, self._patience_over)
        self.go_on()

    def _joined(self, data: bytes) -> bytes:
        """A small block, with the one before it if that is small as well: alone, each would take many times its bytes."""
        try:
            last = self._waiting.pop()
        except IndexError:  # a thread has taken it
            return data
        if len(last) < SMALL:
            return last + data
        self._waiting.append(last)
        return data

    def flushed(self) -> Deferred[int]:
        """Fires with the offset when all that was fed by now is durable; fails with :class:`Misplaced`."""
        waiter: Deferred[int] = Deferred()
        if self.offset >= self.fed:
            waiter.callback(self.offset)
        else:
            self._flushed.append((self.fed, waiter))
            self._hurried = True
            self.go_on()
        return waiter

    def end(self, reason: Misplaced) -> None:
        """What is in the spool is not known any more: whoever has it in their hands, or waits, hears why."""
        self.over = True
        self._wait_no_more()
        self._waiting.clear()
        lost, self.fed = self.waiting, self.offset
        self._written = self.offset
        self._memory.give(lost)
        self._ended(self)
        waiters, self._flushed = self._flushed, []
        if self.hand is not None:
            self.hand.lose(reason)
        for _, waiter in waiters:
            waiter.errback(reason)

    def go_on(self) -> None:
        """Begin what can be done now."""
        if self.over or self._fault is not None:
            return
        if self.offset == self.fed:
            self._wait_no_more()
            return
        unsynced = self._written - self.offset
        busy = self._syncing or self._settling  # which syncs as well, and nothing may run when it is told that all is durable
        if not busy and unsynced and (unsynced >= GATHER or (self._hurried and not self._waiting)):
            self._syncing = True
            alone(self._sync(), "writing an upload")
        held = self.hand is not None and self.hand.held  # there will not be more to wait for
        enough = self._hurried or held or self.waiting >= GATHER
        ready = enough if self._waiting else self._hurried and not self._syncing
        if ready and not self._writing:
            self._writing = True
            alone(self._write(), "writing an upload")

    def _patience_over(self) -> None:
        self._due = None
        self._hurried = True
        self.go_on()

    def _wait_no_more(self) -> None:
        due, self._due = self._due, None
        if due is not None:
            due.cancel()

    async def _write(self) -> None:
        assert self.spooled is not None
        settling = self._settling = self._hurried and not self._syncing
        written = await self._job(self._settle if settling else self._batch)
        self._writing = self._settling = False
        self._ended_job(written, durable=settling)

    async def _sync(self) -> None:
        assert self.spooled is not None
        durable = await self._job(self.spooled.sync)
        self._syncing = False
        self._ended_job(durable, durable=True)

    async def _job(self, work: Callable[[], int]) -> int:
        """Do something in a thread; an error counts when nothing runs there any more."""
        try:
            return await self._disk.run(work)
        except Exception as error:
            if not isinstance(error, OSError):
                _log.failure("an upload was not written")
            else:
                _log.error("the upload {name} was not written: {reason}", name=encode_id(self.file.file_id), reason=str(error))
            self._fault = self._fault or not_written(error, self.offset)
            return 0

    def _ended_job(self, offset: int, *, durable: bool) -> None:
        """The system has it up to here, or the disk has."""
        if self.over:
            return
        if self._fault is not None:
            if not (self._writing or self._syncing):
                self.end(self._fault)
            return
        if offset > self._written:
            self._memory.give(offset - self._written)
            self._written = offset
        if durable and offset > self.offset:
            self.offset = offset
            self._progressed()
        elif self.hand is not None:
            self.hand.adjust()
        self.go_on()

    def _settle(self) -> int:
        """In a thread."""
        assert self.spooled is not None
        if self._waiting:
            self._batch()
        return self.spooled.settle()

    def _batch(self) -> int:
        """In a thread."""
        assert self.spooled is not None
        blocks: list[bytes] = []
        size = 0
        while self._waiting and size < BATCH:
            blocks.append(self._waiting.popleft())
            size += len(blocks[-1])
        return self.spooled.write(blocks)

    def _progressed(self) -> None:
        ready = [waiter for target, waiter in self._flushed if target <= self.offset]
        self._flushed = [entry for entry in self._flushed if entry[0] > self.offset]
        if self.hand is not None:
            self.hand.progressed()
        for waiter in ready:
            waiter.callback(self.offset)
