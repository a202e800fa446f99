"""Programs that publish and play, as people have them, and the film that they show."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.support.children import die_with_parent, folder
from tests.support.programs import program

FFMPEG = ("ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning")
GROUP = 25
"""Pictures of a group in the film: one second."""
SECONDS = 12
"""How long the film is."""


class Program:
    """One program that runs."""

    def __init__(self, command: Sequence[str], output: Path) -> None:
        command = [program(command[0]) if "/" not in command[0] else command[0], *command[1:]]
        self.output = output
        self._errors = output.with_suffix(".err")
        with output.open("wb") as out, self._errors.open("wb") as errors:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                preexec_fn=die_with_parent,
                env={**os.environ, "LC_ALL": "C"},
            )

    @property
    def text(self) -> str:
        """What it has written to standard output."""
        return self.output.read_text("utf-8", "replace")

    @property
    def errors(self) -> str:
        """What it has written to standard error."""
        return self._errors.read_text("utf-8", "replace")

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def send(self, number: int) -> None:
        """Send it a signal."""
        self._child.send_signal(number)

    async def ended(self, deadline: float = 60.0) -> int:
        """Its exit status, as soon as it has one."""
        try:
            return await deferToThread(self._child.wait, deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end in {deadline:g} s: {self.errors}") from None

    def kill(self) -> None:
        """End it, if it has not ended."""
        self._child.kill()
        self._child.wait()


class Programs:
    """Those of one test."""

    def __init__(self) -> None:
        self._folder = folder("programs")
        self._started: list[Program] = []

    def run(self, command: Sequence[str], name: str = "") -> Program:
        """Start one."""
        program = Program(command, self._folder / f"{len(self._started)}{name}")
        self._started.append(program)
        return program

    def kill(self) -> None:
        """End all."""
        for started in self._started:
            started.kill()


def programs(test: TestCase) -> Programs:
    """Programs that are ended after a test."""
    made = Programs()
    test.addCleanup(made.kill)
    return made


AAC = ("aac", "-b:a", "64k")


@functools.cache
def film(
    ffmpeg: str = "ffmpeg", codec: str = "libx264", seconds: int = SECONDS, sound: Sequence[str] = AAC
) -> Path:
    """H.264 and AAC (or what else is asked for), a key frame a second, with pictures between that need those
    after them.
    """
    path = folder("film") / "film.flv"
    source = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=320x180:rate=25",
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=440:sample_rate=44100",
    ]
    keys = ["-g", str(GROUP), "-keyint_min", str(GROUP), "-sc_threshold", "0", "-preset", "veryfast"]
    if codec == "libx265":
        keys = ["-preset", "ultrafast", "-x265-params", f"keyint={GROUP}:min-keyint={GROUP}:log-level=error"]
    if codec == "libsvtav1":
        keys = ["-preset", "12", "-g", str(GROUP), "-pix_fmt", "yuv420p"]
    command = [
        program(ffmpeg),
        *FFMPEG[1:],
        *source,
        "-t",
        str(seconds),
        "-c:v",
        codec,
        *keys,
        "-c:a",
        *sound,
        str(path),
    ]
    subprocess.run(command, check=True, timeout=120)
    return path


def publishing(
    url: str, path: Path, *, speed: float = 1.0, ffmpeg: str = "ffmpeg", loop: bool = False
) -> list[str]:
    """The command that publishes a film, so many times as fast as it is."""
    again = ["-stream_loop", "-1"] if loop else []
    return [
        ffmpeg,
        *FFMPEG[1:],
        "-readrate",
        str(speed),
        *again,
        "-i",
        str(path),
        "-c",
        "copy",
        "-f",
        "flv",
        url,
    ]


HASHES = ("-map", "0", "-c", "copy", "-f", "framehash", "-hash", "md5")


def hashes(path_or_text: Path | str, *, ffmpeg: str = "ffmpeg") -> Hashes:
    """What is in a file, or what ``-f framehash`` has said."""
    if isinstance(path_or_text, Path):
        command = [program(ffmpeg), *FFMPEG[1:], "-i", str(path_or_text), *HASHES, "-"]
        path_or_text = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True).stdout
    return Hashes(path_or_text)


class Hashes:
    """The codecs' data and packets of a stream, as ``-f framehash`` writes them."""

    def __init__(self, text: str) -> None:
        self.extradata: list[str] = []
        packets: list[list[str]] = []
        for line in text.splitlines():
            if line.startswith("#extradata"):
                self.extradata.append(line.split(",")[-1].strip())
            elif line and not line.startswith("#"):
                packets.append([part.strip() for part in line.split(",")])
        self._packets = packets

    def of(self, stream: int) -> list[str]:
        """The hashes of the packets of a stream (0: pictures, 1: sound), in order."""
        return [packet[-1] for packet in self._packets if int(packet[0]) == stream]

    def times(self, stream: int) -> list[int]:
        """Their decoding times."""
        return [int(packet[1]) for packet in self._packets if int(packet[0]) == stream]


def imageio_ffmpeg() -> str:
    """The newer ffmpeg of the wheel, which speaks enhanced RTMP."""
    import imageio_ffmpeg as wheel

    return str(wheel.get_ffmpeg_exe())
