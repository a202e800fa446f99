"""Programs on hosts: started, killed, frozen and started again, each by its own process id."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from imsys.bench.processes import end, spawn, wait_until

_STILL = 5.0
"""Seconds that the threads of a process may take to stand still."""


class Program:
    """One process, which dies with us; each start continues the same log.

    :param ready: whether it serves, by what it has written since its last start, or by asking it.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environ: Mapping[str, str],
        log: Path,
        ready: Callable[[Program], bool],
        enter: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.environ = dict(environ)
        self.log = log
        self._ready = ready
        self._enter = enter
        self._child: subprocess.Popen[bytes] | None = None
        self._from = 0

    @property
    def pid(self) -> int:
        """The process id; 0 while it does not run."""
        return self._child.pid if self.running and self._child is not None else 0

    @property
    def running(self) -> bool:
        """Whether it runs, or stands still."""
        return self._child is not None and self._child.poll() is None

    @property
    def position(self) -> int:
        """Where its log ends now."""
        return self.log.stat().st_size if self.log.exists() else 0

    def written(self, since: int | None = None) -> str:
        """What it has written since its last start, or since its log ended somewhere."""
        with self.log.open("rb") as file:
            file.seek(self._from if since is None else since)
            return file.read().decode("utf-8", "replace")

    def start(self) -> None:
        """Start it; :meth:`wait` waits for it."""
        self._from = self.position
        self._child = spawn(self.command, self.log, self.environ, enter=self._enter)

    def wait(self) -> None:
        """Wait until it serves. :raises ConfigError: it ends, or takes a minute."""
        wait_until(lambda: self._ready(self), self._child, self.log)

    def kill(self) -> None:
        """End it at once, whatever it does (idempotent)."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait()

    def stop(self) -> None:
        """End it in good order (idempotent)."""
        if self._child is not None:
            self.thaw()
            end(self._child)

    def freeze(self) -> None:
        """Let it stand still; returns when all of its threads do."""
        if pid := self.pid:
            os.kill(pid, signal.SIGSTOP)
            give_up = time.monotonic() + _STILL
            while not _still(pid) and time.monotonic() < give_up:
                time.sleep(0.0005)

    def thaw(self) -> None:
        """Let it go on."""
        if pid := self.pid:
            os.kill(pid, signal.SIGCONT)


def says(text: str) -> Callable[[Program], bool]:
    """Ready when it has written something."""
    return lambda program: text in program.written()


def _still(pid: int) -> bool:
    try:
        stats = [(task / "stat").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return True  # it ended
    return all(stat.rpartition(")")[2].split()[0] in "TtZX" for stat in stats)
