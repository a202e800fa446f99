"""Devices of users flap between three servers, with what each server knows of them as it is: nothing may be lost."""

from __future__ import annotations

import functools
import random
from collections.abc import Collection, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.chat.outbound import RESYNC, Outbound
from imsys.chat.route_cache import TTL
from imsys.chat.user_sessions import SessionTable, UserSessions
from imsys.cluster.peers import RemotePush
from imsys.errors import Status, Unavailable
from imsys.protocols.framing import CHAT
from imsys.store.members import MemberLists
from imsys.util.surge import Surge
from tests.support.chat import no_lists

NAMES = ("one", "two", "three")
USERS = (1, 2)
DEVICES = ("", "phone", "laptop")


def frame(number: int) -> bytes:
    return CHAT.encode(25, b"%d" % number)


class Session:
    """What the table needs of a session, and what was pushed to it."""

    open = True

    def __init__(self, user: int, device: str, node: str, login_ms: int) -> None:
        self.user, self.device, self.node, self.login_ms = user, device, node, login_ms
        self.siblings: Any = None
        self.frames: list[bytes] = []
        self.since: list[tuple[int, int]] = []

    def push(self, data: bytes) -> None:
        self.frames.append(data)

    push_here = push


class Server:
    """The sessions of one server: the directory, as :class:`Outbound` sees it."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster, self.name = cluster, name
        self.table = SessionTable(lambda user, nodes, data: self.outbound.relay(user, nodes, data))
        self.joined, self.left, self.lost = self.table.joined, self.table.left, self.table.lost
        self.users = self.table.users
        others: Any = self
        self.outbound = Outbound(cluster.clock, others, others, Surge(cluster.clock), MemberLists(), no_lists)
        self.outbound.startService()

    def local(self, user: int) -> Any:
        return self.table.get(user)

    def spread(self) -> list[int]:
        return [one.user for one in self.table.several() if one.elsewhere]

    def elsewhere(self, user: int) -> dict[str, int]:
        found: dict[str, int] = {}
        for session in self.cluster.redis.get(user, {}).values():
            if session.node != self.name:
                found[session.node] = max(session.login_ms, found.get(session.node, 0))
        return found

    async def locate(self, users: Sequence[int]) -> tuple[dict[int, dict[str, int]], list[int]]:
        found = {user: where for user in users if (where := self.elsewhere(user))}
        if self.cluster.chance.random() < 0.5:
            waiting: Deferred[None] = Deferred()
            self.cluster.clock.callLater(self.cluster.chance.random(), waiting.callback, None)
            await waiting
        if self.cluster.chance.random() < 0.1:
            raise Unavailable(Status.REDIS_UNKNOWN_ERROR, "away")
        return found, []

    def send(self, node: str, pushes: Sequence[RemotePush]) -> None:
        self.cluster.streams.setdefault((self.name, node), []).append(("receive", pushes))

    def tell(self, user: int, login_ms: int, beside: bool = False) -> None:
        told = {"left": len(NAMES) - 1}
        for other in NAMES:
            if other != self.name:
                what = (
                    {user: login_ms},
                    frozenset({user} if beside else ()),
                    functools.partial(self.heard, user, beside, told),
                )
                self.cluster.streams.setdefault((self.name, other), []).append(("hear", what))

    def heard(self, user: int, beside: bool, told: dict[str, int]) -> None:
        told["left"] -= 1
        if beside and not told["left"]:
            self.outbound.resync([user])

    def miss_all(self) -> None:
        raise AssertionError("nobody stops")

    def renew(self) -> None:
        """Write routes again that Redis has lost, and learn where else users are."""
        for user in self.table.users():
            rebuilt = False
            for session in self.cluster.sessions_of(user):
                if (
                    session.node == self.name
                    and self.cluster.redis.setdefault(user, {}).get(session.device) is not session
                ):
                    self.cluster.redis[user][session.device] = session
                    rebuilt = True
            entry = self.table.get(user)
            where = self.elsewhere(user)
            if where or not rebuilt:
                new = self.table.found(user, where)
                if new:
                    self.outbound.found(user, new)
            if rebuilt:
                entry = self.table.get(user)
                assert entry is not None
                self.outbound.moved(
                    user, entry.login_ms, isinstance(entry, UserSessions) and bool(entry.elsewhere)
                )
                self.outbound.resync([user])


class Cluster:
    """Three servers, one Redis, and streams that keep the order of each pair and nothing else."""

    def __init__(self, test: SynchronousTestCase, chance: random.Random) -> None:
        self.test, self.chance, self.clock = test, chance, Clock()
        self.redis: dict[int, dict[str, Session]] = {}
        self.streams: dict[tuple[str, str], list[tuple[str, Any]]] = {}
        self.online: dict[tuple[int, str], Session] = {}
        self.login_ms = 0
        self.servers = {name: Server(self, name) for name in NAMES}

    def sessions_of(self, user: int) -> Collection[Session]:
        return [session for (one, _), session in self.online.items() if one == user]

    def login(self, user: int, device: str) -> None:
        self.logout(user, device)
        self.login_ms += 1
        name = self.chance.choice(NAMES)
        server = self.servers[name]
        session = Session(user, device, name, self.login_ms)
        self.online[user, device] = session
        self.redis.setdefault(user, {})[device] = session
        whole: Any = session
        server.table.add(whole, None)
        for node, login_ms in server.elsewhere(user).items():
            server.table.joined(user, node, login_ms)
        server.outbound.moved(user, session.login_ms, bool(server.elsewhere(user)) or user in server.spread())

    def logout(self, user: int, device: str) -> None:
        session = self.online.pop((user, device), None)
        if session is None:
            return
        if self.redis.get(user, {}).get(device) is session:
            del self.redis[user][device]
        server = self.servers[session.node]
        entry = server.table.get(user)
        assert entry is not None
        newest = entry.login_ms
        whole: Any = session
        self.test.assertTrue(server.table.remove(whole))
        if server.table.get(user) is None:
            server.outbound.moved(user, -newest, False)

    def send(self, number: int) -> None:
        """A push to a user; or a text of one of their devices, which the others get."""
        user = self.chance.choice(USERS)
        sender = self.chance.choice([None, *self.sessions_of(user)])
        for session in self.sessions_of(user):
            if session is not sender:
                session.since.append((number, len(session.frames)))
        if sender is None:
            self.servers[self.chance.choice(NAMES)].outbound.deliver_frame([user], frame(number))
        elif sender.siblings is not None:
            sender.siblings.push(frame(number), sender)

    def carry(self, stream: tuple[str, str]) -> None:
        """The next thing on a stream arrives, or is lost, as when a server was away, which its outbox makes up for."""
        kind, what = self.streams[stream].pop(0)
        source, target = stream
        outbound = self.servers[target].outbound
        lost = self.chance.random() < 0.1
        if kind == "receive":
            if lost:
                outbound.resync(sorted({user for push in what for user in push.users}))
            else:
                outbound.receive(what)
            return
        news, beside, heard = what
        if lost:
            outbound.hear(source, {}, True)
        else:
            outbound.hear(source, news, False, beside)
        heard()

    def carry_all(self) -> None:
        while busy := [stream for stream, waiting in self.streams.items() if waiting]:
            self.carry(busy[0])

    def play(self) -> None:
        for number in range(80):
            move = self.chance.random()
            busy = [stream for stream, waiting in self.streams.items() if waiting]
            user, device = self.chance.choice(USERS), self.chance.choice(DEVICES)
            if move < 0.15:
                self.login(user, device)
            elif move < 0.22:
                self.logout(user, device)
            elif move < 0.55:
                self.send(number)
            elif move < 0.57:
                self.redis.clear()
            elif move < 0.62:
                self.servers[self.chance.choice(NAMES)].renew()
            elif busy:
                self.carry(self.chance.choice(busy))
            self.clock.advance(self.chance.choice((0, 0, 0.2, 2.0)))
        for _ in range(2):
            for server in self.servers.values():
                server.renew()
            self.carry_all()
        for _ in range(round(TTL) * 3):
            self.carry_all()
            self.clock.advance(1.0)
        for session in self.online.values():
            for number, had in session.since:
                later = session.frames[had:]
                self.test.assertTrue(
                    frame(number) in later or RESYNC in later,
                    f"{session.device!r} of {session.user} on {session.node} never heard of {number}",
                )
                self.test.assertLessEqual(later.count(frame(number)), 1, f"{number} came twice")
        for server in self.servers.values():
            there = {
                user
                for user, _ in self.online
                if any(one.node == server.name for one in self.sessions_of(user))
            }
            self.test.assertEqual(set(server.table.users()), there)
            for user in there:
                entry = server.table.get(user)
                known = set(entry.elsewhere) if isinstance(entry, UserSessions) else set()
                self.test.assertEqual(
                    known, set(server.elsewhere(user)), f"where {user} is, by {server.name}"
                )
            server.outbound.stopService = lambda: None  # type: ignore[method-assign]


class AnywhereTests(SynchronousTestCase):
    def test_nothing_is_lost(self) -> None:
        """Each session that is online in the end has got every push that was sent after its login, once, or was asked
        to catch up after it; and each server knows where else its users are.
        """
        for seed in range(200):
            Cluster(self, random.Random(seed)).play()
