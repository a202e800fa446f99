"""All servers in one process, and what becomes of its users when Redis fails over, forgets everything, or is
away.
"""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from imsys.sdk import ConnectionState, Refused, explain
from tests.support.all_in_one import LEASE, PASSWORD, AllInOne
from tests.support.masters import MastersCase

SOON = 10.0
"""Seconds in which logins work again; it takes two, on a machine that has nothing else to do."""


class FailOverTests(MastersCase):
    timeout = 120

    async def setUp(self) -> None:
        super().setUp()
        self.old, self.new = self.pair()
        hosts = ", ".join(f"127.0.0.1:{server.port}" for server in (self.old, self.new))
        self.servers = AllInOne(self, self.reactor)
        await self.servers.start({"REDIS_MODE": "server", "REDIS_HOSTS": hosts})
        self.anna, self.bert = await self.servers.user("anna"), await self.servers.user("bert")
        self.heard: list[str] = []
        self.bert.on_message.subscribe(lambda message: self.heard.append(message.text))
        befriended: Deferred[Any] = Deferred()
        self.anna.on_friendship.subscribe(befriended.callback)
        await self.anna.contacts.add(self.bert.me.uuid, "Hello?")
        await self.bert.contacts.accept(self.anna.me.uuid)
        self.thread = (await befriended).thread_id

    async def goes_on(self) -> float:
        """Logins work again, those who were online still are, and hear of each other.

        The seconds that it took.
        """
        began = time.monotonic()
        while True:
            try:
                await self.servers.gateway.login("anna", PASSWORD)
                break
            except Refused as refused:
                self.assertLess(time.monotonic() - began, SOON, explain(refused))
                await deferLater(self.reactor, 0.05)
        took = time.monotonic() - began
        text = f"It is {time.monotonic()}."
        await self.anna.send(self.thread, text)
        while text not in self.heard:
            await deferLater(self.reactor, 0.01)
        self.assertEqual(
            set(map(tuple, self.servers.states.values())),
            {(ConnectionState.SIGNING_IN, ConnectionState.ONLINE)},
        )
        return took

    async def test_planned(self) -> None:
        """After a planned fail-over, back and forth, everything goes on."""
        for old, new in ((self.old, self.new), (self.new, self.old)):
            new.follow(None)
            old.follow(new)
            await self.goes_on()
            while b"state=online" not in new.command("INFO", "replication"):
                await deferLater(self.reactor, 0.01)

    async def test_killed(self) -> None:
        """So it does when the master is killed, and its replica made the master."""
        self.old.kill()
        while "Redis fails:" not in self.servers.daemon.text:
            await deferLater(self.reactor, 0.01)
        self.new.follow(None)
        await self.goes_on()

    async def test_forgotten(self) -> None:
        """So it does when Redis forgets everything."""
        self.old.command("FLUSHALL")
        await self.goes_on()

    async def test_away(self) -> None:
        """So it does when it was away for longer than leases live, and comes back empty."""
        self.new.kill()
        self.old.kill()
        await deferLater(self.reactor, 2 * LEASE)
        self.old.start()
        await self.goes_on()
        said = self.servers.daemon.text
        self.assertEqual((said.count("Redis fails:"), said.count("Redis works again")), (1, 1), said)
