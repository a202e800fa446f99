"""Log each login and each end of a session, one line each.

Writing a log line costs almost as much as a login. So lines are gathered for a moment and written together;
if the log level drops them, they are not even formatted.
"""

from __future__ import annotations

from typing import NamedTuple

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.redis.routes import Route
from imsys.server.session import Session

_log = Logger()

GATHER = 0.1
"""Seconds for which lines are gathered."""


class _Came(NamedTuple):
    session: Session
    older: Route | None

    def __str__(self) -> str:
        instead = "" if self.older is None else f", in place of {self.older.session} on {self.older.node}"
        return (
            f"{self.session.user} logged in from {self.session.address}: session {self.session.id}{instead}"
        )


class _Went(NamedTuple):
    session: Session
    why: str

    def __str__(self) -> str:
        return f"session {self.session.id} of {self.session.user} is over: {self.why}"


class _Lines(list["_Came | _Went"]):
    def __str__(self) -> str:
        return "\n".join(map(str, self))


class Comings:
    """Logs the beginning and the end of this server's sessions."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._lines: list[_Came | _Went] = []
        self._later: IDelayedCall | None = None

    def came(self, session: Session, older: Route | None) -> None:
        """Log that a session has begun; ``older`` is the route of the session that it replaces."""
        self._say(_Came(session, older))

    def went(self, session: Session, why: str) -> None:
        """Log that a session has ended."""
        self._say(_Went(session, why))

    def flush(self) -> None:
        """Write the gathered lines."""
        later, self._later = self._later, None
        if later is not None and later.active():
            later.cancel()
        lines, self._lines = self._lines, []
        if lines:
            _log.info("{lines}", lines=_Lines(lines), log_lines=True)

    def _say(self, line: _Came | _Went) -> None:
        self._lines.append(line)
        if self._later is None:
            self._later = self._clock.callLater(GATHER, self.flush)
