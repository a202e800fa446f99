"""Films and live streams above the messages, without a server: a stream comes out of a file, as it would come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from client.core.model import Attachment, Kind, Stream
from client.platform.capture import Device, Devices
from client.video.commands import Pixels
from client.video.live_player import LivePlayer
from client.video.player import Surroundings
from client.video.studio import Studio
from client.video.watching import Watching
from client.viewmodels.going_live import GoingLive, Step
from client.views.live import words
from client.views.live.place import LivePlace
from imsys.protocols.flv import FlvReader
from tests.client.screenshots.material import FILM, PHOTO, STREAM
from tests.client.screenshots.scene import Make, Stage, account
from tests.client.video.scene import Loudspeaker

MEI = 4
AHEAD_S = 1.5
"""So much of the stream is there when one comes."""


class FileStudio(Studio):
    """Streams come out of a file."""

    def __init__(self, stage: Stage) -> None:
        from twisted.internet import reactor

        self.loop: Any = reactor
        super().__init__(Surroundings(reactor, Loudspeaker), lambda: None)
        self.media = FlvReader(1 << 22).receive((stage.scratch / STREAM).read_bytes())

    def watch(self, url: str, pixels: Pixels) -> Watching:
        """One that is there, and goes on."""
        made = super().watch(url, pixels)

        async def start() -> None:
            self.play(made.player)

        made.start = start  # type: ignore[method-assign]
        return made

    def play(self, player: LivePlayer) -> None:
        """Let it come as it goes."""
        for one in self.media:
            self.loop.callLater(max(0.0, one.timestamp / 1000 - AHEAD_S), player.receive, one)

    async def devices(self) -> Devices:
        """As a laptop has them."""
        return Devices(
            [Device("Integrated Camera", "/dev/video0", {"f": "v4l2"})],
            [Device("Whole screen, 1920 × 1080", ":0", {"f": "x11grab"})],
            [Device("Built-in Microphone", "default", {"f": "pulse"})],
        )

    async def encoder(self) -> str:
        """Every ffmpeg has it."""
        return "libx264"


def _place(stage: Stage, conversation: int) -> LivePlace:
    words.without_opengl = lambda area: ""  # pictures are taken without a screen
    studio = FileStudio(stage)
    place = LivePlace(stage.theme, stage.view.conversation, stage.account, lambda: studio, opengl=False)
    stage.more.update(place=place, studio=studio, ends=(place.close,))
    stage.view.open(conversation)
    place.set_conversation(conversation)
    return place


def _shows(share: float = 0.0) -> Callable[[Stage], bool]:
    def ready(stage: Stage) -> bool:
        place = stage.more["place"]
        panel = place.panel or place.own
        if panel is None or not panel.stage.area.shows:
            return False
        if share and not stage.more.get("sought"):
            stage.more["sought"] = True
            panel.film.toggle()
            panel.film.seek(panel.film.duration * share)
        return not share or panel.slider.value() > panel.slider.maximum() * share * 0.9

    return ready


def watching() -> Make:
    """Somebody else's stream."""
    return account(lambda stage: _place(stage, MEI).watch("live-1"), ready=_shows(), moves=True)


def film() -> Make:
    """A film that was sent, somewhere in its middle."""

    def act(stage: Stage) -> None:
        path = stage.scratch / FILM
        attachment = Attachment(
            FILM,
            path.stat().st_size,
            "video/mp4",
            path=str(path),
            preview=str(stage.scratch / PHOTO),
            width=1280,
            height=720,
        )
        message = stage.account.receive(1, "From this morning", kind=Kind.VIDEO, attachment=attachment)
        about = stage.account.conversation(1)
        assert about is not None
        stage.account._set(replace(about, unread=0, read=message.id))
        _place(stage, 1).play(message)

    return account(act, ready=_shows(0.37))


def go_live() -> Make:
    """What is to be shown."""

    def act(stage: Stage) -> None:
        place = _place(stage, 1)
        place.go_live()
        dialog: Any = place.dialog
        dialog.title.setText("The old crane, live")

    return account(act, shown=lambda stage: stage.more["place"].dialog if "place" in stage.more else None)


def own() -> Make:
    """Myself, live."""

    def act(stage: Stage) -> None:
        from client.views.live.own_panel import OwnPanel

        place = _place(stage, 1)
        studio: FileStudio = stage.more["studio"]
        going = GoingLive(stage.account, studio, 1, Pixels.RGB)
        going.stream = Stream("mine", 1, 10001, "The old crane, live", viewers=3)
        stage.account.set_stream(going.stream)
        going.preview = LivePlayer(studio.around, Pixels.RGB)
        going.step = Step.LIVE
        place.own = OwnPanel(stage.theme, going, opengl=False)
        stage.view.conversation.above.insertWidget(0, place.own)
        studio.play(going.preview)

    return account(act, ready=_shows(), moves=True)
