"""A live stream from one desktop client to another, by a whole server, on a screen with OpenGL."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from twisted.logger import formatEvent, globalLogPublisher

from client.core.changes import Changes
from client.core.model import Stream
from client.core.ports import Failure
from client.video import watching
from client.video.commands import Pixels
from client.video.player import State, Surroundings
from client.video.sound import Hearing, Silence
from client.video.studio import Studio
from client.viewmodels.going_live import GoingLive, Source, Step
from client.viewmodels.live_watch import LiveWatch, Shown
from client.views.live.own_panel import OwnPanel
from client.views.live.panel import LivePanel
from imsys.errors import Refused
from imsys.sdk import Client, LiveChange, LiveState, LiveStream
from tests.client.video.films import bars, furthest
from tests.client.video.scene import children
from tests.support.all_in_one import AllInOne
from tests.support.children import free_port
from tests.support.qt import WidgetCase


class LiveAccount:
    """As much of an account as live streams need, over the library."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.changes = Changes()
        self.known: dict[str, Stream] = {}
        client.on_live.subscribe(self._told)

    def _told(self, change: LiveChange) -> None:
        before = self.known.get(change.stream_id)
        self.known[change.stream_id] = now = Stream(
            change.stream_id,
            change.thread_id,
            change.owner,
            change.title,
            change.state is not LiveState.ENDED,
            change.state is LiveState.WAITING,
            change.viewers,
            *((before.play_url, before.publish_url) if before is not None else ()),
        )
        self.changes.stream.fire(now)

    def _made(self, one: LiveStream) -> Stream:
        made = Stream(
            one.stream_id,
            one.thread_id,
            one.owner,
            one.title,
            play_url=one.play_url,
            publish_url=one.publish_url,
        )
        self.known[one.stream_id] = made
        return made

    async def start_stream(self, conversation: int, title: str, *, record: bool = False) -> Stream:
        return self._made(await self.client.live.start(conversation, title, record=record))

    async def watch(self, stream: str) -> Stream:
        async for one in self.client.live.running():
            if one.stream_id == stream:
                return self._made(one)
        raise Failure("This live stream is over.")

    async def stop_stream(self, stream: str) -> None:
        try:
            await self.client.live.stop(stream)
        except Refused as refused:
            raise Failure(str(refused)) from None


class DeafAccount(LiveAccount):
    """One that is told nothing of streams: what is known comes from the stream itself."""

    def _told(self, change: LiveChange) -> None:
        pass


class LiveTests(WidgetCase):
    timeout = 120.0

    async def people(self) -> tuple[LiveAccount, LiveAccount, int]:
        """Anna and Ben at a server, and their conversation."""
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.server = AllInOne(self, reactor)
        self.server.settings |= {
            "RESOURCES_RTMP_PORT": str(free_port()),
            "RESOURCES_RTMPS_PORT": str(free_port()),
        }
        await self.server.start({})
        anna, ben = await self.server.user("anna"), await self.server.user("ben")
        made: list[int] = []
        anna.on_friendship.subscribe(lambda friendship: made.append(friendship.thread_id))
        await anna.contacts.add(ben.me.uuid, "Hello")
        await ben.contacts.accept(anna.me.uuid)
        await self.until(lambda: made)
        return LiveAccount(anna), LiveAccount(ben), made[0]

    def studio(self) -> Studio:
        studio = Studio(
            Surroundings(self.reactor, lambda: Silence(Hearing.NOT_INSTALLED)),
            lambda: self.server.gateway.trust,
        )
        self.addCleanup(studio.close)
        return studio

    async def test_from_bars_to_bars(self) -> None:
        """Anna shows a film of colour bars, Ben watches: the colours on his screen are those of the film
        within 3, and what moves moves.

        Nobody can read a key off ffmpeg's command line. When her program stands still he is told that she
        pauses, and sees her again when it goes on. When she ends it he is told, and nothing of his runs on,
        also where only the stream itself tells it. No log holds a key."""
        lines: list[str] = []
        observer: Any = lambda event: lines.append(str(formatEvent(event)))  # noqa: E731
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        anna, ben, conversation = await self.people()
        studio = self.studio()
        account: Any = anna
        own = OwnPanel(self.theme, going := GoingLive(account, studio, conversation, Pixels.RGB))
        self.show(own, 400, 300)
        going.start("Bars", Source.FILE, path=bars("live.mp4", (560, 320), 30))
        await self.until(lambda: going.step is not Step.STARTING)
        self.assertEqual((going.step, going.sentence), (Step.LIVE, ""))
        assert going.stream is not None
        stream = going.stream.id
        watcher: Any = ben
        panel = LivePanel(self.theme, lambda pixels: LiveWatch(watcher, studio, stream, pixels), opengl=True)
        self.show(panel, 640, 420)
        await self.until(lambda: panel.watch.state is not Shown.BEGINS)
        self.assertEqual((panel.watch.state, panel.watch.sentence), (Shown.RUNNING, ""))
        player = panel.watch.player
        assert player is not None
        deaf: Any = DeafAccount(ben.client)
        untold = LiveWatch(deaf, studio, stream, Pixels.RGB)
        self.addCleanup(untold.close)
        untold.begin()
        await self.until(lambda: untold.player is not None and untold.player.film is not None)
        await self.until(lambda: player.counts.shown > 10)
        area = panel.stage.area
        self.assertEqual(type(area.surface).__name__, "GlSurface")
        image = self.grab(area, "live")
        place = (
            0.0,
            (area.height() - area.width() * 320 / 560) / 2,
            float(area.width()),
            area.width() * 320 / 560,
        )
        if place[1] < 0:
            wide = area.height() * 560 / 320
            place = ((area.width() - wide) / 2, 0.0, wide, float(area.height()))
        self.assertLessEqual(furthest(image, place), 3)
        shown = player.counts.shown
        await self.until(lambda: player.counts.shown > shown + 5)
        self.assertNotEqual(image, self.grab(area))
        self.assertEqual(panel.stage.saying.text, "")
        self.assertLess(player.behind(), 4)
        self.assertIn("s behind", panel.watch.figures)
        self.assertIn("Qt Multimedia is not installed", panel.note.text)
        await self.until(lambda: going.preview is not None and going.preview.counts.shown > 10)
        self.assertIn("bit/s", going.figures)
        self.grab(panel, "panel")
        self.grab(own, "own")
        self.patch(watching, "SILENT_SECONDS", 0.5)
        capturing = [pid for pid in children() if b"-re\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        self.assertEqual(len(capturing), 1)
        self.assertFalse([pid for pid in children() if b"key=" in Path(f"/proc/{pid}/cmdline").read_bytes()])
        os.kill(capturing[0], signal.SIGSTOP)
        await self.until(lambda: panel.watch.state is Shown.PAUSED)
        self.assertEqual(panel.stage.saying.text, "Paused: nothing is being sent right now.")
        self.grab(panel, "paused")
        os.kill(capturing[0], signal.SIGCONT)
        await self.until(lambda: panel.watch.state is Shown.RUNNING)
        self.assertEqual(panel.stage.saying.text, "")
        self.click(own.end)
        await self.until(lambda: panel.watch.state is Shown.OVER)
        self.assertEqual(panel.stage.saying.text, "The live stream is over.")
        self.assertEqual(going.step, Step.ENDED)
        self.assertIsNone(panel.watch.player)
        await self.until(lambda: untold.state is Shown.OVER)
        self.assertIsNone(untold.player)
        self.assertIs(player.state, State.PLAYING)
        closed: list[bool] = []
        panel.closed.connect(lambda: closed.append(True))
        self.click(panel.stage.saying.button)
        self.assertEqual(closed, [True])
        self.assertFalse([line for line in lines if "key=" in line])
