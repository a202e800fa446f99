"""An upload, as the connection sees it that holds it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from imsys.errors import Status
from imsys.resources.engine.upload_handle import Hold, UploadHandle
from imsys.resources.engine.upload_state import UploadState
from imsys.resources.transfers import TransferError
from imsys.store.files import File


class HeldUpload:
    """An :class:`~imsys.resources.transfers.Upload`: what a connection does goes to the upload's state, with the handle that lets it.

    :param finish: makes the file whole.
    """

    def __init__(self, state: UploadState, handle: UploadHandle, finish: Callable[[UploadState], Awaitable[File]]) -> None:
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
        """Take bytes; see :meth:`UploadState.feed`."""
        self._state.feed(self._handle, offset, data)

    async def flushed(self) -> int:
        """Wait until what was fed is durable; the offset. :raises TransferError: ``FILE_WRITE_ERROR`` or ``QUOTA_EXCEEDED``."""
        self._handle.check()
        return await self._state.flushed()

    async def finish(self) -> File:
        """Make the file whole; see :meth:`imsys.resources.transfers.Upload.finish`."""
        state = self._state
        if self._handle.hold is not Hold.COMPLETE:
            self._handle.check()
            if state.fed < state.file.size:
                raise TransferError(Status.FILE_UPLOAD_ERROR, f"The bytes from {state.fed} on are missing.", state.fed)
            await state.flushed()
        return await self._finish(state)

    def release(self) -> None:
        """Let go of it."""
        self._state.release(self._handle)
