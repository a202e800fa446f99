"""What containers hold."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imsys.files.probing import Probe, _may_be_container
from imsys.files.readable import InMemoryFile
from imsys.files.sniffing import HEAD, UNKNOWN, Kind, kind, sniff
from tests.support.children import folder
from tests.support.programs import program

PICTURES = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=10")
SOUND = ("-f", "lavfi", "-i", "sine=440")


class ProbeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = folder("probing")
        self.probe = Probe(self.folder)

    def made(self, name: str, *options: str) -> bytes:
        """A file of ffmpeg's."""
        path = self.folder / name
        command = (program("ffmpeg"), "-v", "error", "-y", *options, "-t", "1", str(path))
        subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
        return path.read_bytes()

    def type(self, data: bytes, name: str = "x", probe: Probe | None = None) -> str:
        head = data[:HEAD]
        return (probe or self.probe).of(InMemoryFile(data), sniff(head, name), head)

    def test_films(self) -> None:
        """Whatever brand or beginning it has, and whatever it is called, what has moving pictures is a video."""
        mp4 = self.made("a.mp4", *PICTURES, *SOUND)
        cases = {
            "video/mp4": [mp4],
            "video/quicktime": [],
            "video/mp2t": [],
            "video/x-matroska": [],
            "video/webm": [],
        }
        cases["video/mp4"] += [
            mp4[:8] + brand + mp4[12:] for brand in (b"dash", b"iso9", b"MSNV", b"F4V ", b"XAVC", b"zzzz")
        ]
        mov = self.made("a.mov", *PICTURES, *SOUND)
        # without its ftyp, as the oldest are
        cases["video/quicktime"] += [mov, mov[int.from_bytes(mov[:4]) :]]
        ts = self.made("a.ts", *PICTURES, *SOUND)
        cases["video/mp2t"] += [ts, ts[188 * 3 + 50 :]]
        cases["video/x-matroska"].append(self.made("a.mkv", *PICTURES, *SOUND))
        cases["video/webm"].append(self.made("a.webm", *PICTURES, *SOUND, "-deadline", "realtime"))
        for mime, files in cases.items():
            for data in files:
                for name in ("x", "x.m4a", "x.weba", "x.txt"):
                    self.assertEqual(self.type(data, name), mime, (name, data[:40]))
        self.assertEqual({kind(mime) for mime in cases}, {Kind.VIDEO})

    def test_sounds(self) -> None:
        """What has sound alone is sound, also with a cover."""
        (self.folder / "cover.png").write_bytes(b"")
        self.made("cover.png", *PICTURES, "-frames:v", "1")
        cover = (
            "-i",
            str(self.folder / "cover.png"),
            *SOUND,
            "-map",
            "0",
            "-map",
            "1",
            "-c:v",
            "copy",
            "-disposition:v:0",
            "attached_pic",
        )
        for name, mime, *options in (
            ("b.mp4", "audio/mp4", *SOUND),
            ("c.mp4", "audio/mp4", *cover),
            ("b.webm", "audio/webm", *SOUND),
            ("b.mka", "audio/x-matroska", *SOUND),
            ("b.ogg", "audio/ogg", *SOUND),
            ("b.caf", "audio/x-caf", *SOUND),
            ("b.wav", "audio/wav", *SOUND),
            ("c.wav", "audio/wav", *SOUND, "-rf64", "always"),
            ("b.aiff", "audio/aiff", *SOUND),
        ):
            data = self.made(name, *options)
            for called in ("x", "x.mp4", "x.webm"):
                self.assertEqual(self.type(data, called), mime, name)
        self.assertEqual(kind("audio/x-caf"), Kind.AUDIO)

    def test_nothing(self) -> None:
        """What is no container stays what it was; and noise starts no process."""
        for data in (
            b"",
            b"hello",
            b"Some letters, and more of them. " * 100,
            bytes(5000),
            b"\x47" * 5000,
            os.urandom(5000),
            b"\0\0\0\x18ftypmp42",
        ):
            self.assertEqual(self.type(data), sniff(data[:HEAD], "x"))
        self.assertLess(sum(_may_be_container(os.urandom(HEAD)) for _ in range(500)), 50)
        playlist = f"ffconcat version 1.0\nfile '{self.folder}/a'\n".encode()
        self.assertEqual(self.type(b"\0" + playlist), UNKNOWN)

    def test_no_ffprobe(self) -> None:
        """Without ffprobe the bytes and the name have to do."""
        data = self.made("d.webm", *SOUND)
        self.assertEqual(
            [self.type(data, name, Probe(Path(), program="none")) for name in ("x", "x.weba")],
            ["video/webm", "audio/webm"],
        )
