"""Start, kill, freeze and restart programs on hosts, each by its own process id."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from imsys.bench.processes import end, spawn, wait_until

_STILL = 5.0
"""Seconds that the threads of a process may take to stop (SIGSTOP)."""


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
        """Whether it runs, or is frozen."""
        return self._child is not None and self._child.poll() is None

    @property
    def position(self) -> int:
        """Return the current end of its log."""
        return self.log.stat().st_size if self.log.exists() else 0

    def written(self, since: int | None = None) -> str:
        """Return its log since its last start, or from a position."""
        with self.log.open("rb") as file:
            file.seek(self._from if since is None else since)
            return file.read().decode("utf-8", "replace")

    def start(self) -> None:
        """Start it; :meth:`wait` waits for it."""
        self._from = self.position
        self._child = spawn(self.command, self.log, self.environ, enter=self._enter)

    def wait(self) -> None:
        """Wait until it is ready. :raises ConfigError: it ends, or takes a minute."""
        wait_until(lambda: self._ready(self), self._child, self.log)

    def kill(self) -> None:
        """Kill it (idempotent)."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait()

    def stop(self) -> None:
        """Stop it gracefully (idempotent)."""
        if self._child is not None:
            self.thaw()
            end(self._child)

    def freeze(self) -> None:
        """Stop all its threads, and wait until they are stopped."""
        if pid := self.pid:
            os.kill(pid, signal.SIGSTOP)
            give_up = time.monotonic() + _STILL
            while not _still(pid) and time.monotonic() < give_up:
                time.sleep(0.0005)

    def thaw(self) -> None:
        """Continue it."""
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
