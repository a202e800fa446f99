"""What makes a file whole: it is compared, inspected, kept, and only then referred to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

from twisted.logger import Logger

from imsys.errors import Refused, Status
from imsys.files.sealing import Damaged
from imsys.resources.engine.derived_files import DerivedFiles
from imsys.resources.engine.faults import not_written
from imsys.resources.engine.inspection import FileInspector, Inspection
from imsys.resources.engine.spooled import Spooled, blob_name
from imsys.resources.engine.storage import Storage
from imsys.resources.engine.studio import Studio
from imsys.resources.transfers import TransferError
from imsys.store.files import Content, File, Purpose

_log = Logger()

_TOLD = (Purpose.MESSAGE, Purpose.AVATAR)
"""What chat servers have to hear of: a thread gets its message, a profile its picture."""


class Finishing:
    """Takes the steps from the last byte to a file that others can see. Each may be the last before a crash;
    all of them run again then.

    :param studio: where files are inspected, which may take long.
    :param announced: called when there is something to be told to a thread.
    """

    def __init__(
        self, storage: Storage, studio: Studio, inspector: FileInspector, announced: Callable[[], None]
    ) -> None:
        self._storage = storage
        self._studio = studio
        self._inspector = inspector
        self._announced = announced
        self._derived = DerivedFiles(storage)

    async def finish(self, file: File, spooled: Spooled, md5: str = "") -> File:
        """Make a file whole.

        :param md5: what its MD5 is to be, in hex; empty: any.
        :raises TransferError: ``CHECKSUM_MISMATCH``, it is not what was offered, and nothing is left of it;
            ``FILE_WRITE_ERROR`` or ``QUOTA_EXCEEDED``, the disk did not take it.
        :raises Refused: ``PERMISSION_DENIED``, it was refused for good; ``FILE_OPEN_ERROR``, it is gone;
            ``MYSQL_INTERNAL_ERROR`` or ``SERVER_BUSY``, not now.
        """
        try:
            return await self._finish(file, spooled, md5)
        except OSError as error:
            _log.error(
                "the upload {name} could not be made whole: {reason}",
                name=blob_name(file.file_id),
                reason=str(error),
            )
            raise not_written(error, file.size) from None

    async def _finish(self, file: File, spooled: Spooled, md5: str) -> File:
        digest = await self._compare(file, spooled, md5)
        found = await self._inspect(file, spooled)
        thumbnail = None
        if found.thumbnail is not None:
            thumbnail = await self._derived.make(file, found.thumbnail, found.thumbnail_mime)
        size = file.size
        if found.replacement is None:
            await self._storage.disk.run(spooled.keep)
        else:
            size, digest = len(found.replacement), hashlib.sha256(found.replacement).digest()
            await self._derived.replace(file, found.replacement)
        content = Content(
            0, self._storage.store.name, digest, size, blob_name(file.file_id), file.key_id, file.wrapped_key
        )
        announce = file.purpose in _TOLD
        outcome = await self._storage.files.finish(
            file.file_id, content, mime=found.mime, thumbnail_id=thumbnail, announce=announce
        )
        if outcome is None:
            self._storage.disk.soon(spooled.discard)
            await self._storage.disk.run(self._storage.store.delete, content.blob)
            raise Refused(Status.FILE_OPEN_ERROR, "This file was given up meanwhile.")
        self._storage.disk.soon(spooled.discard)
        if not outcome.taken:
            self._storage.disk.soon(lambda: self._storage.store.delete(content.blob))
        for freed in outcome.freed:
            if freed.store == self._storage.store.name:
                self._storage.disk.soon(partial(self._storage.store.delete, freed.blob))
        if announce:
            self._announced()
        return outcome.file

    async def _compare(self, file: File, spooled: Spooled, md5: str) -> bytes:
        try:
            while (digest := await self._storage.disk.run(spooled.digest)) is None:
                pass
        except Damaged as damaged:
            _log.error(
                "the upload {name} is damaged in the spool: {reason}",
                name=blob_name(file.file_id),
                reason=str(damaged),
            )
            digest = b""
        offered = file.offered_sha256
        if not digest or (offered is not None and offered != digest) or (md5 and md5 != spooled.md5):
            await self._storage.disk.run(spooled.empty)
            raise TransferError(
                Status.CHECKSUM_MISMATCH, "The file is not what was offered, and has to be sent anew.", 0
            )
        return digest

    async def _inspect(self, file: File, spooled: Spooled) -> Inspection:
        def look() -> Inspection:
            return self._inspector.inspect(file, spooled.reader())

        try:
            return await self._studio.run_for(file.owner, look)
        except Damaged:
            await self._storage.disk.run(spooled.empty)
            raise TransferError(
                Status.CHECKSUM_MISMATCH, "The file was damaged here, and has to be sent anew.", 0
            ) from None
        except Refused as refused:
            if refused.status is Status.PERMISSION_DENIED:
                await self._storage.files.refuse(file.file_id)
                await self._storage.disk.run(spooled.discard)
            raise
