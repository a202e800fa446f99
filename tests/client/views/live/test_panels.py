"""Panels of films and streams where there is no OpenGL."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint
from twisted.internet.threads import deferToThread

from client.core.memory import MemoryAccount
from client.core.model import Attachment, Kind, Message, Stream
from client.platform.capture import Device, Devices
from client.platform.settings import Settings
from client.video.commands import Pixels
from client.video.player import Surroundings
from client.video.sound import Hearing, Silence
from client.video.studio import Studio
from client.viewmodels.conversation import ConversationPresenter
from client.viewmodels.film_show import FilmShow
from client.viewmodels.going_live import GoingLive, Source, Step
from client.viewmodels.live_watch import LiveWatch, Shown
from client.viewmodels.spool import Spool
from client.views.conversation import ConversationView
from client.views.live.film import FilmPanel
from client.views.live.go_live import GoLiveDialog
from client.views.live.own_panel import OwnPanel
from client.views.live.panel import LivePanel
from client.views.live.place import LivePlace
from client.widgets.avatar import Avatars
from client.widgets.pictures import Pictures
from tests.client.video.films import bars, furthest
from tests.client.video.scene import children
from tests.support.children import folder, free_port
from tests.support.qt import WidgetCase


class PanelCase(WidgetCase):
    timeout = 60.0

    def setUp(self) -> None:
        super().setUp()
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.memory = MemoryAccount(longest=200)
        self.account: Any = self.memory

    def studio(self, *, ffmpeg: bool = True) -> Studio:
        silence = Silence(Hearing.NOT_INSTALLED)
        around = (
            Surroundings(self.reactor, lambda: silence)
            if ffmpeg
            else Surroundings(self.reactor, lambda: silence, lambda name: None)
        )
        studio = Studio(around, lambda: None)
        self.addCleanup(studio.close)
        return studio

    def film(self, path: Path, studio: Studio | None = None) -> FilmPanel:
        attachment = Attachment(path.name, 1, "video/mp4", path=str(path))
        message = Message("#1", 1, 2, 0, Kind.VIDEO, id=1, attachment=attachment)
        studio = studio or self.studio()
        panel = FilmPanel(
            self.theme, lambda pixels: FilmShow(self.account, studio, message, pixels), opengl=False
        )
        return self.show(panel, 560, 400)


class FilmTests(PanelCase):
    async def test_without_opengl(self) -> None:
        """Without OpenGL Qt paints the pictures, of the right colours, and that is said.

        So is that nothing is heard.
        """
        panel = self.film(bars())
        await self.until(lambda: panel.stage.area.shows)
        await self.until(lambda: panel.note.text)
        self.assertIn("OpenGL is not available", panel.note.text)
        self.assertIn("Qt Multimedia is not installed", panel.note.text)
        area = panel.stage.area
        share = min(area.width() / 560, area.height() / 320)
        wide, high = 560 * share, 320 * share
        image = self.grab(area)
        self.assertLessEqual(
            furthest(image, ((area.width() - wide) / 2, (area.height() - high) / 2, wide, high)), 3
        )
        self.grab(panel, "film-raster")
        panel.leave()
        await self.until(lambda: not children())

    async def test_without_ffmpeg(self) -> None:
        """Without ffmpeg there is one sentence, with what to install, and a way to try again."""
        panel = self.film(bars(), self.studio(ffmpeg=False))
        self.assertIn("Video needs ffmpeg, which is not on this computer. Install", panel.stage.saying.text)
        self.assertEqual(panel.stage.saying.button.text(), "Try again")
        self.assertFalse(panel.play.isEnabled())
        self.grab(panel, "no-ffmpeg")

    async def test_try_again(self) -> None:
        """A file that was not there plays when it is, and somebody tries again."""
        path = Path(bars()).parent / "later.mp4"
        panel = self.film(path)
        await self.until(lambda: panel.film.sentence)
        self.assertEqual(panel.stage.saying.text, "The file is not there any more.")
        path.write_bytes(bars().read_bytes())
        self.click(panel.stage.saying.button)
        await self.until(lambda: panel.stage.area.shows)
        self.assertEqual(panel.stage.saying.text, "")


class LiveTests(PanelCase):
    def stream(self, **changes: Any) -> Stream:
        url = f"rtmp://127.0.0.1:{free_port()}/live/x?key=SECRET"
        made = replace(Stream("x", 1, 2, "Cats\u202e\nand dogs", viewers=3, play_url=url), **changes)
        self.memory._streams["x"] = made
        return made

    def panel(self) -> LivePanel:
        studio = self.studio()
        return self.show(
            LivePanel(self.theme, lambda pixels: LiveWatch(self.account, studio, "x", pixels), opengl=False),
            560,
            400,
        )

    async def test_unreachable(self) -> None:
        """A server that is not there is one sentence, without the URL, and a button.

        One tries again, and closes it.
        """
        self.stream()
        panel = self.panel()
        self.assertEqual(panel.stage.saying.text, "The stream begins …")
        await self.until(lambda: panel.watch.state is Shown.FAILED)
        self.assertEqual(panel.stage.saying.text, "The server of this stream cannot be reached.")
        self.grab(panel, "unreachable")
        self.click(panel.stage.saying.button)
        self.assertEqual(panel.watch.state, Shown.BEGINS)
        await self.until(lambda: panel.watch.state is Shown.FAILED)
        self.assertNotIn("SECRET", repr(panel.watch.stream))
        gone: list[bool] = []
        panel.closed.connect(lambda: gone.append(True))
        self.click(panel.close_button)
        self.click(panel.close_button)
        self.assertEqual(gone, [True])

    async def test_over(self) -> None:
        """A stream that is over when one looks is told in a sentence; one that ends meanwhile too."""
        panel = self.panel()
        await self.until(lambda: panel.watch.state is Shown.FAILED)
        self.assertIn("over", panel.stage.saying.text)
        stream = self.stream()
        self.click(panel.stage.saying.button)
        self.memory.changes.stream.fire(replace(stream, running=False))
        self.assertEqual(
            (panel.watch.state, panel.stage.saying.text), (Shown.OVER, "The live stream is over.")
        )
        self.grab(panel, "over")


class GoLiveTests(PanelCase):
    def going(self, *, ffmpeg: bool = True) -> GoingLive:
        return GoingLive(self.account, self.studio(ffmpeg=ffmpeg), 1, Pixels.RGB)

    async def test_dialog(self) -> None:
        """What is there can be chosen; what is wrong is said before anything begins."""
        going = self.going()
        dialog = self.show(GoLiveDialog(self.theme, going))
        await self.until(lambda: going.listed)
        going.devices = Devices(
            [Device("HD Webcam", "/dev/video9", {"f": "v4l2"})],
            [Device("Whole screen", ":0", {"f": "x11grab"})],
        )
        going.changed.fire(going)
        dialog.sources[Source.CAMERA].click()
        self.assertEqual(dialog.device.currentText(), "HD Webcam")
        dialog.sources[Source.SCREEN].click()
        self.assertEqual(dialog.device.currentText(), "Whole screen")
        self.click(dialog.start)
        self.assertEqual(dialog.problem.text(), "Give it a title of 1 to 100 characters.")
        self.keys(dialog.title, "Cats")
        dialog.sources[Source.FILE].click()
        self.click(dialog.start)
        self.assertEqual(dialog.problem.text(), "Choose a file.")
        self.assertFalse(dialog.device.isVisible())
        self.grab(dialog, "go-live")
        going.devices = Devices(wayland=True)
        going.changed.fire(going)
        dialog.sources[Source.SCREEN].click()
        self.assertIn("Wayland", dialog.problem.text())

    async def test_without_ffmpeg(self) -> None:
        """Without ffmpeg the dialog says what to install."""
        dialog = self.show(GoLiveDialog(self.theme, self.going(ffmpeg=False)))
        self.assertIn("Video needs ffmpeg", dialog.problem.text())

    async def test_cannot_be_sent(self) -> None:
        """A server that cannot be reached: a sentence, the stream is ended, and nothing runs on.

        The way out closes.
        """
        going = self.going()
        going.conversation = self.memory.conversations()[0].id
        panel = self.show(OwnPanel(self.theme, going, opengl=False), 560, 400)
        going.start("Cats", Source.FILE, path=bars())
        await self.until(lambda: going.step is Step.FAILED)
        self.assertEqual(panel.stage.saying.text, "The server of this stream cannot be reached.")
        await self.until(lambda: any(command[0] == "stop_stream" for command in self.memory.commands))
        self.assertEqual(children(), [])
        self.grab(panel, "cannot-be-sent")


class PlaceTests(PanelCase):
    async def test_above_the_messages(self) -> None:
        """A click on a stream's bubble opens its panel above the messages.

        Another conversation ends it, and nothing runs on.
        """
        view = self.show(
            ConversationView(
                self.theme, Avatars(self.theme, pictures := Pictures()), pictures, Settings(None)
            ),
            700,
            700,
        )
        self.addCleanup(pictures.close)
        place = LivePlace(self.theme, view, self.account, self.studio, opengl=False)
        self.addCleanup(place.close)
        one, other = (conversation.id for conversation in self.memory.conversations()[:2])
        view.show_conversation(
            ConversationPresenter(self.account, one, Spool(folder("spool"), deferToThread))
        )
        self.addCleanup(view.close_view)
        place.set_conversation(one)
        url = f"rtmp://127.0.0.1:{free_port()}/live/x?key=SECRET"
        self.memory._streams["x"] = Stream("x", one, 2, "Cats", viewers=3, play_url=url)
        view.watch.emit("x")
        panel: Any = place.panel
        await self.until(lambda: panel.watch.state is Shown.FAILED)
        self.assertTrue(panel.isVisible())
        self.assertLess(panel.mapToGlobal(QPoint()).y(), view.messages.mapToGlobal(QPoint()).y())
        self.grab(view, "above")
        place.set_conversation(other)
        self.assertIsNone(place.panel)
        attachment = Attachment("bars.mp4", 1, "video/mp4", path=str(bars()))
        place.play(Message("#1", other, 2, 0, Kind.VIDEO, id=1, attachment=attachment))
        panel = place.panel
        await self.until(lambda: panel.stage.area.shows)
        place.close()
        await self.until(lambda: not children())

    async def test_dialog(self) -> None:
        """The button asks what to show; giving it up leaves nothing."""
        view = self.show(
            ConversationView(
                self.theme, Avatars(self.theme, pictures := Pictures()), pictures, Settings(None)
            ),
            700,
            700,
        )
        self.addCleanup(pictures.close)
        place = LivePlace(self.theme, view, self.account, self.studio, opengl=False)
        self.addCleanup(place.close)
        place.set_conversation(self.memory.conversations()[0].id)
        place.go_live()
        dialog: Any = place.dialog
        await self.until(lambda: dialog.going.listed)
        dialog.reject()
        self.assertIsNone(place.dialog)
