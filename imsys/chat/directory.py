"""The online users: sessions of this server, and routes to sessions of other servers."""

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
"""Users looked up by one call of Redis, which does nothing else meanwhile."""

FLUSH = 3.0
"""Seconds to remove routes when the server stops; those that remain expire."""


def _ignore(*_: object) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class SessionListener:
    """Callbacks for events of this server's sessions.

    :param about_to_log_in: called before a login is processed; it may close the connection.
    :param came: a session has begun.
    :param moved: a user's session began here at this time (milliseconds since 1970), or ended (minus its
        start).
    :param replaced: a user's session had been replaced without this server being told; pushes may have been
        lost.
    :param rebuilt: other servers could not find these users for a while; pushes may have been lost.
    """

    about_to_log_in: Callable[[], None] = _ignore
    came: Callable[[Session], None] = _ignore
    moved: Callable[[int, int], None] = _ignore
    replaced: Callable[[int], None] = _ignore
    rebuilt: Callable[[Collection[int]], None] = _ignore


class Directory(Service):
    """The sessions of this server, and their routes in Redis, which it renews.

    :param interval: seconds in which every route is renewed once.
    :param digest: hashes a token as it is stored in Redis.
    :param calendar: returns Unix seconds.
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
        self._ids = itertools.count(secrets.randbits(60))  # different from those of other incarnations
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
        """Return a user's session on this server, if its connection is open."""
        session = self._sessions.get(user)
        return session if session is not None and session.open else None

    def users(self) -> list[int]:
        """Return all users with a session on this server."""
        return list(self._sessions)

    def sessions(self) -> list[Session]:
        """Return all sessions of this server."""
        return list(self._sessions.values())

    async def login(
        self, session: Session, user: int, token: str, attempt: tuple[str, int] | None = None
    ) -> bool:
        """Make a connection the user's only session; return ``False`` if the token is not valid for the user.

        An older session is ended, on whichever server it is; the login does not wait for another server.

        :param attempt: the client's identifier, and a number that grows with its login attempts.
        :raises Refused: LOGIN_FOR_MULTIPLE_TIMES (19), a later attempt of this client has logged in;
            NETWORK_ERROR (2), the client has disconnected.
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
        if before is not None and before.login_ms > route.login_ms:  # the answers came in another order
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
        """Have a client catch up after its older session, which may have taken pushes, has ended elsewhere.

        A client whose login is not answered yet catches up by itself.
        """
        if not session.greeting and self.local(session.user) is session:
            self._listener.rebuilt((session.user,))

    def retell(self, user: int) -> None:
        """Tell of a user's session here once more; who watches the user looks again what may be seen."""
        session = self._sessions.get(user)
        if session is not None:
            self._listener.moved(user, session.login_ms)

    def came_with(self, session: Session, token: str) -> bool:
        """Return whether a session logged in with this token."""
        return secrets.compare_digest(session.token_digest, self._digest(token))

    def end(self, user: int, session_id: str | None, reason: str) -> bool:
        """Sign a user's session out, if it has this id (``None``: any id); return whether it did."""
        session = self._sessions.get(user)
        if session is None or (session_id is not None and session.id != session_id):
            return False
        # this connection takes a while to close, but pushes must go to the user's next session from now on
        del self._sessions[user]
        self._drop(user, self._route(session))
        self._sign_out(session, reason)
        return True

    def ended(self, session: Session) -> None:
        """Remove a session whose connection has ended."""
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
        """Look up routes to other servers; return those to live ones, and users on servers not known to live.

        Users who are offline or on this server are in neither.

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
        """Stop renewing; fire when the routes of ended sessions are removed."""
        super().stopService()
        self._renewal.stopService()
        self._endings.stop()
        self._comings.flush()
        return (
            self._routes.dropped()
            .addTimeout(FLUSH, self._clock)
            .addErrback(lambda reason: reason.trap(DeferredTimeout) and None)
        )

    async def renew(self) -> None:
        """Renew the routes and tokens of all sessions now, and end the sessions that turn out to be over."""
        users = self.users()
        for start in range(0, len(users), BATCH):
            if not await self._renew(users[start : start + BATCH]):
                return

    async def _renew(self, users: Collection[int]) -> bool:
        """Renew the sessions of these users; return ``False`` if Redis did not answer."""
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
        """Look tokens that Redis does not know up in the database, and end the sessions of revoked ones.

        The renewal of routes does not wait for this. Tokens that become unknown meanwhile are looked up after
        the next renewal.
        """
        try:
            revoked = await self._routes.revoked(unknown)
        except Refused as refused:
            _log.debug(
                "nobody knows whether {count} tokens still live: {why}",
                count=len(unknown),
                why=refused.message,
            )
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
    """Check that a connection is open. :raises Refused: NETWORK_ERROR (2), it is not."""
    if not session.open:
        raise Refused(Status.NETWORK_ERROR, "The connection is over.")
