"""All recordings of one server: begun with a stream, and made files of its thread when it is over.

A recording goes from the first message of a stream to its end here, over all breaks of its publisher. When
the server was stopped or killed in between, what is durable becomes a file of its own as soon as it is there
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakSet

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.errors import PeerFault, Refused, Status
from imsys.files.names import LONGEST, check_filename
from imsys.files.sealing import SEGMENT, Damaged
from imsys.protocols.identifiers import encode_id, new_file_id
from imsys.resources.budget import Budget
from imsys.resources.engine.storage import Storage
from imsys.resources.live.broadcast import Broadcast
from imsys.resources.live.flv_index import MOST_PREFIX, Tags
from imsys.resources.live.recording import Kept, Recording, RecordingInfo, kept_in
from imsys.resources.transfers import TransferError, Upload, Uploads
from imsys.resources.upload_listener import UploadWaiter
from imsys.store.files import File, Offer, Purpose, State
from imsys.store.live import LiveStream
from imsys.util.background import run_in_background
from imsys.util.events import Event
from imsys.util.outages import Outage

_log = Logger()

MOST_PENDING = 1 << 27
"""Bytes of all recordings together that wait for the disk at most."""

AGAIN = 30.0
"""Seconds after which what could not be made a file is tried again."""

STEP = 16
"""Segments of a recording that are read at a time."""

FLV = "video/x-flv"

_REFUSED = (Status.PERMISSION_DENIED, Status.NOT_FRIENDS, Status.BLOCKED, Status.QUOTA_EXCEEDED)
"""What does not pass by itself (unless it is the disk that is full): the recording is removed."""


@dataclass(frozen=True, slots=True)
class RecordingLimits:
    """Bytes and seconds."""

    most: int
    """Bytes of a recording."""
    life: float
    """Seconds that one may take to become a file."""
    quota: int
    """Bytes that a user's files take at most; 0: no bound."""


class Recordings(Service):
    """Records streams, and makes files of what is recorded.

    :param server: the name of this server.
    :param folder: where recordings lie until they are files; it is made.
    :param storage: of the engine that makes files of them.
    :param calendar: Unix seconds.
    """

    def __init__(
        self,
        clock: IReactorTime,
        server: str,
        folder: Path,
        storage: Storage,
        uploads: Uploads,
        calendar: Callable[[], float],
        limits: RecordingLimits,
    ) -> None:
        self._clock = clock
        self._server = server
        self._folder = folder
        self._disk = storage.disk
        self._masters = storage.masters
        self._files = storage.files
        self._uploads = uploads
        self._calendar = calendar
        self._limits = limits
        self._budget = Budget(MOST_PENDING)
        self._recorded: WeakSet[Broadcast] = WeakSet()
        self._running: dict[str, Recording] = {}
        self._idle = Event(is_set=True)  # no files are being made
        self._again = False
        self._call: IDelayedCall | None = None
        self._outage = Outage(clock.seconds, "Making files of recordings")
        self._complained: set[str] = set()  # what cannot be read, in words or by its identifier

    def __len__(self) -> int:
        return len(self._running)

    def begin(self, stream: LiveStream, broadcast: Broadcast) -> None:
        """Record a stream, unless it is recorded already (or was, and had as many bytes as it may have)."""
        if broadcast in self._recorded or not self.running:
            return
        self._recorded.add(broadcast)
        wrapped = self._masters.new()
        about = RecordingInfo(
            file_id=new_file_id().hex(),
            stream_id=encode_id(stream.stream_id),
            owner=stream.owner,
            thread_id=stream.thread_id,
            title=stream.title,
            began=float(self._calendar()),
            key_id=wrapped.key_id,
            wrapped_key=wrapped.data,
        )
        kept = Kept(self._folder, about, self._masters)
        recording = self._running[about.file_id] = Recording(
            self._clock,
            self._disk,
            kept,
            broadcast,
            self._limits.most - MOST_PREFIX,
            self._budget,
            self._ended,
        )
        recording.start()

    def startService(self) -> None:
        """Make files of what an earlier run has left."""
        super().startService()
        self._wake()

    def stopService(self) -> Deferred[None]:
        """Write what was recorded to the disk.

        It becomes files at the next start, also where that has begun.
        """
        super().stopService()
        if self._call is not None:
            self._call.cancel()
            self._call = None
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await DeferredList([recording.stop() for recording in list(self._running.values())])
        await self._idle.wait()

    def _ended(self, recording: Recording) -> None:
        self._running.pop(recording.kept.about.file_id, None)
        self._wake()

    # -- becoming files

    def _wake(self) -> None:
        if self._call is not None:
            self._call.cancel()
            self._call = None
        if not self.running:
            return
        if not self._idle.is_set:
            self._again = True
            return
        self._again = False
        self._idle.clear()
        run_in_background(self._finish_all(), _log, "making files of recordings failed").addCallback(
            self._finished
        )

    def _finished(self, _: None) -> None:
        self._idle.set()
        if self._again:
            self._wake()

    async def _finish_all(self) -> None:
        """One after the other; what cannot be now is tried again later."""
        left = False
        try:
            found = await self._disk.run(self._look)
            for one in found:
                if not self.running:
                    return
                if isinstance(one, Kept):
                    if one.about.file_id not in self._running and one.about.file_id not in self._complained:
                        left = not await self._finish(one) or left
                elif one not in self._complained:
                    self._complained.add(one)
                    _log.error("a recording cannot be read: {reason}", reason=one)
        except OSError as error:
            left = True
            self._outage.failed(str(error))
        if left and self.running and not self._again:
            self._call = self._clock.callLater(AGAIN, self._wake_later)

    def _wake_later(self) -> None:
        self._call = None
        self._wake()

    def _look(self) -> list[Kept | str]:
        """In a thread."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return kept_in(self._folder, self._masters, keep=self._running)

    async def _finish(self, kept: Kept) -> bool:
        """Make a file of one; ``False``: not now."""
        about = kept.about
        try:
            await self._publish(kept)
        except Refused as refused:
            if refused.status not in _REFUSED or isinstance(refused, TransferError):
                self._outage.failed(f"that of {about.stream_id} has to wait: {refused}")
                return False
            _log.warn(
                "the recording of {stream} is removed: {reason}", stream=about.stream_id, reason=refused
            )
        except OSError as error:
            self._outage.failed(f"that of {about.stream_id} has to wait: {error}")
            return False
        except Damaged as damaged:
            _log.error(
                "the recording of {stream} is damaged, and left where it is: {reason}",
                stream=about.stream_id,
                reason=damaged,
            )
            self._complained.add(about.file_id)
            return True
        except Exception:
            _log.failure("the recording of {stream} has to wait", stream=about.stream_id)
            return False
        if not self.running:
            return False
        await self._disk.run(kept.discard)
        self._outage.works()
        return True

    async def _publish(self, kept: Kept) -> None:
        """Offer it, send it, and have it finished.

        Each step may be the last before a crash, and all of them run again then.
        """
        file = await self._files.find(kept.file_id)
        if file is not None and file.state is State.WHOLE:
            return
        tags = await self._disk.run(self._scan, kept)
        if not tags.kinds:
            _log.info("nothing was recorded of {stream}", stream=kept.about.stream_id)
            return
        prefix = tags.prefix()
        size = len(prefix) + sum(end - start for start, end in _kept_runs(tags))
        if file is not None and file.state is State.REFUSED:
            raise Refused(Status.PERMISSION_DENIED, "It was judged, and refused.")
        if file is not None and file.size != size:  # an upgrade in between may describe it in other words
            await self._uploads.terminate(file.file_id, file.owner)
            file = None
        if file is None:
            await self._files.offer(
                self._offer(kept.about, size), life=self._limits.life, quota=self._limits.quota
            )
        whole = await self._send(kept, tags, prefix)
        if whole is not None:
            _log.info(
                "the recording of {stream} is {name}",
                stream=kept.about.stream_id,
                name=encode_id(whole.file_id),
            )

    def _offer(self, about: RecordingInfo, size: int) -> Offer:
        return Offer(
            file_id=bytes.fromhex(about.file_id),
            owner=about.owner,
            purpose=Purpose.MESSAGE,
            thread_id=about.thread_id,
            server=self._server,
            filename=filename(about.title, about.began),
            size=size,
            mime=FLV,
        )

    def _scan(self, kept: Kept) -> Tags:
        """In a thread: what there is of it. :raises Damaged: it is not what was written."""
        kept.spool.open()
        tags = Tags()
        try:
            for index in range(0, kept.spool.offset // SEGMENT + 1, STEP):
                tags.feed(kept.spool.read(index, STEP))
        except PeerFault as fault:
            raise Damaged(str(fault)) from None
        return tags

    async def _send(self, kept: Kept, tags: Tags, prefix: bytes) -> File | None:
        """The bytes of the file, from wherever an earlier run has left off; ``None``: this server stops."""
        waiter = UploadWaiter()
        upload = await self._uploads.open(kept.file_id, kept.about.owner, waiter)
        try:
            if upload.fed < len(prefix):
                upload.feed(upload.fed, prefix[upload.fed :])
            begin = len(prefix)  # of the run of tags, in the file
            for start, end in _kept_runs(tags):
                while upload.fed < begin + end - start:
                    if not self.running:
                        return None
                    await waiter.room()
                    place = start + upload.fed - begin
                    piece = await self._disk.run(kept.spool.read, place // SEGMENT, STEP)
                    _feed(upload, piece[place % SEGMENT :][: end - place])
                begin += end - start
            return await upload.finish()
        finally:
            upload.release()


def _feed(upload: Upload, data: bytes) -> None:
    if not data:
        raise Damaged("it has become shorter")
    upload.feed(upload.fed, data)


def _kept_runs(tags: Tags) -> Iterator[tuple[int, int]]:
    """Where the tags are that go into the file: all but the description that is replaced."""
    start, end = tags.metadata[:2] if tags.metadata is not None else (0, 0)
    if start:
        yield 0, start
    yield end, tags.end


def filename(title: str, began: float) -> str:
    """What a recording is called: by its title, and when it began (UTC), with nothing in it that no name may
    have.

    :param began: Unix time.
    """
    when = datetime.fromtimestamp(began, UTC).strftime(" %Y-%m-%d %H.%M UTC.flv")
    name = "".join("-" if letter in '/\\:*?"<>|' else letter for letter in title if letter.isprintable())
    while ".." in name:
        name = name.replace("..", ".")
    name = " ".join(name.split()).strip(". ")
    name = name.encode("utf-8", "ignore")[: LONGEST - len(when)].decode("utf-8", "ignore").rstrip()
    return check_filename((name or "Live") + when)
