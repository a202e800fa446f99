"""Files of the original upload service, in the store that all protocols share."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from imsys.config import FilesConfig
from imsys.errors import Refused
from imsys.protocols.identifiers import new_file_id
from imsys.resources.engine.upload_manager import UploadManager
from imsys.resources.guarded import Demand
from imsys.resources.transfers import Upload
from imsys.resources.upload_listener import UploadWaiter
from imsys.store.files import FileStore, Offer, Purpose
from imsys.util.background import run_in_background

_log = Logger()


class LegacyUploads:
    """Offers, keeps and gives up files of the original service; a whole one replaces its user's older one of
    the same name.

    :param server: name of this server.
    :param demand: see :data:`~imsys.resources.guarded.Demand`.
    """

    def __init__(
        self, server: str, rules: FilesConfig, files: FileStore, uploads: UploadManager, demand: Demand
    ) -> None:
        self._server = server
        self._files = files
        self._uploads = uploads
        self._demand = demand
        self.rules = rules

    async def begin(self, user: int, filename: str, size: int, lost: Callable[[Refused], None]) -> Upload:
        """Offer a new file of a user, and open it.

        :raises Refused: ``FILE_WRITE_ERROR``, the disk does not take it; ``QUOTA_EXCEEDED``, disk or quota is
            full; ``SERVER_BUSY``, not now, or too many are on their way.
        """
        self._demand()
        offer = Offer(
            file_id=new_file_id(),
            owner=user,
            purpose=Purpose.ORIGINAL,
            thread_id=0,
            server=self._server,
            filename=filename,
            size=size,
            mime="application/octet-stream",
        )
        await self._files.offer(offer, life=self.rules.expire, quota=self.rules.quota, most=self.rules.offers)
        try:
            return await self._uploads.open(offer.file_id, user, UploadWaiter(lost))
        except BaseException:
            self.give_up(offer.file_id)
            raise

    async def keep(self, upload: Upload, md5: str) -> None:
        """Make a file whole that is all here, in the place of the older one, if it has this MD5.

        :raises Refused: as of its finishing.
        """
        await upload.finish(md5)
        upload.release()

    def give_up(self, file_id: bytes) -> Deferred[None]:
        """Remove what is here of a file, soon; fires when it is gone, and its room is free."""
        return run_in_background(self._uploads.give_up(file_id), _log, "giving an upload up failed")
