"""What is kept of an account's files on this disk, within bounds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import apsw
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from client.core.caching import Kept, to_drop
from client.core.model import Message
from client.core.ports import Failure
from client.store import messages
from client.sync.keeping import Keeper
from imsys.sdk import explain

T = TypeVar("T")

SMALL_BOUND = 256 << 20
"""Bytes of previews and avatars."""
LARGE_BOUND = 4 << 30
"""Bytes of files that were fetched and are not saved elsewhere."""
FILES, PREVIEWS, AVATARS = "files", "previews", "avatars"
"""The folders."""


class FileCache:
    """The folders of an account's files, and what messages say of them.

    :param folder: of the account.
    """

    def __init__(self, reactor: Any, keeper: Keeper, folder: Path) -> None:
        self.small_bound, self.large_bound = SMALL_BOUND, LARGE_BOUND
        self._reactor = reactor
        self._keeper = keeper
        self._folder = folder

    def place(self, *names: str) -> Path:
        """A path in it."""
        return self._folder.joinpath(*names)

    def keeps(self, message: Message) -> bool:
        """See :class:`client.core.ports.Reader`."""
        return (
            message.attachment is not None and (self._folder / FILES) in Path(message.attachment.path).parents
        )

    async def discard(self, message: Message) -> None:
        """See :class:`client.core.ports.Commands`."""
        file = message.attachment
        if file is None or not self.keeps(message):
            return
        try:
            await self.threaded(lambda: Path(file.path).unlink(missing_ok=True))
        except OSError as problem:
            raise Failure(explain(problem)) from problem
        await self._forget([file.path])

    async def erase(self, message: Message) -> None:
        """Remove what is kept of a message's file: it, and its small picture. Its message goes as well.

        :raises OSError: that cannot be done.
        """
        file = message.attachment
        paths = [Path(one) for one in (file.path, file.preview) if one] if file is not None else []
        own = [one for one in paths if self._folder in one.parents]

        def unlink() -> None:
            for one in own:
                one.unlink(missing_ok=True)

        await self.threaded(unlink)

    async def size(self) -> int:
        """Bytes of what is kept here and can be had again."""
        return await self.threaded(
            lambda: sum(
                kept.size for name in (FILES, PREVIEWS, AVATARS) for kept in _kept(self._folder / name)
            )
        )

    async def clear(self) -> None:
        """Remove all of it."""
        await self._trim(0, PREVIEWS, AVATARS)
        await self._trim(0, FILES)

    async def bound_large(self, busy: str) -> None:
        """Remove files until they are within their bound, but for the one with an id."""
        await self._trim(self.large_bound, FILES, busy={busy})

    async def bound_small(self, busy: str) -> None:
        """The same of previews and avatars."""
        await self._trim(self.small_bound, PREVIEWS, AVATARS, busy={busy})

    async def remember(
        self,
        message: Message,
        *,
        path: str | None = None,
        preview: str | None = None,
        width: int = 0,
        height: int = 0,
    ) -> None:
        """Remember where something is, and tell."""

        def work(db: apsw.Connection) -> Message | None:
            now = messages.by_key(db, message.conversation, message.key)
            if now is None:
                return None
            changed = messages.with_paths(now, path=path, preview=preview, width=width, height=height)
            messages.put(db, changed)
            return changed

        changed = await self._keeper.write(work)
        if changed is not None:
            self._keeper.teller.message(changed)
            self._keeper.teller.tell()

    def threaded(self, work: Callable[[], T]) -> Deferred[T]:
        """Look at the disk, beside the user interface."""
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work)

    async def _trim(self, bound: int, *kinds: str, busy: set[str] | None = None) -> None:
        def trim() -> list[str]:
            kept = [
                Kept(f"{kind}/{one.name}", one.size, one.used)
                for kind in kinds
                for one in _kept(self._folder / kind)
            ]
            gone = to_drop(kept, bound, {f"{kind}/{name}" for kind in kinds for name in busy or ()})
            paths = []
            for name in gone:
                path = self._folder / name
                paths += [str(one) for one in path.iterdir()] if path.is_dir() else [str(path)]
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
            return paths

        gone = await self.threaded(trim)
        if gone:
            await self._forget(gone)

    async def _forget(self, gone: list[str]) -> None:
        """These files are not there any more: remember it, and tell."""
        lost = set(gone)

        def work(db: apsw.Connection) -> list[Message]:
            changed = [_without(one, lost) for one in messages.at_path(db, gone)]
            for one in changed:
                messages.put(db, one)
            return changed

        for one in await self._keeper.write(work) or ():
            self._keeper.teller.message(one)
        self._keeper.teller.tell()


def _without(message: Message, lost: set[str]) -> Message:
    """A message that does not lead to what is gone."""
    file = message.attachment
    if file is None:
        return message
    return messages.with_paths(
        message, path="" if file.path in lost else None, preview="" if file.preview in lost else None
    )


def _kept(folder: Path) -> list[Kept]:
    """What is in a folder: files, and folders with what is in them."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        inside = [one.stat() for one in path.iterdir()] if path.is_dir() else [path.stat()]
        if inside:
            found.append(
                Kept(path.name, sum(one.st_size for one in inside), max(one.st_mtime for one in inside))
            )
    return found
