"""Going live: ffmpeg records and encodes onto a pipe, and what comes from it goes out by our own connection.

So the URL, which is a secret, is neither on a command line nor in the environment of ffmpeg, and the server's
certificate is held against what this account trusts.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from typing import BinaryIO

from twisted.internet.defer import CancelledError, Deferred

from client.core.changes import Signal
from client.video import commands
from client.video.child import Child
from client.video.commands import Input, Quality
from client.video.deadline import Deadline
from client.video.player import Surroundings
from client.video.problems import Problem, VideoError
from imsys.errors import PeerFault
from imsys.protocols.flv import FlvReader
from imsys.protocols.media import Kind, Media
from imsys.sdk.streaming import Purpose, Streaming, StreamLost, StreamRefused, open_stream
from imsys.sdk.trust import Trust

LONGEST = 8 << 20
FIRST_SECONDS = 20.0
"""Seconds in which a source has to give its first picture."""
SILENT_SECONDS = 15.0
"""Seconds after which one that gives nothing has ended."""
_WINDOW = 3.0
"""Seconds that figures are a mean of."""
_HANDED = 64
"""Pieces from ffmpeg that may wait for our thread; then it waits."""


class Phase(enum.Enum):
    """Where a publication stands."""

    STARTING = "starting"
    LIVE = "live"
    ENDED = "ended"
    FAILED = "failed"


class Publication:
    """One stream on its way out.

    :param url: ``publish_url``; it is given to nobody.
    :param preview: is called with all that goes out.
    """

    def __init__(
        self,
        around: Surroundings,
        url: str,
        trust: Trust | None,
        picture: Input,
        sound: Input | None,
        quality: Quality,
        encoder: str,
        preview: Callable[[Media], object],
    ) -> None:
        self.changed: Signal[Publication] = Signal()
        self.phase, self.problem = Phase.STARTING, None
        self.dropped = 0
        """Messages that were not sent because the connection is too slow."""
        self._around, self._url, self._trust = around, url, trust
        self._source = (picture, sound, quality, encoder)
        self._preview = preview
        self._reader = FlvReader(LONGEST)
        self._stream: Streaming | None = None
        self._opening: Deferred[Streaming] | None = None
        self._child: Child | None = None
        self._deadline = Deadline(around.reactor, self._silent)
        self._behind = False
        self._recent: deque[tuple[float, int, bool]] = deque()

    problem: VideoError | None

    async def start(self) -> None:
        """Connect, then record. :raises VideoError: it cannot be done."""
        try:
            program = self._around.program("ffmpeg")
            opening = open_stream(
                self._around.reactor,
                self._url,
                Purpose.PUBLISH,
                lambda _: None,
                self._lost,
                trust=self._trust,
            )
            self._opening = Deferred.fromCoroutine(opening)
            self._stream = await self._opening
        except VideoError as error:
            return self._fail(error)
        except CancelledError:
            return None
        except StreamRefused as error:
            return self._fail(VideoError(Problem.REFUSED, str(error)))
        except (StreamLost, ValueError) as error:
            return self._fail(VideoError(Problem.UNREACHABLE, str(error)))
        except Exception as error:
            return self._fail(VideoError(Problem.UNTRUSTED, type(error).__name__))
        if self.phase is not Phase.STARTING:
            self._stream.close()
            return None
        call = self._around.reactor.callFromThread
        command = commands.capture(program, *self._source)
        self._child = Child(command, call, self._read, self._ended, background=False)
        self._deadline.expect(FIRST_SECONDS)
        self._child.start()
        return None

    def end(self) -> None:
        """It is over."""
        self._leave()
        self._set(Phase.ENDED)

    @property
    def bits(self) -> float:
        """Bits a second that go out."""
        seconds = self._seconds()
        return sum(size for _, size, _ in self._recent) * 8 / seconds if seconds else 0.0

    @property
    def rate(self) -> float:
        """Pictures a second that go out."""
        seconds = self._seconds()
        return sum(picture for _, _, picture in self._recent) / seconds if seconds else 0.0

    def _seconds(self) -> float:
        now = self._around.reactor.seconds()
        while self._recent and self._recent[0][0] < now - _WINDOW:
            self._recent.popleft()
        return min(_WINDOW, now - self._recent[0][0]) if self._recent else 0.0

    # What comes from ffmpeg.

    def _read(self, pipe: BinaryIO) -> None:
        """A thread: pieces are handed over, few at a time."""
        import threading

        room = threading.Semaphore(_HANDED)

        def take(data: bytes) -> None:
            room.release()
            self._data(data)

        child = self._child
        while child is not None and not child.over.is_set() and (data := pipe.read(1 << 16)):
            while not room.acquire(timeout=0.5):
                if child.over.is_set():
                    return
            self._around.reactor.callFromThread(take, data)

    def _data(self, data: bytes) -> None:
        if self._stream is None or self.phase not in (Phase.STARTING, Phase.LIVE):
            return
        self._deadline.expect(SILENT_SECONDS)
        try:
            found = self._reader.receive(data)
        except PeerFault as fault:
            return self._fail(VideoError(Problem.BROKEN_FFMPEG, str(fault)))
        for media in found:
            self._send(media)
        return None

    def _send(self, media: Media) -> None:
        assert self._stream is not None
        picture = media.kind is Kind.VIDEO and media.coded
        self._preview(media)
        if self._behind and media.coded and not media.key:
            self.dropped += 1
            return
        self._behind = not self._stream.send(media)
        if self._behind:
            self.dropped += 1
            return
        self._recent.append((self._around.reactor.seconds(), len(media.payload), picture))
        if picture and self.phase is Phase.STARTING:
            self._set(Phase.LIVE)

    def _ended(self, good: bool, errors: str) -> None:
        if good and self.phase is Phase.LIVE:
            return self.end()  # a film is at its end
        busy = "busy" in errors.lower() or "in use" in errors.lower()
        return self._fail(VideoError(Problem.BUSY_SOURCE if busy else Problem.NO_SOURCE, errors))

    def _lost(self, why: StreamLost) -> None:
        self._fail(VideoError(Problem.REFUSED if isinstance(why, StreamRefused) else Problem.CUT, str(why)))

    # Ends.

    def _silent(self) -> None:
        self._fail(VideoError(Problem.NO_SOURCE, "it gives nothing"))

    def _fail(self, problem: VideoError) -> None:
        if self.phase in (Phase.STARTING, Phase.LIVE):
            self._leave()
            self.problem = problem
            self._set(Phase.FAILED)

    def _leave(self) -> None:
        self._deadline.cancel()
        if self._child is not None:
            self._child.end()
        opening, self._opening = self._opening, None
        if opening is not None and not opening.called:
            opening.cancel()
        if self._stream is not None:
            self._stream.close()

    def _set(self, phase: Phase) -> None:
        if phase is not self.phase:
            self.phase = phase
            self.changed.fire(self)
