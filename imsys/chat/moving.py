"""Having the sessions of this server move to others, each at a moment of its own.

A client that numbers its logins knows push 132: it logs in elsewhere when its
moment has come, and is closed here if it has not some seconds later. Any other is
closed at its moment, when all that it has asked for is answered; it comes back as
after any broken connection.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterable

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.protocols.framing import CHAT
from imsys.protocols.messages.registry import encode, service_id
from imsys.protocols.messages.session import MovePush
from imsys.server.session import Session

_log = Logger()

RATE = 300.0
"""Sessions a second that move at most, unless there is no time: so many logins keep the others busy, and nobody there waits for them."""

GRACE = 5.0
"""Seconds that a client has, after its moment, to be gone."""

SLICE = 200
"""Sessions that are asked in one turn of the reactor."""

STEP = 0.1
"""Seconds between two looks at whose time is over."""

WHY = "it was asked to move to another server"


class Moving:
    """Asks sessions to move, and closes those that do not.

    :param sessions: those that are here.
    """

    def __init__(self, clock: IReactorTime, sessions: Callable[[], Iterable[Session]]) -> None:
        self._clock = clock
        self._sessions = sessions
        self._order = itertools.count()
        self._to_ask: deque[tuple[float, Session]] = deque()
        self._to_close: list[tuple[float, int, Session]] = []
        self._last = 0.0
        self._for_good = False
        self._asking: IDelayedCall | None = None
        self._closing: IDelayedCall | None = None

    def begin(self, seconds: float, *, rate: float = RATE, for_good: bool = False) -> float:
        """Have every session that is here, or comes, move within so many seconds, or as many more as ``rate`` sessions a second take.

        If they move already, and would have done so by then, nothing changes.

        :param for_good: :meth:`cancel` does nothing any more.
        :returns: seconds after which nobody is left, but for those who are owed an answer, or do not take it.
        """
        now = self._clock.seconds()
        self._for_good = self._for_good or for_good
        sessions = list(self._sessions())
        spread = max(seconds, len(sessions) / rate)
        if self._last and self._last <= now + spread:
            return max(self._last - now, 0.0) + GRACE
        if spread > seconds:
            _log.info("{count} sessions move at {rate} a second at most", count=len(sessions), rate=round(rate))
        _log.info("{count} sessions are asked to move within {seconds} s", count=len(sessions), seconds=round(spread, 1))
        random.shuffle(sessions)
        share = spread / max(len(sessions), 1)
        self._last = now + spread
        self._to_close.clear()
        self._to_ask = deque((now + share * (place + random.random()), session) for place, session in enumerate(sessions))  # noqa: S311
        self._ask()
        return spread + GRACE

    def cancel(self) -> None:
        """Have nobody move any more, but those who were told to already; not where it is for good."""
        if self._for_good:
            return
        if self._last:
            _log.info("nobody else is asked to move")
        self._last = 0.0
        self._to_ask.clear()
        self._to_close.clear()

    def stop(self) -> None:
        """Do nothing more at all."""
        self._to_ask.clear()
        self._to_close.clear()
        for call in (self._asking, self._closing):
            if call is not None:
                call.cancel()
        self._asking = self._closing = None

    def came(self, session: Session) -> None:
        """A session has begun: if all are moving, it is to go with them."""
        if not self._last:
            return
        now = self._clock.seconds()
        self._to_ask.append((now + random.random() * max(self._last - now, 1.0), session))  # noqa: S311
        if self._asking is None:
            self._ask()

    def _ask(self) -> None:
        if self._asking is not None and self._asking.active():
            self._asking.cancel()
        self._asking = None
        now = self._clock.seconds()
        for _ in range(min(SLICE, len(self._to_ask))):
            moment, session = self._to_ask.popleft()
            if not session.open:
                continue
            if session.attempt is not None:
                push = MovePush(after=round(max(moment - now, 0.0), 3))
                session.push(CHAT.encode(service_id(MovePush), encode(push)))
                moment += GRACE
            heapq.heappush(self._to_close, (moment, next(self._order), session))
        if self._to_ask:
            self._asking = self._clock.callLater(0, self._ask)
        if self._to_close and self._closing is None:
            self._closing = self._clock.callLater(STEP, self._close)

    def _close(self) -> None:
        self._closing = None
        now = self._clock.seconds()
        while self._to_close and self._to_close[0][0] <= now:
            _, _, session = heapq.heappop(self._to_close)
            if session.open:
                session.leave(WHY)
        if self._to_close:
            self._closing = self._clock.callLater(STEP, self._close)
