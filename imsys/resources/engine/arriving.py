"""One file on its way: what was fed and waits for the disk, and in whose hands it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from imsys.resources.disk import Disk
from imsys.resources.engine.faults import not_written
from imsys.resources.engine.memory import Memory
from imsys.resources.engine.shielding import alone
from imsys.resources.engine.spooled import Spooled
from imsys.resources.transfers import Misplaced
from imsys.store.files import File
from imsys.tickets import encode_id

if TYPE_CHECKING:
    from imsys.resources.engine.hand import Hand

_log = Logger()

BATCH = 1 << 21
"""Bytes that one job writes at most (and a block more)."""

SMALL = 4096
"""Bytes of a block that is not kept alone."""


class Arriving:
    """A file of which this process knows what is in the spool; one job at a time writes all that waits by then.

    Jobs of many files take turns, since each has one at a time, and the threads take them in order.

    :param ended: called when what is in the spool is not known any more: who wants to go on opens it anew.
    """

    def __init__(self, file: File, disk: Disk, memory: Memory, ended: Callable[[Arriving], None]) -> None:
        self.file = file
        self.lock = DeferredLock()
        """Held by whoever takes the file into their hands, finishes it, or gives it up."""
        self.hand: Hand | None = None
        self.over = False
        self.spooled: Spooled | None = None
        self.offset = 0
        """Bytes that are durable."""
        self.fed = 0
        self._disk = disk
        self._memory = memory
        self._ended = ended
        self._waiting: deque[bytes] = deque()  # a thread takes from it
        self._writing = False
        self._flushed: list[tuple[int, Deferred[int]]] = []

    @property
    def pending(self) -> int:
        """Bytes that wait in memory, or are being written."""
        return self.fed - self.offset

    def begin(self, spooled: Spooled, offset: int) -> None:
        """This is what is here of it."""
        self.spooled = spooled
        self.fed = self.offset = offset

    def feed(self, data: bytes) -> None:
        """Have bytes written."""
        self._waiting.append(self._joined(data) if len(data) < SMALL else data)
        self.fed += len(data)
        self._memory.take(len(data))
        if not self._writing:
            self._writing = True
            alone(self._write(), "writing an upload")

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
        return waiter

    def end(self, reason: Misplaced) -> None:
        """What is in the spool is not known any more: whoever has it in their hands, or waits, hears why."""
        self.over = True
        self._waiting.clear()
        lost, self.fed = self.pending, self.offset
        self._memory.give(lost)
        self._ended(self)
        waiters, self._flushed = self._flushed, []
        if self.hand is not None:
            self.hand.lose(reason)
        for _, waiter in waiters:
            waiter.errback(reason)

    async def _write(self) -> None:
        while self._waiting:
            try:
                offset = await self._disk.run(self._batch)
            except Exception as error:
                if not isinstance(error, OSError):
                    _log.failure("an upload was not written")
                else:
                    _log.error("the upload {name} was not written: {reason}", name=encode_id(self.file.file_id), reason=str(error))
                self.end(not_written(error, self.offset))
                break
            if self.over:
                break
            written, self.offset = offset - self.offset, offset
            self._memory.give(written)
            self._progressed()
        self._writing = False

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
