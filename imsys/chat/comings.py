"""Who logs in and whose session ends, a line each in the log.

A login costs a server little more than a line of the log does. So lines are
gathered for a moment, and written together, each whole.
"""

from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.redis.routes import Route
from imsys.server.session import Session

_log = Logger()

GATHER = 0.1
"""Seconds for which lines are gathered."""


class Comings:
    """Writes who came to this server and who went."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._lines: list[str] = []
        self._later: IDelayedCall | None = None

    def came(self, session: Session, older: Route | None) -> None:
        """A session has begun, in the place of the one that this route led to."""
        instead = "" if older is None else f", in place of {older.session} on {older.node}"
        self._say(f"{session.user} logged in from {session.address}: session {session.id}{instead}")

    def went(self, session: Session, why: str) -> None:
        """A session is over."""
        self._say(f"session {session.id} of {session.user} is over: {why}")

    def flush(self) -> None:
        """Write what has gathered."""
        later, self._later = self._later, None
        if later is not None and later.active():
            later.cancel()
        lines, self._lines = self._lines, []
        if lines:
            _log.info("{lines}", lines="\n".join(lines), log_lines=True)

    def _say(self, line: str) -> None:
        self._lines.append(line)
        if self._later is None:
            self._later = self._clock.callLater(GATHER, self.flush)
