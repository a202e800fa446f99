"""Files, previews and avatars on this disk: fetched once, kept within bounds."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore
from twisted.internet.threads import deferToThreadPool

from client.core.caching import Kept, to_drop
from client.core.filenames import safe_name
from client.core.model import Kind, Message, Stage, Transfer
from client.core.ports import Failure, GivenUp
from client.store import messages
from client.sync.convert import STAGES
from client.sync.keeping import Keeper
from client.sync.known import Known
from client.sync.speed import Speed
from client.sync.uploads import picture_size
from imsys import sdk
from imsys.sdk import Client, Progress, Refused, explain

T = TypeVar("T")

SMALL_BOUND = 256 << 20
"""Bytes of previews and avatars."""
LARGE_BOUND = 4 << 30
"""Bytes of files that were fetched and are not saved elsewhere."""
SMALL_AT_ONCE = 4
TRIM_EVERY = 32
"""Small pictures that come between two times that the bound is looked at."""
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


class _Fetching:
    """One file that comes, for one or more who wait."""

    def __init__(self) -> None:
        self.transfer: sdk.Transfer[sdk.Received] | None = None
        self.paused = False
        self.cancelled = False
        self.waiting: list[Deferred[Path]] = []
        self.go: Deferred[None] | None = None


class Downloads:
    """The files of others on this disk.

    :param folder: of the account; ``files``, ``previews`` and ``avatars`` are in it.
    """

    def __init__(self, reactor: Any, client: Client, known: Known, keeper: Keeper, folder: Path) -> None:
        self.small_bound, self.large_bound = SMALL_BOUND, LARGE_BOUND
        self._reactor = reactor
        self._client = client
        self._known = known
        self._keeper = keeper
        self._folder = folder
        self._fetched = 0
        self._fetching: dict[str, _Fetching] = {}
        self._small: dict[str, list[Deferred[Path | None]]] = {}
        self._turns = DeferredSemaphore(SMALL_AT_ONCE)

    async def fetch(self, message: Message, to: Path | None) -> Path:
        """See :class:`client.core.ports.Commands`."""
        file = message.attachment
        if file is None:
            raise Failure("This message has no file.")
        there = Path(file.path) if file.path else None
        if there is None or not await self._threaded(there.is_file):
            there = await self._whole(message)
        if to is None:
            return there
        try:
            return await self._threaded(lambda: _copy(there, to))
        except OSError as problem:
            raise Failure(explain(problem)) from problem

    async def preview(self, message: Message) -> Path | None:
        """See :class:`client.core.ports.Commands`."""
        file = message.attachment
        if file is None:
            return None
        known = [Path(one) for one in (file.preview, file.path if message.kind is Kind.IMAGE else "") if one]
        there = await self._threaded(lambda: [path for path in known if path.is_file()])
        if there:
            return there[0]
        if not file.thumbnail:
            return None
        path = await self._little("previews", file.file_id)
        if path is not None and not file.width:
            width, height = await self._threaded(lambda: picture_size(path))
            await self._at(message, preview=str(path), width=width, height=height)
        return path

    async def avatar(self, file_id: str) -> Path | None:
        """See :class:`client.core.ports.Commands`."""
        return await self._little("avatars", file_id) if file_id else None

    def pause(self, key: str) -> None:
        """Stop one for now."""
        fetching = self._fetching.get(key)
        if fetching is not None:
            fetching.paused = True
            if fetching.transfer is not None:
                fetching.transfer.cancel()

    def resume(self, key: str) -> None:
        """Go on."""
        fetching = self._fetching.get(key)
        if fetching is not None:
            fetching.paused = False
            go, fetching.go = fetching.go, None
            if go is not None:
                go.callback(None)

    def cancel(self, key: str) -> None:
        """Give one up."""
        fetching = self._fetching.get(key)
        if fetching is not None:
            fetching.cancelled = True
            if fetching.transfer is not None:
                fetching.transfer.cancel()
            self.resume(key)
        failed = self._known.moving.pop(key, None)
        if fetching is None and failed is not None:
            self._known.changes.transfer.fire(replace(failed, stage=Stage.CANCELLED, done=0, problem=""))

    def keeps(self, message: Message) -> bool:
        """See :class:`client.core.ports.Reader`."""
        return (
            message.attachment is not None
            and (self._folder / "files") in Path(message.attachment.path).parents
        )

    async def discard(self, message: Message) -> None:
        """See :class:`client.core.ports.Commands`."""
        file = message.attachment
        if file is None or not self.keeps(message):
            return
        try:
            await self._threaded(lambda: Path(file.path).unlink(missing_ok=True))
        except OSError as problem:
            raise Failure(explain(problem)) from problem
        await self._forget([file.path])

    async def size(self) -> int:
        """Bytes of what is kept here and can be had again."""
        return await self._threaded(
            lambda: sum(
                kept.size for name in ("files", "previews", "avatars") for kept in _kept(self._folder / name)
            )
        )

    async def clear(self) -> None:
        """Remove all of it."""
        await self._trim(0, "previews", "avatars")
        await self._trim(0, "files")

    # whole files

    async def _whole(self, message: Message) -> Path:
        waiting: Deferred[Path] = Deferred()
        fetching = self._fetching.get(message.key)
        if fetching is None:
            fetching = self._fetching[message.key] = _Fetching()
            Deferred.fromCoroutine(self._get(message, fetching)).addBoth(self._got, message.key, fetching)
        fetching.waiting.append(waiting)
        return await waiting

    def _got(self, result: Any, key: str, fetching: _Fetching) -> None:
        self._fetching.pop(key, None)
        for one in fetching.waiting:
            if not one.called:
                one.callback(result)

    async def _get(self, message: Message, fetching: _Fetching) -> Path:
        file = message.attachment
        assert file is not None
        if not _ID.fullmatch(file.file_id):
            raise Failure("This file is not there yet.")
        target = self._folder / "files" / file.file_id / safe_name(file.filename)
        speed = Speed(self._reactor.seconds)

        def tell(stage: Stage, done: int, problem: str = "") -> None:
            before = self._known.moving.get(message.key)
            rate = speed.at(done) if stage is Stage.MOVING else 0.0
            moving = Transfer(
                message.key, message.conversation, file.filename, False, file.size, done, stage, rate, problem
            )
            self._known.moving[message.key] = moving
            if speed.due(before is None or before.stage is not stage):
                self._known.changes.transfer.fire(moving)

        def progress(one: Progress) -> None:
            if not fetching.paused and not fetching.cancelled:
                tell(STAGES[one.stage], one.done, "" if one.problem is None else explain(one.problem))

        try:
            await self._threaded(lambda: target.parent.mkdir(mode=0o700, parents=True, exist_ok=True))
            while True:
                fetching.transfer = self._client.transfers.download(file.file_id, target, overwrite=True)
                fetching.transfer.on_progress.subscribe(progress)
                try:
                    received = await fetching.transfer.result()
                    break
                except CancelledError:
                    if fetching.cancelled or not fetching.paused:
                        raise
                tell(Stage.PAUSED, fetching.transfer.progress.done)
                fetching.go = Deferred()
                await fetching.go
                if fetching.cancelled:
                    raise CancelledError
        except CancelledError:
            tell(Stage.CANCELLED, 0)
            self._known.moving.pop(message.key, None)
            raise GivenUp("It was given up.") from None
        except (Refused, OSError) as problem:
            tell(Stage.FAILED, 0, explain(problem))
            raise Failure(explain(problem)) from problem
        tell(Stage.DONE, received.size)
        self._known.moving.pop(message.key, None)
        await self._at(message, path=str(received.path))
        await self._trim(self.large_bound, "files", busy={file.file_id})
        return received.path

    async def _at(
        self,
        message: Message,
        *,
        path: str | None = None,
        preview: str | None = None,
        width: int = 0,
        height: int = 0,
    ) -> None:
        """Remember where something is, and tell."""

        def work(db: Any) -> Message | None:
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

    # small pictures

    async def _little(self, kind: str, file_id: str) -> Path | None:
        if not _ID.fullmatch(file_id):
            return None
        path = self._folder / kind / file_id
        if await self._threaded(lambda: _touched(path)):
            return path
        name = f"{kind}/{file_id}"
        waiting: Deferred[Path | None] = Deferred()
        if name in self._small:
            self._small[name].append(waiting)
            return await waiting
        self._small[name] = [waiting]
        self._turns.run(lambda: Deferred.fromCoroutine(self._get_little(path, file_id))).addErrback(
            lambda _: None
        ).addCallback(self._have, name)
        return await waiting

    def _have(self, path: Path | None, name: str) -> None:
        for one in self._small.pop(name, []):
            one.callback(path)

    async def _get_little(self, path: Path, file_id: str) -> Path | None:
        await self._threaded(lambda: path.parent.mkdir(mode=0o700, parents=True, exist_ok=True))
        for thumbnail in (True, False) if path.parent.name == "avatars" else (True,):
            try:
                await self._client.transfers.download(
                    file_id, path, overwrite=True, thumbnail=thumbnail
                ).result()
            except (Refused, OSError):
                continue
            self._fetched += 1
            if self._fetched % TRIM_EVERY == 1:
                await self._trim(self.small_bound, "previews", "avatars", busy={file_id})
            return path
        return None

    # bounds

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

        gone = await self._threaded(trim)
        if gone:
            await self._forget(gone)

    async def _forget(self, gone: list[str]) -> None:
        """These files are not there any more: remember it, and tell."""
        lost = set(gone)

        def work(db: Any) -> list[Message]:
            changed = [_without(one, lost) for one in messages.at_path(db, gone)]
            for one in changed:
                messages.put(db, one)
            return changed

        for one in await self._keeper.write(work) or ():
            self._keeper.teller.message(one)
        self._keeper.teller.tell()

    def _threaded(self, work: Callable[[], T]) -> Deferred[T]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work)


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


def _touched(path: Path) -> bool:
    """Whether a file is there; it was used just now."""
    try:
        os.utime(path)
    except OSError:
        return False
    return True


def _copy(path: Path, to: Path) -> Path:
    """Copy a file whole or not at all."""
    part = to.with_name(f".{to.name[:100]}.{os.urandom(4).hex()}")
    try:
        shutil.copyfile(path, part)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    return to
