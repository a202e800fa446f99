"""The parts of an engine, on a folder and a database."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import maybeDeferred

from imsys.config import DatabaseConfig, ResourcesConfig
from imsys.files.blobs import BlobStore, DiskStore, SealedFile
from imsys.files.master import MasterKeys
from imsys.resources.disk import Disk
from imsys.resources.engine.downloads import StoredDownloads
from imsys.resources.engine.finishing import Finishing
from imsys.resources.engine.inspection import FileInspector, Inspection
from imsys.resources.engine.janitor import Janitor
from imsys.resources.engine.storage import Storage
from imsys.resources.engine.studio import Studio
from imsys.resources.engine.upload_manager import UploadManager
from imsys.store import Database
from imsys.store.files import File, FileStore

KEYS = MasterKeys([("k1", bytes(range(32)))])


class Trusting:
    """Believes what the sender says."""

    def inspect(self, file: File, content: SealedFile) -> Inspection:
        """The type that was offered."""
        return Inspection(file.mime or "application/octet-stream")


class Parts:
    """The parts of an engine, which may be stopped and started anew on what it left."""

    def __init__(
        self,
        reactor: Any,
        config: ResourcesConfig,
        database: DatabaseConfig,
        path: Path,
        *,
        clock: Any = None,
        masters: MasterKeys = KEYS,
        inspector: FileInspector | None = None,
        store: BlobStore | None = None,
    ) -> None:
        self.reactor = reactor
        self.clock = clock or reactor
        calendar = clock.seconds if clock is not None else time.time
        self.config = config
        self.spool = path / "spool"
        self.spool.mkdir(parents=True, exist_ok=True)
        self.store = store or DiskStore(config.name, path / "blobs")
        self.store.open()
        self.announced = 0
        self.database = Database(reactor, database)
        self.files = FileStore(self.database, calendar)
        self.disk, self.studio = Disk(reactor, config.disk_workers), Studio(reactor)
        self.storage = storage = Storage(self.files, self.disk, self.spool, self.store, masters)
        finishing = Finishing(storage, self.studio, inspector or Trusting(), self._announce)
        self.uploads = UploadManager(self.clock, config, storage, finishing, calendar)
        self.downloads = StoredDownloads(storage)
        self.janitor = Janitor(self.clock, config.name, storage, self.uploads, calendar, age=0)
        self._running: list[Any] = [self.database, self.disk, self.studio, self.uploads]

    def start(self) -> None:
        """Start every part."""
        for part in self._running:
            part.startService()

    async def stop(self) -> None:
        """Stop every part (idempotent)."""
        running, self._running = self._running, []
        for part in reversed(running):
            await maybeDeferred(part.stopService)

    def _announce(self) -> None:
        self.announced += 1
