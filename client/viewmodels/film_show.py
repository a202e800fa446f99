"""A film that was sent: fetched where it is not here yet, and played."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from client.core.changes import Signal
from client.core.filenames import safe_name
from client.core.model import Message, Transfer
from client.core.ports import Account, Failure
from client.translations.tr import tr
from client.video.commands import Pixels
from client.video.film_player import FilmPlayer
from client.video.player import Player, State
from client.video.studio import Studio
from client.viewmodels.video_words import hearing_words, length_words, problem_words

_log = logging.getLogger(__name__)


class FilmShow:
    """One film; ``close`` ends it."""

    def __init__(self, account: Account, studio: Studio, message: Message, pixels: Pixels) -> None:
        self.changed: Signal[FilmShow] = Signal()
        self.message, self.pixels = message, pixels
        self.player: FilmPlayer | None = None
        self.sentence = ""
        """What is wrong; empty: nothing."""
        self.share: float | None = None
        """How much of the file has come, 0 to 1, while it is fetched."""
        self.fetching = False
        self.muted = False
        self._account, self._studio = account, studio
        self._closed = False
        self._end = account.changes.transfer.subscribe(self._moved)

    @property
    def name(self) -> str:
        """Of the file."""
        return safe_name(self.message.attachment.filename) if self.message.attachment is not None else ""

    @property
    def duration(self) -> float:
        """Seconds; 0: not known."""
        film = self.player.film if self.player is not None else None
        return film.duration if film is not None else 0.0

    @property
    def position(self) -> float:
        """Seconds from its beginning."""
        return self.player.position(self.player.now) if self.player is not None else 0.0

    @property
    def plays(self) -> bool:
        """Whether it does, or will as soon as it can."""
        return self.player is not None and self.player.plays

    @property
    def begins(self) -> bool:
        """Whether there is nothing to see yet, and nothing is wrong."""
        return not self.sentence and (self.player is None or self.player.counts.shown == 0)

    @property
    def words(self) -> str:
        """Position and length."""
        return (
            f"{length_words(self.position)} / {length_words(self.duration)}"
            if self.duration
            else length_words(self.position)
        )

    @property
    def silence(self) -> str:
        """Why nothing is heard, a sentence; empty: it is."""
        return hearing_words(self.player.hearing) if self.player is not None else ""

    def begin(self) -> Deferred[None]:
        """Have it here, and play; again after something went wrong."""
        self._drop()
        self.sentence = ""
        return Deferred.fromCoroutine(self._begin()).addErrback(self._unexpected)

    def toggle(self) -> None:
        """Play or stand."""
        if self.player is not None:
            if self.plays:
                self.player.pause()
            else:
                self.player.play()
            self.changed.fire(self)

    def seek(self, at: float) -> None:
        """Be at so many seconds."""
        if self.player is not None:
            self.player.seek(at)

    def skip(self, seconds: float) -> None:
        """Forward, or back."""
        self.seek(self.position + seconds)

    def set_muted(self, muted: bool) -> None:
        """Be still, or no more."""
        self.muted = muted
        if self.player is not None:
            self.player.set_muted(muted)
        self.changed.fire(self)

    def set_pixels(self, pixels: Pixels) -> None:
        """Pictures are wanted otherwise."""
        self.pixels = pixels
        if self.player is not None:
            self.player.set_pixels(pixels)

    def close(self) -> None:
        """It is over."""
        self._closed = True
        self._end()
        self._drop()

    async def _begin(self) -> None:
        attachment = self.message.attachment
        path = Path(attachment.path) if attachment is not None and attachment.path else None
        if path is None:
            self.fetching = True
            self.changed.fire(self)
            try:
                path = await self._account.fetch(self.message)
            except Failure as failure:
                self.fetching, self.sentence = False, str(failure)
                return self.changed.fire(self)
            self.fetching = False
        if self._closed:
            return None
        player = self.player = self._studio.film(path, self.pixels)
        player.set_muted(self.muted)
        player.changed.subscribe(self._changed)
        player.play()
        player.open()
        return self.changed.fire(self)

    def _changed(self, player: Player) -> None:
        if player is self.player:
            if player.state is State.FAILED and player.problem is not None:
                _log.info(
                    "a film cannot be played: %s, %s", player.problem.problem.value, player.problem.detail
                )
                self.sentence = problem_words(player.problem)
            self.changed.fire(self)

    def _moved(self, transfer: Transfer) -> None:
        if self.fetching and transfer.key == self.message.key and transfer.size:
            self.share = transfer.done / transfer.size
            self.changed.fire(self)

    def _unexpected(self, failure: Any) -> None:
        _log.error(
            "playing a film failed", exc_info=(failure.type, failure.value, failure.getTracebackObject())
        )
        self.fetching, self.sentence = False, tr("Something unexpected happened. Try again.")
        self.changed.fire(self)

    def _drop(self) -> None:
        player, self.player = self.player, None
        if player is not None:
            player.close()
