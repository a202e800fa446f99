"""An engine in the test's process, and connections that hold uploads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from imsys.config import DatabaseConfig, ResourcesConfig
from imsys.errors import Refused
from imsys.protocols.identifiers import new_file_id
from imsys.resources.transfers import Upload
from imsys.store.files import Offer, Purpose
from imsys.store.migrations import migrate
from tests.resources.parts import Parts
from tests.support.children import folder


class Told:
    """An upload's listener, which notes what a connection is told."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def durable(self, offset: int) -> None:
        self._connection.durable.append(offset)

    def hold(self, held: bool) -> None:
        self._connection.held = held
        self._connection.holds += held

    def lost(self, reason: Refused) -> None:
        self._connection.lost.append(reason)


class Connection:
    """One who sends: what it was told of an upload."""

    def __init__(self) -> None:
        self.upload: Any = None
        self.durable: list[int] = []
        self.held = False
        self.holds = 0
        self.lost: list[Refused] = []


class EngineCase(TestCase):
    """A test with an engine."""

    config = ResourcesConfig(disk_workers=3)
    clock: Clock | None = None
    timeout = 60.0

    async def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.folder = folder("engine")
        self.where = DatabaseConfig(engine="sqlite", path=str(self.folder / "imsys.db"))
        await deferToThread(migrate, self.where)
        self.parts = self.start()

    def start(self, config: ResourcesConfig | None = None, **more: Any) -> Parts:
        """Start an engine on what is there; it is stopped after the test."""
        parts = Parts(
            self.reactor, config or self.config, self.where, self.folder / "files", clock=self.clock, **more
        )
        parts.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(parts.stop()))
        return parts

    async def offer(self, size: int, *, user: int = 7, **more: Any) -> bytes:
        """Make a file that is on its way."""
        offer = Offer(
            file_id=new_file_id(),
            owner=user,
            purpose=Purpose.MESSAGE,
            thread_id=0,
            server=self.config.name,
            filename="a.bin",
            size=size,
            mime="text/plain",
        )
        offer = dataclasses.replace(offer, **more)
        await self.parts.files.offer(offer, life=3600, quota=0)
        return offer.file_id

    async def take(self, file_id: bytes, user: int = 7) -> Connection:
        """Have a new connection hold an upload."""
        connection = Connection()
        connection.upload = await self.parts.uploads.open(file_id, user, Told(connection))
        return connection

    async def send(self, data: bytes, step: int = 100_000, **more: Any) -> bytes:
        """Offer, upload and finish a file; its identifier."""
        file_id = await self.offer(len(data), **more)
        connection = await self.take(file_id, more.get("user", 7))
        feed(connection.upload, data, step)
        await connection.upload.finish()
        connection.upload.release()
        return file_id

    async def fetch(self, file_id: bytes, step: int = 200_000) -> bytes:
        """Read a whole file."""
        download = await self.parts.downloads.open(file_id)
        found: list[bytes] = []
        offset = 0
        while part := await download.read(offset, step):
            found.append(part)
            offset += len(part)
        return b"".join(found)

    def spooled(self) -> list[str]:
        """Names in the spool."""
        return sorted(path.name for path in self.parts.spool.iterdir())

    def blobs(self) -> list[str]:
        """Names in the store."""
        return sorted(blob.name for blob in self.parts.store.blobs())

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when a condition holds."""
        while not condition():
            await deferLater(self.reactor, 0.005)

    async def quiet(self) -> None:
        """Return when no thread works."""
        await self.until(lambda: not self.parts.disk.pending)


def feed(upload: Upload, data: bytes, step: int = 100_000) -> None:
    """Feed what is missing of a file."""
    for start in range(upload.fed, len(data), step):
        upload.feed(start, data[start : start + step])
