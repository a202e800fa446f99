"""What comes out of the loudspeaker: PulseAudio's, which plays into a recorder."""

from __future__ import annotations

import array
import importlib.util
import math
import os
import shutil
import signal
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.client.video.films import bars
from tests.support.children import end, folder, spawn, until
from tests.support.daemons import ROOT, Process

RATE = 48_000
PIECE = RATE // 20
"""Samples that are judged together."""
LASTS = 8
"""Pieces one after the other that are enough to believe it."""


class SoundTests(TestCase):
    timeout = 60

    async def test_heard(self) -> None:
        """A tone of 440 Hz comes out as it was sent, not while it is muted, and after a seek again."""
        if importlib.util.find_spec("PySide6.QtMultimedia") is None:
            self.skipTest("pip install 'imsys[client-sound]'")
        if shutil.which("pulseaudio") is None or shutil.which("parec") is None:
            self.skipTest("apt-get install pulseaudio pulseaudio-utils")
        from twisted.internet import reactor

        environ = self.loudspeaker()
        recorded = Path(environ["HOME"], "recorded")
        listen = ["parec", "-d", "out.monitor", "--format=s16le", f"--rate={RATE}", "--channels=1"]
        recorder = spawn([*listen, "--latency-msec=20"], recorded, environ)
        self.addCleanup(end, recorder)
        until(lambda: recorded.stat().st_size > 0, recorder, recorded)
        film = str(bars("tone.mp4", seconds=30))
        command = [sys.executable, "-m", "tests.client.video.hearing", film]
        player = Process(reactor, command, environ, ROOT)
        for tone in (True, False, True):
            judged = recorded.stat().st_size // 2 // PIECE  # what was recorded before is of no account
            while not lasts(tones(recorded.read_bytes()[judged * PIECE * 2 :]), tone):
                await deferLater(reactor, 0.05)
            player.send(signal.SIGUSR1)
        self.assertEqual(await player.end(), 0, player.text)
        self.assertIn("yes", player.text)

    def loudspeaker(self) -> dict[str, str]:
        """Start one; the environment in which it is that of the system."""
        home = folder("sound")
        environ: dict[str, Any] = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(home),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "QT_QPA_PLATFORM": "offscreen",
        }
        socket, log = Path(home, "pulse", "native"), home / "log"
        options = ("-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm")
        loads = ("module-native-protocol-unix", f"module-null-sink sink_name=out rate={RATE}")
        child = spawn(["pulseaudio", *options, *(f"--load={module}" for module in loads)], log, environ)
        self.addCleanup(end, child)
        until(socket.exists, child, log)
        return environ


def lasts(pieces: list[bool], tone: bool) -> bool:
    """Whether it was so for long enough."""
    return any(found is tone and len(list(run)) >= LASTS for found, run in groupby(pieces))


def tones(recorded: bytes) -> list[bool]:
    """Of each piece whether it is a tone of 440 Hz, and nothing else."""
    samples = array.array("h", recorded[: len(recorded) // 2 * 2])
    waves = [
        (math.cos(turn), math.sin(turn)) for turn in (math.tau * 440 * index / RATE for index in range(PIECE))
    ]
    found = []
    for start in range(0, len(samples) - PIECE, PIECE):
        piece = samples[start : start + PIECE]
        power = sum(sample * sample for sample in piece) / PIECE
        parts = [
            sum(sample * wave[part] for sample, wave in zip(piece, waves, strict=True)) for part in (0, 1)
        ]
        share = 2 * (parts[0] ** 2 + parts[1] ** 2) / PIECE**2 / power if power > 100 else 0.0
        found.append(share > 0.9)
    return found
