"""Files that the server makes of others: thumbnails, posters, avatars in their sizes."""

from __future__ import annotations

import hashlib

from imsys.files.master import Wrapped
from imsys.files.sealing import Seal
from imsys.files.spool import Spool
from imsys.resources.engine.spooled import MADE, blob_name
from imsys.resources.engine.storage import Storage
from imsys.store.files import Content, File, Offer, Purpose, State

_LIFE = 86400.0
"""Seconds after which one is given up that was begun, and not put in its place."""


class DerivedFiles:
    """Puts what was made of a file into the store; all of it may run again after a crash."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def make(self, file: File, data: bytes, mime: str) -> bytes:
        """Keep something small that belongs to a file as a file of its own, and return its identifier."""
        made = derived_id(file.file_id)
        found = await self._storage.files.find(made)
        if found is None:
            wrapped = self._storage.masters.new()
            offer = Offer(
                file_id=made,
                owner=file.owner,
                purpose=Purpose.DERIVED,
                thread_id=0,
                server=file.server,
                filename="",
                size=len(data),
                mime=mime,
                key_id=wrapped.key_id,
                wrapped_key=wrapped.data,
            )
            await self._storage.files.offer(offer, life=_LIFE, quota=0)
            found = await self._storage.files.find(made)
        if found is not None and found.state is State.ARRIVING:
            content = await self._keep(found, data)
            outcome = await self._storage.files.finish(made, content, mime=mime, announce=False)
            if outcome is None or not outcome.taken:
                await self._storage.disk.run(self._storage.store.delete, content.blob)
        return made

    async def replace(self, file: File, data: bytes) -> None:
        """Put other bytes into the store than those that were sent; these stay in the spool."""
        await self._keep(file, data)

    async def _keep(self, file: File, data: bytes) -> Content:
        seal, name = (
            self._storage.masters.seal(Wrapped(file.key_id, file.wrapped_key)),
            blob_name(file.file_id),
        )
        await self._storage.disk.run(self._write, name, seal, data)
        digest = hashlib.sha256(data).digest()
        return Content(0, self._storage.store.name, digest, len(data), name, file.key_id, file.wrapped_key)

    def _write(self, name: str, seal: Seal, data: bytes) -> None:
        spool = Spool(self._storage.spool, name + MADE, seal, len(data))
        spool.discard()
        spool.open()
        if data:
            spool.write([data])
        self._storage.store.keep(spool.close(), name)
        spool.discard()


def derived_id(file_id: bytes) -> bytes:
    """Derive the identifier of what is made of a file: always the same, so that a crash leaves no second one."""
    return hashlib.sha256(b"imsys derived\0" + file_id).digest()[: len(file_id)]
