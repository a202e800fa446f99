"""What needs no ffmpeg: colours, what a film is, clocks, times, commands, devices."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from client.platform import capture
from client.video import commands, film
from client.video.clock import BEHIND_MOST, FilmClock, LiveClock
from client.video.colour import Colour, Matrix
from client.video.commands import FLV, QUALITIES, Input, Pixels
from client.video.film import Film
from client.video.frames import BUFFERS, Frames, Samples, Shape
from client.video.problems import Problem, VideoError
from client.video.surface import OpenGL, drawn_by
from client.video.timeline import Timeline
from client.viewmodels import video_words
from tests.support.children import folder


def probed(**stream: Any) -> bytes:
    said = {
        "codec_type": "video",
        "width": 1280,
        "height": 720,
        "avg_frame_rate": "30/1",
        "pix_fmt": "yuv420p",
        **stream,
    }
    return json.dumps({"streams": [said], "format": {"duration": "12.5"}}).encode()


class RendererTests(SynchronousTestCase):
    def test_processor_or_card(self) -> None:
        """Renderers that draw with the processor are known by their names."""
        for name in (
            "llvmpipe (LLVM 15.0.6, 256 bits)",
            "softpipe",
            "Mesa DRI swrast",
            "Google SwiftShader",
            "GDI Generic",
            "Microsoft Basic Render Driver",
            "Apple Software Renderer",
        ):
            self.assertIs(drawn_by(name), OpenGL.PROCESSOR, name)
        for name in (
            "Mesa Intel(R) UHD Graphics 620 (KBL GT2)",
            "NVIDIA GeForce RTX 3060/PCIe/SSE2",
            "Apple M2",
        ):
            self.assertIs(drawn_by(name), OpenGL.CARD, name)


class ColourTests(SynchronousTestCase):
    def test_white_black_and_red(self) -> None:
        """The numbers of white, black and red become these colours, by each matrix and range."""
        for matrix in Matrix:
            for full in (False, True):
                columns, zero = Colour(matrix, full).coefficients()
                _, red, blue = matrix.value
                low, high = (0, 255) if full else (16, 235)
                tint = 255 if full else 224

                def shown(
                    samples: tuple[float, float, float], columns: Any = columns, zero: Any = zero
                ) -> list[float]:
                    at = [sample / 255 - nought for sample, nought in zip(samples, zero, strict=True)]
                    return [sum(columns[3 * c + r] * at[c] for c in range(3)) for r in range(3)]

                for wanted, samples in (
                    ((1, 1, 1), (high, 128, 128)),
                    ((0, 0, 0), (low, 128, 128)),
                    (
                        (1, 0, 0),
                        (low + (high - low) * red, 128 - tint * red / (2 * (1 - blue)), 128 + tint / 2),
                    ),
                ):
                    for got, want in zip(shown(samples), wanted, strict=True):
                        self.assertAlmostEqual(got, want, delta=0.003)

    def test_what_is_not_said(self) -> None:
        """A film that says nothing is one of BT.709 from 720 lines on, else of BT.601.

        RGB becomes what ffmpeg makes of it.
        """
        self.assertEqual(Colour.read({}, 720), Colour(Matrix.BT709))
        self.assertEqual(Colour.read({}, 576), Colour(Matrix.BT601))
        self.assertEqual(
            Colour.read({"color_space": "bt709", "color_range": "pc"}, 480), Colour(Matrix.BT709, True)
        )
        self.assertEqual(Colour.read({"pix_fmt": "yuvj420p"}, 480), Colour(Matrix.BT601, True))
        self.assertEqual(
            Colour.read({"pix_fmt": "gbrp", "color_space": "gbr", "color_range": "pc"}, 1080),
            Colour(Matrix.BT601),
        )


class FilmTests(SynchronousTestCase):
    def test_read(self) -> None:
        """Size, rate and length are read.

        A telephone that was held upright, pixels that are not square, and covers of songs too.
        """
        found = film.read(probed())
        self.assertEqual((found.width, found.height, found.rate, found.duration), (1280, 720, 30.0, 12.5))
        turned = film.read(probed(side_data_list=[{"rotation": -90}]))
        self.assertEqual((turned.width, turned.height), (720, 1280))
        wide = film.read(probed(width=720, height=576, sample_aspect_ratio="64:45"))
        self.assertEqual((wide.width, wide.height), (1024, 576))
        self.assertEqual(film.read(probed(width=101, height=51)).width % 2, 0)
        with self.assertRaises(VideoError) as caught:
            film.read(probed(disposition={"attached_pic": 1}))
        self.assertIs(caught.exception.problem, Problem.NO_PICTURES)

    def test_bounds(self) -> None:
        """Nothing is decoded that is too large, nor shown more often than 60 times a second."""
        for size in ({"width": 16384, "height": 100}, {"width": 8000, "height": 4000}):
            with self.assertRaises(VideoError) as caught:
                film.read(probed(**size))
            self.assertIs(caught.exception.problem, Problem.TOO_LARGE)
        self.assertEqual(film.read(probed(avg_frame_rate="90000/1")).rate, 60)
        self.assertEqual(film.read(probed(avg_frame_rate="0/0", r_frame_rate="1/0")).rate, 30)
        self.assertEqual(film.read(probed(avg_frame_rate="1/10")).rate, 30)
        self.assertEqual(film.fitted(4096, 2304), (1920, 1080))
        self.assertEqual(film.fitted(1, 8192)[0], 2)

    @given(
        st.recursive(
            st.none() | st.integers() | st.text() | st.floats(),
            lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner),
        )
    )
    def test_anything(self, said: Any) -> None:
        """Whatever is said, it is a film or a reason."""
        for text in (
            said,
            {"streams": said},
            {"streams": [said]},
            {"streams": [{"codec_type": "video", "width": said, "height": said}]},
        ):
            try:
                found = film.read(json.dumps(text).encode())
            except VideoError:
                continue
            self.assertTrue(2 <= found.width <= 1920 and found.rate <= 60)


class ClockTests(SynchronousTestCase):
    def test_film(self) -> None:
        """A film's clock stands, goes on, and can be set."""
        clock = FilmClock()
        self.assertEqual(clock.position(100), 0)
        clock.run(100)
        self.assertEqual(clock.position(103), 3)
        clock.stand(104)
        self.assertEqual(clock.position(200), 4)
        clock.set(50, 200)
        clock.run(200)
        self.assertEqual(clock.position(201), 51)

    def test_live(self) -> None:
        """A stream is shown as far behind as decoding takes and no further: not by what came at once when it
        began.
        """
        clock, step = LiveClock(), 1 / 30
        for number in range(150):  # five seconds that came at once, and are decoded in one
            clock.came(number * step, 10.0)
        for number in range(150):
            clock.decoded(number * step, step, 10.0 + number / 150)
        self.assertLess(clock.behind, 1.2)
        for number in range(150, 900):
            now = 10.0 + (number - 149) * step
            clock.came(number * step, now)
            clock.decoded((number - 12) * step, step, now)  # decoding takes 12 pictures
        self.assertTrue(clock.settled)
        self.assertGreaterEqual(clock.behind, 12 * step)
        self.assertLess(clock.behind, 16 * step)
        self.assertAlmostEqual(clock.position(now), 899 * step - clock.behind, places=6)

    def test_a_pause(self) -> None:
        """After a pause, whose time does not count in the stream, the newest is again what came last."""
        clock = LiveClock()
        clock.came(10.0, 100.0)
        self.assertEqual(clock.edge(101.0), 11.0)
        clock.came(10.1, 160.0)
        self.assertAlmostEqual(clock.edge(160.0), 10.1)

    def test_bound(self) -> None:
        """Who cannot keep up is behind, but not without end."""
        clock = LiveClock()
        for number in range(3000):
            clock.came(number / 30, number / 30)
            clock.decoded(0.0, 1 / 30, number / 30)
        self.assertEqual(clock.behind, BEHIND_MOST)


class TimelineTests(SynchronousTestCase):
    def test_steady(self) -> None:
        """Times go on over the end of 32 bits, begin with 0, and jumps are none."""
        line = Timeline()
        self.assertEqual([line.place(t) for t in (0xFFFFFFF0, 0x00000010, 0x30)], [0, 32, 64])
        self.assertEqual([line.place(t) for t in (0x70000000, 0x70000020, 0x10, 0)], [104, 136, 176, 160])

    @given(st.lists(st.integers(0, 0xFFFFFFFF)))
    def test_anything(self, times: list[int]) -> None:
        """Whatever a stream says, one message is never two seconds after the one before, nor more than one
        before it.
        """
        line = Timeline()
        places = [line.place(time) for time in times]
        for before, after in itertools.pairwise(places):
            self.assertTrue(-1000 <= after - before <= 2000)


class FrameTests(SynchronousTestCase):
    def test_buffers_stay(self) -> None:
        """As many pictures wait as there are buffers.

        One that is given back gets another picture, and half of one at the end is none.
        """
        shape = Shape(4, 2, Pixels.YUV, Colour())
        frames = Frames(shape, 1.0, 10.0)
        told: list[bool] = []
        data = b"".join(bytes([number]) * 12 for number in range(BUFFERS)) + b"half"

        def tell() -> None:
            told.append(True)
            if len(told) == BUFFERS:
                frames.take().release()

        frames.read(pipe(data), tell)
        self.assertEqual(len(told), BUFFERS)
        self.assertEqual(len(frames._ready), BUFFERS - 1)

    def test_planes(self) -> None:
        """Brightness comes first, then the two of colour, a quarter each."""
        frames = Frames(Shape(4, 2, Pixels.YUV, Colour()), 1.0, 10.0)
        frames.read(pipe(b"YYYYYYYYUUVV"), lambda: None)
        self.assertEqual(frames.next_time(), 1.0)
        frame = frames.take()
        self.assertEqual([bytes(plane) for plane in frame.planes()], [b"YYYYYYYY", b"UU", b"VV"])
        frame.release()
        frame.release()
        self.assertEqual(len(frames._free), BUFFERS - 1)  # one was to be filled when the pipe ended

    def test_samples(self) -> None:
        """Sound comes in pieces with times; what is too late is left out, and what is not due waits."""
        samples = Samples(5.0)
        samples.read(io.BytesIO(b"".join(bytes([number]) * Samples.PIECE for number in range(4)) + b"rest"))
        self.assertIsNone(samples.due(5.0, 0.0))
        self.assertEqual(samples.due(5.01, 0.0), b"\0" * Samples.PIECE)
        self.assertEqual(samples.due(9.0, 5.03), b"\2" * Samples.PIECE)


class _Pipe(io.RawIOBase):
    """Gives three bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readinto(self, buffer: Any) -> int:
        got = self._data.read(min(3, len(buffer)))
        buffer[: len(got)] = got
        return len(got)

    def readable(self) -> bool:
        return True


def pipe(data: bytes) -> Any:
    """One with that in it."""
    return _Pipe(data)


class CommandTests(SynchronousTestCase):
    def test_only_what_is_meant(self) -> None:
        """Files are read as files whatever their names, of kinds that read nothing else.

        What is fed comes by a pipe alone.
        """
        source = commands.file(Path("/films/http: -i concat.mp4"))
        self.assertEqual(source.name, "file:/films/http: -i concat.mp4")
        for command in (
            commands.pictures("ffmpeg", source, Film(4, 2, 25.0), Pixels.YUV),
            commands.probe("ffprobe", source),
        ):
            self.assertEqual(command[command.index("-protocol_whitelist") + 1], "file")
            allowed = command[command.index("-format_whitelist") + 1].split(",")
            self.assertFalse(
                {"hls", "concat", "lavfi", "image2", "dash", "sdp", "rtsp", "tty", "imf"} & {*allowed}
            )
            self.assertIn("-max_pixels", command)
        fed = commands.sound("ffmpeg", FLV)
        self.assertEqual(fed[fed.index("-protocol_whitelist") + 1], "pipe")
        self.assertEqual(fed[fed.index("-format_whitelist") + 1], "flv")

    def test_capture(self) -> None:
        """What is sent says its colours, and has a key frame every two seconds."""
        command = commands.capture(
            "ffmpeg", Input(":1", {"f": "x11grab"}), Input("default", {"f": "pulse"}), QUALITIES[1], "libx264"
        )
        text = " ".join(command)
        for part in (
            "-f x11grab -i :1",
            "-f pulse -i default",
            "-g 60",
            "-colorspace bt709",
            "-color_range tv",
            "-c:a aac",
            "-f flv",
        ):
            self.assertIn(part, text)
        self.assertEqual(command[-1], "pipe:1")
        self.assertNotIn("-c:a", commands.capture("ffmpeg", Input("x"), None, QUALITIES[2], "h264_mf"))


_DSHOW = """[dshow @ 0000] "Integrated Camera" (video)
[dshow @ 0000]   Alternative name "@device_pnp_xyz"
[dshow @ 0000] "Microphone (Realtek(R) Audio)" (audio)
dummy: Immediate exit requested"""
_OLD_DSHOW = """[dshow @ 0000] DirectShow video devices (some may be both video and audio devices)
[dshow @ 0000]  "USB Camera"
[dshow @ 0000]     Alternative name "@device_pnp_xyz"
[dshow @ 0000] DirectShow audio devices
[dshow @ 0000]  "Mikrofon"
"""
_AVFOUNDATION = """[AVFoundation indev @ 0x7] AVFoundation video devices:
[AVFoundation indev @ 0x7] [0] FaceTime HD Camera
[AVFoundation indev @ 0x7] [1] Capture screen 0
[AVFoundation indev @ 0x7] AVFoundation audio devices:
[AVFoundation indev @ 0x7] [0] MacBook Pro Microphone
: Input/output error"""


class DeviceTests(SynchronousTestCase):
    def test_windows(self) -> None:
        """DirectShow's devices are read, as ffmpeg lists them now and as it did."""
        found = capture.devices(_DSHOW, "win32")
        self.assertEqual([one.name for one in found.cameras], ["video=Integrated Camera"])
        self.assertEqual([one.name for one in found.microphones], ["audio=Microphone (Realtek(R) Audio)"])
        self.assertEqual([one.options["f"] for one in found.screens], ["gdigrab"])
        found = capture.devices(_OLD_DSHOW, "win32")
        self.assertEqual(
            [one.title for one in (*found.cameras, *found.microphones)], ["USB Camera", "Mikrofon"]
        )

    def test_macos(self) -> None:
        """AVFoundation's cameras, screens and microphones are told apart."""
        found = capture.devices(_AVFOUNDATION, "darwin")
        self.assertEqual(
            [one.name for one in (*found.cameras, *found.screens, *found.microphones)],
            ["0:none", "1:none", "none:0"],
        )

    def test_linux(self) -> None:
        """Cameras are found with their names, the display, and a microphone.

        Under Wayland there is no screen, and that is known.
        """
        root = folder("root")
        for name, index, title in (
            ("video0", "0", "HD Webcam"),
            ("video1", "1", "HD Webcam"),
            ("video10", "0", "Other"),
        ):
            place = root / "sys/class/video4linux" / name
            place.mkdir(parents=True)
            (place / "index").write_text(index)
            (place / "name").write_text(title + "\n")
        (root / "dev/snd").mkdir(parents=True)
        (root / "dev/snd/pcmC0D0c").touch()
        found = capture.devices("", "linux", {"DISPLAY": ":7"}, root)
        self.assertEqual(
            [(one.title, one.name) for one in found.cameras],
            [("HD Webcam", "/dev/video0"), ("Other", "/dev/video10")],
        )
        self.assertEqual([one.name for one in found.screens], [":7"])
        self.assertEqual([one.options["f"] for one in found.microphones], ["alsa"])
        found = capture.devices("", "linux", {"DISPLAY": ":7", "WAYLAND_DISPLAY": "wayland-0"}, root)
        self.assertEqual((list(found.screens), found.wayland), ([], True))

    def test_encoder(self) -> None:
        """The best that there is is taken."""
        listed = " V....D libx264rgb   x\n V....D libopenh264  y\n A....D aac z\n"
        self.assertEqual(capture.encoder(listed), "libopenh264")
        self.assertEqual(capture.encoder(listed + " V....D libx264   x\n"), "libx264")
        self.assertIsNone(capture.encoder(""))


class WordsTests(SynchronousTestCase):
    def test_every_problem(self) -> None:
        """Each has its sentence; ffmpeg's says what to install, on each system."""
        for problem in Problem:
            self.assertTrue(video_words.problem_words(VideoError(problem, "secret")).endswith((".", "?")))
            self.assertNotIn("secret", video_words.problem_words(VideoError(problem, "secret")))
        self.assertIn("winget", video_words.install_words("win32"))
        self.assertIn("brew", video_words.install_words("darwin"))
        self.assertIn("package", video_words.install_words("linux"))

    def test_lengths(self) -> None:
        """Lengths are read as on a clock."""
        self.assertEqual([video_words.length_words(s) for s in (0, 62.9, 3723)], ["0:00", "1:02", "1:02:03"])
