"""Who is online, and where: sessions of this server, and routes to those of others."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from imsys.chat.comings import Comings
from imsys.chat.endings import Cluster, Endings
from imsys.errors import Refused, Status
from imsys.redis.routes import BATCH, REBUILT, REVOKED, Attempt, Held, Route, Routes
from imsys.server.session import Session
from imsys.util.background import run_in_background
from imsys.util.outages import Outage
from imsys.util.sweeps import PeriodicSweep

__all__ = ["Cluster", "Directory"]

_log = Logger()

ELSEWHERE = "You logged in elsewhere."
REVOKED_REASON = "Your login was revoked."

LOCATED = 1000
"""Users whom Redis is asked for by one call: it does nothing else meanwhile."""

FLUSH = 3.0
"""Seconds that routes have to be dropped when the server stops; what is left of them expires."""


def _ignore(*_: object) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class SessionListener:
    """Hears of what becomes of the sessions of this server.

    :param about_to_log_in: nothing is done for a login yet: its connection may be closed by this.
    :param came: a session has begun.
    :param moved: a user has a session here since this time (milliseconds since 1970), or had one (minus that time).
    :param replaced: a user's session turned out to have been replaced unnoticed: pushes may have been lost.
    :param rebuilt: others could not find these users of this server for a while: pushes may have been lost.
    """

    about_to_log_in: Callable[[], None] = _ignore
    came: Callable[[Session], None] = _ignore
    moved: Callable[[int, int], None] = _ignore
    replaced: Callable[[int], None] = _ignore
    rebuilt: Callable[[Collection[int]], None] = _ignore


class Directory(Service):
    """The sessions of this server and their routes, kept in Redis by renewing them.

    :param interval: seconds in which every session is renewed once.
    :param digest: hashes a token as Redis knows it.
    :param calendar: gives Unix seconds.
    """

    def __init__(
        self,
        clock: IReactorTime,
        routes: Routes,
        cluster: Cluster,
        listener: SessionListener,
        *,
        name: str,
        incarnation: str,
        interval: float,
        digest: Callable[[str], str],
        calendar: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._routes = routes
        self._cluster = cluster
        self._listener = listener
        self._name = name
        self._incarnation = incarnation
        self._digest = digest
        self._calendar = calendar
        self._ids = itertools.count(secrets.randbits(60))  # unlike those of other incarnations
        self._sessions: dict[int, Session] = {}
        self._renewal = PeriodicSweep(clock, interval, self.users, self._renew, BATCH)
        self._asking = False
        self._outage = Outage(clock.seconds, "Renewing routes")
        self._endings = Endings(clock, cluster)
        self._comings = Comings(clock)

    def __len__(self) -> int:
        return len(self._sessions)

    # -- this server's sessions

    def local(self, user: int) -> Session | None:
        """The session of a user on this server, if it can still be sent to."""
        session = self._sessions.get(user)
        return session if session is not None and session.open else None

    def users(self) -> list[int]:
        """Everybody who has a session on this server."""
        return list(self._sessions)

    def sessions(self) -> list[Session]:
        """Every session of this server."""
        return list(self._sessions.values())

    async def login(self, session: Session, user: int, token: str, attempt: tuple[str, int] | None = None) -> bool:
        """Make a connection the user's one session, ending an older one wherever it is; ``False``: the token does not open this account.

        No other chat server is waited for: an older session there ends a moment later.

        :param attempt: which client it is, and a number that grows with its attempts to log in.
        :raises Refused: 19, a later attempt of this client has logged in; 2, the client has gone, so that nobody reads this.
        :raises Unavailable: Redis did not answer.
        """
        self._listener.about_to_log_in()
        if session.open and session.deserted:
            session.abort("the client had gone before its login was read")
        _check_present(session)
        now_ms = self._now_ms()
        digest = self._digest(token)
        numbered = None if attempt is None else Attempt(*attempt)
        mine = Route(self._name, self._incarnation, f"{next(self._ids):x}", now_ms)
        taken = await self._routes.login(user, digest, mine, numbered)
        if taken is None:
            return False
        old, route = taken
        try:
            _check_present(session)
        except Refused:
            self._drop(user, route)
            raise
        session.logged_in(user, route.session, route.login_ms, digest, numbered)
        self._comings.came(session, old)
        before = self._sessions.get(user)
        if before is not None and before.login_ms > route.login_ms:  # the answers came in another order than the logins
            self._sign_out(session, ELSEWHERE)
            return True
        self._sessions[user] = session
        self._listener.moved(user, route.login_ms)
        if before is not None:
            self._sign_out(before, ELSEWHERE)
        if old is not None and (old.node, old.incarnation) != (self._name, self._incarnation):
            self._endings.add(user, old, ELSEWHERE, partial(self._older_ended, session))
        self._listener.came(session)
        return True

    def _older_ended(self, session: Session) -> None:
        """The session before this one, on another server, is over; up to now it may have swallowed pushes.

        A client whose login is not answered yet looks by itself for what it missed.
        """
        if not session.greeting and self.local(session.user) is session:
            self._listener.rebuilt((session.user,))

    def came_with(self, session: Session, token: str) -> bool:
        """Whether a token is the one that a session came in with."""
        return secrets.compare_digest(session.token_digest, self._digest(token))

    def end(self, user: int, session_id: str | None, reason: str) -> bool:
        """Sign a user's session out, if it is the one named (``None``: whichever is there)."""
        session = self._sessions.get(user)
        if session is None or (session_id is not None and session.id != session_id):
            return False
        # from here on pushes are for wherever the user is next, although this connection takes a while to close
        del self._sessions[user]
        self._drop(user, self._route(session))
        self._sign_out(session, reason)
        return True

    def ended(self, session: Session) -> None:
        """A session's connection is gone."""
        if session.user and self._sessions.get(session.user) is session:
            del self._sessions[session.user]
            self._drop(session.user, self._route(session))
            self._comings.went(session, session.why)

    def _sign_out(self, session: Session, reason: str) -> None:
        session.sign_out(reason)
        self._comings.went(session, reason)

    def _drop(self, user: int, route: Route) -> None:
        self._listener.moved(user, -route.login_ms)

        def failed(reason: object) -> None:
            _log.debug("the route of {user} is left to expire", user=user)

        self._routes.drop(user, route).addErrback(failed)

    # -- other servers' sessions

    async def locate(self, users: Sequence[int]) -> tuple[dict[int, Route], list[int]]:
        """The routes to other live servers, and who is said to be on a server that is not, or not yet, known to live.

        Those who are offline, or here, are left out.

        :raises Unavailable: Redis did not answer.
        """
        where: dict[int, Route] = {}
        doubtful: list[int] = []
        for start in range(0, len(users), LOCATED):
            for user, route in (await self._routes.find(users[start : start + LOCATED])).items():
                if route.node == self._name and route.incarnation == self._incarnation:
                    continue
                if self._cluster.alive(route.node, route.incarnation):
                    where[user] = route
                else:
                    doubtful.append(user)
        return where, doubtful

    # -- renewal

    def startService(self) -> None:
        """Begin to renew routes."""
        super().startService()
        self._renewal.startService()

    def stopService(self) -> Deferred[None]:
        """Renew no more; fires when the routes of sessions that ended are dropped."""
        super().stopService()
        self._renewal.stopService()
        self._endings.stop()
        self._comings.flush()
        return self._routes.dropped().addTimeout(FLUSH, self._clock).addErrback(lambda reason: reason.trap(DeferredTimeout) and None)

    async def renew(self) -> None:
        """Renew the route and the token of every session now, and end those that are over."""
        users = self.users()
        for start in range(0, len(users), BATCH):
            if not await self._renew(users[start : start + BATCH]):
                return

    async def _renew(self, users: Collection[int]) -> bool:
        """Renew those of these users who have a session; ``False``: Redis did not answer."""
        sessions = {user: session for user in users if (session := self._sessions.get(user)) is not None}
        held = [Held(user, self._route(one), one.token_digest, one.attempt) for user, one in sessions.items()]
        try:
            changed, unknown = await self._routes.refresh(held)
        except Refused as refused:
            if refused.status is not Status.REDIS_UNKNOWN_ERROR:
                raise
            self._outage.failed(refused.message, len(held))
            return False
        self._outage.works()
        if unknown and not self._asking:
            self._asking = True
            run_in_background(self._ask(unknown), _log, "looking for tokens failed")
        rebuilt = []
        for user, state in changed.items():
            if state == REBUILT:
                rebuilt.append(user)
            elif self._sessions.get(user) is sessions[user]:
                self._end_unnoticed(user, state)
        if rebuilt:
            _log.info("{count} routes were written anew: their users catch up", count=len(rebuilt))
            for user in rebuilt:
                if (session := self._sessions.get(user)) is not None:
                    self._listener.moved(user, session.login_ms)
            self._listener.rebuilt(rebuilt)
        return True

    async def _ask(self, unknown: Sequence[Held]) -> None:
        """End the sessions whose tokens turn out to be no good any more, however long the database takes: routes do not wait for it.

        Whose turn does not come while it is asked comes with the next renewal: Redis still does not know.
        """
        try:
            revoked = await self._routes.revoked(unknown)
        except Refused as refused:
            _log.debug("nobody knows whether {count} tokens still live: {why}", count=len(unknown), why=refused.message)
            return
        finally:
            self._asking = False
        for one in revoked:
            session = self._sessions.get(one.user)
            if session is not None and session.id == one.route.session:
                self._end_unnoticed(one.user, REVOKED)

    def _end_unnoticed(self, user: int, state: int) -> None:
        session = self._sessions.pop(user)
        self._sign_out(session, REVOKED_REASON if state == REVOKED else ELSEWHERE)
        self._listener.moved(user, -session.login_ms)
        if state != REVOKED:
            self._listener.replaced(user)

    def _route(self, session: Session) -> Route:
        return Route(self._name, self._incarnation, session.id, session.login_ms)

    def _now_ms(self) -> int:
        return round(self._calendar() * 1000)


def _check_present(session: Session) -> None:
    """:raises Refused: 2, the connection is over; nobody is to be logged in by it."""
    if not session.open:
        raise Refused(Status.NETWORK_ERROR, "The connection is over.")
