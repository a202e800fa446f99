"""A film that lies on this disk: play, pause, seek."""

from __future__ import annotations

from pathlib import Path

from client.video import commands, film
from client.video.child import collect
from client.video.clock import FilmClock
from client.video.commands import Pixels
from client.video.frames import Frame
from client.video.player import Player, State, Surroundings
from client.video.problems import Problem, VideoError

PROBE_SECONDS = 15.0
"""Seconds in which ffprobe has to say what a film is."""
FIRST_SECONDS = 30.0
"""Seconds in which the first picture has to come after a seek."""
_SLIP = 0.5
"""Seconds that pictures may lag; then the clock waits for them."""


class FilmPlayer(Player):
    """One film, from its beginning; it stands until :meth:`play`."""

    def __init__(self, around: Surroundings, path: Path, pixels: Pixels) -> None:
        super().__init__(around, pixels)
        self._path, self._source = path, commands.file(path)
        self._clock = FilmClock()
        self._wanted = False
        self._ended = False

    def open(self) -> None:
        """Find out what it is, and begin."""
        try:
            command = commands.probe(self.around.program("ffprobe"), self._source)
            self.around.program("ffmpeg")
        except VideoError as error:
            return self._fail(error)
        self._set(State.OPENING)
        child = collect(command, self.around.reactor.callFromThread, self._later(self._probed))
        self._children.append(child)
        return self._expect(PROBE_SECONDS, self._late)

    def position(self, now: float) -> float:
        """Seconds from the beginning."""
        at = self._clock.position(now)
        return min(at, self.film.duration) if self.film is not None and self.film.duration else at

    @property
    def plays(self) -> bool:
        """Whether it plays, or will as soon as it can."""
        return self._wanted and self.state not in (State.ENDED, State.FAILED)

    def play(self) -> None:
        """Go on; from the beginning where it was at its end."""
        self._wanted = True
        if self.state is State.ENDED:
            return self.seek(0.0)
        if self.state is State.STANDING:
            if not self._first:
                self._clock.run(self.now)
            self._set(State.PLAYING)
            self._arrive()
        return None

    def pause(self) -> None:
        """Stop here."""
        self._wanted = False
        self._clock.stand(self.now)
        if self._speaker is not None:
            self._speaker.flush()
        if self.state is State.PLAYING:
            self._set(State.STANDING)

    def seek(self, at: float) -> None:
        """Be at so many seconds."""
        if self.film is None or self._closed:
            return
        at = max(0.0, at)
        if self.film.duration:
            at = min(at, max(0.0, self.film.duration - 1 / self.film.rate))
        self._begin(at)

    def set_pixels(self, pixels: Pixels) -> None:
        """Pictures are wanted otherwise from now on."""
        self.pixels = pixels
        if self.film is not None and self.state is not State.FAILED:
            self._begin(self.position(self.now))

    # What happens.

    def _begin(self, at: float) -> None:
        assert self.film is not None
        self._stop()
        if self._speaker is not None:
            self._speaker.flush()
        self._clock.stand(self.now)
        self._clock.set(at, self.now)
        self._ended = False
        try:
            self._start_pictures(self._source, self.film, at, at, feed=False)
            if self.film.sound:
                self._start_sound(self._source, at, at, feed=False)
        except VideoError as error:
            return self._fail(error)
        self._expect(FIRST_SECONDS, self._late)
        return self._set(State.PLAYING if self._wanted else State.STANDING)

    def _probed(self, good: bool, text: bytes, errors: str) -> None:
        self._met()
        try:
            self.film = film.read(text, errors)
        except VideoError as error:
            gone = not self._path.is_file()
            return self._fail(VideoError(Problem.GONE if gone else error.problem, errors))
        return self._begin(0.0)

    def _shown(self, frame: Frame, now: float, *, first: bool) -> None:
        if first:
            self._met()
            if self._wanted:
                self._clock.run(now)
            self.changed.fire(self)
        elif self._clock.runs and self._clock.position(now) - frame.time > _SLIP:
            self._clock.set(frame.time, now)

    def _pictures_ended(self, good: bool, errors: str) -> None:
        self._ended = True
        if self._first and (self._frames is None or self._frames.drained):
            self._met()
            if self.film is not None and self._clock.position(self.now) > 0 and good:
                return self._finish()  # nothing was left of it there
            return self._fail(VideoError(Problem.UNREADABLE, errors))
        return self._look()

    def _look(self) -> None:
        if self._ended and self._frames is not None and self._frames.drained and self.state is State.PLAYING:
            self._finish()

    def _finish(self) -> None:
        self._wanted = False
        self._clock.stand(self.now)
        self._stop()
        if self.film is not None and self.film.duration:
            self._clock.set(self.film.duration, self.now)
        self._set(State.ENDED)

    def _late(self) -> None:
        self._fail(VideoError(Problem.UNREADABLE, "nothing came in time"))
