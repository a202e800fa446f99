"""Where a server spends its time: py-spy beside a measurement, and what it found as a table."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from imsys.errors import ConfigError

_RATE = 200
"""Samples a second."""


class Profile:
    """A recording of one process.

    :param seconds: how long; ``None``: until :meth:`finish`.
    :raises ConfigError: py-spy is not installed.
    """

    def __init__(self, pid: int, path: Path, seconds: float | None) -> None:
        found = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
        if found is None:
            raise ConfigError("--profile needs py-spy: pip install py-spy")
        self._command = [found, "record", "--pid", str(pid), "--rate", str(_RATE)]
        self._command += [] if seconds is None else ["--duration", str(max(1, round(seconds)))]
        self._endless = seconds is None
        self._command += ["--format", "raw", "--output", str(path)]
        self._child: subprocess.Popen[bytes] | None = None
        path.parent.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Begin to record."""
        self._child = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # noqa: S603 (found on the PATH)

    def finish(self) -> None:
        """Wait until the recording is written. :raises ConfigError: it failed."""
        if self._child is None:
            return
        if self._endless:
            self._child.send_signal(signal.SIGINT)
        try:
            _, errors = self._child.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self._child.kill()
            raise ConfigError("py-spy did not end") from None
        if self._child.returncode:
            raise ConfigError(f"py-spy failed: {errors.decode('utf-8', 'replace').strip().splitlines()[-1:]}")


_WAITING = (
    "Condition.wait (",
    "_serve (grpc/",
    "_worker (concurrent/",
    "channel_spin (grpc/",
    "wait (threading.py",
)
"""How the functions begin in which a thread that waits in C is found: py-spy takes some of them for busy."""


def hot_spots(text: str, most: int = 15) -> list[tuple[str, float, float]]:
    """The functions of a recording in py-spy's 'raw' format: name, share of time in itself, and with what it
    calls (0 to 1).
    """
    own, whole, total = Counter[str](), Counter[str](), 0
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [re.sub(r":\d+\)$", ")", frame) for frame in stack.split(";")]
        if not count.isdecimal() or any(start in frames[-1] for start in _WAITING):
            continue
        total += int(count)
        own[frames[-1]] += int(count)
        for frame in set(frames):
            whole[frame] += int(count)
    return [(name, count / total, whole[name] / total) for name, count in own.most_common(most)]
