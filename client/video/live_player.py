"""A live stream: messages of audio and video come in, and what can be shown in time is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from client.video import film
from client.video.child import Child, collect
from client.video.clock import LiveClock
from client.video.commands import FLV, Pixels, probe
from client.video.film import Film
from client.video.frames import Frame
from client.video.player import Player, State, Surroundings
from client.video.problems import Problem, VideoError
from client.video.timeline import Timeline
from imsys.protocols import flv
from imsys.protocols.media import Kind, Media, packet

PICTURES_LEAST, SOUND_LEAST = 6, 1
"""So many pictures are looked at before it is decided how to show them,"""
GATHER_SECONDS = 0.6
"""or those of so many seconds."""
HELD_MOST = 16 << 20
"""Bytes that are held meanwhile."""
AGAIN_MOST, SHOWN_LEAST = 4, 30
"""So often it is begun anew with fewer pictures shown than these."""
PROBE_SECONDS, FIRST_SECONDS = 10.0, 20.0
_OLD = {b"hvc1", b"av01", b"vp09", b"hev1", b"vvc1"}
"""FourCCs of enhanced RTMP, which ffmpeg reads since 6.1."""


@dataclass(slots=True)
class _Feed:
    """One child, and whether it has to be given a key frame next."""

    child: Child
    kind: Kind
    waits: bool = False

    def give(self, media: Media) -> bool:
        """Let it have this; false: it does not keep up."""
        if self.waits and not (media.header or media.key or self.kind is Kind.AUDIO):
            return False
        self.waits = not self.child.feed(flv.encode_tag(media))
        return not self.waits


class LivePlayer(Player):
    """Shows what :meth:`receive` is given.

    It begins with the first key frame, and anew where the codec changes.
    """

    def __init__(self, around: Surroundings, pixels: Pixels) -> None:
        super().__init__(around, pixels)
        self.clock = LiveClock()
        self.skipped = 0
        """Messages that ffmpeg was too slow for."""
        self._timeline = Timeline()
        self._headers: dict[Kind, Media] = {}
        self._held: list[Media] = []
        self._held_bytes = 0
        self._asked = False
        self._feeds: dict[Kind, _Feed] = {}
        self._again = self._shown_before = 0

    @property
    def begun(self) -> bool:
        """Whether something has been shown."""
        return self.counts.shown > 0

    def behind(self) -> float:
        """Seconds from the newest picture of the server to the one that is shown."""
        return self.clock.behind

    def position(self, now: float) -> float:
        """The time of what is due."""
        return self.clock.position(now)

    def receive(self, media: Media) -> None:
        """A message of the stream."""
        if self._closed or self.state is State.FAILED or media.kind is Kind.DATA:
            return None
        if media.header:
            return self._header(media)
        if not media.coded:
            return None
        time = self._timeline.place(media.timestamp)
        if media.kind is Kind.VIDEO:
            self.clock.came(time / 1000, self.now)
        media = replace(media, timestamp=time)
        if self._feeds:
            feed = self._feeds.get(media.kind)
            if feed is not None and not feed.give(media):
                self.skipped += 1
            return None
        return self._hold(media)

    def set_pixels(self, pixels: Pixels) -> None:
        """Pictures are wanted otherwise: from the next key frame on."""
        self.pixels = pixels
        self._anew()

    # Before it begins.

    def _header(self, media: Media) -> None:
        before = self._headers.get(media.kind)
        self._headers[media.kind] = replace(media, timestamp=0)
        if before is None or before.payload == media.payload:
            return
        if self._feeds or self._held:
            self._anew()

    def _anew(self) -> None:
        """Begin with the next key frame; a stream that wants that again and again is none."""
        if self._feeds:
            self._again = 0 if self.counts.shown - self._shown_before >= SHOWN_LEAST else self._again + 1
            self._shown_before = self.counts.shown
            if self._again > AGAIN_MOST:
                return self._fail(VideoError(Problem.UNREADABLE, "it cannot be decoded for long"))
        self._stop()
        self._feeds.clear()
        self._held.clear()
        self._held_bytes, self._asked = 0, False
        if self.state is not State.FAILED:
            self._set(State.OPENING)
        return None

    def _hold(self, media: Media) -> None:
        if not self._held and not media.key:
            return
        self._held.append(media)
        self._held_bytes += len(media.payload)
        if self._held_bytes > HELD_MOST:
            return self._anew()
        if self._asked:
            return None
        if sum(one.kind is Kind.VIDEO for one in self._held) >= PICTURES_LEAST:
            return self._ask()
        if len(self._held) == 1:
            self._expect(GATHER_SECONDS, self._ask)
        return None

    def _data(self, kind: Kind, media: list[Media]) -> bytes:
        """An FLV of one kind, of messages from the first key frame on."""
        head = [self._headers[kind]] if kind in self._headers else []
        tags = [flv.encode_tag(one) for one in (*head, *media) if one.kind is kind]
        return flv.header({kind}) + b"".join(tags)

    def _ask(self) -> None:
        """What is it?"""
        self._asked = True
        self._met()
        try:
            command = probe(self.around.program("ffprobe"), FLV)
        except VideoError as error:
            return self._fail(error)
        child = collect(
            command,
            self.around.reactor.callFromThread,
            self._later(self._probed),
            feed=self._data(Kind.VIDEO, self._held),
        )
        self._children.append(child)
        return self._expect(PROBE_SECONDS, self._late)

    def _probed(self, good: bool, text: bytes, errors: str) -> None:
        self._met()
        try:
            found = film.read(text, errors)
            self._begin(
                replace(
                    found,
                    sound=Kind.AUDIO in self._headers or any(one.kind is Kind.AUDIO for one in self._held),
                )
            )
        except VideoError as error:
            problem = error.problem
            enhanced = packet(Kind.VIDEO, self._held[0].payload) if self._held else None
            if problem is not Problem.TOO_LARGE and enhanced is not None and enhanced.codec in _OLD:
                problem = Problem.NEW_CODEC
            self._fail(VideoError(problem, error.detail or errors))

    def _begin(self, found: Film) -> None:
        self.film = found
        held = self._held
        begin = held[0].timestamp / 1000
        child = self._start_pictures(FLV, found, begin, 0.0, feed=True)
        child.feed(self._data(Kind.VIDEO, held))
        self._feeds = {Kind.VIDEO: _Feed(child, Kind.VIDEO)}
        if found.sound:
            audio = [one for one in held if one.kind is Kind.AUDIO]
            heard = self._start_sound(FLV, audio[0].timestamp / 1000 if audio else begin, 0.0, feed=True)
            if heard is not None:
                heard.feed(self._data(Kind.AUDIO, held))
                self._feeds[Kind.AUDIO] = _Feed(heard, Kind.AUDIO)
        self._held = []
        self._expect(FIRST_SECONDS, self._late)
        self._set(State.PLAYING)

    # While it runs.

    def _arrive(self) -> None:
        frames, now = self._frames, self.now
        if frames is not None and (newest := frames.newest_time()) is not None:
            self.clock.decoded(newest, 1 / frames.rate, now)
        super()._arrive()

    def _shown(self, frame: Frame, now: float, *, first: bool) -> None:
        self._met()
        if first:
            self.changed.fire(self)

    def _dropped(self) -> None:
        if self.clock.settled:
            super()._dropped()

    def _pictures_ended(self, good: bool, errors: str) -> None:
        """Ffmpeg does not end while it is fed: it could not go on."""
        if self.begun:
            return self._anew()
        return self._fail(VideoError(Problem.UNREADABLE, errors))

    def _late(self) -> None:
        self._fail(VideoError(Problem.UNREADABLE, "no picture came in time"))
