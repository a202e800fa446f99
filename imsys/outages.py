"""One line in the log when something begins to fail, one when it works again, and how often it failed between the two."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

_log = Logger()

REMINDER = 60.0
"""Seconds between two lines that say that it fails still."""

CALM = 5.0
"""Seconds without a failure after which it works again: what fails now and then, among much that works, is one outage and not many."""


class Outage:
    """Counts the failures of one thing, from its first to its end.

    :param seconds: a clock that never goes back.
    :param what: the thing, as a sentence begins: ``The database``.
    """

    def __init__(self, seconds: Callable[[], float], what: str) -> None:
        self._seconds = seconds
        self._what = what
        self._since: float | None = None
        self._failed = 0.0
        self._worked: float | None = None
        self._said = 0.0
        self._count = 0

    def __bool__(self) -> bool:
        """Whether it fails, or has worked for too short a time to say that it does."""
        return self._since is not None

    def failed(self, reason: str, count: int = 1) -> None:
        """It failed; ``reason`` is for the person who reads the log."""
        now = self._failed = self._seconds()
        self._worked = None
        if self._since is None:
            self._since = self._said = now
            self._count = count
            _log.error("{what} fails: {reason}", what=self._what, reason=reason)
            return
        self._count += count
        if now - self._said >= REMINDER:
            self._said = now
            _log.error(
                "{what} fails still, {count} times in {seconds} s: {reason}",
                what=self._what,
                count=self._count,
                seconds=round(now - self._since),
                reason=reason,
            )

    def works(self) -> None:
        """It worked."""
        if self._since is None:
            return
        now = self._seconds()
        if self._worked is None:
            self._worked = now
        if now - self._failed < CALM:
            return
        since, self._since = self._since, None
        lasted = round(self._worked - since)
        _log.info("{what} works again; it failed {count} times in {seconds} s", what=self._what, count=self._count, seconds=lasted)
