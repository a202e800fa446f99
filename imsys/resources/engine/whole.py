"""An upload whose file is whole already."""

from __future__ import annotations

from imsys.errors import Status
from imsys.resources.transfers import TransferError
from imsys.store.files import File


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
        """All of it."""
        return self.offset

    async def finish(self) -> File:
        """The file."""
        return self.file

    def release(self) -> None:
        """Do nothing."""
