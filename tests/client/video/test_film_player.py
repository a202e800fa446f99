"""Films of this disk, played without showing them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from PySide6.QtGui import QImage

from client.platform import ffmpeg
from client.video.commands import Pixels
from client.video.film_player import FilmPlayer
from client.video.player import State, Surroundings
from client.video.problems import Problem
from client.video.sound import Hearing, Silence
from tests.client.video.films import FFMPEG, bars, furthest
from tests.client.video.scene import PlayerCase, children
from tests.support.children import die_with_parent, folder
from tests.support.daemons import ROOT


class FilmTests(PlayerCase):
    def film(self, path: Path, pixels: Pixels = Pixels.YUV) -> FilmPlayer:
        player = FilmPlayer(self.around, path, pixels)
        self.closing(player)
        return player

    async def test_from_beginning_to_end(self) -> None:
        """A film plays from beginning to end with its sound, and once more when it is asked to."""
        player = self.film(bars("short.mp4", seconds=0.6))
        times = self.watch(player)
        player.play()
        player.open()
        await self.until(lambda: player.state is State.ENDED)
        assert player.film is not None
        self.assertEqual((player.film.width, player.film.height, player.film.rate), (560, 320, 25))
        self.assertAlmostEqual(player.film.duration, 0.6, delta=0.1)
        self.assertEqual(times, sorted(times))
        self.assertLessEqual(times[-1], 0.61)
        self.assertGreaterEqual(times[-1], 0.5)
        self.assertEqual(len(times) + player.counts.dropped, 15)
        self.assertGreater(len(self.speaker.heard), 48_000 * 4 * 0.3)
        self.assertTrue(any(self.speaker.heard))
        before = len(times)
        player.play()
        await self.until(lambda: player.state is State.ENDED and len(times) > before + 3)

    async def test_pause_and_seek(self) -> None:
        """Paused, it shows its first picture and stands.

        A seek shows the picture there, and the last of many seeks counts.
        """
        player = self.film(bars("long.mp4", seconds=20))
        times = self.watch(player)
        player.open()
        await self.until(lambda: times)
        self.assertEqual((player.state, times), (State.STANDING, [0.0]))
        for at in (3, 9, 15, 12):
            player.seek(at)
        await self.until(lambda: len(times) > 1)
        self.assertAlmostEqual(times[1], 12, delta=0.05)
        self.assertEqual(player.position(player.now), 12)
        self.assertEqual(len(children()), 2)  # pictures and sound, and none of those before
        player.play()
        await self.until(lambda: len(times) > 5)
        player.pause()
        self.assertGreater(player.position(player.now), 12)
        self.assertLess(player.position(player.now), 19)
        player.seek(1000)
        await self.until(lambda: times[-1] > 19)
        self.assertEqual(player.state, State.STANDING)
        player.play()
        await self.until(lambda: player.state is State.ENDED)
        player.seek(-5)
        await self.until(lambda: times[-1] == 0.0)

    async def test_colours(self) -> None:
        """Without OpenGL, ffmpeg makes colours by the film's matrix and range: within 3 of what was sent."""
        for matrix in ("bt601", "bt709", "bt2020"):
            for wide in ("tv", "pc"):
                player = self.film(
                    bars(f"{matrix}-{wide}.mp4", seconds=0.2, matrix=matrix, wide=wide), Pixels.RGB
                )
                arrived: list[object] = []
                player.arrived.subscribe(arrived.append)
                player.open()
                await self.until(arrived.copy)
                frame = player.take()
                assert frame is not None
                image = QImage(frame.data, frame.shape.width, frame.shape.height, QImage.Format.Format_RGB32)
                self.assertLessEqual(furthest(image), 3, (matrix, wide))
                player.close()

    async def test_bad_files(self) -> None:
        """What is no film, is gone, has no pictures, would read other files or reach for the network, is
        refused with a reason.
        """
        here = folder("bad")
        (here / "text.mp4").write_text("no film at all\n" * 100)
        (here / "list.mp4").write_text(f"ffconcat version 1.0\nfile '{bars()}'\n")
        (here / "net.m3u8").write_text(
            "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
        )
        (here / "cut.mp4").write_bytes(bars().read_bytes()[:3000])
        (here / "zero.mkv").write_bytes(b"")
        (here / "-y.mp4").write_bytes(b"x")
        subprocess.run(
            [*FFMPEG, "-f", "lavfi", "-i", "sine", "-t", "0.2", str(here / "sound.mp3")], check=True
        )
        for name, problem in (
            ("text.mp4", Problem.UNREADABLE),
            ("list.mp4", Problem.UNREADABLE),
            ("net.m3u8", Problem.UNREADABLE),
            ("cut.mp4", Problem.UNREADABLE),
            ("zero.mkv", Problem.UNREADABLE),
            ("-y.mp4", Problem.UNREADABLE),
            ("sound.mp3", Problem.NO_PICTURES),
            ("nothing.mp4", Problem.GONE),
        ):
            player = self.film(here / name)
            player.open()
            await self.failed(player)
            assert player.problem is not None
            self.assertEqual(player.problem.problem, problem, (name, player.problem.detail))

    async def failed(self, player: FilmPlayer) -> None:
        """Wait for it."""
        await self.until(lambda: player.state is State.FAILED)

    async def test_too_large(self) -> None:
        """Pictures of more than 4096 × 2304 are refused before they are decoded."""
        path = folder("large") / "large.mkv"
        source = ("-f", "lavfi", "-i", "color=s=8000x4000:r=1", "-frames:v", "1", "-c:v", "mjpeg")
        subprocess.run([*FFMPEG, *source, str(path)], check=True)
        player = self.film(path)
        player.open()
        await self.until(lambda: player.state is State.FAILED)
        assert player.problem is not None
        self.assertEqual(player.problem.problem, Problem.TOO_LARGE)

    async def test_larger_than_shown(self) -> None:
        """What is larger than a screen has use for is made smaller by ffmpeg."""
        path = folder("large") / "uhd.mkv"
        source = ("-f", "lavfi", "-i", "color=s=3840x2160:r=1", "-frames:v", "1", "-c:v", "mjpeg")
        subprocess.run([*FFMPEG, *source, str(path)], check=True)
        player = self.film(path)
        times = self.watch(player)
        player.open()
        await self.until(lambda: times)
        assert player.film is not None
        self.assertEqual((player.film.width, player.film.height), (1920, 1080))

    async def test_without_ffmpeg(self) -> None:
        """Without ffmpeg, it says so at once."""
        player = FilmPlayer(
            Surroundings(self.reactor, lambda: self.speaker, lambda name: None), bars(), Pixels.YUV
        )
        player.open()
        assert player.problem is not None
        self.assertEqual((player.state, player.problem.problem), (State.FAILED, Problem.NO_FFMPEG))

    async def test_without_sound(self) -> None:
        """Where nothing can be heard, sound is not decoded, and that can be said."""
        player = FilmPlayer(
            Surroundings(self.reactor, lambda: Silence(Hearing.NO_DEVICE)), bars(), Pixels.YUV
        )
        times = self.watch(player)
        player.open()
        await self.until(lambda: times)
        self.assertEqual(player.hearing, Hearing.NO_DEVICE)
        self.assertEqual(len(children()), 1)

    async def test_a_child_that_is_killed(self) -> None:
        """When ffmpeg is killed while it plays, what came is shown, and the film is at its end."""
        player = self.film(bars("long.mp4", seconds=20))
        times = self.watch(player)
        player.open()
        await self.until(lambda: times)
        player.play()
        for child in children():
            os.kill(child, signal.SIGKILL)
        await self.until(lambda: player.state is State.ENDED)

    async def test_slow_to_look(self) -> None:
        """While nobody looks, six pictures wait at most.

        Who looks again sees the one that is due, and the others are dropped.
        """
        player = self.film(bars("long.mp4", seconds=20))
        arrived: list[object] = []
        player.arrived.subscribe(arrived.append)
        self.closing(player)
        player.play()
        player.open()
        await self.until(lambda: arrived)
        first = player.take()
        assert first is not None
        first.release()
        started = player.now
        await self.until(lambda: player.now > started + 0.3)
        frames = player._frames
        assert frames is not None
        self.assertLessEqual(len(frames._ready), 6)
        frame = player.take()
        assert frame is not None
        self.assertGreater(frame.time, 0.1)
        self.assertGreater(player.counts.dropped, 1)
        self.assertLessEqual(player.counts.dropped, 6)

    async def test_dies_with_us(self) -> None:
        """A client that is killed leaves no ffmpeg behind, not even one that waits to go on."""
        child = subprocess.Popen(
            [sys.executable, "-c", _CLIENT, str(bars("long.mp4", seconds=20))],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            preexec_fn=die_with_parent,
        )
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        assert child.stdout is not None
        pids = [int(pid) for pid in child.stdout.readline().split()]
        child.stdout.close()
        self.assertEqual(len(pids), 1)
        child.kill()
        await self.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))

    def test_found(self) -> None:
        """Both programs are found."""
        self.assertTrue(ffmpeg.find("ffmpeg"))
        self.assertTrue(ffmpeg.find("ffprobe"))
        self.assertIsNone(ffmpeg.find("ffmpeg-that-nobody-has"))


_CLIENT = """
import sys
from pathlib import Path
from twisted.internet import reactor
from client.video.commands import Pixels
from client.video.film_player import FilmPlayer
from client.video.player import Surroundings
from client.video.sound import Hearing, Silence
from tests.client.video.scene import children
player = FilmPlayer(Surroundings(reactor, lambda: Silence(Hearing.NO_DEVICE)), Path(sys.argv[1]), Pixels.YUV)
player.arrived.subscribe(lambda _: print(*children(), flush=True))
player.open()
reactor.run()
"""
