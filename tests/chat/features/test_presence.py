"""Who is online and who is writing, on two servers: who sees it, and who does not."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import deferLater

from imsys.chat import presence, typing
from imsys.chat.presence import WATCHED
from imsys.cluster.peers import RemotePush
from imsys.errors import Status
from imsys.protocols.messages.presence import PresencePush, TypingPush
from imsys.protocols.messages.registry import service_id
from imsys.store.presence import AUDIENCE
from tests.support.chat import ChatCase, ChatServer, RawClient
from tests.support.stores import OnMariaDb, OnSqlite

WATCH, TYPING, SEEN_BY = 290, 292, 294
PRESENCE, TYPED = service_id(PresencePush), service_id(TypingPush)


def states(answer: dict[str, Any]) -> dict[int, str]:
    return {int(state["uuid"]): state["state"] for state in answer["states"]}


class Link:
    """Joins two servers in one process."""

    def __init__(self) -> None:
        self.servers: dict[str, ChatServer] = {}

    def alive(self, node: str, incarnation: str) -> bool:
        return node in self.servers

    async def end_session(self, node: str, uuid: int, session: str, message: str, device: str = "") -> None:
        self.servers[node].directory.end(uuid, session, message, device)

    def send(self, node: str, pushes: Sequence[RemotePush]) -> None:
        self.servers[node].outbound.receive(pushes)

    def tell(self, node: str, user: int, login_ms: int, beside: bool = False) -> None:
        for name, server in self.servers.items():
            if name != node:
                server.outbound.hear(node, {user: login_ms}, False, {user} if beside else frozenset())


class WatchingTests(ChatCase, OnSqlite):
    """Anna, on the one server, watches Bert, who is on the other."""

    async def setUp(self) -> None:
        await super().setUp()
        self.patch(presence, "GATHER", 0.05)
        self.link = Link()
        for name in ("one", "two"):
            config = dataclasses.replace(self.chat_config, name=name)
            server = ChatServer(
                self, config, self.redis, self.link, self.link.send, functools.partial(self.link.tell, name)
            )
            await server.start()
            self.link.servers[name] = server
        self.one, self.two = self.link.servers.values()
        self.anna, self.bert = await self.people("anna", "bert")
        self.thread = str(await self.befriend(self.anna, self.bert))
        self.a, self.b = await self.one.login(self.anna), await self.two.login(self.bert)

    async def watch(self, client: RawClient, *users: int) -> dict[int, str]:
        return states(await client.ask(WATCH, users=[str(user) for user in users]))

    async def pushed(self, client: RawClient) -> dict[int, str]:
        return states(await client.next(PRESENCE))

    async def until(self, client: RawClient, user: int, state: str) -> dict[str, Any]:
        """Wait for a push with this state; others may come before it."""
        while True:
            for one in (await client.next(PRESENCE))["states"]:
                if (int(one["uuid"]), one["state"]) == (user, state):
                    found: dict[str, Any] = one
                    return found

    async def test_comes_and_goes(self) -> None:
        """A watcher is told of who comes and goes, on whichever server that is; who does not exist is left out."""
        carl, dora = await self.people("carl", "dora")
        self.assertEqual(
            await self.watch(self.a, self.anna, self.bert, carl, dora, 99999),
            {self.anna: "online", self.bert: "online", carl: "offline", dora: "offline"},
        )
        await self.b.abort()
        gone = await self.until(self.a, self.bert, "offline")
        self.assertTrue(gone["last_seen"].endswith(":00.000Z"), gone)
        d = await self.one.login(dora)
        await self.until(self.a, dora, "online")
        await d.abort()
        await self.until(self.a, dora, "offline")
        self.b = await self.two.login(self.bert)
        await self.until(self.a, self.bert, "online")

    async def test_moves(self) -> None:
        """Who moves from one server to the other is online all the time, in the end."""
        await self.watch(self.a, self.bert)
        await self.one.login(self.bert)
        await self.b.until_closed()
        await deferLater(self.reactor, 0.2)
        for push in self.a.pending(PRESENCE):
            self.assertEqual(states(push), {self.bert: "online"})
        self.assertEqual(await self.watch(self.a, self.bert), {self.bert: "online"})

    async def test_last_seen(self) -> None:
        """When somebody was last online is known to who begins to watch, on any server, while Redis knows it."""
        await self.b.abort()
        while True:
            (state,) = (await self.a.ask(WATCH, users=[str(self.bert)]))["states"]
            if "last_seen" in state:
                break
        self.assertEqual(state["state"], "offline")
        for key in await self.redis.call("KEYS", self.redis.key("seen", "*")):
            await self.redis.call("DEL", key)
        (state,) = (await self.a.ask(WATCH, users=[str(self.bert), "1"]))["states"]
        self.assertEqual(state, {"uuid": str(self.bert), "state": "offline"})

    async def test_gathered(self) -> None:
        """Many changes in a moment are one push, of what is so then."""
        others = await self.people(*(f"user{index}" for index in range(10)))
        await self.watch(self.a, *others)
        self.patch(presence, "GATHER", 3600.0)
        for other in others:
            await self.two.login(other)
        while not all(self.one.presence._watched[other].nodes for other in others):
            await deferLater(self.reactor, 0.01)
        waiting = self.one.presence._flush
        assert waiting is not None
        waiting.reset(0)
        self.assertEqual(await self.pushed(self.a), dict.fromkeys(others, "online"))
        self.assertEqual(self.a.pending(PRESENCE), [])

    async def test_another_list(self) -> None:
        """A new list takes the place of the one before; who watches nobody is told nothing, and costs nothing."""
        await self.watch(self.a, self.bert)
        self.assertEqual(await self.watch(self.a), {})
        self.assertEqual((self.one.presence._watched, self.one.presence._watching), ({}, {}))
        await self.watch(self.a, self.bert)
        await self.a.abort()
        while self.one.presence._watching:
            await deferLater(self.reactor, 0.01)
        self.assertEqual((self.one.presence._watched, self.one.presence._of_user), ({}, {}))

    async def test_server_lost(self) -> None:
        """The users of a server that is gone are offline."""
        await self.watch(self.a, self.bert)
        self.one.outbound.lost("two")
        await self.until(self.a, self.bert, "offline")

    async def test_news_lost(self) -> None:
        """Where news may have been lost, those who are watched are looked up anew."""
        await self.watch(self.a, self.bert)
        watched = self.one.presence._watched[self.bert]
        watched.nodes.clear()
        self.one.outbound.hear("two", {}, True)
        await self.until(self.a, self.bert, "online")

    async def test_who_may_see(self) -> None:
        """Friends only, or nobody: then the others see "recently" and nothing else, and are seen so themselves."""
        (carl,) = await self.people("carl")
        c = await self.two.login(carl)
        for client, user in ((self.a, self.bert), (c, self.bert), (self.b, self.anna)):
            self.assertEqual(await self.watch(client, user), {user: "online"})
        self.assertEqual((await self.b.ask(SEEN_BY, seen_by="friends"))["seen_by"], "friends")
        await self.until(c, self.bert, "recently")
        self.assertEqual(await self.watch(self.b, carl), {carl: "recently"})
        self.assertEqual(await self.watch(self.a, self.bert), {self.bert: "online"})
        self.assertEqual((await self.a.ask(SEEN_BY, seen_by="nobody"))["seen_by"], "nobody")
        await self.until(self.a, self.bert, "recently")
        self.assertEqual(await self.watch(self.b, self.anna), {self.anna: "recently"})
        self.assertEqual((await self.a.ask(SEEN_BY))["seen_by"], "nobody")
        await self.a.ask(SEEN_BY, seen_by="everybody")
        await self.until(self.b, self.anna, "online")
        await self.b.abort()
        self.assertEqual(c.pending(PRESENCE), [])

    async def test_blocked(self) -> None:
        """Who is blocked sees nothing from then on; unblocked, it is as before."""
        await self.watch(self.a, self.bert)
        await self.watch(self.b, self.anna)
        await self.b.ask(98, uuid=str(self.anna), blocked=True)
        await self.until(self.a, self.bert, "recently")
        await self.until(self.b, self.anna, "recently")
        self.assertEqual(await self.watch(self.a, self.bert), {self.bert: "recently"})
        await self.b.abort()
        self.b = await self.two.login(self.bert)
        await self.b.ask(98, uuid=str(self.anna), blocked=False)
        await self.until(self.a, self.bert, "online")

    async def test_unfriended(self) -> None:
        """Who shows it to friends shows it to a friend as long as that lasts."""
        await self.b.ask(SEEN_BY, seen_by="friends")
        await self.watch(self.a, self.bert)
        await self.a.ask(96, friend_uuid=str(self.bert))
        await self.until(self.a, self.bert, "recently")

    async def test_typing_elsewhere(self) -> None:
        """Who writes is told to the other one on another server, and to nobody who is offline."""
        self.assertEqual((await self.a.ask(TYPING, thread_id=self.thread))["error"], 0)
        self.assertEqual(
            await self.b.next(TYPED),
            {"error": 0, "thread_id": self.thread, "uuid": str(self.anna), "action": "typing"},
        )
        await self.a.abort()
        await self.b.ask(TYPING, thread_id=self.thread, action="recording")
        await deferLater(self.reactor, 0.1)
        self.assertEqual((self.one.outbound.missing, self.two.outbound.missing), (0, 0))


class Typing(ChatCase):
    async def setUp(self) -> None:
        await super().setUp()
        (self.anna, self.a), (self.bert, self.b) = await self.users("anna", "bert")
        self.thread = str(await self.befriend(self.anna, self.bert))

    async def group(self, *members: int) -> str:
        def make(tx: Any) -> int:
            thread: int = tx.insert(
                "INSERT INTO threads (kind, members_version, created_at) VALUES (1, 1, 0)"
            )
            tx.execute_many(
                "INSERT INTO members (thread_id, user_id) VALUES (?, ?)", [(thread, user) for user in members]
            )
            return thread

        return str(await self.database.write(make))

    async def test_group(self) -> None:
        """In a small group all the others are told; in a large one nobody is, and the database is not asked again."""
        (carl, c), (_, d) = await self.users("carl", "dora")
        group = await self.group(self.anna, self.bert, carl)
        self.assertEqual((await self.a.ask(TYPING, thread_id=group, action="file"))["error"], 0)
        for client in (self.b, c):
            self.assertEqual((await client.next(TYPED))["action"], "file")
        self.assertEqual([client.pending(TYPED) for client in (self.a, d)], [[], []])
        large = await self.group(self.anna, self.bert, *range(1, AUDIENCE))
        self.assertEqual((await self.a.ask(TYPING, thread_id=large))["error"], 0)
        asked = self.database.answered["general"]
        self.assertEqual((await self.b.ask(TYPING, thread_id=large))["error"], 0)
        self.assertEqual(self.database.answered["general"], asked)
        self.assertEqual([client.pending(TYPED) for client in (self.a, self.b)], [[], []])

    async def test_refused(self) -> None:
        """What cannot be is refused with its status, and told to nobody."""
        ((_, c),) = await self.users("carl")
        stranger = await self.server.connect()
        self.assertEqual((await stranger.ask(TYPING, thread_id="1"))["error"], Status.LOGIN_UNSUCCESSFUL)
        self.assertEqual((await stranger.ask(WATCH, users=[]))["error"], Status.LOGIN_UNSUCCESSFUL)
        for client, service, body, status in (
            (c, TYPING, {"thread_id": self.thread}, Status.PERMISSION_DENIED),
            (self.a, TYPING, {"thread_id": "99999"}, Status.PERMISSION_DENIED),
            (self.a, TYPING, {"thread_id": "x"}, Status.JSONPARSE_ERROR),
            (self.a, TYPING, {"thread_id": self.thread, "action": "sleeping"}, Status.INVALID_FIELD),
            (self.a, WATCH, {"users": ["x"]}, Status.JSONPARSE_ERROR),
            (self.a, WATCH, {"users": "1"}, Status.JSONPARSE_ERROR),
            (self.a, WATCH, {"users": [str(n) for n in range(WATCHED + 1)]}, Status.INVALID_FIELD),
            (self.a, SEEN_BY, {"seen_by": "me"}, Status.INVALID_FIELD),
        ):
            answer = await client.ask(service, **body)
            self.assertEqual(answer["error"], status, (service, body, answer))
        await self.b.ask(98, uuid=str(self.anna), blocked=True)
        self.assertEqual((await self.a.ask(TYPING, thread_id=self.thread))["error"], Status.BLOCKED)
        self.assertEqual(self.b.pending(TYPED), [])
        await self.b.ask(98, uuid=str(self.anna), blocked=False)
        await self.b.ask(96, friend_uuid=str(self.anna))
        self.assertEqual((await self.b.ask(TYPING, thread_id=self.thread))["error"], Status.NOT_FRIENDS)
        self.assertEqual(self.a.pending(TYPED), [])

    async def test_once_in_a_while(self) -> None:
        """Once each three seconds is enough; what comes sooner is refused, in this thread alone."""
        ((carl, c),) = await self.users("carl")
        other = str(await self.befriend(self.anna, carl))
        self.assertEqual((await self.a.ask(TYPING, thread_id=self.thread))["error"], 0)
        answer = await self.a.ask(TYPING, thread_id=self.thread)
        self.assertEqual(answer["error"], Status.RATE_LIMITED)
        self.assertTrue(0 < answer["retry_after"] <= typing.EVERY)
        self.assertEqual((await self.a.ask(TYPING, thread_id=other))["error"], 0)
        self.assertEqual((await self.b.ask(TYPING, thread_id=self.thread))["error"], 0)
        await self.b.next(TYPED)
        await c.next(TYPED)
        self.assertEqual(self.b.pending(TYPED), [])
        self.patch(typing, "EVERY", 0.0)
        self.assertEqual((await self.a.ask(TYPING, thread_id=self.thread))["error"], 0)

    async def test_everybody_types(self) -> None:
        """A group of 10,000 that all type at once costs a few statements, and nothing while it goes on."""
        members = range(1, 10_001)
        thread = int(await self.group(*members))
        self.patch(typing, "EVERY", 0.0)
        for most in (typing.WAITING // typing.AT_ONCE + 1, 0):
            asked = self.database.answered["general"]
            audiences = [
                Deferred.fromCoroutine(self.server.typing.audience(user, thread)) for user in members
            ]
            refused = 0
            outcomes: Any = await DeferredList(audiences, consumeErrors=True)
            for found, outcome in outcomes:
                if found:
                    self.assertEqual(outcome, ())
                else:
                    self.assertEqual(outcome.value.status, Status.SERVER_BUSY)
                    refused += 1
            self.assertLessEqual(self.database.answered["general"] - asked, most)
        self.assertEqual(refused, 0)
        self.patch(typing, "KEPT", 100)
        await self.server.typing.audience(1, thread)
        self.assertLessEqual(len(self.server.typing._large), 100)

    async def test_nothing_is_stored(self) -> None:
        """Neither is in any table."""
        before = await self.rows()
        await self.a.ask(TYPING, thread_id=self.thread)
        await self.a.ask(WATCH, users=[str(self.bert)])
        self.assertEqual(await self.rows(), before)

    async def rows(self) -> str:
        found = [
            await self.database.read(lambda tx, table=table: tx.rows(f"SELECT * FROM {table}"))  # type: ignore[misc]
            for table in ("threads", "members", "messages", "entries", "profiles", "thread_settings")
        ]
        return json.dumps(found, default=str)


class SqliteTypingTests(Typing, OnSqlite):
    """On SQLite."""


class MariaDbTypingTests(Typing, OnMariaDb):
    """On MariaDB."""


del Typing
