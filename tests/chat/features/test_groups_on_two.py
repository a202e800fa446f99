"""A group on two servers that share a database: one push a server, and nobody hears what is not theirs."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from imsys.chat import outbound
from imsys.cluster.peers import RemotePush
from imsys.cluster.pushes import pack, unpack
from imsys.store import Stores
from tests.support.chat import ChatServer, Elsewhere
from tests.support.groups import ADD, ANSWER, GET, REMOVE, ROLE, SETTINGS, GroupCase
from tests.support.stores import OnMariaDb, OnSqlite


class TwoServers(GroupCase):
    """Anna is at one server with Carl, Bert at the other with Dora and Emil."""

    async def setUp(self) -> None:
        await super().setUp()
        self.patch(outbound, "FEW_MEMBERS", 0)  # as if it were a large one
        self.sent: list[RemotePush] = []
        self.lost = False
        # with connections of its own, so that transactions of both overlap
        own, self.stores = self.stores, Stores.on(self.open_database(), time.time)
        self.other = ChatServer(
            self, dataclasses.replace(self.chat_config, name="two"), self.redis, send_to_peer=self.to_one
        )
        self.stores = own
        await self.other.start()
        self.link(self.server, self.to_two, "two")
        self.link(self.other, self.to_one, "one")
        for index in (1, 3, 4):
            self.clients[index] = await self.other.login(self.uuids[index])
        self.b, self.d, self.e = (self.clients[index] for index in (1, 3, 4))

    def link(self, server: ChatServer, send: Any, node: str) -> None:
        others = Elsewhere(send)
        others.nodes = [node]
        server.outbound._others = others

    def to_one(self, node: str, pushes: Any) -> None:
        self.carry(self.server, pushes)

    def to_two(self, node: str, pushes: Any) -> None:
        self.carry(self.other, pushes)

    def carry(self, server: ChatServer, pushes: Any) -> None:
        """As the relay does, or not."""
        self.sent += pushes
        if not self.lost:
            server.outbound.receive(unpack(pack(pushes)))

    async def test_one_push(self) -> None:
        """What is said is sent once to the other server, and heard by the members there."""
        await self.say(self.a, "one")
        self.assertEqual([await self.hears(one) for one in (self.b, self.c)], ["one", "one"])
        self.assertEqual([(push.users, push.thread) for push in self.sent], [((), int(self.group))])
        await self.say(self.b, "two")
        self.assertEqual([await self.hears(one) for one in (self.a, self.c)], ["two", "two"])
        for one in (self.d, self.e):
            await self.silent(one)

    async def test_added_and_removed(self) -> None:
        """Who is added elsewhere hears at once; who is removed hears nothing from then on."""
        await self.change(self.a, ADD, members=[str(self.dora)])
        self.assertEqual((await self.entry(self.d))["body"]["users"], [str(self.dora)])
        await self.say(self.d, "hello")
        self.assertEqual([await self.hears(one) for one in (self.a, self.b, self.c)], ["hello"] * 3)
        await self.change(self.b, REMOVE, members=[str(self.dora)])
        await self.say(self.a, "alone")
        await self.say(self.b, "too")
        self.assertEqual([await self.hears(self.c) for _ in range(2)], ["alone", "too"])
        self.assertEqual(await self.hears(self.b), "alone")
        await self.silent(self.d)

    async def test_invited(self) -> None:
        """Who accepts at a server that knows nothing of the group is one of it at once, on both."""
        await self.change(self.a, ADD, members=[str(self.emil)])
        await self.change(self.e, ANSWER, accept=True)
        await self.say(self.a, "hi")
        self.assertEqual(await self.hears(self.e), "hi")
        await self.say(self.e, "ho")
        self.assertEqual([await self.hears(one) for one in (self.a, self.b)], ["ho", "hi"])

    async def test_at_once(self) -> None:
        """Two admins on the two servers change the group at once; both servers and all members end in one state."""
        await self.befriend(self.bert, self.dora)
        for number in range(5):
            await gatherResults(
                [
                    _of(self.ask(self.a, ADD, members=[str(self.dora)])),
                    _of(self.ask(self.b, REMOVE, members=[str(self.dora)])),
                    _of(self.ask(self.a, SETTINGS, title=f"a{number}")),
                    _of(self.ask(self.b, SETTINGS, title=f"b{number}")),
                ]
            )
        one, two = [await self.ask(client, GET) for client in (self.a, self.b)]
        self.assertEqual((one["title"], one["members"]), (two["title"], two["members"]))
        await self.say(self.a, "end")
        self.assertEqual([await self.hears(client) for client in (self.b, self.c)], ["end", "end"])
        await self.d.ask(32)  # what was sent to Dora before is here then
        there = bool(self.d.pending(25))
        group = int(self.group)
        lists = [
            await stores.groups.lists_of([group])
            for stores in (self.stores, Stores.on(self.database, lambda: 0.0))
        ]
        self.assertEqual(lists[0][group], lists[1][group])
        self.assertEqual(there, self.dora in lists[0][group].roles)

    async def test_role_elsewhere(self) -> None:
        """An admin who is none any more may nothing at the other server, from the instant of the commit."""
        await self.change(self.a, ROLE, uuid=str(self.bert), role=0)
        self.assertEqual((await self.ask(self.b, SETTINGS, title="mine"))["error"], 65)

    async def test_devices(self) -> None:
        """Every session of a member hears, once, on whichever server it is, and those of who speaks but for the one that did;
        who leaves, or is removed, hears nothing on any.
        """
        phones = [await server.login(self.anna, "phone") for server in (self.other,)]
        phones += [await server.login(self.bert, "phone") for server in (self.server,)]
        tablets = [await server.login(self.anna, "tablet") for server in (self.server,)]
        await self.say(self.a, "one")
        for client in (*phones, *tablets, self.b, self.c):
            self.assertEqual(await self.hears(client), "one")
        await self.change(self.a, REMOVE, members=[str(self.bert)])
        for client in (phones[0], tablets[0], self.c):
            self.assertEqual((await self.entry(client))["body"]["action"], "removed")
        await self.say(self.c, "two")
        for client in (phones[0], tablets[0], self.a):
            self.assertEqual(await self.hears(client), "two")
        for client in (phones[1], self.b, *phones[:1], *tablets, self.a, self.c):
            await self.silent(client)

    async def test_lost(self) -> None:
        """What a server may have missed of a group makes the members there catch up, and nobody else."""
        self.other.outbound.resync_groups([int(self.group)])
        self.assertEqual((await self.b.next(128))["error"], 0)
        for one in (self.d, self.e):
            await one.ask(32)
            self.assertEqual(one.pending(128), [])


def _of(work: Any) -> Any:
    return Deferred.fromCoroutine(work)


class SqliteTwoServersTests(TwoServers, OnSqlite):
    """On SQLite."""


class MariaDbTwoServersTests(TwoServers, OnMariaDb):
    """On MariaDB."""


del TwoServers
