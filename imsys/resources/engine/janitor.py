"""What nobody needs any more is removed, and what nobody finished is finished."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from itertools import islice

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger, LogLevel

from imsys.errors import Refused
from imsys.files.blobs import Blob, file_of
from imsys.protocols.identifiers import encode_id
from imsys.resources.engine.spooled import MADE, remove_spooled
from imsys.resources.engine.storage import Storage
from imsys.resources.engine.upload_manager import UploadManager
from imsys.store.files import File, Purpose, State
from imsys.util.background import run_in_background
from imsys.util.outages import Outage
from imsys.util.tallies import Tally
from imsys.util.two_clocks import TwoClocks

_log = Logger()

INTERVAL = 300.0
"""Seconds between two turns."""

AGE = 3600.0
"""Seconds that something must have been left alone to be looked at.

In the spool also what is older than this process, at once.
"""

EXPIRED = 100
"""Files that are looked for at a time."""

BLOBS = 200
"""Blobs that are looked up at a time."""

LINES = 20
"""Lines of one kind that are written a minute; the others are counted."""

BATCHES = 10
"""Times that many of a turn; the next one goes on there."""


class Janitor(Service):
    """Removes what nobody needs from the database, the spool and the store, in small steps.

    :param server: whose spool this is.
    :param calendar: Unix seconds, as the ages of files are told by.
    :param age: see :data:`AGE`.
    """

    def __init__(
        self,
        clock: IReactorTime,
        server: str,
        storage: Storage,
        uploads: UploadManager,
        calendar: Callable[[], float],
        *,
        age: float = AGE,
    ) -> None:
        self._clock = clock
        self._server = server
        self._storage = storage
        self._uploads = uploads
        self._calendar = calendar
        self._age = age
        self._first = True
        self._started = calendar()
        self._clocks = TwoClocks(clock.seconds)
        self._clocks.set_by(self._started)
        self._patient_until = float("-inf")
        self._stopping = False
        text = "the upload {name} was given up: its time was over, or it was refused"
        self._given_up = Tally(clock, _log, LogLevel.info, text, lines=LINES)
        self._removed = Tally(
            clock, _log, LogLevel.info, "the blob {name} was removed: nothing refers to it", lines=LINES
        )
        self._outage = Outage(clock.seconds, "Tidying up the spool and the store")
        self._blobs: Iterator[Blob] | None = None
        self._call: IDelayedCall | None = None
        self._turning: Deferred[None] | None = None

    def startService(self) -> None:
        """Take the first turn at once."""
        super().startService()
        self._stopping = False
        self._call = self._clock.callLater(0, self._go)

    def stopService(self) -> Deferred[None]:
        """Take no further step; fires when the one that runs has ended."""
        super().stopService()
        self._stopping = True
        if self._call is not None:
            self._call.cancel()
            self._call = None
        self._given_up.stop()
        self._removed.stop()
        return self._turning or succeed(None)

    def _go(self) -> None:
        self._call = None
        done = self._turning = Deferred()

        def ended(_: None) -> None:
            self._turning = None
            if self.running:
                self._call = self._clock.callLater(INTERVAL, self._go)
            done.callback(None)

        run_in_background(self.turn(), _log, "tidying up failed").addCallback(ended)

    async def turn(self) -> None:
        """Take one round of steps. :raises Refused: the database did not answer."""
        try:
            await self._expire()
            if self._clocks.set_by(self._calendar()) > 0:
                # until then something may look older than it is
                self._patient_until = self._clock.seconds() + self._age
            if self._clock.seconds() < self._patient_until:
                return
            await self._look_into_spool()
            for _ in range(BATCHES):
                if self._stopping or not await self._look_into_store():
                    break
        except OSError as error:
            self._blobs = None
            self._outage.failed(str(error))
        else:
            self._outage.works()

    # -- expired

    async def _expire(self) -> None:
        while not self._stopping:
            found = await self._storage.files.expired(self._server, EXPIRED)
            for file_id in found:
                if self._stopping:
                    return
                if await self._uploads.give_up(file_id):
                    self._given_up.add(name=encode_id(file_id))
            if len(found) < EXPIRED:
                break

    # -- the spool

    async def _look_into_spool(self) -> None:
        now = self._calendar()
        before = max(now - self._age, self._started if self._first else 0)
        for name, size in (await self._storage.disk.run(self._spooled, before)).items():
            if self._stopping:
                return
            file_id = file_of(name)
            if file_id is None:
                await self._storage.disk.run(self._remove, name)
            elif file_id not in self._uploads:
                file = await self._storage.files.find(file_id)
                if file is None or file.state is not State.ARRIVING:
                    await self._storage.disk.run(self._remove, name)
                elif file.purpose is Purpose.ORIGINAL:
                    await self._uploads.give_up(file_id)  # its connection is gone, and nobody can go on
                elif size >= file.size and file.purpose is not Purpose.DERIVED:
                    await self._complete(file)
        self._first = False

    def _spooled(self, before: float) -> dict[str, int]:
        """In a thread: list what was not touched since then, with the bytes of its segments."""
        sizes: dict[str, int] = {}
        young = set()
        for path in self._storage.spool.iterdir():
            name = path.name.partition(".")[0].removesuffix(MADE)
            try:
                found = path.lstat()
            except FileNotFoundError:
                continue
            if not stat.S_ISREG(found.st_mode):
                continue  # nothing of ours
            sizes[name] = sizes.get(name, 0) + (found.st_size if path.suffix == ".part" else 0)
            if found.st_mtime > before:
                young.add(name)
        return {name: size for name, size in sizes.items() if name not in young}

    def _remove(self, name: str) -> None:
        """In a thread: remove all files of this name from the spool."""
        file_id = file_of(name)
        if file_id is not None:
            remove_spooled(self._storage.spool, file_id)
        else:
            for path in self._storage.spool.iterdir():
                if path.is_file() and path.name.partition(".")[0].removesuffix(MADE) == name:
                    path.unlink(missing_ok=True)

    async def _complete(self, file: File) -> None:
        try:
            await self._uploads.complete(file)
        except Refused as refused:
            _log.warn(
                "the upload {name} was not finished: {reason}",
                name=encode_id(file.file_id),
                reason=str(refused),
            )
        except Exception:
            _log.failure("the upload {name} was not finished", name=encode_id(file.file_id))

    # -- the store

    async def _look_into_store(self) -> bool:
        """Look at the next few blobs; return whether there are more."""
        if self._blobs is None:
            await self._storage.disk.run(self._storage.store.tidy)
            self._blobs = self._storage.store.blobs()
        found = await self._storage.disk.run(lambda blobs: list(islice(blobs, BLOBS)), self._blobs)
        if len(found) < BLOBS:
            self._blobs = None
        old = [blob.name for blob in found if blob.changed <= self._calendar() - self._age]
        known = await self._storage.files.known_blobs(old) if old else set()
        strange = bool(old) and not known and not await self._storage.files.contents(0, 1)
        if strange:
            _log.error(
                "the store has {count} blobs or more, and the database knows none at all: is it the right one? Nothing is removed",
                count=len(old),
            )
        for name in old:
            if name not in known and not self._stopping:
                await self._orphan(name, remove=not strange)
        return self._blobs is not None

    async def _orphan(self, name: str, *, remove: bool) -> None:
        """Remove a blob that nothing refers to, or finish its file where that can still become whole."""
        file_id = file_of(name)
        file = await self._storage.files.find(file_id) if file_id is not None else None
        if file is not None and file.state is State.ARRIVING:
            if file.server == self._server:
                await self._complete(file)
        elif remove and not await self._storage.files.known_blobs(
            [name]
        ):  # it may have become whole since that was asked; from here on it cannot
            await self._storage.disk.run(self._storage.store.delete, name)
            self._removed.add(name=name)
