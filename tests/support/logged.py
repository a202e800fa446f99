"""What is written into the log while a test runs."""

from __future__ import annotations

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from imsys.util.logs import level_of


class Lines:
    """The texts of events, from a level on, of the modules whose names begin so."""

    def __init__(self, case: SynchronousTestCase, origin: str = "imsys", level: str = "info") -> None:
        self.texts: list[str] = []
        lowest = LogLevel.levelWithName(level)

        @implementer(ILogObserver)
        def observe(event: LogEvent) -> None:
            if str(event.get("log_namespace", "")).startswith(origin) and level_of(event) >= lowest:
                self.texts.append(formatEvent(event))

        globalLogPublisher.addObserver(observe)
        case.addCleanup(globalLogPublisher.removeObserver, observe)
