"""Previews and avatars on this disk."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.defer import Deferred, DeferredSemaphore

from client.core.model import Kind, Message
from client.sync.attachments import picture_size
from client.sync.file_cache import AVATARS, PREVIEWS, FileCache
from client.sync.file_ids import is_file_id
from imsys.sdk import Client, Refused

AT_ONCE = 4
TRIM_EVERY = 32
"""Small pictures that come between two times that the bound is looked at."""


class SmallPictures:
    """Fetches each once, a few at a time, and none that cannot be had."""

    def __init__(self, client: Client, cache: FileCache) -> None:
        self._client = client
        self._cache = cache
        self._fetched = 0
        self._waiting: dict[str, list[Deferred[Path | None]]] = {}
        self._turns = DeferredSemaphore(AT_ONCE)

    async def preview(self, message: Message) -> Path | None:
        """See :class:`client.core.ports.Commands`."""
        file = message.attachment
        if file is None:
            return None
        known = [Path(one) for one in (file.preview, file.path if message.kind is Kind.IMAGE else "") if one]
        there = await self._cache.threaded(lambda: [path for path in known if path.is_file()])
        if there:
            return there[0]
        if not file.thumbnail:
            return None
        path = await self._little(PREVIEWS, file.file_id)
        if path is not None and not file.width:
            width, height = await self._cache.threaded(lambda: picture_size(path))
            await self._cache.remember(message, preview=str(path), width=width, height=height)
        return path

    async def avatar(self, file_id: str) -> Path | None:
        """See :class:`client.core.ports.Commands`."""
        return await self._little(AVATARS, file_id) if file_id else None

    async def _little(self, kind: str, file_id: str) -> Path | None:
        if not is_file_id(file_id):
            return None
        path = self._cache.place(kind, file_id)
        if await self._cache.threaded(lambda: _touched(path)):
            return path
        name = f"{kind}/{file_id}"
        waiting: Deferred[Path | None] = Deferred()
        if name in self._waiting:
            self._waiting[name].append(waiting)
            return await waiting
        self._waiting[name] = [waiting]
        self._turns.run(lambda: Deferred.fromCoroutine(self._get_little(path, file_id))).addErrback(
            lambda _: None
        ).addCallback(self._have, name)
        return await waiting

    def _have(self, path: Path | None, name: str) -> None:
        for one in self._waiting.pop(name, []):
            one.callback(path)

    async def _get_little(self, path: Path, file_id: str) -> Path | None:
        await self._cache.threaded(lambda: path.parent.mkdir(mode=0o700, parents=True, exist_ok=True))
        for thumbnail in (True, False) if path.parent.name == AVATARS else (True,):
            try:
                await self._client.transfers.download(
                    file_id, path, overwrite=True, thumbnail=thumbnail
                ).result()
            except (Refused, OSError):
                continue
            self._fetched += 1
            if self._fetched % TRIM_EVERY == 1:
                await self._cache.bound_small(file_id)
            return path
        return None


def _touched(path: Path) -> bool:
    """Whether a file is there; it was used just now."""
    try:
        os.utime(path)
    except OSError:
        return False
    return True
