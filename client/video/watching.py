"""Watching: a connection of ours to the stream, and a player that is given what comes."""

from __future__ import annotations

import enum

from twisted.internet.defer import CancelledError, Deferred

from client.core.changes import Signal
from client.video.commands import Pixels
from client.video.deadline import Deadline
from client.video.live_player import LivePlayer
from client.video.player import Player, State, Surroundings
from client.video.problems import Problem, VideoError
from imsys.sdk.streaming import Purpose, Streaming, StreamLost, StreamOver, StreamRefused, open_stream
from imsys.sdk.trust import Trust

SILENT_SECONDS = 3.0
"""Seconds without a message after which the publisher pauses."""


class Phase(enum.Enum):
    """Where it stands."""

    BEGINS = "begins"
    RUNS = "runs"
    PAUSED = "paused"
    OVER = "over"
    FAILED = "failed"


class Watching:
    """One stream that is watched, from :meth:`start` to :meth:`close`."""

    def __init__(self, around: Surroundings, url: str, trust: Trust | None, pixels: Pixels) -> None:
        self.changed: Signal[Watching] = Signal()
        self.player = LivePlayer(around, pixels)
        self.phase = Phase.BEGINS
        self.problem: VideoError | None = None
        self._around, self._url, self._trust = around, url, trust
        self._stream: Streaming | None = None
        self._opening: Deferred[Streaming] | None = None
        self._silence = Deadline(around.reactor, self._quiet)
        self._closed = False
        self.player.changed.subscribe(self._player)

    async def start(self) -> None:
        """Connect."""
        try:
            self._around.program("ffmpeg")
            opening = open_stream(
                self._around.reactor, self._url, Purpose.PLAY, self._media, self._lost, trust=self._trust
            )
            self._opening = Deferred.fromCoroutine(opening)
            stream = await self._opening
        except VideoError as error:
            return self._fail(error)
        except CancelledError:
            return None
        except StreamOver:
            return self._set(Phase.OVER)
        except StreamRefused as error:
            return self._fail(VideoError(Problem.REFUSED, str(error)))
        except (StreamLost, ValueError) as error:
            return self._fail(VideoError(Problem.UNREACHABLE, str(error)))
        except Exception as error:
            return self._fail(VideoError(Problem.UNTRUSTED, type(error).__name__))
        if self._closed:
            return stream.close()
        self._stream = stream
        return self._silence.expect(SILENT_SECONDS)

    def close(self) -> None:
        """Watch no more."""
        self._closed = True
        self._leave()
        self.player.close()

    def _media(self, media: object) -> None:
        if not self._closed:
            self.player.receive(media)  # type: ignore[arg-type]
            self._silence.expect(SILENT_SECONDS)
            if self.phase is Phase.PAUSED and self.player.state is State.PLAYING:
                self._set(Phase.RUNS)

    def _player(self, player: Player) -> None:
        if player.state is State.FAILED and player.problem is not None:
            self._fail(player.problem)
        elif (
            player.state is State.PLAYING and self.player.begun and self.phase in (Phase.BEGINS, Phase.PAUSED)
        ):
            self._set(Phase.RUNS)

    def _lost(self, why: StreamLost) -> None:
        if isinstance(why, StreamOver):
            self._leave()
            return self._set(Phase.OVER)
        return self._fail(
            VideoError(Problem.REFUSED if isinstance(why, StreamRefused) else Problem.CUT, str(why))
        )

    def _quiet(self) -> None:
        if self.phase in (Phase.BEGINS, Phase.RUNS):
            self._set(Phase.PAUSED)

    def _fail(self, problem: VideoError) -> None:
        if self.phase not in (Phase.OVER, Phase.FAILED) and not self._closed:
            self._leave()
            self.problem = problem
            self._set(Phase.FAILED)

    def _leave(self) -> None:
        self._silence.cancel()
        opening, self._opening = self._opening, None
        if opening is not None and not opening.called:
            opening.cancel()
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _set(self, phase: Phase) -> None:
        if phase is not self.phase and not self._closed:
            self.phase = phase
            self.changed.fire(self)
