"""Watching a live stream of a conversation: what its panel shows."""

from __future__ import annotations

import enum
import logging
from typing import Any

from twisted.internet.defer import Deferred

from client.core.changes import Signal
from client.core.display import shown
from client.core.model import Stream
from client.core.ports import Account, Failure
from client.translations.tr import tr
from client.video.commands import Pixels
from client.video.live_player import LivePlayer
from client.video.problems import Problem, VideoError
from client.video.studio import Studio
from client.video.watching import Phase, Watching
from client.viewmodels.video_words import hearing_words, problem_words

_log = logging.getLogger(__name__)
STEADY_SECONDS = 10.0
"""Seconds that it has to run for one try of our own after it broke off."""


class Shown(enum.Enum):
    """The state of a panel."""

    BEGINS = "begins"
    RUNNING = "running"
    PAUSED = "paused"
    OVER = "over"
    FAILED = "failed"


class LiveWatch:
    """One stream; ``close`` ends all of it."""

    def __init__(self, account: Account, studio: Studio, stream: str, pixels: Pixels) -> None:
        self.changed: Signal[LiveWatch] = Signal()
        self.id, self.pixels = stream, pixels
        self.state, self.sentence = Shown.BEGINS, ""
        self.stream: Stream | None = None
        self.muted = False
        self._account, self._studio = account, studio
        self._watching: Watching | None = None
        self._fallback = ""
        self._since = 0.0
        self._turn = 0
        self._closed = False
        self._end = account.changes.stream.subscribe(self._told)

    @property
    def player(self) -> LivePlayer | None:
        """What is shown; another one after each try."""
        return self._watching.player if self._watching is not None else None

    @property
    def title(self) -> str:
        """Of the stream, as one line that can be shown."""
        return " ".join(shown(self.stream.title).split()) if self.stream is not None else ""

    @property
    def figures(self) -> str:
        """Who watches, and how far behind."""
        parts = []
        if self.stream is not None and self.stream.viewers:  # counted now and then; I am one of them
            viewers = self.stream.viewers
            parts.append(tr("1 watching") if viewers == 1 else tr("{count} watching").format(count=viewers))
        player = self.player
        if player is not None and player.begun and self.state is Shown.RUNNING:
            parts.append(tr("{seconds} s behind").format(seconds=f"{player.behind():.1f}"))
        return " · ".join(parts)

    @property
    def silence(self) -> str:
        """Why nothing is heard, a sentence; empty: it is."""
        player = self.player
        return hearing_words(player.hearing) if player is not None else ""

    def begin(self) -> Deferred[None]:
        """Watch, or try again."""
        self._drop()
        self._fallback = ""
        self._set(Shown.BEGINS)
        return Deferred.fromCoroutine(self._begin(self._turn)).addErrback(self._unexpected)

    def set_pixels(self, pixels: Pixels) -> None:
        """Pictures are wanted otherwise."""
        self.pixels = pixels
        if self.player is not None:
            self.player.set_pixels(pixels)

    def set_muted(self, muted: bool) -> None:
        """Be still, or no more."""
        self.muted = muted
        if self.player is not None:
            self.player.set_muted(muted)
        self.changed.fire(self)

    def close(self) -> None:
        """Watch no more."""
        self._closed = True
        self._end()
        self._drop()

    # What happens.

    async def _begin(self, turn: int) -> None:
        try:
            self.stream = await self._account.watch(self.id)
        except Failure as failure:
            if turn == self._turn and not self._closed:
                known = self.stream
                over = known is not None and not known.running
                self._set(Shown.OVER if over else Shown.FAILED, "" if over else str(failure))
            return
        if turn == self._turn and not self._closed:
            self._fallback = self.stream.flv_url
            await self._open(self.stream.play_url or self.stream.flv_url)

    async def _open(self, url: str) -> None:
        watching = self._watching = self._studio.watch(url, self.pixels)
        watching.player.set_muted(self.muted)
        watching.changed.subscribe(self._changed)
        watching.player.changed.subscribe(lambda _: self.changed.fire(self))
        self.changed.fire(self)
        await watching.start()

    def _changed(self, watching: Watching) -> None:
        if watching is not self._watching:
            return None
        if watching.phase is Phase.FAILED and watching.problem is not None:
            return self._failed(watching.problem)
        if watching.phase is Phase.OVER:
            return self._stopped(Shown.OVER)
        if watching.phase is Phase.RUNS:
            self._since = watching.player.now
        states = {Phase.BEGINS: Shown.BEGINS, Phase.RUNS: Shown.RUNNING, Phase.PAUSED: Shown.PAUSED}
        return self._set(states[watching.phase])

    def _failed(self, problem: VideoError) -> None:
        _log.info("a live stream cannot be watched: %s, %s", problem.problem.value, problem.detail)
        steady = (
            bool(self._since)
            and self._watching is not None
            and self._watching.player.now - self._since > STEADY_SECONDS
        )
        fallback, self._fallback = self._fallback, ""
        if (
            problem.problem is Problem.UNREACHABLE
            and fallback
            and self.stream is not None
            and fallback != self.stream.play_url
        ):
            self._drop()
            self._again(self._open(fallback))
        elif problem.problem is Problem.CUT and steady:
            self._since = 0.0
            self.begin()
        else:
            self._stopped(Shown.FAILED, problem_words(problem))

    def _again(self, work: Any) -> None:
        Deferred.fromCoroutine(work).addErrback(self._unexpected)

    def _unexpected(self, failure: Any) -> None:
        _log.error(
            "watching a live stream failed",
            exc_info=(failure.type, failure.value, failure.getTracebackObject()),
        )
        self._stopped(Shown.FAILED, tr("Something unexpected happened. Try again."))

    def _told(self, stream: Stream) -> None:
        """The account knows more of it."""
        if stream.id != self.id or self._closed:
            return
        self.stream = stream
        if not stream.running and self.state is not Shown.OVER:
            self._stopped(Shown.OVER)
        else:
            self.changed.fire(self)

    def _drop(self) -> None:
        self._turn += 1
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.close()
            self.changed.fire(self)

    def _stopped(self, state: Shown, sentence: str = "") -> None:
        """Nothing of it runs on, whoever told first that it ended: the account or the stream itself."""
        self._drop()
        self._set(state, sentence)

    def _set(self, state: Shown, sentence: str = "") -> None:
        if not self._closed:
            self.state, self.sentence = state, sentence
            self.changed.fire(self)
