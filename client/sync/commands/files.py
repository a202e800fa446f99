"""Files on this disk, and on their way."""

from __future__ import annotations

from pathlib import Path

from client.core.model import Message
from client.sync.parts import Uses


class Files(Uses):
    """A transfer is an upload of mine, or else a download."""

    async def fetch(self, message: Message, *, to: Path | None = None) -> Path:
        """Have a message's file on this disk."""
        return await self.parts.downloads.fetch(message, to)

    async def preview(self, message: Message) -> Path | None:
        """Have the small picture of a message's file on this disk."""
        return await self.parts.pictures.preview(message)

    async def avatar(self, file_id: str) -> Path | None:
        """Have an avatar on this disk."""
        return await self.parts.pictures.avatar(file_id)

    def pause(self, key: str) -> None:
        """Stop a transfer so that it can go on."""
        if not self.parts.uploads.pause(key):
            self.parts.downloads.pause(key)

    def resume(self, key: str) -> None:
        """Go on with it."""
        if not self.parts.uploads.resume(key):
            self.parts.downloads.resume(key)

    async def cancel(self, key: str) -> None:
        """Give it up."""
        if not await self.parts.uploads.cancel(key):
            self.parts.downloads.cancel(key)

    async def discard(self, message: Message) -> None:
        """Remove the copy of a message's file from this disk."""
        await self.parts.cache.discard(message)

    async def cached(self) -> int:
        """Bytes of files, previews and avatars that are kept here and can be had again."""
        return await self.parts.cache.size()

    async def clear_cache(self) -> None:
        """Remove them."""
        await self.parts.cache.clear()
