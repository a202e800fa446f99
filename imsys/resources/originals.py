"""Files of the original upload service, in the store that all doors share."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from imsys.config import FilesConfig
from imsys.errors import Refused
from imsys.protocols.identifiers import new_file_id
from imsys.resources.engine.uploads import Arrivals
from imsys.resources.guarded import Demand
from imsys.resources.transfers import Upload
from imsys.store.files import FileStore, Offer, Purpose
from imsys.util.background import run_in_background

_log = Logger()


class Originals:
    """Offers, keeps and gives up such files; a whole one replaces its user's older one of the same name.

    :param server: name of this server.
    :param demand: see :data:`~imsys.resources.guarded.Demand`.
    """

    def __init__(self, server: str, rules: FilesConfig, files: FileStore, uploads: Arrivals, demand: Demand) -> None:
        self._server = server
        self._files = files
        self._uploads = uploads
        self._demand = demand
        self.rules = rules

    async def begin(self, user: int, filename: str, size: int, lost: Callable[[Refused], None]) -> Upload:
        """A new file of a user. :raises Refused: 39, the disk; 68, disk or quota is full; 73, not now, or too many are on their way."""
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
            return await self._uploads.open(offer.file_id, user, durable=_nothing, hold=_nothing, lost=lost)
        except BaseException:
            self.give_up(offer.file_id)
            raise

    async def keep(self, upload: Upload) -> None:
        """All of it is here, and right: make it whole, in the place of the older one. :raises Refused: as of its finishing."""
        await upload.finish()
        upload.release()

    def give_up(self, file_id: bytes) -> Deferred[None]:
        """Remove what is here of a file, soon; fires when it is gone, and its room is free."""
        return run_in_background(self._uploads.give_up(file_id), _log, "giving an upload up failed")


def _nothing(_: object) -> None:
    """One block is on its way at a time: there is nobody to be told, or held."""
