"""Films on a screen with OpenGL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt

from client.core.memory import MemoryAccount
from client.core.model import Attachment, Kind, Message
from client.video.commands import Pixels
from client.video.image_surface import ImageSurface
from client.video.player import Surroundings
from client.video.sound import Hearing, Silence
from client.video.studio import Studio
from client.video.surface import OpenGL, opengl_here
from client.viewmodels.film_show import FilmShow
from client.views.live.film import FilmPanel
from tests.client.video.films import bars, furthest
from tests.client.video.scene import children
from tests.support.qt import WidgetCase


class FilmTests(WidgetCase):
    timeout = 60.0

    def panel(
        self, path: Path, width: int = 560, height: int = 400, *, opengl: bool | None = True
    ) -> FilmPanel:
        """One that plays this."""
        from twisted.internet import reactor

        self.assertIsNot(opengl_here(), OpenGL.NONE)
        studio = Studio(Surroundings(reactor, lambda: Silence(Hearing.NO_DEVICE)), lambda: None)
        attachment = Attachment(path.name, path.stat().st_size, "video/mp4", path=str(path))
        message = Message("#1", 1, 2, 0, Kind.VIDEO, id=1, attachment=attachment)
        account: Any = MemoryAccount(empty=True)
        panel = FilmPanel(
            self.theme, lambda pixels: FilmShow(account, studio, message, pixels), opengl=opengl
        )
        return self.show(panel, width, height)

    def place(self, panel: FilmPanel) -> tuple[float, float, float, float]:
        """Where the picture is within its area."""
        area = panel.stage.area
        share = min(area.width() / 560, area.height() / 320)
        wide, high = 560 * share, 320 * share
        return (area.width() - wide) / 2, (area.height() - high) / 2, wide, high

    async def test_colours(self) -> None:
        """What the shader makes of each matrix and range is within 3 of what was sent."""
        for matrix in ("bt601", "bt709", "bt2020"):
            for wide in ("tv", "pc"):
                panel = self.panel(bars(f"{matrix}-{wide}.mp4", seconds=0.2, matrix=matrix, wide=wide))
                await self.shows(panel)
                image = self.grab(panel.stage.area, f"{matrix}-{wide}")
                self.assertLessEqual(furthest(image, self.place(panel)), 3, (matrix, wide))
                panel.leave()

    async def test_by_the_processor(self) -> None:
        """Where the processor draws OpenGL, pictures are painted without it, of the right colours, and that
        is said.
        """
        self.assertIs(opengl_here(), OpenGL.PROCESSOR)  # Xvfb has no graphics card
        panel = self.panel(bars("bt709-tv.mp4", seconds=0.2, matrix="bt709", wide="tv"), opengl=None)
        await self.shows(panel)
        self.assertIsInstance(panel.stage.area.surface, ImageSurface)
        self.assertIn("which is less work", panel.note.text)
        self.assertLessEqual(furthest(self.grab(panel.stage.area, "processor"), self.place(panel)), 3)

    async def shows(self, panel: FilmPanel) -> None:
        """Wait for a picture."""
        await self.until(lambda: panel.stage.area.shows)

    async def test_seek(self) -> None:
        """A film plays, stands at Space, and is where its bar is clicked or keys lead.

        Then another picture is on the screen.
        """
        panel = self.panel(bars("long.mp4", seconds=20))
        film = panel.film
        await self.until(lambda: film.player and film.player.counts.shown > 3)
        self.assertEqual(panel.stage.saying.text, "")
        self.keys(panel.stage, Qt.Key.Key_Space)
        self.assertFalse(film.plays)
        before = self.grab(panel.stage.area)
        slider = panel.slider
        self.click(slider, QPoint(slider.width() // 2, slider.height() // 2))
        await self.until(lambda: abs(film.position - 10) < 0.6 and film.player and not film.player._first)
        self.assertFalse(film.plays)
        self.assertNotEqual(before, self.grab(panel.stage.area, "sought"))
        self.grab(panel, "film")
        self.assertIn(" / 0:20", panel.time.text())
        at = film.position
        self.keys(panel.stage, Qt.Key.Key_Right)
        self.assertAlmostEqual(film.position, at + 5, delta=0.01)
        self.keys(panel.stage, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
        self.assertEqual(film.position, 0)
        self.click(panel.play)
        await self.until(lambda: film.position > 0.2)
        self.assertEqual(panel.play.accessibleName(), "Pause")

    async def test_full_screen(self) -> None:
        """F fills the screen with the same picture, Esc is the way back.

        A film that stands is seen on both.
        """
        panel = self.panel(bars("long.mp4", seconds=20))
        await self.shows(panel)
        panel.film.toggle()
        self.keys(panel.stage, Qt.Key.Key_F)
        self.assertTrue(panel.stage.full)
        await self.until(lambda: panel.stage.width() > 1000)
        image = self.grab(panel.stage.area, "full")
        self.assertLessEqual(furthest(image, self.place(panel)), 3)
        self.keys(panel.stage, Qt.Key.Key_Escape)
        self.assertFalse(panel.stage.full)
        await self.until(lambda: panel.stage.width() <= 560)
        self.assertIs(panel.stage.parentWidget(), panel)
        self.assertLessEqual(furthest(self.grab(panel.stage.area, "back"), self.place(panel)), 3)

    async def test_ends_with_the_widget(self) -> None:
        """When the panel is deleted, no ffmpeg runs on."""
        panel = self.panel(bars("long.mp4", seconds=20))
        await self.shows(panel)
        self.assertTrue(children())
        panel.deleteLater()
        self.turn()
        await self.until(lambda: not children())
        self._gone = panel

    async def test_opengl_fails(self) -> None:
        """Where OpenGL fails while a film plays, it goes on without, and that is said."""
        panel = self.panel(bars("long.mp4", seconds=20))
        await self.shows(panel)
        surface: Any = panel.stage.area.surface
        surface.failed.emit("the driver is gone")
        self.assertIs(panel.stage.area.pixels, Pixels.RGB)
        player = panel.film.player
        assert player is not None
        shown = player.counts.shown
        await self.until(lambda: player.counts.shown > shown + 3)
        image = self.grab(panel.stage.area, "without")
        self.assertLessEqual(furthest(image, self.place(panel)), 3)
        self.assertIn("OpenGL is not available", panel.note.text)

    def _remove(self, widget: Any) -> None:
        if widget is not getattr(self, "_gone", None):
            super()._remove(widget)
