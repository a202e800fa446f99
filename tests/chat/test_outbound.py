"""Pushes of one server, with the others and Redis in the test's hands, and a clock that stands still."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.chat import outbound as module
from imsys.chat.outbound import LONGEST, RESYNC, RETRY, SPREAD, STEP, Outbound
from imsys.chat.route_cache import TTL
from imsys.cluster.peers import GONE, RemotePush
from imsys.errors import Status, Unavailable
from imsys.protocols.framing import CHAT
from imsys.redis.routes import Route
from imsys.store.appending import Appended
from imsys.store.members import MemberList, MemberLists
from imsys.util.surge import Surge
from tests.support.chat import Elsewhere, no_lists

ANNA, BERT, CARL = 1, 2, 3


def frame(number: int) -> bytes:
    return CHAT.encode(25, b"%d" % number)


class Session:
    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def push(self, data: bytes) -> None:
        self.frames.append(data)

    push_here = push


class Here:
    """The sessions here, and Redis: it answers at once, or when it is told to."""

    def __init__(self) -> None:
        self.sessions: dict[int, Session] = {}
        self.redis: dict[int, Route] = {}
        self.asked: list[list[int]] = []
        self.slow = False
        self.away = False
        self.waiting: list[Deferred[None]] = []

    def __len__(self) -> int:
        return len(self.sessions)

    def local(self, user: int) -> Session | None:
        return self.sessions.get(user)

    def users(self) -> list[int]:
        return list(self.sessions)

    def joined(self, user: int, node: str, login_ms: int) -> None:
        pass

    left = joined

    def lost(self, node: str) -> None:
        pass

    async def locate(self, users: Sequence[int]) -> tuple[dict[int, dict[str, int]], list[int]]:
        self.asked.append(sorted(users))
        if self.away:
            raise Unavailable(Status.REDIS_UNKNOWN_ERROR, "away")
        found = {user: self.redis[user] for user in users if user in self.redis}
        if self.slow:
            self.waiting.append(Deferred())
            await self.waiting[-1]
        return {
            user: {route.node: route.login_ms} for user, route in found.items() if route.node != "dead"
        }, [user for user, route in found.items() if route.node == "dead"]


class OutboundCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.here = Here()
        self.sent: list[tuple[str, RemotePush]] = []
        self.told: list[tuple[int, int]] = []
        self.everybody: list[bool] = []
        self.lists = MemberLists()
        self.found: dict[int, MemberList] = {}
        directory: Any = self.here
        self.outbound = Outbound(
            self.clock,
            directory,
            Elsewhere(
                lambda node, pushes: self.sent.extend((node, push) for push in pushes),
                lambda user, login_ms, beside=False: self.told.append((user, login_ms)),
                lambda: self.everybody.append(True),
            ),
            Surge(self.clock),
            self.lists,
            self.read_lists,
        )
        self.outbound.startService()
        self.addCleanup(self.outbound.stopService)

    async def read_lists(self, threads: Sequence[int]) -> dict[int, MemberList]:
        return {thread: self.found[thread] for thread in threads if thread in self.found}

    def at(self, user: int, node: str, login_ms: int = 5) -> None:
        """Redis has this route."""
        self.here.redis[user] = Route(node, f"{node}-inc", "session", login_ms)

    def push(self, user: int, number: int = 0) -> None:
        self.outbound.deliver_frame([user], frame(number))

    def out(self) -> list[tuple[str, tuple[int, ...], bytes]]:
        """What was sent by the end of this turn."""
        self.clock.advance(0)
        sent, self.sent = self.sent, []
        return [(node, push.users, push.frame) for node, push in sent]

    def told_to_catch_up(self, user: int) -> str:
        """The server that was asked to have a user catch up; empty: none was."""
        nodes = [node for node, users, data in self.out() if data == RESYNC and user in users]
        return nodes[0] if nodes else ""


class GroupTests(OutboundCase):
    def setUp(self) -> None:
        super().setUp()
        others: Any = self.outbound._others
        self.others = others
        self.here.sessions[ANNA] = self.session = Session()

    def say(self, users: Sequence[int], sender: int) -> None:
        known = MemberList(7, 5, 0, dict.fromkeys(users, 0), {}, {})
        self.lists.keep(known)
        self.outbound.tell(Appended((), (), group=known), sender, frame(1))

    def test_large(self) -> None:
        """One push goes to each other server, and nobody is looked up."""
        self.others.nodes = ["two", "three"]
        self.say(range(1, 100), BERT)
        self.assertEqual(self.session.frames, [frame(1)])
        self.clock.advance(0)
        pushes = [(node, push) for node, push in self.sent]
        wanted = RemotePush((), frame(1), 1, 7, 5)
        self.assertEqual(pushes, [("two", wanted), ("three", wanted)])
        self.assertEqual(self.here.asked, [])

    def test_small(self) -> None:
        """In a small group it goes to each of them, by their routes."""
        self.others.nodes = ["two", "three"]
        self.at(BERT, "two")
        self.say([ANNA, BERT, CARL], CARL)
        self.assertEqual((self.session.frames, self.out()), ([frame(1)], [("two", (BERT,), frame(1))]))

    def test_older_server(self) -> None:
        """As long as one of the servers knows no groups, everybody is looked up, however many they are."""
        for user in range(2, 50):
            self.at(user, "old")
        self.say(range(1, 50), BERT)
        self.assertEqual(self.session.frames, [frame(1)])
        ((node, users, data),) = self.out()
        self.assertEqual((node, sorted(users), data), ("old", list(range(3, 50)), frame(1)))

    def test_newest(self) -> None:
        """Who was removed since gets nothing by route either."""
        known = MemberList(7, 5, 0, dict.fromkeys([ANNA, BERT], 0), {}, {})
        self.lists.keep(MemberList(7, 6, 0, {BERT: 0}, {}, {}))
        self.outbound.tell(Appended((), (), group=known), BERT, frame(1))
        self.assertEqual(self.session.frames, [])

    def test_in_doubt(self) -> None:
        """Members of a large group are not remembered one by one when they must catch up: each server asks its own."""
        missed: list[int] = []
        self.others.nodes, self.others.miss_group = ["two"], missed.append
        known = MemberList(7, 5, 0, dict.fromkeys(range(1, 100), 0), {}, {})
        self.found = {7: known}
        self.outbound.tell_again(Appended((), (), group=known), BERT)
        for _ in range(5):
            self.clock.advance(0)
        self.assertEqual((missed, self.session.frames, self.outbound.missing), ([7], [RESYNC], 0))

    def test_from_another_server(self) -> None:
        """What comes for a group is for the members who are here; nobody of them is sent on."""
        self.lists.keep(MemberList(7, 5, 0, dict.fromkeys(range(1, 100), 0), {}, {}))
        self.outbound.receive([RemotePush((), frame(1), 1, 7, 5)])
        self.assertEqual((self.session.frames, self.out()), ([frame(1)], []))


class RouteTests(OutboundCase):
    def test_one_question(self) -> None:
        """A user elsewhere costs one question, however much is sent to them; so does one who is offline."""
        self.at(ANNA, "two")
        for number in range(10):
            self.push(ANNA, number)
            self.push(BERT, number)
            self.clock.advance(1)
        self.assertEqual(self.out(), [("two", (ANNA,), frame(number)) for number in range(10)])
        self.assertEqual(self.here.asked, [[ANNA], [BERT]])

    def test_grouped(self) -> None:
        """A frame for many goes to each server once."""
        for user in range(10, 20):
            self.at(user, "two" if user % 2 else "three")
        self.here.sessions[ANNA] = Session()
        for number in range(2):
            self.outbound.deliver_frame([ANNA, BERT, *range(10, 20)], frame(number))
        odd, even = tuple(range(11, 20, 2)), tuple(range(10, 20, 2))
        self.assertEqual(
            sorted(self.out()),
            sorted(
                (node, users, frame(n)) for n in range(2) for node, users in (("two", odd), ("three", even))
            ),
        )
        self.assertEqual(self.here.sessions[ANNA].frames, [frame(0), frame(1)])

    def test_order(self) -> None:
        """What is sent while a route is being looked for stays behind what waits for it, also when news comes
        first.
        """
        self.at(ANNA, "two")
        self.here.slow = True
        self.push(ANNA, 1)
        self.push(ANNA, 2)
        self.outbound.hear("two", {ANNA: 5}, False)
        self.push(ANNA, 3)
        self.assertEqual(self.out(), [])
        self.here.waiting[0].callback(None)
        self.push(ANNA, 4)
        self.assertEqual([data for _, _, data in self.out()], [frame(n) for n in (1, 2, 3, 4)])
        self.assertEqual(len(self.here.asked), 1)

    def test_large_turn(self) -> None:
        """Very much for one server in one turn does not wait for its end, and keeps its order."""
        self.patch(module, "TOGETHER", 3)
        self.at(ANNA, "two")
        self.push(ANNA, 0)
        self.out()
        for number in range(8):
            self.push(ANNA, number)
        self.assertEqual(len(self.sent), 6)
        self.assertEqual([data for _, _, data in self.out()], [frame(n) for n in range(8)])

    def test_queue_is_bounded(self) -> None:
        """While Redis takes its time pushes wait, up to a bound; whoever comes later catches up."""
        self.patch(module, "QUEUE", 2)
        self.here.slow = True
        for user in range(10, 15):
            self.at(user, "two")
            self.push(user)
        self.assertEqual(self.outbound.missing, 2)  # the first is being asked for

    def test_redis_away(self) -> None:
        """Without Redis known routes are used, and the others' users catch up when it is back."""
        self.at(ANNA, "two")
        self.push(ANNA, 1)
        self.at(BERT, "two")
        self.here.away = True
        self.push(ANNA, 2)
        self.push(BERT, 3)
        self.assertEqual(self.out(), [("two", (ANNA,), frame(1)), ("two", (ANNA,), frame(2))])
        self.here.away = False
        self.clock.advance(RETRY)
        self.assertEqual(self.told_to_catch_up(BERT), "two")
        self.flushLoggedErrors()

    def test_error(self) -> None:
        """When something breaks while routes are looked for, its users catch up, and what came meanwhile goes
        on.
        """
        self.here.slow = True
        for user in (ANNA, BERT):
            self.at(user, "two")
            self.push(user, 1)
        self.here.slow = False
        self.here.waiting[0].errback(RuntimeError("broken"))
        self.assertEqual(self.out(), [("two", (BERT,), frame(1))])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.clock.advance(RETRY)
        self.assertEqual(self.told_to_catch_up(ANNA), "two")
        self.push(ANNA, 2)
        self.assertEqual(self.out(), [("two", (ANNA,), frame(2))])

    def test_more_missed_than_are_remembered(self) -> None:
        """When too many have missed something, everybody on all servers is asked to catch up, once routes can
        be found again.
        """
        self.patch(module, "MISSED", 5)
        self.patch(module, "SEARCH", 2)
        session = self.here.sessions[ANNA] = Session()
        self.here.away = True
        for user in range(10, 20):
            self.at(user, "two")
            self.push(user)
        self.clock.pump([RETRY] * 3)
        self.assertEqual((self.everybody, session.frames), ([], []))
        self.here.away = False
        self.clock.pump([RETRY] * 3)
        self.assertEqual((self.everybody, session.frames, self.outbound.missing), ([True], [RESYNC], 0))

    def test_too_many_here(self) -> None:
        """When those who missed something turn out to be here, Redis is not waited for."""
        self.patch(module, "MISSED", 2)
        sessions = [self.here.sessions.setdefault(user, Session()) for user in range(10, 15)]
        self.here.away = True
        self.outbound.catch_up(list(self.here.sessions))
        self.clock.advance(RETRY)
        self.assertEqual(self.everybody, [True])
        self.assertTrue(all(RESYNC in session.frames for session in sessions))

    def test_pace(self) -> None:
        """The more sessions are asked to catch up, the longer they may take with what is no message."""

        def within(data: bytes) -> float:
            return float(json.loads(data[CHAT.header.size :])["within"])

        sessions = [self.here.sessions.setdefault(user, Session()) for user in range(400)]
        self.outbound.resync([5])
        self.assertEqual([within(data) for data in sessions[5].frames], [1.0])
        self.outbound.resync(None)
        self.clock.pump([1.0] * 4)
        self.assertEqual({within(session.frames[-1]) for session in sessions}, {5.0})
        for user in range(1000, 1200):
            self.at(user, "two")
        self.outbound.catch_up(range(1000, 1200))
        self.clock.advance(RETRY)
        self.assertEqual({within(data) for _, _, data in self.out()}, {3.0})

    def test_many(self) -> None:
        """Many are asked one after the other, no later than was meant for any of them, and once, whatever
        else is lost while they wait.
        """
        sessions = [self.here.sessions.setdefault(user, Session()) for user in range(4000)]

        def asked() -> int:
            return sum(len(session.frames) for session in sessions)

        self.outbound.resync(None)
        self.assertEqual(asked(), 0)
        self.clock.pump([STEP] * round(LONGEST / 2 / STEP))
        self.assertIn(asked(), range(1950, 2100))
        first, before = [session for session in sessions if not session.frames], asked()
        self.outbound.resync(None)
        self.clock.pump([STEP] * round(LONGEST / 2 / STEP))
        self.assertEqual([len(session.frames) for session in first], [1] * len(first), "these are on time")
        self.clock.pump([STEP] * round(LONGEST / 2 / STEP))
        self.assertEqual(asked(), 4000 + before)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1, "but for the sweep nothing is due")
        self.outbound.resync(range(40))
        self.clock.advance(SPREAD / 2)
        self.assertIn(asked() - before, range(4019, 4023))
        self.outbound.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.outbound.startService()

    def test_stopped(self) -> None:
        """Who has missed something, and was not told of it yet, is not forgotten when the server stops:
        everybody elsewhere is asked.
        """
        self.outbound.catch_up([ANNA])
        self.outbound.stopService()
        self.assertEqual((self.everybody, self.clock.getDelayedCalls()), ([True], []))
        self.outbound.startService()
        self.everybody.clear()
        self.outbound.stopService()
        self.assertEqual(self.everybody, [])
        self.outbound.startService()


class StaleTests(OutboundCase):
    def test_login_was_not_heard_of(self) -> None:
        """Who logs in while they are believed to be offline is asked to catch up when the news comes."""
        self.push(ANNA, 1)
        self.push(ANNA, 2)
        self.outbound.hear("two", {ANNA: 5}, False)
        self.assertEqual(self.out(), [("two", (ANNA,), RESYNC)])
        self.push(ANNA, 3)
        self.assertEqual(self.out(), [("two", (ANNA,), frame(3))])
        self.assertEqual(len(self.here.asked), 1)

    def test_offline_all_along(self) -> None:
        """Who logs in after nothing was dropped on the cache's word hears nothing of it."""
        self.push(ANNA, 1)  # looked up: they find it when they log in
        self.outbound.hear("two", {ANNA: 5}, False)
        self.assertEqual(self.out(), [])

    def test_news_never_comes(self) -> None:
        """Without news a second look finds who logged in, and has them catch up."""
        self.push(ANNA, 1)
        self.push(ANNA, 2)
        self.at(ANNA, "two")
        self.clock.pump([1.0] * round(TTL + module.SWEEP + RETRY))
        self.assertEqual(self.told_to_catch_up(ANNA), "two")
        self.push(ANNA, 3)
        self.assertEqual(self.out(), [("two", (ANNA,), frame(3))])

    def test_still_offline(self) -> None:
        """A second look at who is offline still costs one question, and ends it."""
        self.push(ANNA, 1)
        self.push(ANNA, 2)
        self.clock.pump([1.0] * 300)
        self.assertEqual(self.here.asked, [[ANNA], [ANNA]])

    def test_peer_knows_better(self) -> None:
        """When a peer says that anything may have changed, whoever was taken to be offline is looked for at
        once.
        """
        self.push(ANNA, 1)
        self.push(ANNA, 2)
        self.at(ANNA, "two")
        self.outbound.hear("two", {}, True)
        self.clock.advance(RETRY)
        self.assertEqual(self.told_to_catch_up(ANNA), "two")

    def test_answer_from_before(self) -> None:
        """A login between Redis's answer and its arrival is noticed: the push follows the user."""
        self.here.slow = True
        self.push(ANNA, 1)
        self.outbound.hear("two", {ANNA: 5}, False)
        self.here.waiting[0].callback(None)
        self.assertEqual(self.out(), [("two", (ANNA,), frame(1))])

    def test_came_here(self) -> None:
        """Who comes here while a route is looked for gets the push here.

        When they have left, Redis is asked anew.
        """
        self.here.slow = True
        self.push(ANNA, 1)
        session = self.here.sessions[ANNA] = Session()
        self.outbound.moved(ANNA, 5)
        self.here.waiting[0].callback(None)
        self.assertEqual(session.frames, [frame(1)])
        del self.here.sessions[ANNA]
        self.outbound.moved(ANNA, -5)
        self.assertEqual(self.told, [(ANNA, 5), (ANNA, -5)])
        self.here.slow = False
        self.at(ANNA, "two")
        self.push(ANNA, 2)
        self.assertEqual(self.out(), [("two", (ANNA,), frame(2))])

    def test_lost_server(self) -> None:
        """The users of a server that is gone are looked for again, and catch up where they turn up."""
        self.at(ANNA, "two")
        self.push(ANNA, 1)
        self.out()
        self.outbound.lost("two")
        self.at(ANNA, "dead")  # Redis knows it for a while yet
        self.push(ANNA, 2)
        self.clock.pump([RETRY] * 3)
        self.assertEqual(self.out(), [])
        self.at(ANNA, "three")
        self.clock.advance(RETRY)
        self.assertEqual(self.told_to_catch_up(ANNA), "three")


class ForwardTests(OutboundCase):
    def test_moved_on(self) -> None:
        """A push for somebody who has moved on follows them, whatever is believed here, and its sender is
        corrected.
        """
        self.push(ANNA, 0)
        self.push(ANNA, 0)  # believed to be offline
        self.at(ANNA, "three")
        self.outbound.receive([RemotePush((ANNA,), frame(1), 1)])
        self.clock.advance(0)
        self.assertIn(("three", RemotePush((ANNA,), frame(1), 2)), self.sent)
        self.assertEqual(self.told, [(ANNA, GONE)])
        self.assertEqual(self.told_to_catch_up(ANNA), "three")

    def test_correction(self) -> None:
        """A server that says that a user is not there is believed, until Redis is asked."""
        self.at(ANNA, "two")
        self.push(ANNA, 1)
        self.outbound.hear("two", {ANNA: GONE}, False)
        self.at(ANNA, "three", 4)
        self.push(ANNA, 2)
        self.assertEqual(self.out(), [("two", (ANNA,), frame(1)), ("three", (ANNA,), frame(2))])

    def test_only_once(self) -> None:
        """A push that has been forwarded and misses again is given up: its receiver catches up."""
        self.at(ANNA, "three")
        self.outbound.receive([RemotePush((ANNA,), frame(1), 2)])
        self.assertEqual((self.out(), self.outbound.missing), ([], 1))
        self.clock.advance(RETRY)
        self.assertEqual(self.told_to_catch_up(ANNA), "three")

    def test_missed_where_they_were(self) -> None:
        """A request to catch up for users who have moved on is passed on."""
        self.here.sessions[BERT] = Session()
        self.at(ANNA, "three")
        self.outbound.resync([ANNA, BERT])
        self.clock.advance(RETRY)
        self.assertEqual((self.told_to_catch_up(ANNA), self.here.sessions[BERT].frames), ("three", [RESYNC]))


class AnyOrderTests(SynchronousTestCase):
    def test_nothing_is_lost(self) -> None:
        """Users flap between three servers, news is late and changes places, streams break, Redis is flushed:
        whoever is online in the end has got every push that was sent after their last login, or was asked to
        catch up after it.
        """
        for seed in range(150):
            Cluster(self, random.Random(seed)).play()


class Cluster:
    """Three servers, one Redis, and streams that keep the order of each pair and nothing else."""

    def __init__(self, test: SynchronousTestCase, chance: random.Random) -> None:
        self.test = test
        self.chance = chance
        self.clock = Clock()
        self.redis: dict[int, Route] = {}
        self.names = ("one", "two", "three")
        self.directories: dict[str, Any] = {}
        self.outbounds: dict[str, Outbound] = {}
        self.streams: dict[tuple[str, str], list[tuple[str, Any]]] = {}
        self.login_ms = 0
        self.online: dict[int, Route] = {}
        # what was sent to a user since they logged in, and how much they had then
        self.since: dict[int, list[tuple[int, int]]] = {}
        for name in self.names:
            directory: Any = Here()
            directory.redis = self.redis
            directory.locate = self._locate(name)
            self.directories[name] = directory
            others = Elsewhere(functools.partial(self._send, name), functools.partial(self._tell, name))
            self.outbounds[name] = Outbound(
                self.clock, directory, others, Surge(self.clock), MemberLists(), no_lists
            )
            self.outbounds[name].startService()

    def _locate(self, name: str) -> Any:
        async def locate(users: Sequence[int]) -> tuple[dict[int, dict[str, int]], list[int]]:
            found = {
                user: {self.redis[user].node: self.redis[user].login_ms}
                for user in users
                if user in self.redis and self.redis[user].node != name
            }
            if self.chance.random() < 0.5:
                waiting: Deferred[None] = Deferred()
                self.clock.callLater(self.chance.random(), waiting.callback, None)
                await waiting
            if self.chance.random() < 0.1:
                raise Unavailable(Status.REDIS_UNKNOWN_ERROR, "away")
            return found, []

        return locate

    def _send(self, name: str, other: str, pushes: Sequence[RemotePush]) -> None:
        self.streams.setdefault((name, other), []).append(("receive", pushes))

    def _tell(self, name: str, user: int, login_ms: int, beside: bool = False) -> None:
        for other in self.names:
            if other != name:
                self.streams.setdefault((name, other), []).append(("hear", ({user: login_ms}, False)))

    def login(self, user: int) -> None:
        self.login_ms += 1
        name = self.chance.choice(self.names)
        self.logout(user)
        self.online[user] = self.redis[user] = Route(name, f"{name}-inc", "s", self.login_ms)
        self.directories[name].sessions[user] = Session()
        self.since[user] = []
        self.outbounds[name].moved(user, self.login_ms)

    def logout(self, user: int) -> None:
        self.redis.pop(user, None)
        route = self.online.pop(user, None)
        if route is not None:
            del self.directories[route.node].sessions[user]
            self.outbounds[route.node].moved(user, -route.login_ms)

    def send(self, number: int) -> None:
        user = self.chance.choice((ANNA, BERT, CARL))
        if user in self.online:
            self.since[user].append((number, len(self.got(user))))
        self.outbounds[self.chance.choice(self.names)].deliver_frame([user], frame(number))

    def got(self, user: int) -> list[bytes]:
        session: Session = self.directories[self.online[user].node].sessions[user]
        return session.frames

    def renew(self) -> None:
        """Servers write the routes that Redis has lost again."""
        for user, route in self.online.items():
            if self.redis.get(user) != route:
                self.redis[user] = route
                self.outbounds[route.node].moved(user, route.login_ms)
                self.outbounds[route.node].resync([user])

    def carry(self, stream: tuple[str, str]) -> None:
        """The next thing on a stream arrives.

        Sometimes it is lost, as when a server was away, which its outbox makes up for.
        """
        kind, what = self.streams[stream].pop(0)
        source, target = stream
        outbound = self.outbounds[target]
        if self.chance.random() < 0.1:
            if kind == "receive":
                outbound.resync(sorted({user for push in what for user in push.users}))
            else:
                outbound.hear(source, {}, True)
        elif kind == "receive":
            outbound.receive(what)
        else:
            outbound.hear(source, *what)

    def play(self) -> None:
        for number in range(60):
            move = self.chance.random()
            busy = [stream for stream, waiting in self.streams.items() if waiting]
            if move < 0.15:
                self.login(self.chance.choice((ANNA, BERT, CARL)))
            elif move < 0.25:
                self.logout(self.chance.choice((ANNA, BERT, CARL)))
            elif move < 0.6:
                self.send(number)
            elif move < 0.63:
                self.redis.clear()
            elif move < 0.66:
                self.renew()
            elif busy:
                self.carry(self.chance.choice(busy))
            self.clock.advance(self.chance.choice((0, 0, 0.2, 2.0)))
        self.renew()
        for _ in range(round(TTL) * 3):
            for stream in [stream for stream, waiting in self.streams.items() if waiting]:
                while self.streams[stream]:
                    self.carry(stream)
            self.clock.advance(1.0)
        for user in self.online:
            for number, had in self.since[user]:
                later = self.got(user)[had:]
                self.test.assertTrue(
                    frame(number) in later or RESYNC in later, f"{user} never heard of {number}"
                )
        for outbound in self.outbounds.values():
            outbound.stopService()
