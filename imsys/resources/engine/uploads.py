"""Uploads as connections get them: one that they hold, and one whose file is whole already."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from imsys.errors import Status
from imsys.resources.engine.upload_handle import Hold, UploadHandle
from imsys.resources.engine.upload_state import UploadState
from imsys.resources.transfers import TransferError
from imsys.store.files import File


class HeldUpload:
    """An :class:`~imsys.resources.transfers.Upload`: what its connection does goes to the state, with the
    handle that allows it.

    :param finish: makes the file whole.
    """

    def __init__(
        self, state: UploadState, handle: UploadHandle, finish: Callable[[UploadState, str], Awaitable[File]]
    ) -> None:
        self._state = state
        self._handle = handle
        self._finish = finish

    @property
    def file(self) -> File:
        """What was offered."""
        return self._state.file

    @property
    def offset(self) -> int:
        """Bytes that are durable."""
        return self._state.offset

    @property
    def fed(self) -> int:
        """The offset of the next byte."""
        return self._state.fed

    def feed(self, offset: int, data: bytes) -> None:
        """Take bytes."""
        self._state.feed(self._handle, offset, data)

    async def flushed(self) -> int:
        """Wait until what was fed is durable; the offset."""
        self._handle.check()
        return await self._state.flushed()

    async def finish(self, md5: str = "") -> File:
        """Make the file whole."""
        state = self._state
        if self._handle.hold is not Hold.COMPLETE:
            self._handle.check()
            if state.fed < state.file.size:
                raise TransferError(
                    Status.FILE_UPLOAD_ERROR, f"The bytes from {state.fed} on are missing.", state.fed
                )
            await state.flushed()
        return await self._finish(state, md5)

    def release(self) -> None:
        """Let go of it."""
        self._state.release(self._handle)


class WholeUpload:
    """An :class:`~imsys.resources.transfers.Upload` for a client that did not hear that it was done."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.offset = self.fed = file.size

    def feed(self, offset: int, data: bytes) -> None:
        """Take nothing."""
        if data or offset != self.fed:
            raise TransferError(Status.FILE_UPLOAD_ERROR, "The file is whole.", self.fed)

    async def flushed(self) -> int:
        """Return the size: all of it is durable."""
        return self.offset

    async def finish(self, md5: str = "") -> File:
        """Return the file."""
        return self.file

    def release(self) -> None:
        """Do nothing."""
