"""Log files that survive rotation, and a quiet console."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TextIO

from constantly import NamedConstant
from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    formatEvent,
    formatTime,
    globalLogPublisher,
)
from zope.interface import implementer

from imsys.errors import ConfigError


def level_of(event: LogEvent) -> NamedConstant:
    """The level of an event; what comes from the old logging system is info, or critical when it is an error."""
    level = event.get("log_level")
    if level is None:
        return LogLevel.critical if event.get("isError") else LogLevel.info
    return level


def format_line(event: LogEvent) -> str:
    """``time level origin: text`` as one line; further lines (a traceback) are indented.

    Text from outside cannot forge a line of its own. An event with ``log_lines`` has lines of ours alone, of which each is one.
    """
    text = formatEvent(event)
    failure = event.get("log_failure")
    if failure is not None:
        try:
            text = f"{text}\n{failure.getTraceback()}"
        except Exception:
            text = f"{text}\n(the traceback cannot be shown)"
    origin = event.get("log_namespace") or event.get("log_system") or "-"
    head = f"{formatTime(event.get('log_time'))} {level_of(event).name} {origin}: "
    text = text.rstrip().replace("\r", "\\r").replace("\n", f"\n{head}" if event.get("log_lines") else "\n\t")
    return f"{head}{text}\n"


@implementer(ILogObserver)
class LogFile:
    """One log file: writes events from a level on, and opens its path anew when told to.

    :raises ConfigError: from :meth:`open`, the file or its folder cannot be written.
    """

    def __init__(self, path: Path, level: str) -> None:
        self.path = path
        self._level = LogLevel.levelWithName(level)
        self._lock = threading.Lock()  # events come from the gRPC and database threads too
        self._file: TextIO | None = None

    def __call__(self, event: LogEvent) -> None:
        """Write one event; a full disk never stops a server."""
        if level_of(event) < self._level:
            return
        line = format_line(event)
        with self._lock:
            if self._file is None:
                return
            try:
                self._file.write(line)
                self._file.flush()
            except OSError:
                pass

    def open(self) -> None:
        """Open the file and begin to receive events; the folder is made, for its owner only, if it is missing."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = self._opened()
        except OSError as error:
            raise ConfigError(f"[imsys] log_dir: {self.path} cannot be written: {error.strerror}") from None
        with self._lock:
            self._file = file
        globalLogPublisher.addObserver(self)

    def reopen(self) -> None:
        """Go on in a new file under the same path, after the old one was moved away; keeps the old one if that fails."""
        try:
            file = self._opened()
        except OSError:
            return
        with self._lock:
            old, self._file = self._file, file
        if old is not None:
            old.close()

    def close(self) -> None:
        """Receive no more events and close the file (idempotent)."""
        globalLogPublisher.removeObserver(self)
        with self._lock:
            old, self._file = self._file, None
        if old is not None:
            old.close()

    def _opened(self) -> TextIO:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o640)
        return open(descriptor, "w", encoding="utf-8", errors="backslashreplace")


def console() -> ILogObserver:
    """For ``twistd --logger imsys.logs.console``: only warnings and worse, on standard error.

    Everything else stands in the log file; so a person at a terminal sees what needs attention.
    """
    stream = sys.__stderr__

    @implementer(ILogObserver)
    class Console:
        def __call__(self, event: LogEvent) -> None:
            if stream is not None and level_of(event) >= LogLevel.warn:
                stream.write(format_line(event))
                stream.flush()

    return Console()
