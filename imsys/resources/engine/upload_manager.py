"""All files on their way to one server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from imsys.config import ResourcesConfig
from imsys.errors import Refused, Status
from imsys.files.master import UnknownKey, Wrapped
from imsys.files.sealing import Damaged
from imsys.protocols.deadlines import DeadlineWheel
from imsys.protocols.identifiers import encode_id
from imsys.resources.engine.derived_files import derived_id
from imsys.resources.engine.faults import not_written
from imsys.resources.engine.finishing import Finishing
from imsys.resources.engine.memory import Memory
from imsys.resources.engine.spooled import Spooled, remove_spooled
from imsys.resources.engine.storage import Storage
from imsys.resources.engine.upload_state import Phase, UploadPorts, UploadState
from imsys.resources.engine.uploads import HeldUpload, WholeUpload
from imsys.resources.transfers import TransferError, Upload
from imsys.resources.upload_listener import UploadListener, UploadWaiter
from imsys.store.files import Content, File, State
from imsys.util.background import uncancelled

_log = Logger()
T = TypeVar("T")

MOST_IDLE = 256
"""Uploads that are remembered while nobody holds them."""

_TAKEN = "Somebody else goes on with this upload."
_GONE = "There is no such file on its way here."


class UploadManager(Service):
    """The :class:`~imsys.resources.transfers.Uploads` of one server.

    What is known of a file's spool stays for a while when nobody holds the upload, so that a client that
    comes back need not wait for it to be read anew.

    :param calendar: Unix seconds.
    """

    def __init__(
        self,
        clock: IReactorTime,
        config: ResourcesConfig,
        storage: Storage,
        finishing: Finishing,
        calendar: Callable[[], float],
    ) -> None:
        self._config = config
        self._storage = storage
        self._finishing = finishing
        self._calendar = calendar
        self._states: dict[bytes, UploadState] = {}
        self._held: dict[int, set[UploadState]] = {}  # what users send, by their numbers
        self._idle: dict[UploadState, None] = {}  # the longest first
        self.working = 0
        """Files that are being opened, finished or given up."""
        self._worked: Deferred[None] | None = None
        self.memory = Memory(config.memory)
        window = config.chunk * config.window
        self._ports = UploadPorts(
            clock, storage.disk, self.memory, DeadlineWheel(clock), window, config.stalled
        )

    @property
    def chunk(self) -> int:
        """Bytes of a chunk that clients are told to send."""
        return self._config.chunk

    @property
    def window(self) -> int:
        """Chunks that may be on their way unacknowledged."""
        return self._config.window

    def __contains__(self, file_id: bytes) -> bool:
        """Whether this file is being worked on, or was a moment ago."""
        return file_id in self._states

    def stopService(self) -> Deferred[None]:
        """Take all uploads from who holds them; fires when what was fed is written."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        states = list(self._states.values())
        for state in states:
            state.lose(TransferError(Status.SERVER_BUSY, "The server is shutting down.", state.offset))
        for state in list(self._states.values()):
            await _written(state)
        if self.working:
            self._worked = Deferred()
            await self._worked
        for state in list(self._states.values()):
            state.complete()

    def _tracked(self, work: Coroutine[Any, Any, T]) -> Deferred[T]:
        """Run a coroutine as :func:`uncancelled`; the server stops when it has ended."""
        self.working += 1
        return uncancelled(self._track(work))

    async def _track(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        finally:
            self.working -= 1
            if not self.working and self._worked is not None:
                worked, self._worked = self._worked, None
                worked.callback(None)

    # -- opened

    async def open(self, file_id: bytes, user: int, listener: UploadListener) -> Upload:
        """Let a connection hold an upload; see :meth:`imsys.resources.transfers.Uploads.open`."""
        return await self._tracked(self._open(file_id, user, listener))

    async def _open(self, file_id: bytes, user: int, listener: UploadListener) -> Upload:
        while True:
            file = await self._find(file_id, user)
            if file.state is State.WHOLE:
                return WholeUpload(file)
            state = self._states.get(file_id)
            if state is None:
                state = self._states[file_id] = UploadState(file, self._ports, self._left)
            async with state.lock:
                try:
                    if await self._ready(state, user):
                        self._idle.pop(state, None)
                        self._held.setdefault(user, set()).add(state)
                        return HeldUpload(state, state.take(listener), self.finish)
                finally:
                    self._left(state)

    async def _find(self, file_id: bytes, user: int) -> File:
        if not self.running:
            raise Refused(Status.SERVER_BUSY, "The server is shutting down.", retry_after=1.0)
        file = await self._storage.files.find(file_id)
        if (
            file is None
            or (file.owner, file.server) != (user, self._config.name)
            or file.state is State.REFUSED
            or (file.state is State.ARRIVING and file.expires_ms <= self._calendar() * 1000)
        ):
            raise Refused(Status.FILE_OPEN_ERROR, _GONE)
        return file

    async def _ready(self, state: UploadState, user: int) -> bool:
        """Have everything that was fed written, and know what is in the spool; ``False``: look again."""
        if state.over:
            return False
        if state.handle is None:
            self._allow(user)
        else:
            state.lose(TransferError(Status.FILE_UPLOAD_ERROR, _TAKEN, state.offset))
        await _written(state)
        if state.over:
            return False
        if state.phase is Phase.UNREAD:
            try:
                await self._read(state)
            except BaseException:
                state.fail(TransferError(Status.FILE_WRITE_ERROR, _GONE, 0))
                raise
        self._allow(user)
        return True

    def _allow(self, user: int) -> None:
        if len(self._held.get(user, ())) >= self._config.uploads:
            raise Refused(
                Status.SERVER_BUSY,
                f"You send {self._config.uploads} files at the same time already.",
                retry_after=5.0,
            )

    async def _read(self, state: UploadState) -> None:
        """Find out what is in the spool.

        :raises Refused: ``FILE_WRITE_ERROR``, it cannot be read; ``QUOTA_EXCEEDED``, the disk is full.
        """
        file, storage = state.file, self._storage
        try:
            first = not file.key_id and bool(storage.masters.current)
            if first:
                fresh = storage.masters.new()
                sealed = await storage.files.sealed_under(file.file_id, fresh.key_id, fresh.data)
                if sealed is None or sealed.state is not State.ARRIVING:
                    raise Refused(Status.FILE_OPEN_ERROR, _GONE)
                state.file = file = sealed
            seal = storage.masters.seal(Wrapped(file.key_id, file.wrapped_key))
            spooled = Spooled(storage.spool, storage.store, file, seal)
            state.begin(spooled, await storage.disk.run(spooled.open, first=first))
        except (OSError, UnknownKey, Damaged) as error:
            _log.error(
                "the upload {name} cannot be opened: {reason}",
                name=encode_id(file.file_id),
                reason=str(error),
            )
            refused = not_written(error, 0) if isinstance(error, OSError) else None
            raise refused or Refused(
                Status.FILE_WRITE_ERROR, "What is here of the file cannot be read."
            ) from None

    # -- whole, or given up

    async def finish(self, state: UploadState, md5: str = "") -> File:
        """Make a file whole (idempotent); see :meth:`imsys.resources.transfers.Upload.finish`."""
        return await self._tracked(self._finish(state, md5))

    async def _finish(self, state: UploadState, md5: str) -> File:
        async with state.lock:
            if state.over:
                return await self._whole(state)
            # another one who finished it has found that it is to be sent anew
            if state.offset < state.file.size:
                raise TransferError(
                    Status.FILE_UPLOAD_ERROR, f"The bytes from {state.offset} on are missing.", state.offset
                )
            try:
                whole = await self._finishing.finish(state.file, state.spooled, md5)
            except TransferError as error:
                if error.offset == 0:
                    state.begin(state.spooled, 0)
                raise
            except Refused as refused:
                if refused.status in (Status.PERMISSION_DENIED, Status.FILE_OPEN_ERROR):
                    state.complete()
                if refused.status is Status.FILE_OPEN_ERROR:
                    await self._remove(state.file.file_id)  # what was made of it has to go, too
                raise
            state.complete()
            return whole

    async def _whole(self, state: UploadState) -> File:
        file = await self._storage.files.find(state.file.file_id)
        if file is not None and file.state is State.WHOLE:
            return file
        raise TransferError(Status.FILE_UPLOAD_ERROR, "This upload is in other hands.", state.offset)

    async def terminate(self, file_id: bytes, user: int) -> None:
        """Give a file up (idempotent).

        :raises Refused: ``FILE_OPEN_ERROR``, it is whole, or not this user's.
        """
        file = await self._storage.files.find(file_id)
        if file is not None and (
            (file.owner, file.server) != (user, self._config.name) or file.state is State.WHOLE
        ):
            raise Refused(Status.FILE_OPEN_ERROR, _GONE)
        if not await self.give_up(file_id):
            raise Refused(Status.FILE_OPEN_ERROR, _GONE)

    async def give_up(self, file_id: bytes) -> bool:
        """Remove a file that is not whole, and what is here of it, whoever holds it; ``False``: it is whole."""
        return await self._tracked(self._give_up(file_id))

    async def _give_up(self, file_id: bytes) -> bool:
        state = self._states.get(file_id)
        if state is None:
            removed = await self._remove(file_id)
            state = self._states.get(file_id)
            if state is None or not removed:  # else somebody has taken it meanwhile
                return removed
        async with state.lock:
            if not state.over:
                state.lose(TransferError(Status.FILE_OPEN_ERROR, "This upload was given up.", 0))
                await _written(state)
            removed = await self._remove(file_id)
            if removed:
                state.complete()
            return removed

    async def _remove(self, file_id: bytes) -> bool:
        storage = self._storage
        if not await storage.files.give_up(file_id):
            return False
        await self.free(await storage.files.delete(derived_id(file_id)))
        await storage.disk.run(remove_spooled, storage.spool, file_id)
        return True

    async def free(self, contents: list[Content]) -> None:
        """Remove what nothing refers to any more from the store, where it is ours."""
        storage = self._storage
        for content in contents:
            if content.store == storage.store.name:
                await storage.disk.run(storage.store.delete, content.blob)

    async def complete(self, file: File) -> None:
        """Make a file whole whose bytes are all here, but which nobody finished.

        :raises Refused: as its finishing does.
        """
        if file.file_id not in self:
            upload = await self.open(file.file_id, file.owner, UploadWaiter())
            try:
                if upload.offset == file.size:
                    await upload.finish()
            finally:
                upload.release()

    # -- held by nobody

    def _left(self, state: UploadState) -> None:
        """Remember an upload for a while that nobody holds any more; forget it where it is over."""
        if state.handle is not None:
            return
        user = state.file.owner
        held = self._held.get(user, set())
        held.discard(state)
        if not held:
            self._held.pop(user, None)
        self._idle.pop(state, None)
        if not state.over:
            self._idle[state] = None
            state.watch()
            for oldest in list(self._idle) if len(self._idle) > MOST_IDLE else ():
                oldest.expired()
                if len(self._idle) <= MOST_IDLE:
                    break
        elif self._states.get(state.file.file_id) is state:
            del self._states[state.file.file_id]


async def _written(state: UploadState) -> None:
    """Wait until what was fed is written, or was lost."""
    with contextlib.suppress(TransferError):
        await state.flushed()
