"""One ffmpeg: started, fed, read and waited for by threads of its own.

That of the user interface waits for nothing.
"""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import BinaryIO

from client.platform.ffmpeg import spawn

FEED_MOST = 256
"""Pieces that wait for a child to read them."""
ERRORS_MOST = 4096
"""Characters of what it complains of that are kept."""
_TURN = 1 << 16

Call = Callable[..., object]
"""Calls a function on the thread of the user interface: ``reactor.callFromThread``."""


class Child:
    """It runs from :meth:`start` to :meth:`end`, or until it ends by itself; then ``ended`` is called, once,
    with its complaints.

    :param read: is called by a thread with what the child writes to, and returns at its end, or when
        :attr:`over` is set.
    :param feed: whether it reads what :meth:`feed` is given.
    """

    def __init__(
        self,
        command: Sequence[str],
        call: Call,
        read: Callable[[BinaryIO], object],
        ended: Callable[[bool, str], object],
        *,
        feed: bool = False,
        background: bool = True,
    ) -> None:
        self._command, self._call, self._read, self._ended = tuple(command), call, read, ended
        self._feed: queue.Queue[bytes | None] | None = queue.Queue(FEED_MOST) if feed else None
        self._background = background
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._errors = ""
        self.over = threading.Event()
        """It has been told to end."""

    def start(self) -> None:
        """Begin; returns at once."""
        threading.Thread(target=self._run, name="ffmpeg", daemon=True).start()

    @property
    def waiting(self) -> int:
        """How many pieces wait to be read."""
        return self._feed.qsize() if self._feed is not None else 0

    def feed(self, data: bytes) -> bool:
        """Let it read this; false: too much waits already, and this is not taken."""
        assert self._feed is not None
        try:
            self._feed.put_nowait(data)
        except queue.Full:
            return False
        return True

    def finish(self) -> None:
        """That was all that it reads."""
        assert self._feed is not None
        with contextlib.suppress(queue.Full):
            self._feed.put_nowait(None)

    def end(self) -> None:
        """Kill it; returns at once, and nothing is called any more but what was on its way."""
        self.over.set()
        with self._lock:
            if self._process is not None:
                self._process.kill()
        if self._feed is not None:
            with contextlib.suppress(queue.Full):
                self._feed.put_nowait(None)

    # Threads.

    def _run(self) -> None:
        try:
            with self._lock:
                if self.over.is_set():
                    return
                self._process = process = spawn(
                    self._command, feed=self._feed is not None, background=self._background
                )
        except OSError as error:
            self._errors = str(error)
            self._call(self._ended, False, self._errors)
            return
        assert process.stdout is not None
        assert process.stderr is not None
        helpers = [
            threading.Thread(
                target=self._complaints, args=(process.stderr,), name="ffmpeg errors", daemon=True
            )
        ]
        if process.stdin is not None:
            helpers.append(
                threading.Thread(target=self._write, args=(process.stdin,), name="ffmpeg feed", daemon=True)
            )
        for helper in helpers:
            helper.start()
        try:
            with contextlib.suppress(OSError, ValueError):
                self._read(process.stdout)  # type: ignore[arg-type]
        finally:
            if self.over.is_set() or not self._ends(process):
                process.kill()
            good = process.wait() == 0
            if self._feed is not None:
                with contextlib.suppress(queue.Full):
                    self._feed.put_nowait(None)
            for helper in helpers:
                helper.join(5)
            for pipe in (process.stdout, process.stderr):
                pipe.close()
            if not self.over.is_set():
                self._call(self._ended, good, self._errors)

    def _ends(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether it ends by itself, now that it has said all."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
            return True
        return False

    def _write(self, pipe: BinaryIO) -> None:
        assert self._feed is not None
        with contextlib.suppress(OSError, ValueError), pipe:
            while (data := self._feed.get()) is not None and not self.over.is_set():
                view = memoryview(data)
                while view:
                    view = view[pipe.write(view) :]

    def _complaints(self, pipe: BinaryIO) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := pipe.read(_TURN):
                if len(self._errors) < ERRORS_MOST:
                    self._errors = (self._errors + data.decode("utf-8", "replace"))[:ERRORS_MOST]


def collect(
    command: Sequence[str],
    call: Call,
    done: Callable[[bool, bytes, str], object],
    *,
    feed: bytes | None = None,
    most: int = 1 << 20,
) -> Child:
    """Start one, and tell what it has written, at most so many bytes; :meth:`Child.end` is the deadline's."""
    said = bytearray()

    def read(pipe: BinaryIO) -> None:
        while len(said) < most and (data := pipe.read(_TURN)):
            said.extend(data)

    child = Child(
        command, call, read, lambda good, errors: done(good, bytes(said), errors), feed=feed is not None
    )
    if feed is not None:
        for at in range(0, len(feed), _TURN):
            child.feed(feed[at : at + _TURN])
        child.finish()
    child.start()
    return child
