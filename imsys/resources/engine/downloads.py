"""Reading whole files."""

from __future__ import annotations

from twisted.logger import Logger

from imsys.errors import Refused, Status
from imsys.files.blobs import SealedFile
from imsys.files.master import UnknownKey, Wrapped
from imsys.files.sealing import Damaged
from imsys.resources.disk import Disk
from imsys.resources.engine.storage import Storage
from imsys.resources.transfers import READ
from imsys.store.files import Content, File, State

_log = Logger()


class StoredDownload:
    """A :class:`~imsys.resources.transfers.Download`."""

    def __init__(self, file: File, content: Content, sealed: SealedFile, disk: Disk) -> None:
        self.file = file
        self.content = content
        self._sealed = sealed
        self._disk = disk

    async def read(self, offset: int, length: int) -> bytes:
        """Read bytes from anywhere.

        :raises Refused: ``FILE_WRITE_ERROR``, the store does not give them as they were.
        """
        try:
            return await self._disk.run(self._sealed.read, offset, min(length, READ))
        except (Damaged, OSError) as error:
            _log.error(
                "the file {blob} of store {store} cannot be read: {reason}",
                blob=self.content.blob,
                store=self.content.store,
                reason=str(error),
            )
            raise Refused(Status.FILE_WRITE_ERROR, "The store does not give the file as it was.") from None


class StoredDownloads:
    """The :class:`~imsys.resources.transfers.Downloads` of one store."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def open(self, file_id: bytes) -> StoredDownload:
        """Open a file.

        :raises Refused: ``FILE_OPEN_ERROR``, there is none here; ``FILE_WRITE_ERROR``, its key is not.
        """
        file = await self._storage.files.find(file_id)
        content = None if file is None or file.state is not State.WHOLE else file.content
        if file is None or content is None or content.store != self._storage.store.name:
            raise Refused(Status.FILE_OPEN_ERROR, "There is no such file here.")
        try:
            seal = self._storage.masters.seal(Wrapped(content.key_id, content.wrapped_key))
        except (UnknownKey, Damaged) as error:
            _log.error(
                "the file {blob} of store {store} cannot be opened: {reason}",
                blob=content.blob,
                store=content.store,
                reason=str(error),
            )
            raise Refused(Status.FILE_WRITE_ERROR, "The key of this file is not here.") from None
        return StoredDownload(
            file,
            content,
            SealedFile(self._storage.store, content.blob, seal, content.size),
            self._storage.disk,
        )
