"""Run other programs on a file: fed by a pipe, and killed with their children at a deadline.

:func:`run` blocks: call it in a thread. The program leads its own process group, and in any case the whole
    group is killed at its end. Its output is bounded. Its environment has none of our secrets.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, NamedTuple

from imsys.files.readable import ReadableFile, pieces

if sys.platform == "linux":
    import resource

_LOOK = 0.05  # seconds between two checks whether the program has ended although a child holds a pipe open
_COMPLAINTS = 4096  # last bytes of standard error that are kept
_READ = 65536


class TooLong(Exception):
    """The program was killed at its deadline."""


class TooMuch(Exception):
    """The program wrote more than it may, and was killed."""


class Ended(NamedTuple):
    """How a program ended."""

    code: int
    """Its exit status; negative: the signal that killed it."""
    output: bytes
    complaint: str
    """The last line that it wrote to standard error, cut to 200 characters, for a log."""


def run(
    command: Sequence[str],
    source: ReadableFile | None = None,
    *,
    deadline: float,
    output: int = 0,
    memory: int = 0,
    patience: int = 0,
    environ: Mapping[str, str] | None = None,
    keep: Sequence[int] = (),
) -> Ended:
    """Run a program to its end.

    :param source: its standard input; it need not read all of it.
    :param deadline: seconds; one slow read of the source may exceed it.
    :param output: bytes of standard output, at most; 0: the output is discarded.
    :param memory: bytes of address space, at most (on Linux); 0: unlimited.
    :param patience: the niceness to add, from 0 to 19.
    :param environ: its environment; by default ours without our own variables.
    :param keep: file descriptors that it inherits.
    :raises OSError: it cannot be started, or the source cannot be read.
    :raises Damaged: the source is corrupt.
    :raises TooLong: it was killed at the deadline.
    :raises TooMuch: it was killed because of too much output.
    """
    until = time.monotonic() + deadline
    process = subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL if source is None else subprocess.PIPE,
        stdout=subprocess.PIPE if output else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=_harmless() if environ is None else environ,
        pass_fds=keep,
        start_new_session=True,
    )
    try:
        _restrain(process, memory, patience)
        talk = _Talk(process, iter(()) if source is None else pieces(source, 0, source.size), output)
        try:
            talk.until(until)
        finally:
            talk.close()
    finally:
        _end(process)
    return Ended(process.returncode, bytes(talk.output), _last_line(talk.complaints))


class _Talk:
    """Feeds a program, and collects its output."""

    def __init__(self, process: subprocess.Popen[bytes], feed: Iterator[bytes], bound: int) -> None:
        self._process = process
        self._feed = feed
        self._bound = bound
        self._unfed = memoryview(b"")
        self._selector = selectors.DefaultSelector()
        self.output = bytearray()
        self.complaints = bytearray()
        for pipe, event in (
            (process.stdin, selectors.EVENT_WRITE),
            (process.stdout, selectors.EVENT_READ),
            (process.stderr, 1),
        ):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self._selector.register(pipe, event)

    def until(self, until: float) -> None:
        """Go on until the program has ended and all its output is read."""
        ended = False
        while True:
            left = until - time.monotonic()
            if left <= 0:
                raise TooLong
            # with all pipes closed, it only waits
            ready = self._selector.select(0 if ended else min(left, _LOOK))
            for key, _ in ready:
                pipe: IO[bytes] = key.fileobj  # type: ignore[assignment]
                if pipe is self._process.stdin:
                    self._write(pipe)
                else:
                    self._read(pipe)
            if ended and not any(key.fileobj is not self._process.stdin for key, _ in ready):
                return  # its children may still hold the pipes; do not wait for them
            ended = ended or _has_ended(self._process)

    def _write(self, pipe: IO[bytes]) -> None:
        if not self._unfed:
            piece = next(self._feed, None)
            if piece is None:
                self._done(pipe)
                return
            self._unfed = memoryview(piece)
        try:
            self._unfed = self._unfed[os.write(pipe.fileno(), self._unfed) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # it does not read any more
            self._done(pipe)

    def _read(self, pipe: IO[bytes]) -> None:
        try:
            data = os.read(pipe.fileno(), _READ)
        except BlockingIOError:
            return
        if not data:
            self._done(pipe)
        elif pipe is self._process.stderr:
            self.complaints += data
            del self.complaints[:-_COMPLAINTS]
        else:
            self.output += data
            if len(self.output) > self._bound:
                raise TooMuch

    def _done(self, pipe: IO[bytes]) -> None:
        self._selector.unregister(pipe)
        pipe.close()

    def close(self) -> None:
        """Close our ends of the pipes."""
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _restrain(process: subprocess.Popen[bytes], memory: int, patience: int) -> None:
    """Limit a process from outside, since with threads no code may run between fork and exec."""
    with contextlib.suppress(ProcessLookupError):  # it has ended
        if patience:
            os.setpriority(
                os.PRIO_PROCESS, process.pid, os.getpriority(os.PRIO_PROCESS, process.pid) + patience
            )
        if memory and sys.platform == "linux":
            resource.prlimit(process.pid, resource.RLIMIT_AS, (memory, memory))


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Return whether it has ended, without reaping it, so that its process group id is not reused."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill its process group, and reap it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses if only zombies are left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(complaints: bytearray) -> str:
    lines = complaints.decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return "".join(letter if letter.isprintable() else "?" for letter in last)[:200]


def _harmless() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("IMSYS_")}
