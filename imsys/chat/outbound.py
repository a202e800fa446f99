"""Deliver pushes to a session here or on another server.

Stored messages may miss their push: clients catch up.
"""

from __future__ import annotations

import math
import random
from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from imsys.chat.group_fanout import GroupFanout, Read
from imsys.chat.route_cache import OFFLINE, Nodes, RouteCache
from imsys.chat.user_sessions import UserSessions
from imsys.cluster.peers import GONE, RemotePush
from imsys.errors import Refused
from imsys.protocols.framing import CHAT
from imsys.protocols.messages.catch_up import ResyncPush
from imsys.protocols.messages.registry import Message, encode, service_id
from imsys.util.background import run_in_background
from imsys.util.outages import Outage

if TYPE_CHECKING:
    from imsys.chat.directory import Directory
    from imsys.cluster.pushes import News
    from imsys.server.session import Session
    from imsys.store.appending import Appended
    from imsys.store.members import MemberList, MemberLists
    from imsys.util.surge import Surge

_log = Logger()

QUEUE = 20_000
"""Pushes that wait for a route, at most; beyond it the receivers are asked to catch up instead."""

QUEUE_BYTES = 32 << 20
"""Bytes of these pushes, at most."""

WHISPERS = QUEUE // 20
"""Pushes that wait for a route beyond which those that are worth little are dropped."""

TOGETHER = 1000
"""So many pushes to one server are sent without waiting for the end of the reactor's turn."""

MISSED = 50_000
"""Users remembered as having missed something, at most; beyond it everybody is asked to catch up."""

SEARCH = 1000
"""Users who are looked up at once."""

SPREAD, LONGEST = 3.0, 5.0
"""Seconds over which many sessions are asked to catch up, at least and at most."""

ASKED = 400.0
"""Sessions asked per second, unless LONGEST requires more: the users of a dead server log in first."""

STEP = 0.05
"""Seconds between two groups of sessions that are asked."""

FEW = 10
"""Up to so many sessions are asked at once."""

PACE = 100.0
"""Of many sessions, how many per second should read their other state (friends and so on): five requests
each."""

RETRY = 1.0
"""Seconds until users who could not be reached are looked up again."""

SWEEP = 5.0
"""Seconds between two checks for users who are owed a second look."""

FEW_MEMBERS = 20
"""Members of a group, up to which a push goes to each of them, as in private threads; beyond it once to each server."""

FORWARDS = 1
"""How often a push is forwarded by servers that its receiver has left."""

TO_ALL = FORWARDS + 1
"""Hops of a push that goes to all servers of a user: it is not forwarded, since the right ones have it.

Who is not where it goes catches up instead.
"""


class ChatPeers(Protocol):
    """The other chat servers; see :class:`imsys.cluster.peers.Peers`."""

    def send(self, node: str, pushes: Sequence[RemotePush]) -> None:
        """Have a server push to its users."""
        ...

    def tell(self, user: int, login_ms: int, beside: bool = False) -> None:
        """Tell all servers of a user's login or its end; see :data:`imsys.cluster.pushes.News`.

        ``beside``: the user has sessions on other servers; when all have heard of it the user catches up, since
        until then they may have sent pushes to those alone.
        """
        ...

    def miss_all(self) -> None:
        """Have all users of all other servers catch up."""
        ...

    def group_nodes(self) -> Collection[str] | None:
        """Return all servers, if all of them take frames for groups, else ``None``."""
        ...

    def miss_group(self, thread_id: int) -> None:
        """Have the members of a group who are at other servers catch up."""
        ...


class Watcher(Protocol):
    """Hears who comes and goes; see :class:`imsys.chat.presence.Presence`."""

    def heard(self, node: str, news: News, everything: bool) -> None:
        """Note what a server says of its sessions; an empty name is this server."""
        ...

    def lost(self, node: str) -> None:
        """Note that a server is gone, with all its sessions."""
        ...


def resync_frame(sessions: int) -> bytes:
    """Encode the request to catch up, with the time ``within`` for so many sessions."""
    return CHAT.encode(service_id(ResyncPush), encode(ResyncPush(within=round(1 + sessions / PACE, 1))))


RESYNC = resync_frame(0)


class Outbound(Service):
    """Sends pushes to users on any server, in order for each user.

    It is the :class:`~imsys.cluster.pushes.PeerHandler` as well, which serves the other servers.

    :param others: the other servers; ``None`` if there are none.
    :param lists: the members of groups, as the message log keeps them.
    :param read: reads them.
    """

    def __init__(
        self,
        clock: IReactorTime,
        directory: Directory,
        others: ChatPeers | None,
        surge: Surge,
        lists: MemberLists,
        read: Read,
    ) -> None:
        self._groups = GroupFanout(clock, directory, lists, read, self.resync)
        self._clock = clock
        self._directory = directory
        self._others = others
        self._surge = surge
        self._cache = RouteCache(clock.seconds)
        self._outgoing: dict[str, list[RemotePush]] = {}
        self._queue: deque[RemotePush] = deque()
        self._queued_bytes = 0
        self._looked_for: set[int] = set()  # users whose pushes are queued or wait for the answer
        self._insisting: set[int] = set()  # of these, the users for whom Redis must be asked
        self._routing = False
        self._sweeps = LoopingCall(self._sweep)
        self._sweeps.clock = clock
        self._missed: set[int] = set()
        self._retry: IDelayedCall | None = None
        self._missed_all = False
        self._to_ask: OrderedDict[int, bytes] = OrderedDict()
        self._ask_rate = 0.0  # per second; while any wait it only grows, so that none waits too long
        self._asked_at = 0.0
        self._asking: IDelayedCall | None = None
        self._outage = Outage(clock.seconds, "Looking for users on other servers")
        self.watcher: Watcher | None = None
        """Hears who comes and goes, here and on other servers."""

    def startService(self) -> None:
        """Begin to check users whose pushes were dropped."""
        super().startService()
        self._sweeps.start(SWEEP, now=False)

    def stopService(self) -> None:
        """Stop; if users elsewhere have missed something, have all users of the other servers catch up."""
        super().stopService()
        self._sweeps.stop()
        self._groups.stop()
        self._flush()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        self._to_ask.clear()
        missed = self._missed or self._missed_all or self._queue or self._looked_for
        self._missed, self._missed_all = set(), False
        if missed and self._others is not None:
            self._others.miss_all()

    @property
    def missing(self) -> int:
        """The number of users who missed something and were not asked to catch up yet."""
        return len(self._missed)

    def deliver(self, users: Iterable[int], push: Message) -> None:
        """Send a push to users; those who are offline get nothing. It is encoded once.

        :raises ValueError: it does not fit into a frame.
        """
        self.deliver_frame(tuple(users), CHAT.encode(service_id(type(push)), encode(push)))

    def deliver_frame(self, users: Iterable[int], frame: bytes) -> None:
        """Send an encoded frame of the chat port to users; those who are offline get nothing."""
        local = self._directory.local
        away = []
        for user in users:
            session = local(user)
            if session is not None:
                session.push(frame)
            else:
                away.append(user)
        if away and self._others is not None:
            self._send_away(away, frame)

    def whisper(self, users: Iterable[int], push: Message) -> None:
        """Send a push that is worth nothing a moment later to users who are online.

        It is dropped where others wait for a route, and nobody is asked to catch up for it.
        """
        busy = len(self._queue) > WHISPERS
        known_offline = self._cache.is_offline
        local = self._directory.local
        some = [user for user in users if local(user) is not None or not (busy or known_offline(user))]
        self.deliver(some, push)

    def tell(
        self,
        appended: Appended,
        sender: int,
        frame: bytes,
        session: Session | None = None,
        blind: Collection[int] = (),
    ) -> None:
        """Send a frame to those whom a stored submission is for: the members of its thread but its sender.

        ``session``: the one that submitted it; the sender's others get the frame as well. ``blind``: members who do
        not get it.
        """
        group, everywhere = appended.group, False
        if group is None:
            self.deliver_frame(appended.receivers, frame)
        else:
            everywhere = self._tell_group(group, frame, sender, blind)
            if sender not in group.roles:  # who has left hears no more of it, on no device
                return
        if session is not None:
            if session.siblings is not None:
                (session.siblings.push_here if everywhere else session.siblings.push)(frame, session)
            elif (
                not session.open
            ):  # it has ended meanwhile, and what its user's others are is not known by it any more
                self.catch_up((sender,))

    def tell_again(self, appended: Appended, sender: int, session: Session | None = None) -> None:
        """Ask those users to catch up, since they may not have been told."""
        group = appended.group
        if session is not None and (session.siblings is not None or not session.open):
            self.catch_up((sender,))
        if group is None:
            self.catch_up(appended.receivers)
        elif len(group.roles) <= FEW_MEMBERS:
            self.catch_up([user for user in group.roles if user != sender])
        else:
            self._groups.missed((group.thread_id,))
            if self._others is not None:
                self._others.miss_group(group.thread_id)

    def deliver_beside(self, session: Session, push: Message) -> None:
        """Send a push to the other sessions of a session's user, if there are any.

        :raises ValueError: it does not fit into a frame.
        """
        if session.siblings is not None:
            session.siblings.push(CHAT.encode(service_id(type(push)), encode(push)), session)
        elif not session.open:
            self.catch_up((session.user,))

    def catch_up_beside(self, session: Session) -> None:
        """Ask the other sessions of a session's user to catch up: something has changed that has no push."""
        if session.siblings is not None:
            session.siblings.push(RESYNC, session)
        elif not session.open:
            self.catch_up((session.user,))

    def relay(self, user: int, nodes: Collection[str], frame: bytes) -> None:
        """Send a frame to a user's sessions on other servers."""
        for node in nodes:
            self._post(node, RemotePush((user,), frame, TO_ALL))

    async def tell_group(self, thread_id: int, version: int, frame: bytes) -> None:
        """Send a frame that is not stored to the members of a group; ``version`` is that of their list.

        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the members are not known, and the database did not answer.
        """
        group = await self._groups.find(thread_id, version)
        if group is not None:
            self._tell_group(group, frame, 0)

    def _tell_group(self, group: MemberList, frame: bytes, but: int, blind: Collection[int] = ()) -> bool:
        """Send a frame to the members of a group, but one: to each, or once to each server.

        Return whether all other servers have it, and give it to all sessions of members.
        """
        nodes = self._others.group_nodes() if self._others is not None else ()
        if len(group.roles) <= FEW_MEMBERS or nodes is None or blind:
            newest = self._groups.newest(group)
            self.deliver_frame(
                [
                    user
                    for user in newest.roles
                    if user != but and user not in blind and newest.first.get(user, 0) <= group.version
                ],
                frame,
            )
            return False
        for node in nodes:
            self._post(node, RemotePush((), frame, 1, group.thread_id, group.version))
        self._groups.give(group.thread_id, group.version, frame, but=but, known=group)
        return True

    def catch_up(self, users: Collection[int] | None) -> None:
        """Ask users on any server to catch up soon, since they may have missed a push.

        ``None``: all users.
        """
        if users is None:
            self._resync_all()
        else:
            self._miss(users)

    # -- to other servers

    def _send_away(self, users: Sequence[int], frame: bytes) -> None:
        looked_for, find = self._looked_for, self._cache.find
        unknown = []
        nodes: dict[str, list[int]] = {}
        for user in users:
            known = None if user in looked_for else find(user)
            if known is None:
                unknown.append(user)
            elif len(known) == 1:
                nodes.setdefault(known[0], []).append(user)
            elif known:
                self.relay(user, known, frame)
        for node, some in nodes.items():
            self._post(node, RemotePush(tuple(some), frame, 1))
        if unknown:
            self._look_for(unknown, frame, 1)

    def _post(self, node: str, push: RemotePush) -> None:
        """Send a push by another server; those of one turn of the reactor are sent together."""
        pushes = self._outgoing.get(node)
        if pushes is None:
            if not self._outgoing:
                self._clock.callLater(0, self._flush)
            self._outgoing[node] = [push]
            return
        pushes.append(push)
        if len(pushes) >= TOGETHER:
            self._hand_on(node, self._outgoing.pop(node))

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, {}
        for node, pushes in outgoing.items():
            self._hand_on(node, pushes)

    def _hand_on(self, node: str, pushes: list[RemotePush]) -> None:
        assert self._others is not None
        self._others.send(node, pushes)

    def _look_for(self, users: Sequence[int], frame: bytes, hops: int, *, insist: bool = False) -> None:
        """Queue a push until the routes of its receivers are known. ``insist``: ask Redis, not the cache."""
        if len(self._queue) >= QUEUE or self._queued_bytes >= QUEUE_BYTES:
            self._miss(users)
            return
        self._queued_bytes += len(frame)
        self._queue.append(RemotePush(tuple(users), frame, hops))
        self._looked_for.update(users)
        if insist:
            self._insisting.update(users)
        if not self._routing:
            self._routing = True
            run_in_background(self._route(), _log, "routing pushes failed")

    async def _route(self) -> None:
        """Look up routes for all queued pushes, one lookup at a time, so that order is kept."""
        try:
            while self._queue:
                pushes, self._queue, self._queued_bytes = self._queue, deque(), 0
                try:
                    await self._route_some(pushes)
                except Exception:
                    _log.failure(
                        "{count} pushes were not routed in full: their receivers catch up", count=len(pushes)
                    )
                    self._miss({user for push in pushes for user in push.users})
                self._looked_for = {user for push in self._queue for user in push.users}
        finally:
            self._routing = False

    async def _route_some(self, pushes: Iterable[RemotePush]) -> None:
        users, insisting = self._looked_for, self._insisting
        self._insisting = set()
        self._looked_for = set(users)  # grows with what is queued meanwhile
        where = {user: nodes for user in users - insisting if (nodes := self._cache.find(user)) is not None}
        wanted = users.difference(where)
        if wanted:
            where |= await self._ask(list(wanted))
        for push in pushes:
            self._forward(push, where)

    async def _ask(self, users: list[int]) -> dict[int, Nodes]:
        """Look up users' servers in Redis.

        Offline users are left out, and of doubtful ones, who catch up later, the doubtful servers.
        """
        self._cache.ask(users)
        try:
            found, doubtful = await self._directory.locate(users)
        except Refused as refused:
            self._outage.failed(str(refused), len(users))
            found, doubtful = {}, users
        else:
            self._outage.works()
        where, cheated = self._cache.learn(found, doubtful)
        if doubtful:
            self._miss(doubtful)
        elif self._missed_all:
            self._resync_all()
        for user in cheated:
            self.relay(user, where[user], RESYNC)
        return where

    def _forward(self, push: RemotePush, where: dict[int, Nodes]) -> None:
        nodes: dict[str, list[int]] = {}
        for user in push.users:
            known = where.get(user, OFFLINE)
            if (session := self._directory.local(user)) is not None:  # logged in here meanwhile
                session.push(push.frame)
            elif len(known) == 1:
                nodes.setdefault(known[0], []).append(user)
            elif known:
                self.relay(user, known, push.frame)
        for node, users in nodes.items():
            self._post(node, RemotePush(tuple(users), push.frame, push.hops))

    # -- from other servers

    def receive(self, pushes: Sequence[RemotePush], relay: bool = False) -> None:
        """Deliver pushes from another server; forward those whose receiver has moved on, once.

        ``relay``: that server knows only one server of each user, so those of the others get them from here.
        """
        local = self._directory.local
        for push in pushes:
            users, frame, hops, thread_id, version = push
            if thread_id:
                self._groups.give(thread_id, version, frame)
                continue
            away = []
            for user in users:
                session = local(user)
                if session is None:
                    away.append(user)
                elif relay:
                    session.push(frame)
                else:
                    session.push_here(frame)
            if away:
                self._forward_once(away, frame, hops)

    def _forward_once(self, users: Sequence[int], frame: bytes, hops: int) -> None:
        if self._others is None:
            return
        for user in users:
            self._others.tell(user, GONE)
        if hops > FORWARDS:
            self._miss(users)
        else:
            self._look_for(users, frame, hops + 1, insist=True)

    def hear(self, node: str, news: News, everything: bool, beside: Collection[int] = frozenset()) -> None:
        """Note who logged in at or left another server; ``everything``: any user may have.

        ``beside``: of these, users who have sessions on other servers, too. What is not heard of a user who has a
        session here the next renewal of that session tells.
        """
        if everything:
            self._miss(self._cache.forget_all())
        came, went = self._cache.came, self._cache.went
        joined, left = self._directory.joined, self._directory.left
        for user, login_ms in news.items():
            if login_ms <= 0:
                went(user, node, -login_ms)
                left(user, node, -login_ms)
                continue
            if user in beside:
                joined(user, node, login_ms)
            if came(user, node, login_ms, user in beside):
                self._post(node, RemotePush((user,), RESYNC, 1))
        if self.watcher is not None:
            self.watcher.heard(node, news, everything)

    def lost(self, node: str) -> None:
        """Forget the routes to a server that is gone."""
        self._cache.forget_node(node)
        self._directory.lost(node)
        if self.watcher is not None:
            self.watcher.lost(node)

    def broken(self) -> None:
        """Expect logins: the stream to another server is broken, so its users may come here."""
        self._surge.expect()

    async def end_session(self, uuid: int, session: str | None, message: str, device: str = "") -> bool:
        """Sign a user's session of a device out, if it has this id (``None``: all that the user has here)."""
        return self._directory.end(uuid, session, message, device)

    def moved(self, user: int, login_ms: int, beside: bool = False) -> None:
        """Tell others that a session began here at this time (ms since 1970), or the last one ended (minus its start).

        ``beside``: the user has sessions on other servers, too.
        """
        self._cache.forget(user)
        if login_ms > 0:
            self._groups.came(user)
        if self._others is not None:
            self._others.tell(user, login_ms, beside)
        if self.watcher is not None:
            self.watcher.heard("", {user: login_ms}, False)

    def found(self, user: int, nodes: Collection[str]) -> None:
        """Have a user catch up on servers that were not known to have sessions of theirs."""
        self.relay(user, nodes, RESYNC)

    def resync_spread(self) -> None:
        """Ask users who have sessions on other servers as well to catch up here: a new server has heard of them."""
        self.resync(self._directory.spread())

    def _sweep(self) -> None:
        self._miss(self._cache.due())

    # -- when pushes were lost

    def resync(self, users: Iterable[int] | None) -> None:
        """Ask users of this server to catch up, many of them over a few seconds; ``None``: all of them.

        Users who are not here any more are looked up.
        """
        asked = self._directory.users() if users is None else list(users)
        here = [user for user in asked if self._directory.local(user) is not None]
        if self._others is not None and len(here) < len(asked):
            self._miss(set(asked).difference(here))
        if len(here) <= FEW:
            for user in here:
                self._resync_one(user, RESYNC)
            return
        frame = resync_frame(len(here))
        random.shuffle(here)
        for user in here:
            self._to_ask.setdefault(user, frame)  # one that waits already is asked late enough
        spread = min(max(SPREAD, len(self._to_ask) / ASKED), LONGEST)
        self._ask_rate = max(self._ask_rate, len(self._to_ask) / spread)
        if self._asking is None:
            self._asked_at = self._clock.seconds()
            self._asking = self._clock.callLater(STEP, self._ask_some)

    def _ask_some(self) -> None:
        now = self._clock.seconds()
        for _ in range(min(len(self._to_ask), math.ceil(self._ask_rate * (now - self._asked_at)))):
            self._resync_one(*self._to_ask.popitem(last=False))
        self._asked_at = now
        if self._to_ask:
            self._asking = self._clock.callLater(STEP, self._ask_some)
        else:
            self._asking, self._ask_rate = None, 0.0

    def resync_groups(self, threads: Sequence[int]) -> None:
        """Ask the members of groups who are here to catch up."""
        self._groups.missed(threads)

    def resync_elsewhere(self, user: int) -> None:
        """Ask a user whose session has moved to another server to catch up."""
        self._look_for((user,), RESYNC, 1, insist=True)

    def _resync_one(self, user: int, frame: bytes) -> None:
        session = self._directory.local(user)
        if session is not None:
            session.push_here(frame)

    def _miss(self, users: Collection[int]) -> None:
        """Remember users who could not be reached, and ask them to catch up when lookups work again."""
        if users and self._retry is None and self.running:
            self._retry = self._clock.callLater(RETRY, self._retry_missed)
        for user in users:
            if len(self._missed) >= MISSED:
                if not self._missed_all:
                    _log.error(
                        "more than {count} users missed pushes at once: everybody catches up", count=MISSED
                    )
                self._missed_all = True
                return
            self._missed.add(user)

    def _retry_missed(self) -> None:
        self._retry = None
        missed, self._missed = self._missed, set()
        here = [user for user in missed if self._directory.local(user) is not None]
        self.resync(here)
        for user in here:
            entry = self._directory.local(user)
            if isinstance(entry, UserSessions):
                self.relay(user, entry.elsewhere, RESYNC)
        away = tuple(missed.difference(here)) if self._others is not None else ()
        if self._missed_all:
            away = away[:SEARCH]  # enough to notice when lookups work again; then everybody is asked
            if not away:
                self._resync_all()
        frame = RESYNC if len(away) <= FEW else resync_frame(len(away))
        for start in range(0, len(away), SEARCH):
            self._look_for(away[start : start + SEARCH], frame, 1, insist=True)

    def _resync_all(self) -> None:
        """Ask everybody to catch up, here and on all other servers."""
        self._missed_all = False
        self.resync(None)
        if self._others is not None:
            self._others.miss_all()
