"""Who is online, for those who look: a client names whom it watches, and is told when they come and go.

Nothing of it is stored. Servers tell each other of every login and every last end of a user's sessions anyway
(:data:`imsys.cluster.pushes.News`), so each knows the state of those who are watched here, and asks Redis only when
somebody begins to be. What a watcher may see is decided by the database when watching begins, and again when the
watched user's server tells of a session that was known: so that user has changed who may see it, has blocked
somebody, or has won or lost a friend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from imsys.errors import Refused
from imsys.util.background import Background
from imsys.util.sweeps import PeriodicSweep

if TYPE_CHECKING:
    from imsys.chat.directory import Directory
    from imsys.cluster.pushes import News
    from imsys.redis.last_seen import LastSeen
    from imsys.server.session import Session
    from imsys.store.presence import PresenceStore

_log = Logger()

WATCHED = 200
"""Users whom one session watches, at most."""

GATHER = 1.0
"""Seconds between two pushes to one session."""

AT_ONCE = 200
"""Sessions that are told in one turn of the reactor."""

FRESH = 5.0
"""Seconds after a login in which news of it may be the first; later ones are repeated, since something changed."""

UNKNOWN = 0
"""Stands for the time of a login here from before the user was watched."""

NOTE = 300.0
"""Seconds in which everybody who is online is noted as seen once: a server that dies cannot note it at the end."""

RETRY = 1.0
"""Seconds until the database and Redis are asked again, after they did not answer."""

SLICE = 500
"""Users that are noted, or looked up, at once."""


class State(NamedTuple):
    """What a watcher sees of a user."""

    user: int
    shown: bool
    """Whether it may be seen; otherwise the rest says nothing."""
    online: bool
    minute: int
    """When the user was last online, in minutes since 1970; 0: that is not known."""


class _Watched:
    __slots__ = ("minute", "nodes", "watchers")

    def __init__(self) -> None:
        self.nodes: dict[str, int] = {}
        """Where the user is online, and since when, in ms since 1970."""
        self.minute = 0
        self.watchers: dict[Session, bool] = {}
        """Whether each may see it."""


class Presence(Service):
    """The states of the users who are watched from this server, and the watchers.

    :param tell: sends states to a session.
    :param calendar: returns Unix seconds.
    """

    def __init__(
        self,
        clock: IReactorTime,
        calendar: Callable[[], float],
        directory: Directory,
        store: PresenceStore,
        seen: LastSeen,
        tell: Callable[[Session, Sequence[State]], None],
    ) -> None:
        self._clock = clock
        self._calendar = calendar
        self._directory = directory
        self._store = store
        self._seen = seen
        self._tell = tell
        self._watched: dict[int, _Watched] = {}
        self._watching: dict[Session, frozenset[int]] = {}
        self._of_user: dict[int, set[Session]] = {}
        self._asked: dict[
            int, dict[str, int]
        ] = {}  # users whom Redis is asked for -> who went meanwhile, from where
        self._last_change = float("-inf")
        self._dirty: dict[Session, set[int]] = {}
        self._round: list[Session] = []
        self._flush: IDelayedCall | None = None
        self._doubted: dict[int, None] = {}  # users whose state must be looked up anew
        self._changed: dict[int, None] = {}  # users of whom others may see something else now
        self._work = Background(_log, "looking after who is online failed")
        self._noting = PeriodicSweep(clock, NOTE, directory.users, self._note, SLICE)

    def startService(self) -> None:
        """Begin to note who is online."""
        super().startService()
        self._noting.startService()

    def stopService(self) -> None:
        """Stop; nobody is told anything more."""
        super().stopService()
        self._noting.stopService()
        self._work.cancel()
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None

    async def _note(self, users: list[int]) -> bool:
        for user in users:
            self._seen.note(user)
        return True

    # -- watching

    async def watch(self, session: Session, users: Sequence[int]) -> list[State]:
        """Have a session watch these users, and no others any more; return their states, without unknown users.

        :raises Unavailable: the database or Redis did not answer; then it watches nobody.
        """
        self.forget(session)
        if not users:
            return []
        began = self._clock.seconds()
        new = [user for user in users if user not in self._watched]
        self._watching[session] = frozenset(users)
        self._of_user.setdefault(session.user, set()).add(session)
        for user in users:
            self._watched.setdefault(user, _Watched()).watchers[session] = False
        try:
            there = await self._store.exist(users)
            shown = await self._store.open_to(session.user, there)
            await self._locate(new)
            await self._look_up([user for user in users if user in shown])
        except BaseException:
            self.forget(session)
            raise
        if not session.open:
            self.forget(session)
        if self._last_change >= began:  # what was read may be older than that
            self._change(session.user)
        states = []
        for user in users:
            watched = self._watched.get(user)
            if watched is not None and session in watched.watchers:
                watched.watchers[session] = user in shown
                if user in there:
                    states.append(self._state(user, session))
        return states

    def forget(self, session: Session) -> None:
        """Have a session watch nobody, since it has ended, or begins anew."""
        for user in self._watching.pop(session, ()):
            watched = self._watched[user]
            del watched.watchers[session]
            if not watched.watchers:
                del self._watched[user]
        self._dirty.pop(session, None)
        mine = self._of_user.get(session.user)
        if mine is not None:
            mine.discard(session)
            if not mine:
                del self._of_user[session.user]

    def _state(self, user: int, session: Session) -> State:
        watched = self._watched[user]
        return State(user, watched.watchers[session], bool(watched.nodes), watched.minute)

    async def _locate(self, users: Sequence[int]) -> None:
        """Look up where users are online; news that come meanwhile count more."""
        for start in range(0, len(users), SLICE):
            some = users[start : start + SLICE]
            for user in some:
                self._asked[user] = {}
            try:
                found, _ = await self._directory.locate(some)
            finally:
                went = {user: self._asked.pop(user, {}) for user in some}
            for user in some:
                watched = self._watched.get(user)
                if watched is None:
                    continue
                was = bool(watched.nodes)
                if self._directory.local(user) is not None:
                    watched.nodes.setdefault("", UNKNOWN)
                for node, login_ms in found.get(user, {}).items():
                    if went[user].get(node, -1) < login_ms:
                        watched.nodes.setdefault(node, login_ms)
                if was != bool(watched.nodes):
                    self._tell_of(user, watched)

    async def _look_up(self, users: Iterable[int]) -> None:
        """Look up when users were last seen who are offline."""
        unknown = [
            user
            for user in users
            if (one := self._watched.get(user)) is not None and not (one.nodes or one.minute)
        ]
        for user, minute in (await self._seen.find(unknown)).items():
            if (watched := self._watched.get(user)) is not None:
                watched.minute = max(watched.minute, minute)

    # -- news

    def heard(self, node: str, news: News, everything: bool) -> None:
        """Note logins and ends of sessions on a server; an empty name is this one."""
        if not node:
            for user, login_ms in news.items():
                if login_ms <= 0:
                    self._seen.note(user)
        if not self._watching:
            return
        if everything:
            self._doubt(list(self._watched))
        for user, login_ms in news.items():
            watched = self._watched.get(user)
            if login_ms > 0:
                self._came(user, watched, node, login_ms)
            elif watched is not None:
                self._went(user, watched, node, -login_ms)

    def _came(self, user: int, watched: _Watched | None, node: str, login_ms: int) -> None:
        known = watched.nodes.get(node) if watched is not None else None
        told_again = known in (login_ms, UNKNOWN) or self._calendar() - login_ms / 1000 > FRESH
        if user in self._of_user or (watched is not None and told_again):
            self._last_change = self._clock.seconds()
            self._change(user)
        if watched is not None:
            was = bool(watched.nodes)
            watched.nodes[node] = max(login_ms, known or 0)
            if not was:
                self._tell_of(user, watched)

    def _went(self, user: int, watched: _Watched, node: str, login_ms: int) -> None:
        if user in self._asked:
            gone = self._asked[user]
            gone[node] = max(login_ms, gone.get(node, 0))
        if node in watched.nodes and watched.nodes[node] <= login_ms:
            del watched.nodes[node]
            if not watched.nodes:
                self._tell_of(user, watched)

    def lost(self, node: str) -> None:
        """Note that a server is gone: its users are offline, until they have logged in elsewhere."""
        for user, watched in self._watched.items():
            if watched.nodes.pop(node, None) is not None and not watched.nodes:
                self._tell_of(user, watched)

    def _doubt(self, users: Iterable[int]) -> None:
        """Look these users up anew, since news of them may have been lost."""
        self._doubted.update(dict.fromkeys(users))
        self._begin()

    def _change(self, user: int) -> None:
        """Decide anew who sees this user, and whom this user sees."""
        self._changed[user] = None
        self._begin()

    def _begin(self) -> None:
        if not len(self._work) and self.running:
            self._work.run(self._go_on())

    async def _go_on(self) -> None:
        while self._doubted or self._changed:
            doubted, changed = _take(self._doubted, SLICE), _take(self._changed, 1)
            try:
                await self._locate_again(doubted)
                for user in changed:
                    await self._judge(user)
            except Refused as refused:
                _log.debug("who is online is not known for now: {reason}", reason=refused.message)
                self._doubted.update(dict.fromkeys(doubted))
                self._changed.update(dict.fromkeys(changed))
                await deferLater(self._clock, RETRY)

    async def _locate_again(self, users: list[int]) -> None:
        before = {user: dict(self._watched[user].nodes) for user in users if user in self._watched}
        if not before:
            return
        for user in before:
            self._asked[user] = {}
        try:
            found, _ = await self._directory.locate(list(before))
        finally:
            for user in before:
                self._asked.pop(user, None)
        for user, nodes in before.items():
            watched = self._watched.get(user)
            if watched is None or watched.nodes != nodes:
                continue  # there were news
            watched.nodes = dict(found.get(user, {}))
            if self._directory.local(user) is not None:
                watched.nodes[""] = nodes.get("", UNKNOWN)
            if bool(nodes) != bool(watched.nodes):
                self._tell_of(user, watched)

    # -- who may see it

    async def _judge(self, user: int) -> None:
        """Decide anew who sees a user, and what that user sees."""
        mine = tuple(self._of_user.get(user, ()))
        watched = self._watched.get(user)
        others = {session.user for session in watched.watchers} if watched is not None else set()
        others.update(other for session in mine for other in self._watching[session])
        shown = await self._store.open_to(user, others)
        watched = self._watched.get(user)
        if watched is not None:
            for session in watched.watchers:
                self._show(user, watched, session, session.user in shown)
        for session in mine:
            for other in self._watching.get(session, ()):
                if other in others:
                    self._show(other, self._watched[other], session, other in shown)

    def _show(self, user: int, watched: _Watched, session: Session, shown: bool) -> None:
        if watched.watchers[session] != shown:
            watched.watchers[session] = shown
            self._mark(session, user)

    # -- telling

    def _tell_of(self, user: int, watched: _Watched) -> None:
        if not watched.nodes:
            watched.minute = int(self._calendar() // 60)
        for session, shown in watched.watchers.items():
            if shown:
                self._mark(session, user)

    def _mark(self, session: Session, user: int) -> None:
        self._dirty.setdefault(session, set()).add(user)
        if self._flush is None and self.running:
            self._flush = self._clock.callLater(GATHER, self._tell_some)

    def _tell_some(self) -> None:
        self._flush = None
        if not self._round:
            self._round = list(self._dirty)
        some, self._round = self._round[:AT_ONCE], self._round[AT_ONCE:]
        for session in some:
            users = self._dirty.pop(session, None)
            if users and session.open:
                self._tell(session, [self._state(user, session) for user in sorted(users)])
        if self._dirty or self._round:
            self._flush = self._clock.callLater(0.0 if self._round else GATHER, self._tell_some)


def _take(some: dict[int, None], most: int) -> list[int]:
    """Take the first few out, those that wait longest."""
    taken = list(some)[:most]
    for user in taken:
        del some[user]
    return taken
