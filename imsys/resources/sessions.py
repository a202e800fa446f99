"""Who is logged in on the resources port, and with which tokens, which live as long as they do."""

from __future__ import annotations

from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.errors import Unavailable
from imsys.outages import Outage
from imsys.session import Session
from imsys.tokens import Tokens

_log = Logger()

REVOKED = "Your login was revoked."


class Sessions(Service):
    """The sessions of this server. A user may have any number of them.

    :param interval: seconds between two renewals of the tokens.
    :param calendar: Unix seconds.
    """

    def __init__(self, clock: IReactorTime, tokens: Tokens, interval: float, calendar: Callable[[], float]) -> None:
        self._clock = clock
        self._tokens = tokens
        self._interval = interval
        self._calendar = calendar
        self._sessions: set[Session] = set()
        self._next: IDelayedCall | None = None
        self._outage = Outage(clock.seconds, "Renewing the tokens of the sessions")

    async def login(self, session: Session, user: int, token: str) -> bool:
        """Make a connection a session of a user; ``False``: the token does not open this account.

        :raises Unavailable: Redis did not answer.
        """
        expires = await self._tokens.expires(user, token)
        if expires is None:
            return False
        if session.open:
            session.logged_in(user, "", round(self._calendar() * 1000), Tokens.digest(token), round(expires * 1000))
            self._sessions.add(session)
        return True

    def ended(self, session: Session) -> None:
        """A session's connection is gone."""
        self._sessions.discard(session)

    def startService(self) -> None:
        """Begin to renew tokens."""
        super().startService()
        self._later()

    def stopService(self) -> None:
        """Renew no more."""
        super().stopService()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _later(self) -> None:
        if self.running:
            self._next = self._clock.callLater(self._interval, self._turn)

    def _turn(self) -> None:
        self._next = None
        running = Deferred.fromCoroutine(self.renew())
        running.addErrback(lambda reason: _log.failure("renewing the tokens failed", reason))
        running.addCallback(lambda _: self._later())

    async def renew(self) -> None:
        """Extend the token of every session, and end those whose tokens are over or revoked."""
        for session in list(self._sessions):
            try:
                lives = await self._tokens.renew(session.user, session.token_digest, session.hard_expiry / 1000)
            except Unavailable as unavailable:
                self._outage.failed(str(unavailable))
                return
            self._outage.works()
            if not lives and session in self._sessions:
                self._sessions.discard(session)
                session.sign_out(REVOKED)
