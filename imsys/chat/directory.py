"""The online users: sessions of this server, and routes to sessions of other servers."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from imsys.chat.comings import Comings
from imsys.chat.endings import Cluster, Endings
from imsys.chat.user_sessions import Entry, SessionTable, UserSessions, sessions_of
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

LOCATED = 500
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
    :param moved: a user's session began here at this time (milliseconds since 1970), or the last one ended (minus
        the start of the newest); the flag: beside sessions on other servers.
    :param found: a user of this server has sessions on these other servers that were not known of; pushes to them may
        have been lost.
    :param relay: sends a frame to a user's sessions on other servers.
    :param ended: a session of a device has ended.
    :param replaced: a user's session had been replaced without this server being told; pushes may have been
        lost.
    :param rebuilt: other servers could not find these users for a while; pushes may have been lost.
    """

    about_to_log_in: Callable[[], None] = _ignore
    came: Callable[[Session], None] = _ignore
    moved: Callable[[int, int, bool], None] = _ignore
    found: Callable[[int, Collection[str]], None] = _ignore
    relay: Callable[[int, Collection[str], bytes], None] = _ignore
    ended: Callable[[Session], None] = _ignore
    replaced: Callable[[int], None] = _ignore
    rebuilt: Callable[[Collection[int]], None] = _ignore


class Directory(Service):
    """The sessions of this server, and their routes in Redis, which it renews.

    :param interval: seconds in which every route is renewed once.
    :param digest: hashes a token as it is stored in Redis.
    :param calendar: returns Unix seconds.
    :param single: whether a user has one session, whatever device it is on.
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
        single: bool = False,
    ) -> None:
        self._single = single
        self._clock = clock
        self._routes = routes
        self._cluster = cluster
        self._listener = listener
        self._name = name
        self._incarnation = incarnation
        self._digest = digest
        self._calendar = calendar
        self._ids = itertools.count(secrets.randbits(60))  # different from those of other incarnations
        self._sessions = SessionTable(listener.relay)
        self._renewal = PeriodicSweep(clock, interval, self.users, self._renew, BATCH)
        self._asking = False
        self._outage = Outage(clock.seconds, "Renewing routes")
        self._endings = Endings(clock, cluster)
        self._comings = Comings(clock)

    def __len__(self) -> int:
        return self._sessions.count

    # -- this server's sessions

    def local(self, user: int) -> Entry | None:
        """Return a user's session on this server, or all of them, if a connection is open."""
        entry = self._sessions.get(user)
        return entry if entry is not None and entry.open else None

    def users(self) -> list[int]:
        """Return all users with a session on this server."""
        return self._sessions.users()

    def sessions(self) -> list[Session]:
        """Return all sessions of this server."""
        return self._sessions.sessions()

    async def login(
        self,
        session: Session,
        user: int,
        token: str,
        attempt: tuple[str, int] | None = None,
        device: str = "",
    ) -> bool:
        """Make a connection the session of a user's device; return ``False`` if the token is not valid for the user.

        An older session of the device is ended, on whichever server it is; the login does not wait for another
        server.

        :param attempt: the client's identifier, and a number that grows with its login attempts.
        :param device: the client's identifier of its device; empty: it has none.
        :raises Refused: LOGIN_FOR_MULTIPLE_TIMES (19), a later attempt of this client has logged in; TOO_MANY (82),
            the user has sessions on too many devices; NETWORK_ERROR (2), the client has disconnected.
        :raises Unavailable: Redis did not answer.
        """
        self._listener.about_to_log_in()
        if session.open and session.deserted:
            session.abort("the client had gone before its login was read")
        _check_present(session)
        now_ms = self._now_ms()
        digest = self._digest(token)
        numbered = None if attempt is None else Attempt(*attempt)
        mine = Route(self._name, self._incarnation, f"{next(self._ids):x}", now_ms, self._slot(device))
        taken = await self._routes.login(user, digest, mine, numbered)
        if taken is None:
            return False
        old, route, others = taken
        try:
            _check_present(session)
        except Refused:
            self._routes_drop(user, route)
            raise
        session.logged_in(user, route.session, route.login_ms, digest, numbered, device)
        self._comings.came(session, old)
        entry = self._sessions.get(user)
        before = None if entry is None else self._of_device(entry, route.device)
        if before is not None and before.login_ms > route.login_ms:  # the answers came in another order
            self._sign_out(session, ELSEWHERE)
            return True
        self._sessions.add(session, before)
        if others:
            for node, login_ms in self._elsewhere(others).items():
                self._sessions.joined(user, node, login_ms)
        self._listener.moved(user, route.login_ms, session.siblings is not None and self._is_elsewhere(user))
        if before is not None:
            self._sign_out(before, ELSEWHERE)
        if old is not None and not self._here(old):
            self._endings.add(user, old, ELSEWHERE, partial(self._older_ended, session))
        self._listener.came(session)
        return True

    def _slot(self, device: str) -> str:
        """Return the device that a session counts as."""
        return "" if self._single else device

    def _of_device(self, entry: Entry, device: str) -> Session | None:
        return next((one for one in sessions_of(entry) if self._slot(one.device) == device), None)

    def _here(self, route: Route) -> bool:
        return route.node == self._name and route.incarnation == self._incarnation

    def _elsewhere(self, routes: Iterable[Route]) -> dict[str, int]:
        """Return the other live servers of these routes, with the time of the newest on each."""
        found: dict[str, int] = {}
        for route in routes:
            if not self._here(route) and self._cluster.alive(route.node, route.incarnation):
                found[route.node] = max(route.login_ms, found.get(route.node, 0))
        return found

    def _is_elsewhere(self, user: int) -> bool:
        """Return whether a user has sessions on other servers, too, as far as is known."""
        entry = self._sessions.get(user)
        return isinstance(entry, UserSessions) and bool(entry.elsewhere)

    def _older_ended(self, session: Session) -> None:
        """Have a client catch up after its older session, which may have taken pushes, has ended elsewhere.

        A client whose login is not answered yet catches up by itself.
        """
        if not session.greeting and session in sessions_of(self.local(session.user)):
            self._listener.rebuilt((session.user,))

    def retell(self, user: int) -> None:
        """Tell of a user's session here once more; who watches the user looks again what may be seen."""
        entry = self._sessions.get(user)
        if entry is not None:
            self._listener.moved(user, entry.login_ms, self._is_elsewhere(user))

    def came_with(self, session: Session, token: str) -> bool:
        """Return whether a session logged in with this token."""
        return secrets.compare_digest(session.token_digest, self._digest(token))

    def end(self, user: int, session_id: str | None, reason: str, device: str = "") -> bool:
        """Sign a user's session of a device out, if it has this id; return whether it did.

        :param session_id: ``None``: all sessions of the user.
        """
        ended = [
            session
            for session in sessions_of(self._sessions.get(user))
            if session_id is None or (session.id == session_id and self._slot(session.device) == device)
        ]
        for session in ended:
            # this connection takes a while to close, but pushes must go to the user's next session from now on
            self._remove(session)
            self._sign_out(session, reason)
        return bool(ended)

    async def end_devices(self, user: int, reason: str, ends: Callable[[Route], bool]) -> None:
        """Sign out those sessions of a user whose routes ``ends`` picks, on any server, which nobody waits for.

        :raises Unavailable: Redis did not answer.
        """
        for route in (await self._routes.find([user])).get(user, ()):
            if not ends(route):
                continue
            if self._here(route):
                self.end(user, route.session, reason, route.device)
            else:
                self._endings.add(user, route, reason, _ignore)

    async def online(self, user: int) -> tuple[Route, ...]:
        """Return the routes of all sessions of a user. :raises Unavailable: Redis did not answer."""
        return (await self._routes.find([user])).get(user, ())

    def ended(self, session: Session) -> None:
        """Remove a session whose connection has ended."""
        if session.user and self._remove(session):
            self._comings.went(session, session.why)

    def _remove(self, session: Session) -> bool:
        """Remove a session that is over; return whether it was there."""
        entry = self._sessions.get(session.user)
        if entry is None:
            return False
        newest_ms = entry.login_ms
        if not self._sessions.remove(session):
            return False
        if session.device:
            self._listener.ended(session)
        if self._sessions.get(session.user) is None:
            self._listener.moved(session.user, -newest_ms, False)
        self._routes_drop(session.user, self._route(session))
        return True

    def _sign_out(self, session: Session, reason: str) -> None:
        session.sign_out(reason)
        self._comings.went(session, reason)

    def _routes_drop(self, user: int, route: Route) -> None:
        def failed(reason: object) -> None:
            _log.debug("the route of {user} is left to expire", user=user)

        self._routes.drop(user, route).addErrback(failed)

    # -- sessions of users of this server that are elsewhere

    def joined(self, user: int, node: str, login_ms: int) -> None:
        """Note that a user has a session on another server, beside others."""
        self._sessions.joined(user, node, login_ms)

    def left(self, user: int, node: str, login_ms: int) -> None:
        """Note that a user has no session on another server any more that began at this time or before."""
        self._sessions.left(user, node, login_ms)

    def lost(self, node: str) -> None:
        """Note that another server is gone."""
        self._sessions.lost(node)

    def spread(self) -> list[int]:
        """Return the users who have sessions here and on other servers."""
        return [one.user for one in self._sessions.several() if one.elsewhere]

    # -- other servers' sessions

    async def locate(self, users: Sequence[int]) -> tuple[dict[int, dict[str, int]], list[int]]:
        """Look up which other live servers users have sessions on, and the time of the newest login on each.

        Also return users who have sessions on servers that are not known to live; they may have others. Users who
        are offline, or on this server alone, are in neither.

        :raises Unavailable: Redis did not answer.
        """
        where: dict[int, dict[str, int]] = {}
        doubtful: list[int] = []
        for start in range(0, len(users), LOCATED):
            for user, routes in (await self._routes.find(users[start : start + LOCATED])).items():
                if elsewhere := self._elsewhere(routes):
                    where[user] = elsewhere
                if any(
                    not self._here(route) and not self._cluster.alive(route.node, route.incarnation)
                    for route in routes
                ):
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
        entries = {user: entry for user in users if (entry := self._sessions.get(user)) is not None}
        sessions = {one.id: one for entry in entries.values() for one in sessions_of(entry)}
        held = [Held(one.user, self._route(one), one.token_digest, one.attempt) for one in sessions.values()]
        news = {user: one.news for user, one in entries.items() if isinstance(one, UserSessions)}
        try:
            changed, unknown, others = await self._routes.refresh(held)
        except Refused as refused:
            if refused.status is not Status.REDIS_UNKNOWN_ERROR:
                raise
            self._outage.failed(refused.message, len(held))
            return False
        self._outage.works()
        if unknown and not self._asking:
            self._asking = True
            run_in_background(self._ask(unknown), _log, "looking for tokens failed")
        rebuilt = set()
        for one, state in changed:
            session = sessions[one.route.session]
            if state == REBUILT:
                rebuilt.add(one.user)
            elif session in sessions_of(self._sessions.get(one.user)):
                self._end_unnoticed(session, state)
        for user in others.keys() | (news.keys() - rebuilt):
            self._compare(user, entries[user], news.get(user, 0), others.get(user, ()))
        if rebuilt:
            _log.info("{count} routes were written anew: their users catch up", count=len(rebuilt))
            for user in rebuilt:
                if (entry := self._sessions.get(user)) is not None:
                    self._listener.moved(user, entry.login_ms, self._is_elsewhere(user))
            self._listener.rebuilt(rebuilt)
        return True

    def _compare(self, user: int, entry: Entry, news: int, others: Iterable[Route]) -> None:
        """Compare where else a user of this server is with what is known, unless there were news meanwhile."""
        now = self._sessions.get(user)
        if now is not entry or (isinstance(now, UserSessions) and now.news != news):
            return
        if new := self._sessions.found(user, self._elsewhere(others)):
            self._listener.found(user, new)

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
            for session in sessions_of(self._sessions.get(one.user)):
                if session.id == one.route.session:
                    self._end_unnoticed(session, REVOKED)

    def _end_unnoticed(self, session: Session, state: int) -> None:
        self._remove(session)
        self._sign_out(session, REVOKED_REASON if state == REVOKED else ELSEWHERE)
        if state != REVOKED:
            self._listener.replaced(session.user)

    def _route(self, session: Session) -> Route:
        return Route(self._name, self._incarnation, session.id, session.login_ms, self._slot(session.device))

    def _now_ms(self) -> int:
        return round(self._calendar() * 1000)


def _check_present(session: Session) -> None:
    """Check that a connection is open. :raises Refused: NETWORK_ERROR (2), it is not."""
    if not session.open:
        raise Refused(Status.NETWORK_ERROR, "The connection is over.")
