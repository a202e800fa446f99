"""What ties a process to the one that started it: two pipes.

By standard input the supervisor has us stop: with a byte when it is asked to
stop itself, and with the pipe's end when it dies, however that came about. (Not
with a signal: one from the terminal or from systemd reaches us as well, and
Twisted takes the second for a fault.) On the other pipe the supervisor is told
how far we are.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.abstract import FileDescriptor
from twisted.internet.error import ReactorNotRunning
from twisted.internet.main import CONNECTION_DONE
from twisted.logger import Logger
from twisted.python.failure import Failure

_log = Logger()

REPORT = 3
"""Descriptor of the pipe to the supervisor."""

LISTENING, READY = b"l", b"r"
"""What is said there: signals have their handlers from now on; everything works."""

STOP = b"s"
"""What the supervisor says."""


class SupervisorPipe(Service):
    """Ends the process, in good order, when its supervisor is gone."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._pipe: _Pipe | None = None

    def startService(self) -> None:
        """Watch, and tell that signals are heard once the reactor runs."""
        super().startService()
        self._pipe = _Pipe(self._reactor, self._cut)
        self._pipe.startReading()
        self._reactor.callWhenRunning(self._tell, LISTENING)

    def stopService(self) -> None:
        """Watch no more."""
        super().stopService()
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.stopReading()

    def ready(self) -> None:
        """Tell that everything works."""
        self._tell(READY)

    def _tell(self, word: bytes) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more: the other pipe tells that, too
            os.write(REPORT, word)

    def _cut(self, told: bool) -> None:
        if not self.running:
            return
        if not told:
            _log.error("the process that started this one is gone: it ends as well")
        self._reactor.callFromThread(self._stop)  # behind a signal that came in the same turn

    def _stop(self) -> None:
        with contextlib.suppress(ReactorNotRunning):
            self._reactor.stop()


class _Pipe(FileDescriptor):
    """Standard input."""

    def __init__(self, reactor: Any, at_end: Callable[[bool], None]) -> None:
        super().__init__(reactor)
        self._at_end = at_end
        self._told = False
        os.set_blocking(self.fileno(), False)

    def fileno(self) -> int:
        """Its descriptor."""
        return 0

    def doRead(self) -> Exception | None:
        """Something came, or the end."""
        try:
            self._told = STOP in os.read(self.fileno(), 64)
        except BlockingIOError:
            return None
        return CONNECTION_DONE

    def connectionLost(self, reason: Failure) -> None:
        """The end came."""
        super().connectionLost(reason)
        self._at_end(self._told)
