"""All files on their way to this server."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from imsys.config import ResourcesConfig
from imsys.errors import Refused, Status
from imsys.files.blobs import BlobStore
from imsys.files.master import MasterKeys, UnknownKey, Wrapped
from imsys.files.sealing import Damaged
from imsys.protocols.deadlines import DeadlineWheel
from imsys.protocols.identifiers import encode_id
from imsys.resources.disk import Disk
from imsys.resources.engine.arriving import Arriving
from imsys.resources.engine.faults import not_written
from imsys.resources.engine.finishing import Finishing
from imsys.resources.engine.hand import Hand
from imsys.resources.engine.idle import Idle
from imsys.resources.engine.making import derived_id
from imsys.resources.engine.memory import Memory
from imsys.resources.engine.shielding import shielded
from imsys.resources.engine.spooled import Spooled, remove_spooled
from imsys.resources.engine.whole import Whole
from imsys.resources.transfers import Misplaced, Upload
from imsys.store.files import Content, File, FileStore, State

_log = Logger()
T = TypeVar("T")

_TAKEN = "Somebody else goes on with this upload."
_GONE = "There is no such file on its way here."


class Arrivals(Service):
    """The :class:`~imsys.resources.transfers.Uploads` of one server.

    What is known of a file's spool stays for a while when nobody has it in their hands, so that a client that comes back need not
    wait for it to be read anew.

    :param folder: the spool.
    :param calendar: Unix seconds.
    """

    def __init__(
        self,
        clock: IReactorTime,
        config: ResourcesConfig,
        files: FileStore,
        disk: Disk,
        folder: Path,
        store: BlobStore,
        masters: MasterKeys,
        finishing: Finishing,
        calendar: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._config = config
        self._files = files
        self._disk = disk
        self._folder = folder
        self._store = store
        self._masters = masters
        self._finishing = finishing
        self._calendar = calendar
        self._arriving: dict[bytes, Arriving] = {}
        self._users: Counter[int] = Counter()
        self._wheel = DeadlineWheel(clock)
        self._idle = Idle(clock, self._forget)
        self.working = 0
        """Files that are being opened, finished or given up."""
        self._worked: Deferred[None] | None = None
        self.memory = Memory(config.memory)

    @property
    def chunk(self) -> int:
        """Bytes of a chunk."""
        return self._config.chunk

    @property
    def window(self) -> int:
        """Chunks unacknowledged."""
        return self._config.window

    def __contains__(self, file_id: bytes) -> bool:
        """Whether this file is being worked on, or was a moment ago."""
        return file_id in self._arriving

    def stopService(self) -> Deferred[None]:
        """Take everything out of all hands; fires when what was fed is written."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for arriving in list(self._arriving.values()):
            if arriving.hand is not None:
                arriving.hand.lose(Misplaced(Status.SERVER_BUSY, "The server is shutting down.", arriving.offset))
        for arriving in list(self._arriving.values()):
            await _written(arriving)
        if self.working:
            self._worked = Deferred()
            await self._worked
        self._arriving.clear()
        self._idle.clear()

    def _tracked(self, work: Coroutine[Any, Any, T]) -> Deferred[T]:
        """As :func:`shielded`; the server stops when it has ended."""
        self.working += 1
        return shielded(self._track(work))

    async def _track(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        finally:
            self.working -= 1
            if not self.working and self._worked is not None:
                worked, self._worked = self._worked, None
                worked.callback(None)

    # -- into one's hands

    async def open(
        self, file_id: bytes, user: int, *, durable: Callable[[int], None], hold: Callable[[bool], None], lost: Callable[[Refused], None]
    ) -> Upload:
        """Take a file into one's hands."""
        return await self._tracked(self._open(file_id, user, durable, hold, lost))

    async def _open(
        self, file_id: bytes, user: int, durable: Callable[[int], None], hold: Callable[[bool], None], lost: Callable[[Refused], None]
    ) -> Upload:
        while True:
            file = await self._find(file_id, user)
            if file.state is State.WHOLE:
                return Whole(file)
            arriving = self._arriving.get(file_id)
            if arriving is None:
                arriving = self._arriving[file_id] = Arriving(file, self._clock, self._disk, self.memory, self._ended)
            async with arriving.lock:
                try:
                    if await self._ready(arriving, user):
                        return self._take(arriving, durable, hold, lost)
                finally:
                    self._let_go(arriving)

    async def _find(self, file_id: bytes, user: int) -> File:
        if not self.running:
            raise Refused(Status.SERVER_BUSY, "The server is shutting down.", retry_after=1.0)
        file = await self._files.find(file_id)
        if (
            file is None
            or (file.owner, file.server) != (user, self._config.name)
            or file.state is State.REFUSED
            or (file.state is State.ARRIVING and file.expires_ms <= self._calendar() * 1000)
        ):
            raise Refused(Status.FILE_OPEN_ERROR, _GONE)
        return file

    async def _ready(self, arriving: Arriving, user: int) -> bool:
        """Have everything that was fed written, and know what is here; ``False``: look again."""
        if arriving.over:
            return False
        if arriving.hand is None:
            self._allow(user)
        else:
            arriving.hand.lose(Misplaced(Status.FILE_UPLOAD_ERROR, _TAKEN, arriving.offset))
        await _written(arriving)
        if arriving.over:
            return False
        if arriving.spooled is None:
            try:
                await self._read(arriving)
            except BaseException:
                arriving.end(Misplaced(Status.FILE_WRITE_ERROR, _GONE, 0))
                raise
        self._allow(user)
        return True

    def _allow(self, user: int) -> None:
        if self._users[user] >= self._config.uploads:
            raise Refused(Status.SERVER_BUSY, f"You send {self._config.uploads} files at the same time already.", retry_after=5.0)

    def _take(
        self, arriving: Arriving, durable: Callable[[int], None], hold: Callable[[bool], None], lost: Callable[[Refused], None]
    ) -> Hand:
        user = arriving.file.owner
        self._idle.discard(arriving)
        self._users[user] += 1
        arriving.hand = hand = Hand(
            arriving,
            self.memory,
            self._config.chunk * self._config.window,
            self._clock,
            self._wheel,
            self._config.stalled,
            durable=durable,
            hold=hold,
            lost=lost,
            finish=self.finish,
            freed=partial(self._freed, arriving),
        )
        return hand

    async def _read(self, arriving: Arriving) -> None:
        """Find out what is here. :raises Refused: 39, it cannot be read; 68, the disk is full."""
        file = arriving.file
        try:
            first = not file.key_id and bool(self._masters.current)
            if first:
                fresh = self._masters.new()
                sealed = await self._files.sealed_under(file.file_id, fresh.key_id, fresh.data)
                if sealed is None or sealed.state is not State.ARRIVING:
                    raise Refused(Status.FILE_OPEN_ERROR, _GONE)
                arriving.file = file = sealed
            seal = self._masters.seal(Wrapped(file.key_id, file.wrapped_key))
            spooled = Spooled(self._folder, self._store, file, seal)
            arriving.begin(spooled, await self._disk.run(spooled.open, first=first))
        except (OSError, UnknownKey, Damaged) as error:
            _log.error("the upload {name} cannot be opened: {reason}", name=encode_id(file.file_id), reason=str(error))
            refused = not_written(error, 0) if isinstance(error, OSError) else None
            raise refused or Refused(Status.FILE_WRITE_ERROR, "What is here of the file cannot be read.") from None

    # -- whole, or given up

    async def finish(self, arriving: Arriving) -> File:
        """Make a file whole (idempotent); see :meth:`~imsys.resources.transfers.Upload.finish`."""
        return await self._tracked(self._finish(arriving))

    async def _finish(self, arriving: Arriving) -> File:
        async with arriving.lock:
            if arriving.over:
                return await self._whole(arriving)
            if arriving.offset < arriving.file.size:  # another one who finished it has found that it is to be sent anew
                raise Misplaced(Status.FILE_UPLOAD_ERROR, f"The bytes from {arriving.offset} on are missing.", arriving.offset)
            assert arriving.spooled is not None
            try:
                whole = await self._finishing.finish(arriving.file, arriving.spooled)
            except Misplaced as misplaced:
                if misplaced.offset == 0:
                    arriving.begin(arriving.spooled, 0)
                raise
            except Refused as refused:
                if refused.status in (Status.PERMISSION_DENIED, Status.FILE_OPEN_ERROR):
                    self._done(arriving)
                if refused.status is Status.FILE_OPEN_ERROR:
                    await self._remove(arriving.file.file_id)  # what was made of it has to go, too
                raise
            self._done(arriving)
            return whole

    async def _whole(self, arriving: Arriving) -> File:
        file = await self._files.find(arriving.file.file_id)
        if file is not None and file.state is State.WHOLE:
            return file
        raise Misplaced(Status.FILE_UPLOAD_ERROR, "This upload is in other hands.", arriving.offset)

    def _done(self, arriving: Arriving) -> None:
        arriving.over = True
        self._ended(arriving)
        if arriving.hand is not None:
            arriving.hand.complete()

    async def terminate(self, file_id: bytes, user: int) -> None:
        """Give a file up (idempotent). :raises Refused: 38, it is whole, or not this user's."""
        file = await self._files.find(file_id)
        if file is not None and ((file.owner, file.server) != (user, self._config.name) or file.state is State.WHOLE):
            raise Refused(Status.FILE_OPEN_ERROR, _GONE)
        if not await self.give_up(file_id):
            raise Refused(Status.FILE_OPEN_ERROR, _GONE)

    async def give_up(self, file_id: bytes) -> bool:
        """Remove a file that is not whole, and what is here of it, whoever has it in their hands; ``False``: it is whole."""
        return await self._tracked(self._give_up(file_id))

    async def _give_up(self, file_id: bytes) -> bool:
        arriving = self._arriving.get(file_id)
        if arriving is None:
            removed = await self._remove(file_id)
            arriving = self._arriving.get(file_id)
            if arriving is None or not removed:  # else somebody has taken it meanwhile
                return removed
        async with arriving.lock:
            if not arriving.over:
                if arriving.hand is not None:
                    arriving.hand.lose(Misplaced(Status.FILE_OPEN_ERROR, "This upload was given up.", 0))
                await _written(arriving)
            removed = await self._remove(file_id)
            if removed:
                self._done(arriving)
            return removed

    async def _remove(self, file_id: bytes) -> bool:
        if not await self._files.give_up(file_id):
            return False
        await self.free(await self._files.delete(derived_id(file_id)))
        await self._disk.run(remove_spooled, self._folder, file_id)
        return True

    async def free(self, contents: list[Content]) -> None:
        """Remove what nothing refers to any more from the store, where it is ours."""
        for content in contents:
            if content.store == self._store.name:
                await self._disk.run(self._store.delete, content.blob)

    async def complete(self, file: File) -> None:
        """Make a file whole whose bytes are all here, but which nobody finished. :raises Refused: as its finishing does."""
        if file.file_id not in self:
            upload = await self.open(file.file_id, file.owner, durable=_nothing, hold=_nothing, lost=_nothing)
            try:
                if upload.offset == file.size:
                    await upload.finish()
            finally:
                upload.release()

    # -- in nobody's hands

    def _freed(self, arriving: Arriving) -> None:
        user = arriving.file.owner
        self._users[user] -= 1
        if not self._users[user]:
            del self._users[user]
        self._let_go(arriving)

    def _let_go(self, arriving: Arriving) -> None:
        """Remember what nobody works on for a while."""
        if arriving.hand is None and not arriving.over:
            self._idle.add(arriving)

    def _forget(self, arriving: Arriving) -> bool:
        if arriving.hand is not None or arriving.pending or arriving.lock.locked:
            return False
        arriving.over = True
        self._ended(arriving)
        return True

    def _ended(self, arriving: Arriving) -> None:
        self._idle.discard(arriving)
        if self._arriving.get(arriving.file.file_id) is arriving:
            del self._arriving[arriving.file.file_id]


def _nothing(_: object) -> None:
    pass


async def _written(arriving: Arriving) -> None:
    """Wait until what was fed is written, or was lost."""
    with contextlib.suppress(Misplaced):
        await arriving.flushed()
