"""Who is logged in on the resources port, for as long as they are signed in."""

from __future__ import annotations

from collections.abc import Callable

from imsys.redis.tokens import Tokens
from imsys.resources.granted import ActiveGrant, Granted
from imsys.server.session import Session


class Sessions:
    """The sessions of this server. A user may have any number of them.

    :param calendar: Unix seconds.
    """

    def __init__(self, tokens: Tokens, granted: Granted, calendar: Callable[[], float]) -> None:
        self._tokens = tokens
        self._granted = granted
        self._calendar = calendar
        self._sessions: dict[Session, ActiveGrant] = {}

    async def login(self, session: Session, user: int, token: str) -> bool:
        """Make a connection a session of a user; ``False``: the token does not open this account.

        :raises Unavailable: neither Redis nor the database answers.
        """
        if not await self._tokens.check(user, token):
            return False
        if session.open:
            digest = Tokens.digest(token)
            session.logged_in(user, "", round(self._calendar() * 1000), digest)
            self._sessions[session] = self._granted.hold(user, digest, session.sign_out)
        return True

    def ended(self, session: Session) -> None:
        """Forget a session whose connection is gone."""
        self._granted.release(self._sessions.pop(session, None))
