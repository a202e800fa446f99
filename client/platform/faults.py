"""Exceptions that nobody expected: logged, shown as one sentence, and the window stays usable."""

from __future__ import annotations

import logging
import platform
import sys
import traceback
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

_log = logging.getLogger("client")

LOG_MOST, LOGS = 1_000_000, 3


def begin_log(folder: Path | None, *, verbose: bool = False) -> None:
    """Write what is logged to a file, and to the terminal what is a warning."""
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger("keyring").setLevel(logging.WARNING)
    form = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.DEBUG if verbose else logging.WARNING)
    terminal.setFormatter(form)
    root.addHandler(terminal)
    if folder is not None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = RotatingFileHandler(
                folder / "client.log", maxBytes=LOG_MOST, backupCount=LOGS, encoding="utf-8", delay=True
            )
        except OSError as problem:
            _log.warning("there is no log: %s", problem)
            return
        file.setFormatter(form)
        root.addHandler(file)


class Faults:
    """Takes what is raised in slots and what is left of Deferreds.

    One that repeats is told once until it was seen.
    """

    def __init__(self, tell: Callable[[str], object], version: str) -> None:
        """``tell`` is given the details."""
        self._tell, self._version = tell, version
        self._told: set[str] = set()

    def install(self) -> None:
        """Take them from now on."""
        sys.excepthook = self.take

    def take(self, kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        """One of them."""
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, where)
            return
        details = "".join(traceback.format_exception(kind, error, where))
        _log.error("unexpected: %s", details)
        last = traceback.extract_tb(where)[-1:] if where is not None else []
        which = f"{kind.__name__} {[(frame.filename, frame.lineno) for frame in last]}"
        if which not in self._told:
            self._told.add(which)
            self._tell(
                f"imsys {self._version}, Python {platform.python_version()}, {platform.platform()}\n\n{details}"
            )


def observe(faults: Faults) -> None:
    """Twisted's log goes into Python's; what is left of Deferreds is a fault."""
    from twisted.logger import ILogObserver, LogEvent, STDLibLogObserver, globalLogBeginner
    from zope.interface import provider

    @provider(ILogObserver)
    def failed(event: LogEvent) -> None:
        failure = event.get("log_failure")
        if failure is not None and event.get("log_namespace", "").startswith("twisted.internet.defer"):
            faults.take(type(failure.value), failure.value, failure.getTracebackObject())

    globalLogBeginner.beginLoggingTo(
        [STDLibLogObserver(), failed], redirectStandardIO=False, discardBuffer=True
    )
