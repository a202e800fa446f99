"""Going live: what is chosen, and what becomes of it."""

from __future__ import annotations

import enum
import logging
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from client.core.changes import Signal
from client.core.model import Stream
from client.core.ports import Account, Failure
from client.platform.capture import Device, Devices
from client.translations.tr import tr
from client.video import commands
from client.video.asking import ask
from client.video.commands import QUALITIES, Input, Pixels, Quality
from client.video.film import read
from client.video.live_player import LivePlayer
from client.video.problems import Problem, VideoError
from client.video.publishing import Phase, Publication
from client.video.studio import Studio
from client.viewmodels.video_words import bits_words, problem_words
from imsys.protocols.media import Kind, Media

_log = logging.getLogger(__name__)
TITLE_MOST = 100


class Source(enum.Enum):
    """What is shown to others."""

    CAMERA = "camera"
    SCREEN = "screen"
    FILE = "file"


class Step(enum.Enum):
    """How far it is."""

    CHOOSING = "choosing"
    STARTING = "starting"
    LIVE = "live"
    ENDED = "ended"
    FAILED = "failed"


class GoingLive:
    """One stream of mine, from the choice of a camera to its end."""

    def __init__(self, account: Account, studio: Studio, conversation: int, pixels: Pixels) -> None:
        self.changed: Signal[GoingLive] = Signal()
        self.conversation, self.pixels = conversation, pixels
        self.devices = Devices()
        self.listed = False
        self.step, self.sentence = Step.CHOOSING, ""
        self.stream: Stream | None = None
        self.preview: LivePlayer | None = None
        self._account, self._studio = account, studio
        self._publication: Publication | None = None
        self._closed = False
        self._end = account.changes.stream.subscribe(self._told)

    # Choosing.

    def look(self) -> Deferred[None]:
        """Find out what there is to choose from."""
        return Deferred.fromCoroutine(self._look()).addErrback(self._unexpected)

    def wrong(self, title: str, source: Source, device: Device | None, path: Path | None) -> str:
        """What is wrong with a choice, a sentence; empty: nothing."""
        title = title.strip()
        if not 1 <= len(title) <= TITLE_MOST:
            return tr("Give it a title of 1 to 100 characters.")
        if any(ord(character) < 32 or ord(character) == 127 for character in title):
            return tr("The title may not contain control characters.")
        if source is Source.FILE:
            return "" if path is not None else tr("Choose a file.")
        if device is None:
            if source is Source.SCREEN and self.devices.wayland:
                return problem_words(VideoError(Problem.WAYLAND))
            return (
                tr("No camera was found.")
                if source is Source.CAMERA
                else tr("There is no screen that can be recorded.")
            )
        return ""

    def reconsider(self) -> None:
        """Something else is chosen: what was wrong with the choice before is of no account."""
        if self.step is Step.CHOOSING and self.sentence:
            self._set(self.step)

    def start(
        self,
        title: str,
        source: Source,
        device: Device | None = None,
        microphone: Device | None = None,
        path: Path | None = None,
        quality: Quality = QUALITIES[1],
        *,
        record: bool = False,
    ) -> Deferred[None]:
        """Go live with this."""
        if wrong := self.wrong(title, source, device, path):
            self._set(self.step, wrong)
            return Deferred.fromCoroutine(_nothing())
        if source is Source.FILE and path is not None:
            found = commands.file(path)
            picture = Input(found.name, {**found.options, "re": None})
            sound: Input | None = picture
        else:
            assert device is not None
            picture = Input(device.name, device.options)
            sound = Input(microphone.name, microphone.options) if microphone is not None else None
        self._set(Step.STARTING)
        return Deferred.fromCoroutine(self._start(title.strip(), picture, sound, quality, record)).addErrback(
            self._unexpected
        )

    # While it runs.

    @property
    def figures(self) -> str:
        """Who watches, what goes out."""
        parts = []
        if self.stream is not None:
            viewers = self.stream.viewers
            parts.append(tr("1 watching") if viewers == 1 else tr("{count} watching").format(count=viewers))
        publication = self._publication
        if publication is not None and self.step is Step.LIVE:
            parts += [
                bits_words(publication.bits),
                tr("{count} pictures/s").format(count=round(publication.rate)),
            ]
            if publication.dropped:
                parts.append(tr("{count} not sent").format(count=publication.dropped))
        return " · ".join(parts)

    def set_pixels(self, pixels: Pixels) -> None:
        """Pictures are wanted otherwise."""
        self.pixels = pixels
        if self.preview is not None:
            self.preview.set_pixels(pixels)

    def end(self) -> Deferred[None]:
        """It is over, for everybody."""
        self._leave()
        self._set(Step.ENDED)
        return Deferred.fromCoroutine(self._stop()).addErrback(self._unexpected)

    def close(self) -> None:
        """The window goes: what runs ends."""
        if self._closed:
            return
        if self.step in (Step.STARTING, Step.LIVE):
            self.end()
        self._closed = True
        self._end()
        self._leave()

    # What happens.

    async def _look(self) -> None:
        try:
            self.devices = await self._studio.devices()
            await self._studio.encoder()
        except VideoError as error:
            return self._set(Step.FAILED, problem_words(error))
        self.listed = True
        return self._set(Step.CHOOSING)

    async def _start(
        self, title: str, picture: Input, sound: Input | None, quality: Quality, record: bool
    ) -> None:
        try:
            if sound is picture:
                sound = picture if await self._has_sound(picture) else None
            stream = self.stream = await self._account.start_stream(self.conversation, title, record=record)
            if self.step is not Step.STARTING:
                return await self._stop()
            self.preview = LivePlayer(self._studio.around, self.pixels)
            publication = await self._studio.publish(
                stream.publish_url, picture, sound, quality, self._went_out
            )
        except Failure as failure:
            return self._set(Step.FAILED, str(failure))
        except VideoError as error:
            await self._stop()
            return self._set(Step.FAILED, problem_words(error))
        self._publication = publication
        publication.changed.subscribe(self._changed)
        self.changed.fire(self)
        return await publication.start()

    async def _has_sound(self, picture: Input) -> bool:
        around = self._studio.around
        source = Input(picture.name, {name: value for name, value in picture.options.items() if name != "re"})
        text, errors = await ask(around, commands.probe(around.program("ffprobe"), source))
        try:
            return read(text, errors).sound
        except VideoError as error:
            raise VideoError(error.problem, errors) from None

    def _went_out(self, media: Media) -> None:
        if self.preview is not None and media.kind is Kind.VIDEO:  # nobody wants to hear themselves
            self.preview.receive(media)

    def _changed(self, publication: Publication) -> None:
        if publication is not self._publication:
            return
        if publication.phase is Phase.LIVE:
            self._set(Step.LIVE)
        elif publication.phase is Phase.ENDED and self.step is Step.LIVE:
            self.end()
        elif publication.phase is Phase.FAILED and publication.problem is not None:
            _log.info(
                "a live stream cannot be sent: %s, %s",
                publication.problem.problem.value,
                publication.problem.detail,
            )
            self._leave()
            self._set(Step.FAILED, problem_words(publication.problem))
            Deferred.fromCoroutine(self._stop()).addErrback(self._unexpected)

    async def _stop(self) -> None:
        """The server is told that it is over."""
        stream = self.stream
        if stream is None or not stream.running:
            return
        try:
            await self._account.stop_stream(stream.id)
        except Failure as failure:
            _log.info("a live stream could not be ended: %s", failure)

    def _told(self, stream: Stream) -> None:
        if self.stream is None or stream.id != self.stream.id:
            return
        self.stream = stream
        if not stream.running and self.step in (Step.STARTING, Step.LIVE):
            self._leave()
            self._set(Step.ENDED, tr("The server has ended this stream."))
        else:
            self.changed.fire(self)

    def _leave(self) -> None:
        publication, self._publication = self._publication, None
        if publication is not None:
            publication.end()
        preview, self.preview = self.preview, None
        if preview is not None:
            preview.close()

    def _unexpected(self, failure: Any) -> None:
        _log.error("going live failed", exc_info=(failure.type, failure.value, failure.getTracebackObject()))
        self._leave()
        self._set(Step.FAILED, tr("Something unexpected happened. Try again."))

    def _set(self, step: Step, sentence: str = "") -> None:
        if not self._closed:
            self.step, self.sentence = step, sentence
            self.changed.fire(self)


async def _nothing() -> None:
    """Done already."""
