"""Two pipes between a process and its supervisor.

Standard input tells this process to stop: by a byte when the supervisor is asked to stop, and by the end of
the pipe when the supervisor dies in any way. (Not by a signal: one from the terminal or from systemd reaches
this process as well, and Twisted treats a second one as an error.) The other pipe reports this process'
progress to the supervisor.
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
"""Reports: the signal handlers are installed; everything is ready."""

STOP = b"s"
"""The supervisor's request to stop."""


class SupervisorPipe(Service):
    """Stops the process in good order when its supervisor says so or is gone."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._pipe: _Pipe | None = None

    def startService(self) -> None:
        """Watch the pipe; report that signals are handled as soon as the reactor runs."""
        super().startService()
        self._pipe = _Pipe(self._reactor, self._cut)
        self._pipe.startReading()
        self._reactor.callWhenRunning(self._tell, LISTENING)

    def stopService(self) -> None:
        """Stop watching."""
        super().stopService()
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.stopReading()

    def ready(self) -> None:
        """Report that everything is ready."""
        self._tell(READY)

    def _tell(self, word: bytes) -> None:
        with contextlib.suppress(OSError):  # the supervisor is gone, which the other pipe shows, too
            os.write(REPORT, word)

    def _cut(self, told: bool) -> None:
        if not self.running:
            return
        if not told:
            _log.error("the process that started this one is gone: it ends as well")
        self._reactor.callFromThread(self._stop)  # after a signal of the same turn

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
        """Return its descriptor."""
        return 0

    def doRead(self) -> Exception | None:
        """Read a request or the end of the pipe."""
        try:
            self._told = STOP in os.read(self.fileno(), 64)
        except BlockingIOError:
            return None
        return CONNECTION_DONE

    def connectionLost(self, reason: Failure) -> None:
        """Report the end of the pipe."""
        super().connectionLost(reason)
        self._at_end(self._told)
