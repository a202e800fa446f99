"""Maintain the store: find damaged files, remove orphans, rewrap keys, forget lost servers."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from twisted.internet.threads import deferToThreadPool

from imsys.config import Config
from imsys.ctl.status import registered
from imsys.errors import ConfigError, Refused, Status
from imsys.files.blobs import BlobStore, DiskStore, SealedFile, file_of
from imsys.files.configured import blob_store, master_keys, read_master_keys
from imsys.files.master import MasterKeys, UnknownKey, Wrapped
from imsys.files.sealing import Damaged
from imsys.protocols.identifiers import encode_id
from imsys.store import Stores
from imsys.store.database import Database
from imsys.store.file_servers import FileServers
from imsys.store.files import SHARED, Content, Purpose, State
from imsys.store.people import Person

BATCH = 200
"""Rows or blobs processed together."""

AGE = 3600.0
"""Seconds since the last change after which something can be an orphan; younger blobs may belong to
uploads."""

BLOCK = 1 << 20
"""Bytes read at once."""

T = TypeVar("T")


class FileMaintenance:
    """The operator's file commands; ``say`` is called with each output line."""

    def __init__(self, reactor: Any, config: Config, database: Database, say: Callable[[str], None]) -> None:
        self._reactor = reactor
        self._config = config
        self._say = say
        self._stores = Stores.on(database, time.time)
        self.files = self._stores.files
        self._servers = FileServers(database)
        self.quota = config.files.quota

    async def user(self, text: str) -> Person:
        """Find a user by name or uuid. :raises Refused: SEARCHING_USERNAME_NOT_FOUND (21), there is none."""
        if text.isascii() and text.isdecimal() and len(text) < 10:
            found = await self._stores.people.by_uuid([int(text)])
            person = found[0] if found else None
        else:
            person = await self._stores.people.by_name(text)
        if person is None:
            raise Refused(Status.SEARCHING_USERNAME_NOT_FOUND, f"There is no user {text}.")
        return person

    async def delete(self, file_id: bytes) -> None:
        """Delete a file, and its content if no other file has it."""
        freed = await self.files.delete(file_id)
        self._say(f"Deleted {encode_id(file_id)}.")
        store = blob_store(self._config)
        for content in freed:
            if content.store == store.name:
                await self._in_thread(lambda name=content.blob: store.delete(name))  # type: ignore[misc]
            else:
                self._say(
                    f"Its bytes are at {content.store}, which removes them within the hour after it next looks."
                )

    async def verify(self) -> int:
        """Read and verify everything in the store; return 1 if something is damaged."""
        store, masters = blob_store(self._config), master_keys(self._config.files)
        right, size, elsewhere, bad = 0, 0, 0, 0
        async for content in self._contents():
            if content.store != store.name:
                elsewhere += 1
                continue
            wrong = await self._in_thread(lambda content=content: _damage(store, masters, content))  # type: ignore[misc]
            if not wrong:
                right, size = right + 1, size + content.size
                continue
            bad += 1
            files = await self.files.of_content(content.content_id, BATCH)
            names = (
                ", ".join(encode_id(file.file_id) for file in files)
                or f"no file any more (blob {content.blob})"
            )
            self._say(f"Damaged: {names}: {wrong}")
        self._say(
            f"Store {store.name}: {_counted(right, 'content')} intact ({size} bytes), {bad} damaged or missing."
        )
        if elsewhere:
            self._say(f"{elsewhere} more are in other stores: run this on their servers, too.")
        return 1 if bad else 0

    async def collect(self, dry: bool) -> int:
        """Remove unreferenced blobs, and thumbnails of files that are gone."""
        store, done = blob_store(self._config), "Would remove" if dry else "Removed"
        await self._in_thread(store.open)
        count = size = 0
        before = time.time() - AGE
        # a file's thumbnail exists before the file is complete, which may take as long as an upload
        for name in [name async for name in self._lost_pictures(before - self._config.files.expire)]:
            self._say(f"{done} {encode_id(name)}, a picture of a file that is gone.")
            count += 1
            if not dry:
                await self.delete(name)
        blobs = store.blobs()
        while found := await self._in_thread(lambda: list(islice(blobs, BATCH))):
            known = await self.files.known_blobs([blob.name for blob in found])
            for blob in found:
                if blob.name in known or blob.changed > before or await self._needed(blob.name):
                    continue
                if not dry:
                    await self._in_thread(lambda name=blob.name: store.delete(name))  # type: ignore[misc]
                self._say(f"{done} the blob {blob.name}.")
                count, size = count + 1, size + blob.size
        if count:
            self._say(f"{done} {count} orphans, {size} bytes of blobs, from the store {store.name}.")
        else:
            self._say(f"There are no orphans in the store {store.name} that are older than an hour.")
        return 0

    async def rewrap(self) -> int:
        """Wrap all keys under the newest master key; return 1 if some could not be."""
        keys = read_master_keys(self._config.files)
        masters = MasterKeys(keys)
        used: Counter[str] = Counter()
        unknown: Counter[str] = Counter()
        changes: list[tuple[int, str, str, bytes]] = []
        done = 0
        async for content in self._contents():
            try:
                wrapped = masters.rewrap(Wrapped(content.key_id, content.wrapped_key))
            except (UnknownKey, Damaged):
                unknown[content.key_id] += 1
                continue
            used[wrapped.key_id] += 1
            if wrapped.key_id != content.key_id:
                changes.append((content.content_id, content.key_id, wrapped.key_id, wrapped.data))
            if len(changes) >= BATCH:
                await self.files.rewrapped(changes)
                done, changes = done + len(changes), []
        if changes:
            await self.files.rewrapped(changes)
            done += len(changes)
        if done:
            self._say(f"{done} keys of files were wrapped anew under the master key {masters.current}.")
        else:
            self._say(f"No key of a file had to be wrapped anew: the newest master key is {masters.current}.")
        for key_id, count in unknown.items():
            self._say(
                f"{count} could not be: they are under the master key {key_id}, which is not here, or are damaged."
            )
        old = [key_id for key_id, _ in keys if key_id != masters.current and key_id not in unknown]
        under_way = await self._under_way()
        for key_id in old:
            if under_way[key_id]:
                hours = self._config.files.expire / 3600
                self._say(
                    f"{key_id} is needed by {under_way[key_id]} files that are under way, and when they are whole: "
                    f"run this again when they have ended, in {hours:g} hours at the latest."
                )
        if gone := [key_id for key_id in old if not under_way[key_id]]:
            self._say(f"Not needed any more: {', '.join(gone)}.")
        return 1 if unknown else 0

    # -- servers

    async def running(self) -> set[str]:
        """Return the names of the registered resources servers. :raises Refused: balance did not answer."""
        return {
            server.name
            for server in await registered(self._reactor, self._config)
            if server.kind == "resources"
        }

    async def servers(self, running: Collection[str] | None) -> list[Sequence[str]]:
        """Return a row for each server and store that has files.

        :param running: the registered resources servers; ``None``: unknown.
        """
        rows: list[Sequence[str]] = []
        for one in await self._servers.all():
            state = (
                "-"
                if one.name == SHARED
                else "?"
                if running is None
                else "running"
                if one.name in running
                else "away"
            )
            rows.append(
                (one.name, str(one.arriving), str(one.untold), str(one.contents), str(one.size), state)
            )
        return rows

    async def forget(self, server: str, dry: bool) -> int:
        """Remove files that were only at a server that will not come back."""
        held = next((one for one in await self._servers.all() if one.name == server), None)
        if held is None:
            self._say(f"There is nothing of {server}.")
            return 0
        uploads, contents = _counted(held.arriving, "upload"), _counted(held.contents, "content")
        if dry:
            self._say(f"Would remove {uploads}, and the files of {contents} ({held.size} bytes).")
            return 0
        count = 0
        while found := await self._servers.only_at(server, BATCH):
            for file_id in found:
                await self.files.delete(file_id)
            count += len(found)
        self._say(
            f"Removed {_counted(count, 'file')}: {uploads}, and those of {contents} ({held.size} bytes)."
        )
        untold = sum(one.untold for one in await self._servers.all() if one.name == server)
        if untold:
            self._say(
                f"{_counted(untold, 'file')} of its in the store {SHARED} waited to be told: another server does that soon."
            )
        return 0

    # -- walking

    async def _contents(self) -> AsyncIterator[Content]:
        after = 0
        while page := await self.files.contents(after, BATCH):
            for content in page:
                yield content
            after = page[-1].content_id

    async def _under_way(self) -> Counter[str]:
        """Count unfinished uploads by master key."""
        after, found = b"", Counter[str]()
        while page := await self.files.page(after, BATCH):
            found.update(file.key_id for file in page if file.state is State.ARRIVING)
            after = page[-1].file_id
        return found

    async def _lost_pictures(self, before: float) -> AsyncIterator[bytes]:
        after = b""
        while page := await self.files.page(after, BATCH):
            for file in page:
                old = (
                    file.purpose is Purpose.DERIVED
                    and file.state is State.WHOLE
                    and file.created_ms < before * 1000
                )
                if old and await self.files.is_derived_from(file.file_id) is None:
                    yield file.file_id
            after = page[-1].file_id

    async def _needed(self, blob: str) -> bool:
        """Return whether a blob belongs to a file that is about to be completed, or has just been."""
        file_id = file_of(blob)
        file = await self.files.find(file_id) if file_id is not None else None
        return (file is not None and file.state is State.ARRIVING) or bool(
            await self.files.known_blobs([blob])
        )

    async def _in_thread(self, work: Callable[[], T]) -> T:
        result: T = await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work)
        return result


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _damage(store: BlobStore, masters: MasterKeys, content: Content) -> str:
    """Return what is wrong with a content; empty: nothing."""
    try:
        file = SealedFile(
            store, content.blob, masters.seal(Wrapped(content.key_id, content.wrapped_key)), content.size
        )
        digest = hashlib.sha256()
        for block in _blocks(file):
            digest.update(block)
    except FileNotFoundError:
        return "it is not there"
    except OSError as error:
        if not isinstance(store, DiskStore):
            raise  # object storage raises this for every blob when it is down
        return f"it cannot be read: {error.strerror}"
    except (Damaged, UnknownKey, ConfigError) as error:
        return str(error)
    return "" if digest.digest() == content.sha256 else "its sum is another one"


def _blocks(file: SealedFile) -> Iterator[bytes]:
    for offset in range(0, file.size, BLOCK):
        yield file.read(offset, BLOCK)
