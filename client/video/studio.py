"""What view models are given for films and streams of one account."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThreadPool

from client.core.changes import Signal
from client.platform import capture
from client.platform.capture import Devices
from client.video.asking import ask
from client.video.commands import Input, Pixels, Quality
from client.video.film_player import FilmPlayer
from client.video.player import Surroundings
from client.video.problems import Problem, VideoError
from client.video.publishing import Publication
from client.video.watching import Watching
from imsys.protocols.media import Media
from imsys.sdk.trust import Trust

_log = logging.getLogger(__name__)


class Studio:
    """Makes players and publications; ends all of them by :meth:`close`.

    :param trust: whom streams' servers are held against; a function, for an account may come to trust another
        certificate.
    """

    def __init__(self, around: Surroundings, trust: Callable[[], Trust | None]) -> None:
        self.around, self._trust = around, trust
        self._closing: Signal[None] = Signal()
        self._encoder: str | None = None

    def watch(self, url: str, pixels: Pixels) -> Watching:
        """A stream to watch; it begins with its ``start``."""
        made = Watching(self.around, url, self._trust(), pixels)
        self._closing.subscribe(lambda _: made.close())
        return made

    def film(self, path: Path, pixels: Pixels) -> FilmPlayer:
        """A film of this disk; it begins with its ``open``."""
        made = FilmPlayer(self.around, path, pixels)
        self._closing.subscribe(lambda _: made.close())
        return made

    async def publish(
        self,
        url: str,
        picture: Input,
        sound: Input | None,
        quality: Quality,
        preview: Callable[[Media], object],
    ) -> Publication:
        """A stream to send; it begins with its ``start``.

        :raises VideoError: this ffmpeg cannot encode it.
        """
        made = Publication(
            self.around, url, self._trust(), picture, sound, quality, await self.encoder(), preview
        )
        self._closing.subscribe(lambda _: made.end())
        return made

    async def encoder(self) -> str:
        """What H.264 is made with. :raises VideoError: nothing that is known here."""
        if self._encoder is None:
            text, _ = await ask(self.around, [self.around.program("ffmpeg"), "-hide_banner", "-encoders"])
            self._encoder = capture.encoder(text.decode("utf-8", "replace"))
        if self._encoder is None:
            raise VideoError(Problem.NO_ENCODER)
        return self._encoder

    async def devices(self) -> Devices:
        """Cameras, screens and microphones. :raises VideoError: ffmpeg is not installed."""
        command = capture.listing(self.around.program("ffmpeg"))
        listed = (await ask(self.around, command))[1] if command is not None else ""
        reactor: Any = self.around.reactor
        return await deferToThreadPool(reactor, reactor.getThreadPool(), capture.devices, listed)

    def close(self) -> None:
        """End whatever runs."""
        self._closing.fire(None)
