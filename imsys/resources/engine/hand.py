"""A file on its way in the hands of one connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from imsys.errors import Refused, Status
from imsys.protocols.deadlines import DeadlineWheel
from imsys.resources.engine.arriving import UNSYNCED, Arriving
from imsys.resources.engine.memory import Memory
from imsys.resources.transfers import Misplaced
from imsys.store.files import File

_log = Logger()
T = TypeVar("T")

PROGRESS = 16384
"""Bytes without which a transfer is stalled (or all that is left of the file): a byte a minute is no progress."""


class Hand:
    """An :class:`~imsys.resources.transfers.Upload`.

    :param window: bytes that it may have waiting at most.
    :param stalled: seconds that it may make no progress.
    :param finish: makes the file whole.
    :param freed: called once, when the file is in these hands no more.
    """

    def __init__(
        self,
        arriving: Arriving,
        memory: Memory,
        window: int,
        clock: IReactorTime,
        wheel: DeadlineWheel,
        stalled: float,
        *,
        durable: Callable[[int], None],
        hold: Callable[[bool], None],
        lost: Callable[[Refused], None],
        finish: Callable[[Arriving], Awaitable[File]],
        freed: Callable[[], None],
    ) -> None:
        self._arriving = arriving
        self._memory = memory
        self._window = window
        self._clock = clock
        self._wheel = wheel
        self._stalled = stalled
        self._durable = durable
        self._hold = hold
        self._lost = lost
        self._finish = finish
        self._freed = freed
        self.held = False
        """Whether no more should be read for now."""
        self._failure: Misplaced | None = None
        self._released = False
        self._complete = False
        self._counted = arriving.fed
        self.deadline = clock.seconds() + stalled
        wheel.add(self)
        memory.join(self)

    @property
    def file(self) -> File:
        """What was offered."""
        return self._arriving.file

    @property
    def offset(self) -> int:
        """Bytes that are durable."""
        return self._arriving.offset

    @property
    def fed(self) -> int:
        """The offset of the next byte."""
        return self._arriving.fed

    def feed(self, offset: int, data: bytes) -> None:
        """Take bytes. :raises Misplaced: 36, they are not the next ones, too many, or in the wrong hands."""
        self._check()
        arriving = self._arriving
        if offset != arriving.fed:
            raise Misplaced(Status.FILE_UPLOAD_ERROR, f"The bytes from {arriving.fed} on are expected, not from {offset}.", arriving.fed)
        if offset + len(data) > arriving.file.size:
            raise Misplaced(Status.FILE_UPLOAD_ERROR, f"The file has {arriving.file.size} bytes, and no more.", arriving.fed)
        if data:
            arriving.feed(data)
            self._live()
            self.adjust()

    async def flushed(self) -> int:
        """Wait until what was fed is durable. :raises Misplaced: 39 or 68."""
        self._check()
        return await self._arriving.flushed()

    async def finish(self) -> File:
        """Make it whole."""
        if not self._complete:
            self._check()
            if self.fed < self.file.size:
                raise Misplaced(Status.FILE_UPLOAD_ERROR, f"The bytes from {self.fed} on are missing.", self.fed)
            await self._arriving.flushed()
        return await self._finish(self._arriving)

    def release(self) -> None:
        """Let go of it."""
        if not self._released:
            self._released = True
            self._failure = self._failure or Misplaced(Status.FILE_UPLOAD_ERROR, "You have let go of this upload.", self.offset)
            self._wheel.remove(self)
            self._memory.leave(self)
            if self.held:
                self.held = False
                self._tell(self._hold, False)
            if self._arriving.hand is self:
                self._arriving.hand = None
            self._freed()

    # -- from the engine

    def lose(self, reason: Misplaced) -> None:
        """It is in these hands no more."""
        if not self._released:
            self._failure = reason
            self.release()
            self._tell(self._lost, reason)

    def complete(self) -> None:
        """It was finished, or given up while it was."""
        self._complete = True
        self.release()

    def progressed(self) -> None:
        """More is durable."""
        self._tell(self._durable, self.offset)
        self.adjust()

    def expired(self) -> None:
        """It is time for progress; where bytes wait, or nobody may send, it is the disk that makes none."""
        if self.held or self._arriving.pending or self._arriving.lock.locked:
            self.deadline = self._clock.seconds() + self._stalled
            self._wheel.add(self)
        else:
            self.lose(Misplaced(Status.FILE_UPLOAD_ERROR, "The upload made no progress; it can go on later.", self.offset))

    def _live(self) -> None:
        fed = self._arriving.fed
        self._counted = min(self._counted, fed)  # it may begin anew
        if fed - self._counted >= PROGRESS or fed == self._arriving.file.size:
            self._counted = fed
            self.deadline = self._clock.seconds() + self._stalled

    def adjust(self) -> None:
        """Hold who has its share waiting, until half of that is written; and who is too far ahead of the disk."""
        waiting, share = self._arriving.waiting, self._memory.share(self._window)
        held = self._memory.full or (bool(waiting) and waiting >= (share // 2 if self.held else share))
        held = held or self._arriving.pending >= (UNSYNCED // 2 if self.held else UNSYNCED) + waiting
        if held is not self.held and not self._released:
            self.held = held
            self._tell(self._hold, held)
            if held:
                self._arriving.go_on()

    def _tell(self, callback: Callable[[T], None], value: T) -> None:
        try:
            callback(value)
        except Exception:
            _log.failure("a connection could not be told of its upload")

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
