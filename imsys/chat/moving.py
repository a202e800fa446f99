"""Move the sessions of this server to others, each at a moment of its own.

A client that numbers its logins understands push 132: it logs in elsewhere at its moment, and its session is
closed here if it has not some seconds later. Any other client's session is closed at its moment, when its
requests are answered; the client reconnects as after any broken connection.
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
"""Sessions per second that move, at most, unless there is less time: the other servers can take so many
logins."""

GRACE = 5.0
"""Seconds that a client has, after its moment, to leave."""

SLICE = 200
"""Sessions that are told in one turn of the reactor."""

STEP = 0.1
"""Seconds between two looks for sessions to close."""

WHY = "it was asked to move to another server"


class Moving:
    """Tells sessions to move, and closes those that do not.

    :param sessions: returns the sessions of this server.
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
        """Move all present and future sessions within so many seconds, or longer if ``rate`` requires it.

        If they are moving already and will be done by then, nothing changes.

        :param rate: sessions per second, at most.
        :param for_good: :meth:`cancel` has no effect from now on.
        :returns: seconds after which all sessions are gone, except those with unanswered requests or unread
            answers.
        """
        now = self._clock.seconds()
        self._for_good = self._for_good or for_good
        sessions = list(self._sessions())
        spread = max(seconds, len(sessions) / rate)
        if self._last and self._last <= now + spread:
            return max(self._last - now, 0.0) + GRACE
        if spread > seconds:
            _log.info(
                "{count} sessions move at {rate} a second at most", count=len(sessions), rate=round(rate)
            )
        _log.info(
            "{count} sessions are asked to move within {seconds} s",
            count=len(sessions),
            seconds=round(spread, 1),
        )
        random.shuffle(sessions)
        share = spread / max(len(sessions), 1)
        self._last = now + spread
        self._to_close.clear()
        self._to_ask = deque(
            (now + share * (place + random.random()), session)  # noqa: S311
            for place, session in enumerate(sessions)
        )
        self._ask()
        return spread + GRACE

    def cancel(self) -> None:
        """Cancel the moves of sessions that were not told yet, unless the move is for good."""
        if self._for_good:
            return
        if self._last:
            _log.info("nobody else is asked to move")
        self._last = 0.0
        self._to_ask.clear()
        self._to_close.clear()

    def stop(self) -> None:
        """Stop: tell and close no more sessions."""
        self._to_ask.clear()
        self._to_close.clear()
        for call in (self._asking, self._closing):
            if call is not None:
                call.cancel()
        self._asking = self._closing = None

    def came(self, session: Session) -> None:
        """Move a new session, too, if all are moving."""
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
