"""What makes a file whole: it is compared, judged, kept, and only then referred to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from twisted.logger import Logger

from imsys.errors import Refused, Status
from imsys.files.blobs import BlobStore
from imsys.files.master import MasterKeys
from imsys.files.sealing import Damaged
from imsys.resources.disk import Disk
from imsys.resources.engine.faults import not_written
from imsys.resources.engine.judging import Judge, Verdict
from imsys.resources.engine.making import Making
from imsys.resources.engine.spooled import Spooled, blob_name
from imsys.resources.engine.studio import Studio
from imsys.resources.transfers import Misplaced
from imsys.store.files import Content, File, FileStore, Purpose

_log = Logger()

_TOLD = (Purpose.MESSAGE, Purpose.AVATAR)
"""What chat servers have to hear of: a thread gets its message, a profile its picture."""


class Finishing:
    """The steps from the last byte to a file that others can see. Each may be the last before a crash; all of them run again then.

    :param disk: for what is read and written.
    :param studio: where files are judged, which may take long.
    :param announced: called when there is something to be told to a thread.
    """

    def __init__(
        self,
        files: FileStore,
        disk: Disk,
        studio: Studio,
        folder: Path,
        store: BlobStore,
        masters: MasterKeys,
        judge: Judge,
        announced: Callable[[], None],
    ) -> None:
        self._files = files
        self._disk = disk
        self._studio = studio
        self._store = store
        self._judge = judge
        self._announced = announced
        self._making = Making(files, disk, folder, store, masters)

    async def finish(self, file: File, spooled: Spooled) -> File:
        """Make a file whole.

        :raises Misplaced: 69, it is not what was offered, nothing is left of it; 39 or 68, the disk.
        :raises Refused: 65, it was refused for good; 38, it is gone; 14 or 73, not now.
        """
        try:
            return await self._finish(file, spooled)
        except OSError as error:
            _log.error("the upload {name} could not be made whole: {reason}", name=blob_name(file.file_id), reason=str(error))
            raise not_written(error, file.size) from None

    async def _finish(self, file: File, spooled: Spooled) -> File:
        digest = await self._compare(file, spooled)
        verdict = await self._judged(file, spooled)
        thumbnail = None
        if verdict.thumbnail is not None:
            thumbnail = await self._making.make(file, verdict.thumbnail, verdict.thumbnail_mime)
        size = file.size
        if verdict.replacement is None:
            await self._disk.run(spooled.keep)
        else:
            size, digest = len(verdict.replacement), hashlib.sha256(verdict.replacement).digest()
            await self._making.replace(file, verdict.replacement)
        content = Content(0, self._store.name, digest, size, blob_name(file.file_id), file.key_id, file.wrapped_key)
        outcome = await self._files.finish(file.file_id, content, mime=verdict.mime, thumbnail_id=thumbnail, announce=file.purpose in _TOLD)
        if outcome is None:
            self._disk.soon(spooled.discard)
            await self._disk.run(self._store.delete, content.blob)
            raise Refused(Status.FILE_OPEN_ERROR, "This file was given up meanwhile.")
        self._disk.soon(spooled.discard)
        if not outcome.taken:
            self._disk.soon(lambda: self._store.delete(content.blob))
        for freed in outcome.freed:
            if freed.store == self._store.name:
                self._disk.soon(partial(self._store.delete, freed.blob))
        if file.purpose in _TOLD:
            self._announced()
        return outcome.file

    async def _compare(self, file: File, spooled: Spooled) -> bytes:
        try:
            while (digest := await self._disk.run(spooled.digest)) is None:
                pass
        except Damaged as damaged:
            _log.error("the upload {name} is damaged in the spool: {reason}", name=blob_name(file.file_id), reason=str(damaged))
            digest = b""
        if not digest or (file.offered_sha256 is not None and file.offered_sha256 != digest):
            await self._disk.run(spooled.empty)
            raise Misplaced(Status.CHECKSUM_MISMATCH, "The file is not what was offered, and has to be sent anew.", 0)
        return digest

    async def _judged(self, file: File, spooled: Spooled) -> Verdict:
        def look() -> Verdict:
            return self._judge.judge(file, spooled.reader())

        try:
            return await self._studio.run_for(file.owner, look)
        except Damaged:
            await self._disk.run(spooled.empty)
            raise Misplaced(Status.CHECKSUM_MISMATCH, "The file was damaged here, and has to be sent anew.", 0) from None
        except Refused as refused:
            if refused.status is Status.PERMISSION_DENIED:
                await self._files.refuse(file.file_id)
                await self._disk.run(spooled.discard)
            raise
