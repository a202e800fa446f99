"""How much room a server has for files."""

from __future__ import annotations

from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from imsys.errors import ConfigError, Refused
from imsys.files.blobs import BlobStore
from imsys.resources.disk import Disk
from imsys.util.outages import Outage

_log = Logger()


class Space(Service):
    """Makes the folders of spool and store when privileges have been dropped, and asks for the room there
    every now and then.

    :param interval: seconds between two questions.
    """

    def __init__(
        self, clock: IReactorTime, disk: Disk, spool: Path, store: BlobStore, interval: float
    ) -> None:
        self._disk = disk
        self._spool = spool
        self._store = store
        self._interval = interval
        self._loop = LoopingCall(self._ask)
        self._loop.clock = clock
        self._free: int | None = None
        self._outage = Outage(clock.seconds, "Asking for the free space")

    def free(self) -> int | None:
        """Return the bytes that there is room for; ``None``: there is no bound to speak of."""
        return self._free

    def startService(self) -> None:
        """Make the folders, and begin to ask. :raises ConfigError: they cannot be made."""
        super().startService()
        try:
            self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._store.open()
            self._free = self._store.free()
        except OSError as error:
            raise ConfigError(
                f"[resources] path: {error.filename} cannot be used: {error.strerror}"
            ) from None
        self._loop.start(self._interval, now=False).addErrback(
            lambda reason: _log.failure("the free space is not known any more", reason)
        )

    def stopService(self) -> None:
        """Ask no more."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()

    def _ask(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._measure())

    async def _measure(self) -> None:
        try:
            self._free = await self._disk.run(self._store.free)
        except Refused:
            pass  # the server is shutting down
        except OSError as error:
            self._outage.failed(str(error))
            self._free = 0
        else:
            self._outage.works()
