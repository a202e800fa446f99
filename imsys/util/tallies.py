"""Limit log lines that outsiders can cause at will: log a few, then only count them."""

from __future__ import annotations

from typing import Any

from constantly import NamedConstant
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

WINDOW = 60.0
"""Length of the counting window in seconds."""


class Tally:
    """Logs the first lines of one kind as they come, and counts the others in one line per minute.

    For use in the reactor's thread only.

    :param text: the format of a line.
    :param lines: lines per minute that are logged as they are.
    """

    def __init__(
        self, clock: IReactorTime, log: Logger, level: NamedConstant, text: str, *, lines: int = 1
    ) -> None:
        self._clock = clock
        self._log = log
        self._level = level
        self._text = text
        self._more = f"{{tally_count}} more in {{tally_seconds}} s, the last: {text}"
        self._lines = lines
        self._since = 0.0
        self._left = 0
        self._count = 0
        self._last: dict[str, Any] = {}
        self._call: IDelayedCall | None = None
        self._open = False

    def add(self, **fields: Any) -> None:
        """Log or count a line with these fields; ``log_failure`` is logged with its traceback."""
        now = self._clock.seconds()
        if not self._open or now - self._since >= WINDOW:
            self._begin(now, self._lines)
        if self._left:
            self._left -= 1
            self._log.emit(self._level, self._text, **fields)
            return
        self._count += 1
        self._last = fields
        if self._call is None:
            self._call = self._clock.callLater(max(0.0, self._since + WINDOW - now), self._said)

    def stop(self) -> None:
        """Log what was counted, and stop."""
        if self._call is not None:
            self._call.cancel()
            self._say()
        self._open = False

    def _begin(self, now: float, left: int) -> None:
        self._open = True
        self._since = now
        self._left = left

    def _said(self) -> None:
        self._say()
        self._begin(self._clock.seconds(), 0)  # it continues, so from now on only count

    def _say(self) -> None:
        self._call = None
        count, self._count = self._count, 0
        last, self._last = self._last, {}
        last.pop("log_failure", None)
        seconds = round(self._clock.seconds() - self._since)
        self._log.emit(self._level, self._more, tally_count=count, tally_seconds=seconds, **last)
