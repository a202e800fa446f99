"""What films and live streams have in common: pictures that become due, sound beside them, and what is told
of it all.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from client.core.changes import Signal
from client.platform import ffmpeg
from client.video import commands
from client.video.child import Child
from client.video.commands import Input, Pixels
from client.video.film import Film
from client.video.frames import Frame, Frames, Samples, Shape
from client.video.problems import Problem, VideoError
from client.video.sound import Hearing, Speaker

TURN = 0.02
"""Seconds between two looks at the sound."""
EARLY = 0.1
"""Seconds that sound is given to the device ahead."""
LATE = 0.25
"""Seconds after which sound is too late."""


class State(enum.Enum):
    """What a player does."""

    OPENING = "opening"
    PLAYING = "playing"
    STANDING = "standing"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(slots=True)
class Counts:
    """Pictures: that were shown, and that came too late to be."""

    shown: int = 0
    dropped: int = 0


class Surroundings:
    """What players are made with.

    :param reactor: that of the user interface's thread.
    :param speaker: makes where sound goes, when it is first needed.
    :param find: where ``ffmpeg`` or ``ffprobe`` is; ``None``: it is not installed.
    """

    def __init__(
        self, reactor: Any, speaker: Callable[[], Speaker], find: Callable[[str], str | None] = ffmpeg.find
    ) -> None:
        self.reactor, self.speaker, self._find = reactor, speaker, find

    def program(self, name: str) -> str:
        """Where it is. :raises VideoError: it is not installed."""
        found = self._find(name)
        if found is None:
            raise VideoError(Problem.NO_FFMPEG, name)
        return found


class Player:
    """Pictures that become due.

    Whoever shows them asks :meth:`take` when :meth:`wait` says, and when :attr:`arrived` tells.
    """

    def __init__(self, around: Surroundings, pixels: Pixels) -> None:
        self.around, self.pixels = around, pixels
        self.changed: Signal[Player] = Signal()
        """Another state, film or problem."""
        self.arrived: Signal[Player] = Signal()
        """There are pictures."""
        self.state = State.OPENING
        self.problem: VideoError | None = None
        self.film: Film | None = None
        self.counts = Counts()
        self.muted = False
        self._frames: Frames | None = None
        self._samples: Samples | None = None
        self._speaker: Speaker | None = None
        self._children: list[Child] = []
        self._told = False
        self._first = True
        self._generation = 0
        self._closed = False
        self._deadline: Any = None

    # For whoever shows it.

    @property
    def now(self) -> float:
        """The monotonic clock."""
        return float(self.around.reactor.seconds())

    @property
    def hearing(self) -> Hearing | None:
        """Whether its sound can be heard; ``None``: it has none, or that is not known yet."""
        if self._speaker is None or self.film is None or not self.film.sound:
            return None
        return self._speaker.hearing

    def position(self, now: float) -> float:
        """The time of what is due, seconds."""
        raise NotImplementedError

    def take(self) -> Frame | None:
        """The picture that is due; earlier ones are dropped. Sound goes its way, too."""
        self._told = False
        now = self.now
        self._sound(now)
        frames, found = self._frames, None
        if frames is None:
            return None
        due = self.position(now) + 0.001
        while (time := frames.next_time()) is not None and (time <= due or (self._first and found is None)):
            if found is not None:
                found.release()
                self._dropped()
            found = frames.take()
        if found is not None:
            self.counts.shown += 1
            first, self._first = self._first, False
            self._shown(found, now, first=first)
        self._look()
        return found

    def wait(self) -> float | None:
        """Seconds until :meth:`take` is of use; ``None``: not before something arrives."""
        frames, now = self._frames, self.now
        time = frames.next_time() if frames is not None else None
        waits = []
        if time is not None and self._runs:
            waits.append(max(0.0, time - self.position(now)))
        if self._samples is not None and self._runs:
            waits.append(TURN)
        return min(waits, default=None)

    def set_muted(self, muted: bool) -> None:
        """Be still, or no more."""
        self.muted = muted
        if self._speaker is not None:
            self._speaker.set_muted(muted)
        self.changed.fire(self)

    def close(self) -> None:
        """End it, and its children, for good."""
        self._closed = True
        self._stop()
        if self._speaker is not None:
            self._speaker.close()
            self._speaker = None

    # For those who know what is played.

    @property
    def _runs(self) -> bool:
        return self.state is State.PLAYING

    def _dropped(self) -> None:
        self.counts.dropped += 1

    def _shown(self, frame: Frame, now: float, *, first: bool) -> None:
        """A picture is about to be shown."""

    def _look(self) -> None:
        """Whether it is at its end, for instance."""

    def _set(self, state: State, problem: VideoError | None = None) -> None:
        if not self._closed and (state, problem) != (self.state, self.problem):
            self.state, self.problem = state, problem
            self.changed.fire(self)

    def _fail(self, problem: VideoError) -> None:
        self._stop()
        self._set(State.FAILED, problem)

    def _stop(self) -> None:
        """End the children; what is on its way from them is of no account."""
        self._met()
        self._generation += 1
        for child in self._children:
            child.end()
        self._children.clear()
        for part in (self._frames, self._samples):
            if part is not None:
                part.close()
        self._frames = self._samples = None

    def _expect(self, seconds: float, late: Callable[[], object]) -> None:
        """Something has to come in time."""
        self._met()
        self._deadline = self.around.reactor.callLater(seconds, late)

    def _met(self) -> None:
        """It has."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    def _current(self, generation: int, function: Callable[..., object], *arguments: object) -> None:
        if generation == self._generation and not self._closed:
            function(*arguments)

    def _later(self, function: Callable[..., object]) -> Callable[..., None]:
        """The function, unless something else is played by then."""
        generation = self._generation
        return lambda *arguments: self._current(generation, function, *arguments)

    def _start_pictures(self, source: Input, film: Film, begin: float, at: float, *, feed: bool) -> Child:
        program = self.around.program("ffmpeg")
        frames = Frames(Shape(film.width, film.height, self.pixels, film.colour), begin, film.rate)
        call, arrived = self.around.reactor.callFromThread, self._later(self._arrive)
        self._frames, self._first = frames, True
        command = commands.pictures(program, source, film, self.pixels, at)
        child = Child(
            command,
            call,
            lambda pipe: frames.read(pipe, lambda: call(arrived)),
            self._later(self._pictures_ended),
            feed=feed,
        )
        self._children.append(child)
        child.start()
        return child

    def _start_sound(self, source: Input, begin: float, at: float, *, feed: bool) -> Child | None:
        if self._speaker is None:
            self._speaker = self.around.speaker()
            self._speaker.set_muted(self.muted)
        if self._speaker.hearing is not Hearing.YES:
            return None
        samples = self._samples = Samples(begin)
        command = commands.sound(self.around.program("ffmpeg"), source, at)
        child = Child(command, self.around.reactor.callFromThread, samples.read, lambda *_: None, feed=feed)
        self._children.append(child)
        child.start()
        return child

    def _arrive(self) -> None:
        if not self._told:
            self._told = True
            self.arrived.fire(self)

    def _pictures_ended(self, good: bool, errors: str) -> None:
        raise NotImplementedError

    def _sound(self, now: float) -> None:
        speaker, samples = self._speaker, self._samples
        if speaker is None or samples is None or not self._runs:
            return
        at = self.position(now)
        while speaker.room() >= Samples.PIECE and (piece := samples.due(at + EARLY, at - LATE)) is not None:
            speaker.write(piece)
