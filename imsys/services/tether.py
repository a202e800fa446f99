"""What ties a process to the one that started it: two pipes.

Standard input never says anything; it ends when the supervisor does, however
that came about, and so do we. On the other pipe the supervisor is told how far we are.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from twisted.application.service import Service
from twisted.internet.abstract import FileDescriptor
from twisted.internet.main import CONNECTION_DONE
from twisted.logger import Logger
from twisted.python.failure import Failure

_log = Logger()

REPORT = 3
"""Descriptor of the pipe to the supervisor."""

LISTENING, READY = b"l", b"r"
"""What is said there: signals have their handlers from now on; everything works."""


class Tether(Service):
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

    def _cut(self) -> None:
        if self.running:
            _log.error("the process that started this one is gone: it ends as well")
            self._reactor.stop()


class _Pipe(FileDescriptor):
    """Standard input."""

    def __init__(self, reactor: Any, at_end: Any) -> None:
        super().__init__(reactor)
        self._at_end = at_end
        os.set_blocking(self.fileno(), False)

    def fileno(self) -> int:
        """Its descriptor."""
        return 0

    def doRead(self) -> Exception | None:
        """Something came, or the end."""
        try:
            return None if os.read(self.fileno(), 64) else CONNECTION_DONE
        except BlockingIOError:
            return None

    def connectionLost(self, reason: Failure) -> None:
        """The end came."""
        super().connectionLost(reason)
        self._at_end()
