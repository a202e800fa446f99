"""A stream on its way to the disk: tags of FLV, sealed from the first byte on, and durable a second or two
after they came.

What is on the disk of one recording lies in a folder of its own beside the spool: ``<file id>.json``, which
says what it is and holds its wrapped key, and is there before anything else; and a spool
(:mod:`imsys.files.spool`) of the tags.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Container, Sequence
from pathlib import Path

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.errors import Refused
from imsys.files.master import MasterKeys, Wrapped
from imsys.files.spool import Spool
from imsys.protocols.flv import encode_tag
from imsys.protocols.media import Kind, Media
from imsys.resources.budget import Budget
from imsys.resources.disk import Disk
from imsys.resources.live.broadcast import Broadcast
from imsys.resources.live.cache import describes
from imsys.resources.live.flv_index import is_metadata
from imsys.util.background import run_in_background
from imsys.util.fsync import sync_folder

_log = Logger()

GATHER = 1.0
"""Seconds for which tags gather before they are written and made durable together."""

BATCH = 1 << 20
"""Bytes that are written at once, without gathering any longer."""

PENDING = 1 << 24
"""Bytes of one recording that wait for the disk at most.

With more the disk is too slow, and the recording ends.
"""

ENDLESS = 1 << 50
"""The size that a spool is told where nobody knows it."""

_HALF = 1 << 31


class RecordingInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a recording is; times are Unix seconds."""

    file_id: str
    """In hex, as everywhere on the disk."""
    stream_id: str
    owner: int
    thread_id: int
    title: str
    began: float
    key_id: str
    wrapped_key: bytes


class Kept:
    """What is on the disk of a recording. All of it blocks, and belongs into a thread."""

    def __init__(self, folder: Path, about: RecordingInfo, masters: MasterKeys) -> None:
        """:raises UnknownKey: its master key is not here. :raises Damaged: its key is not what it was."""
        self.about = about
        self._folder = folder
        self._path = folder / f"{about.file_id}.json"
        self.spool = Spool(
            folder, about.file_id, masters.seal(Wrapped(about.key_id, about.wrapped_key)), ENDLESS
        )

    @property
    def file_id(self) -> bytes:
        """That of the file that it becomes."""
        return bytes.fromhex(self.about.file_id)

    def begin(self) -> None:
        """Make it. :raises OSError: the disk does not take it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(self.about))
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self._path)
        sync_folder(self._folder)
        self.spool.open()

    def write(self, blocks: Sequence[bytes]) -> None:
        """Add tags, durably. :raises OSError: the disk did not take them."""
        self.spool.write(blocks)
        self.spool.settle()
        self.spool.hash()  # or it would be kept until there is more

    def discard(self) -> None:
        """Remove it; what says what it is goes last (idempotent)."""
        self.spool.discard()
        self._path.unlink(missing_ok=True)


def kept_in(folder: Path, masters: MasterKeys, keep: Container[str]) -> list[Kept | str]:
    """What there is in the folder, the oldest first; of what cannot be read, why. What belongs to no
    recording is removed. It blocks.

    :param keep: names of recordings that are under way.
    """
    found: list[Kept | str] = []
    known = set()
    for path in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime):
        known.add(path.stem)
        try:
            about = msgspec.json.decode(path.read_bytes(), type=RecordingInfo)
            if about.file_id != path.stem:
                raise ValueError("it is another's")
            found.append(Kept(folder, about, masters))
        except Exception as error:
            found.append(f"{path.name}: {error}")
    for path in folder.iterdir():
        if (name := path.name.partition(".")[0]) not in known and name not in keep:
            path.unlink(missing_ok=True)
    return found


class Tape:
    """An :class:`~imsys.resources.live.players.Encoding` of one recording: tags, from time 0 on, and one
    description.
    """

    def __init__(self) -> None:
        self._base: int | None = None
        self._described = False

    def encode(self, media: Media) -> bytes:
        """A tag; nothing for what has no place in a file."""
        if not media.payload:
            return b""
        if media.kind is Kind.DATA and is_metadata(media.payload):
            if self._described:
                return b""
            self._described = True
        if self._base is None and not describes(media) and media.kind is not Kind.DATA:
            self._base = media.timestamp  # of the first picture or sound: what describes them often says 0
        time = (media.timestamp - self._base) % (2 * _HALF) if self._base is not None else 0
        return encode_tag(dataclasses.replace(media, timestamp=time if time < _HALF else 0))

    def join(self, pieces: Sequence[bytes]) -> bytes:
        """One after the other."""
        return b"".join(pieces)


class Recording:
    """A :class:`~imsys.resources.live.players.Player` that writes what it gets; the stream never waits for
    it.

    :param most: bytes that it may have; what comes later is not recorded.
    :param budget: bytes, of all recordings together, that wait for the disk.
    :param ended: called once, when everything that will be on the disk is there.
    """

    behind = False

    def __init__(
        self,
        clock: IReactorTime,
        disk: Disk,
        kept: Kept,
        broadcast: Broadcast,
        most: int,
        budget: Budget,
        ended: Callable[[Recording], None],
    ) -> None:
        self._clock = clock
        self._disk = disk
        self._broadcast = broadcast
        self._most = most
        self._budget = budget
        self._ended = ended
        self._waiting: list[bytes] = []
        self._pending = 0  # bytes that wait, or are being written
        self._taken = 0  # bytes in all
        self._writing = False
        self._later: IDelayedCall | None = None
        self._over = False
        self._done: Deferred[None] = Deferred()
        self.encoding = Tape()
        self.kept = kept

    def start(self) -> None:
        """Begin; the first thing is to make it on the disk."""
        self._writing = True
        run_in_background(self._begin(), _log, "beginning a recording failed")
        self._broadcast.join(self, watches=False)

    def write(self, data: bytes) -> None:
        """Whole tags."""
        if self._over or not data:
            return
        if self._taken + len(data) > self._most:
            self._stop("it has as many bytes as it may have")
        elif self._pending + len(data) > PENDING or not self._budget.take(len(data)):
            self._stop("the disk is too slow")
        else:
            self._waiting.append(data)
            self._taken += len(data)
            self._pending += len(data)
            if self._pending >= BATCH:
                self._flush()
            elif self._later is None and not self._writing:
                self._later = self._clock.callLater(GATHER, self._flush)

    def over(self, reason: str) -> None:
        """The stream is, here."""
        self._over = True
        self._flush()

    def stop(self) -> Deferred[None]:
        """Record no more; fires when all that came is on the disk, or cannot be."""
        if not self._over:
            self._broadcast.leave(self)
            self.over("")
        return self._done if not self._done.called else succeed(None)

    def _stop(self, reason: str) -> None:
        _log.warn(
            "the recording of {stream} ends before its stream: {reason}",
            stream=self.kept.about.stream_id,
            reason=reason,
        )
        self._over = True
        self._broadcast.leave(self)
        self._flush()

    def _flush(self) -> None:
        if self._later is not None:
            if self._later.active():
                self._later.cancel()
            self._later = None
        if not self._writing:
            self._writing = True
            run_in_background(self._write(), _log, "writing a recording failed")

    async def _begin(self) -> None:
        try:
            await self._disk.run(self.kept.begin)
        except (OSError, Refused) as error:
            self._fail(error)
        await self._write()

    async def _write(self) -> None:
        """What waits, as long as there is enough of it; all of it at the end."""
        while self._waiting:
            blocks, self._waiting = self._waiting, []
            size = sum(map(len, blocks))
            try:
                await self._disk.run(self.kept.write, blocks)
            except (OSError, Refused) as error:
                self._fail(error)
            finally:
                self._pending -= size
                self._budget.give(size)
            if self._pending < BATCH and not self._over:
                break
        self._writing = False
        if self._waiting:
            self._later = self._clock.callLater(GATHER, self._flush)
        elif self._over and not self._done.called:
            self._done.callback(None)
            self._ended(self)

    def _fail(self, error: Exception) -> None:
        """What is durable stays."""
        size = sum(map(len, self._waiting))
        self._waiting = []
        self._pending -= size
        self._budget.give(size)
        if not self._over:
            self._stop(f"the disk did not take it ({error})")
