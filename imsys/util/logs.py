"""Log files with rotation and flood protection, and a console with warnings only."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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

MOST = 20
"""Warnings (or worse) of one kind written per minute; further ones are only counted."""

WINDOW = 60.0
"""Length of the counting window in seconds."""

KINDS = 1000
"""Kinds of lines that are told apart, at most."""


def level_of(event: LogEvent) -> NamedConstant:
    """Return the level of an event; those of Twisted's legacy logging are info, or critical for errors."""
    level = event.get("log_level")
    if level is None:
        return LogLevel.critical if event.get("isError") else LogLevel.info
    return level


def format_line(event: LogEvent) -> str:
    """Format an event as ``time level origin: text``; further lines (a traceback) are indented.

    So outside text cannot forge a log line. With ``log_lines``, which is only for our own text, each line
    becomes a log line.
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


@dataclass(slots=True)
class _Kind:
    since: float
    written: int = 0
    left_out: int = 0
    last: LogEvent | None = None


class Flood:
    """Limits the warnings of each kind (namespace and format) per minute, so that they cannot fill a log.

    It is the last resort: events known to be frequent are counted where they happen
    (:mod:`imsys.util.outages`,
    :mod:`imsys.util.tallies`). Levels below warning always pass, so that no login is missing.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        """``seconds`` is a monotonic clock."""
        self._seconds = seconds
        self._kinds: dict[tuple[object, object], _Kind] = {}
        self._next = 0.0
        self.pending = False
        """Whether omitted events must still be reported."""

    def lines(self, event: LogEvent | None) -> list[LogEvent]:
        """Return the events to write: reports of omitted ones of past minutes, and ``event``, if it passes.

        :param event: the new event; ``None``: only return reports.
        """
        now = self._seconds()
        found = self._over(now) if now >= self._next else []
        if event is None:
            return found
        if level_of(event) < LogLevel.warn:
            return [*found, event]
        key = event.get("log_namespace"), event.get("log_format")
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= KINDS:
                found += self.rest()
            kind = self._kinds[key] = _Kind(now)
            self._next = min(self._next, now + WINDOW)
        if kind.written < MOST:
            kind.written += 1
            return [*found, event]
        kind.left_out += 1
        kind.last = event
        self.pending = True
        return found

    def rest(self) -> list[LogEvent]:
        """Return the reports of all omitted events, and start over."""
        now, kinds = self._seconds(), self._kinds
        self._kinds, self.pending = {}, False
        return [_left_out(kind, now) for kind in kinds.values() if kind.left_out]

    def _over(self, now: float) -> list[LogEvent]:
        found: list[LogEvent] = []
        for key, kind in list(self._kinds.items()):
            if now - kind.since >= WINDOW:
                if kind.left_out:
                    found.append(_left_out(kind, now))
                del self._kinds[key]
        self._next = min((kind.since + WINDOW for kind in self._kinds.values()), default=now + WINDOW)
        self.pending = any(kind.left_out for kind in self._kinds.values())
        return found


def _left_out(kind: _Kind, now: float) -> LogEvent:
    last = kind.last or {}
    kept = {key: last.get(key) for key in ("log_namespace", "log_system", "log_time")}
    told = {"count": kind.left_out, "seconds": round(now - kind.since), "last": formatEvent(last)}
    return {
        **kept,
        **told,
        "log_level": level_of(last),
        "log_format": "{count} more of these in {seconds} s, the last: {last}",
    }


@implementer(ILogObserver)
class LogFile:
    """A log file: it writes events from a level up, and can be reopened for rotation.

    :param seconds: a monotonic clock.
    :raises ConfigError: from :meth:`open`, the file or its folder is not writable.
    """

    def __init__(self, path: Path, level: str, seconds: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._level = LogLevel.levelWithName(level)
        self._lock = threading.RLock()  # events come from the gRPC and database threads too
        self._file: int | None = None
        self._flood = Flood(seconds)

    def __call__(self, event: LogEvent) -> None:
        """Write one event; errors such as a full disk are ignored."""
        written = level_of(event) >= self._level
        if written or self._flood.pending:
            with self._lock:
                self._write(self._flood.lines(event if written else None))

    def _write(self, events: list[LogEvent]) -> None:
        if self._file is not None and events:
            _write(self._file, events)

    def open(self) -> None:
        """Open the file and begin to receive events; a missing folder is created with owner-only access."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = self._opened()
        except OSError as error:
            raise ConfigError(f"[imsys] log_dir: {self.path} cannot be written: {error.strerror}") from None
        with self._lock:
            self._file = file
        globalLogPublisher.addObserver(self)

    def reopen(self) -> None:
        """Open the path again after the old file was moved away; keep the old file if that fails."""
        try:
            file = self._opened()
        except OSError:
            return
        with self._lock:
            old, self._file = self._file, file
        _close(old)

    def close(self) -> None:
        """Stop receiving events and close the file (idempotent)."""
        globalLogPublisher.removeObserver(self)
        with self._lock:
            self._write(self._flood.rest())
            old, self._file = self._file, None
        _close(old)

    def _opened(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o640)


def _write(descriptor: int, events: list[LogEvent]) -> None:
    """Write lines, with no buffer of Python's between.

    A buffer refuses whoever comes while it is at work, as the handler of a signal may. What a full disk does
    not take is lost.
    """
    data = memoryview("".join(map(format_line, events)).encode("utf-8", "backslashreplace"))
    with contextlib.suppress(OSError):
        while data:
            data = data[os.write(descriptor, data) :]


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        with contextlib.suppress(OSError):  # it is closed nevertheless
            os.close(descriptor)


def console() -> ILogObserver:
    """Make the observer of ``twistd --logger imsys.util.logs.console``: warnings and worse on standard error.

    Everything else is in the log file, so a person at a terminal sees only what needs attention.
    """
    stream = sys.__stderr__
    flood, lock = Flood(time.monotonic), threading.RLock()

    @implementer(ILogObserver)
    class Console:
        def __call__(self, event: LogEvent) -> None:
            if stream is not None and level_of(event) >= LogLevel.warn:
                with lock:
                    _write(stream.fileno(), flood.lines(event))

    return Console()
