"""Log an outage in two lines: when it begins, and when it is over, with the number of failures."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

_log = Logger()

REMINDER = 60.0
"""Seconds between two log lines during an outage."""

CALM = 5.0
"""Seconds within which a new failure continues the last outage, and a success does not end it."""


class Outage:
    """Counts the failures of one dependency during an outage. Intermittent failures count as one outage.

    :param seconds: a monotonic clock.
    :param what: its name as the beginning of a sentence: ``The database``.
    :param log: the logger to use.
    """

    def __init__(self, seconds: Callable[[], float], what: str, log: Logger = _log) -> None:
        self._log = log
        self._seconds = seconds
        self._what = what
        self._open = False
        self._again = False  # the last end was logged too early
        self._since = 0.0
        self._failed = 0.0
        self._worked: float | None = None
        self._said = 0.0
        self._count = 0

    def __bool__(self) -> bool:
        """Return whether an outage is logged and has not been logged as over."""
        return self._open

    def failed(self, reason: str, count: int = 1) -> None:
        """Record a failure; ``reason`` is for the reader of the log."""
        now = self._seconds()
        if not self._open:
            self._open = True
            self._again = self._worked is not None and now - self._worked < CALM
            if not self._again:
                self._since = self._said = now
                self._count = 0
                self._log.error("{what} fails: {reason}", what=self._what, reason=reason)
        self._failed = now
        self._worked = None
        self._count += count
        if now - self._said >= REMINDER:
            self._said = now
            self._log.error(
                "{what} fails still, {count} times in {seconds} s: {reason}",
                what=self._what,
                count=self._count,
                seconds=round(now - self._since),
                reason=reason,
            )

    def works(self) -> None:
        """Record a success."""
        if not self._open:
            return
        now = self._seconds()
        if self._worked is None:
            self._worked = now
        if self._again and now - self._failed < CALM:
            return
        self._open = False
        lasted = round(self._worked - self._since)
        self._log.info(
            "{what} works again; it failed {count} times in {seconds} s",
            what=self._what,
            count=self._count,
            seconds=lasted,
        )
