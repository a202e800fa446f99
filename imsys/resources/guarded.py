"""Uploads and downloads as the protocols see them: nothing new is begun while it cannot be done.

What is under way goes on as it can.
"""

from __future__ import annotations

from collections.abc import Callable

from imsys.resources.transfers import Download, Downloads, Upload, Uploads
from imsys.resources.upload_listener import UploadListener

Demand = Callable[[], None]
"""Raises :class:`~imsys.errors.Refused`, ``SERVER_BUSY``, where the server cannot do something now."""


def nothing() -> None:
    """Demand nothing."""


class GuardedUploads:
    """The :class:`~imsys.resources.transfers.Uploads` behind a demand."""

    def __init__(self, uploads: Uploads, demand: Demand) -> None:
        self._uploads = uploads
        self._demand = demand

    @property
    def chunk(self) -> int:
        """Bytes of a chunk."""
        return self._uploads.chunk

    @property
    def window(self) -> int:
        """Chunks unacknowledged."""
        return self._uploads.window

    async def open(self, file_id: bytes, user: int, listener: UploadListener) -> Upload:
        """Let a connection hold an upload.

        :raises Refused: ``SERVER_BUSY``, not now; else as what is behind.
        """
        self._demand()
        return await self._uploads.open(file_id, user, listener)

    async def terminate(self, file_id: bytes, user: int) -> None:
        """Give a file up. :raises Refused: ``SERVER_BUSY``, not now; else as what is behind."""
        self._demand()
        await self._uploads.terminate(file_id, user)


class GuardedDownloads:
    """The :class:`~imsys.resources.transfers.Downloads` behind a demand."""

    def __init__(self, downloads: Downloads, demand: Demand) -> None:
        self._downloads = downloads
        self._demand = demand

    async def open(self, file_id: bytes) -> Download:
        """Open a file to read. :raises Refused: ``SERVER_BUSY``, not now; else as what is behind."""
        self._demand()
        return await self._downloads.open(file_id)
