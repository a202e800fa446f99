"""One line in the log when something begins to fail, one when it works again, and how often it failed between the two."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

_log = Logger()

REMINDER = 60.0
"""Seconds between two lines that say that it fails still."""

CALM = 5.0
"""Seconds: what fails again so soon after it worked is the same outage, and so are successes so soon after a failure of it."""


class Outage:
    """Counts the failures of one thing, from its first to its end. What fails now and then, among much that works, is one outage.

    :param seconds: a clock that never goes back.
    :param what: the thing, as a sentence begins: ``The database``.
    :param log: in whose name it is said.
    """

    def __init__(self, seconds: Callable[[], float], what: str, log: Logger = _log) -> None:
        self._log = log
        self._seconds = seconds
        self._what = what
        self._open = False
        self._again = False  # it was said to be over, and was not
        self._since = 0.0
        self._failed = 0.0
        self._worked: float | None = None
        self._said = 0.0
        self._count = 0

    def __bool__(self) -> bool:
        """Whether it fails, as far as was said."""
        return self._open

    def failed(self, reason: str, count: int = 1) -> None:
        """It failed; ``reason`` is for the person who reads the log."""
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
        """It worked."""
        if not self._open:
            return
        now = self._seconds()
        if self._worked is None:
            self._worked = now
        if self._again and now - self._failed < CALM:
            return
        self._open = False
        lasted = round(self._worked - self._since)
        self._log.info("{what} works again; it failed {count} times in {seconds} s", what=self._what, count=self._count, seconds=lasted)
