"""Chat servers that die, freeze, or are cut off from the database, as processes: who is sent to them, and
what becomes of their users.
"""

from __future__ import annotations

import signal
import time
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.errors import Status
from tests.support.cluster import ChatServersCase
from tests.support.daemons import Process
from tests.support.proxies import SilentProxy
from tests.support.servers import cluster_channel

SOON = 12.0
"""Seconds in which everybody knows what takes about three when the machine has nothing else to do."""


class FaultCase(ChatServersCase):
    """Leases that outlast the test, and a network between each server and what it stands on."""

    behind = "DATABASE_PORT"
    extra = {"BALANCE_LEASE": "600", "BALANCE_INTERVAL": "1"}

    async def setUp(self) -> None:
        self.networks: dict[str, SilentProxy] = {}
        await super().setUp()
        self.channel = cluster_channel(self.settings["BALANCE_GRPC_PORT"])
        self.addCleanup(self.channel.close)

    async def chat_server(self, name: str) -> Process:
        self.networks[name] = network = SilentProxy(self, int(self.settings[self.behind]))
        settings, self.settings = self.settings, self.settings | {self.behind: str(network.port)}
        starting = Deferred.fromCoroutine(super().chat_server(name))
        self.settings = settings
        return await starting

    async def listed(self) -> dict[str, str]:
        """What balance says of each server: why it is unfit, or nothing."""
        call = imsys_v1_pb2_grpc.RegistryStub(self.channel).List
        answer = await deferToThread(call, imsys_v1_pb2.ListRequest(kind="chat"), timeout=10)
        return {server.name: server.unfit for server in answer.servers}

    async def until_listed(self, wanted: dict[str, str], since: float | None = None) -> None:
        """Return when balance says so; fail when that takes too long."""
        since = time.monotonic() if since is None else since
        while (listed := await self.listed()) != wanted:
            self.assertLess(time.monotonic() - since, SOON, listed)
            await deferLater(self.reactor, 0.05)

    async def allocate(self, **keys: Any) -> Any:
        """What a user gets from balance."""
        request = imsys_v1_pb2.AllocateRequest(uuid=7, plaintext=True, **keys)
        return await deferToThread(imsys_v1_pb2_grpc.BalanceStub(self.channel).Allocate, request, timeout=10)

    async def sent_to(self, count: int = 10) -> set[str]:
        """Where some users are sent."""
        names = {port: name for name, port in self.ports.items()}
        answers = [await self.allocate() for _ in range(count)]
        return {names[answer.port] if not answer.error else f"error {answer.error}" for answer in answers}

    async def refused(self, name: str, reason: str) -> None:
        """A login at this server is refused at once, with the reason."""
        client, since = await self.connect(name), time.monotonic()
        answer = await client.ask(5, **self.people[1])
        self.assertEqual(answer["error"], Status.SERVER_BUSY, answer)
        self.assertIn(reason, answer["message"])
        self.assertLess(time.monotonic() - since, 3.0)
        await client.abort()


class GoneTests(FaultCase):
    async def test_killed(self) -> None:
        """Nobody is sent to a server that was killed, as soon as its peers have lost it.

        They look after its users at once.
        """
        self.assertEqual(await self.sent_to(), {"one", "two"})
        a = await self.log_in("two", **self.people[0])
        since = time.monotonic()
        self.servers["one"].send(signal.SIGKILL)
        await self.until_listed({"two": ""}, since)
        self.assertEqual(await self.sent_to(), {"two"})
        await self.servers["two"].says("chat server one is gone without a farewell")
        await a.next(128)

    async def test_frozen(self) -> None:
        """Nobody is sent to a server that is frozen, although it looks like the emptiest.

        When it goes on it gets users at once.
        """
        since = time.monotonic()
        self.servers["one"].send(signal.SIGSTOP)
        await self.until_listed({"one": "It does not answer.", "two": ""}, since)
        self.assertEqual(await self.sent_to(), {"two"})
        since = time.monotonic()
        self.servers["one"].send(signal.SIGCONT)
        await self.until_listed({"one": "", "two": ""}, since)
        self.assertEqual(await self.sent_to(20), {"one", "two"})


class AloneTests(FaultCase):
    names = ("one",)

    async def test_a_user_says_so(self) -> None:
        """Without a peer that could notice, a user's word has balance look.

        It is set aside, and the answer then is that there is none.
        """
        self.servers["one"].send(signal.SIGSTOP)
        answer = await self.allocate(failed=[f"127.0.0.1:{self.ports['one']}"])
        self.assertEqual(
            (answer.error, answer.port),
            (0, self.ports["one"]),
            "there is no other, and balance has not looked yet",
        )
        await self.until_listed({"one": "It does not answer."})
        self.assertEqual(await self.sent_to(1), {f"error {int(Status.NO_AVAILABLE_CHATTING_SERVER)}"})
        self.servers["one"].send(signal.SIGCONT)
        await self.until_listed({"one": ""})


class DatabaseTests(FaultCase):
    async def test_cut_off(self) -> None:
        """A server that does not reach its database draws no logins, refuses them, has its users move to
        another, and comes back.
        """
        anna, bert = self.people
        a, b = (
            await self.log_in("one", **anna, client="a", attempt=1),
            await self.log_in("two", **bert, client="b", attempt=1),
        )
        since = time.monotonic()
        self.networks["one"].cut()
        await self.until_listed({"one": "The database does not answer.", "two": ""}, since)
        self.assertEqual(await self.sent_to(), {"two"})
        await self.refused("one", "The database does not answer.")
        self.assertIn("unfit: The database does not answer.\n", await self.status())
        after = (await a.next(132))["after"]
        self.assertTrue(0 <= after <= 10, after)
        await self.log_in("two", **anna, client="a", attempt=2)
        self.networks["one"].heal()
        await self.until_listed({"one": "", "two": ""})
        self.assertEqual(await self.sent_to(20), {"one", "two"})
        self.assertEqual(b.pending(132), [])
        await self.log_in("one", **bert, client="b", attempt=2)

    async def test_everybody(self) -> None:
        """Where no server reaches the database nobody is moved: logins are refused at once, and all goes on
        when it is back.
        """
        anna = self.people[0]
        a = await self.log_in("one", **anna, client="a", attempt=1)
        since = time.monotonic()
        for network in self.networks.values():
            network.cut()
        unfit = "The database does not answer."
        await self.until_listed({"one": unfit, "two": unfit}, since)
        self.assertEqual(await self.sent_to(), {f"error {int(Status.NO_AVAILABLE_CHATTING_SERVER)}"})
        await gatherResults([Deferred.fromCoroutine(self.refused(name, unfit)) for name in self.names])
        for network in self.networks.values():
            network.heal()
        await self.until_listed({"one": "", "two": ""})
        self.assertEqual((await a.ask(32, uuid=anna["uuid"]))["error"], 0)
        self.assertEqual(a.pending(132), [])
        await self.log_in("two", **self.people[1])


class RedisTests(FaultCase):
    behind = "REDIS_PORT"

    async def test_cut_off(self) -> None:
        """So it is with a server that does not reach Redis."""
        since = time.monotonic()
        self.networks["one"].cut()
        await self.until_listed({"one": "Redis does not answer.", "two": ""}, since)
        self.assertEqual(await self.sent_to(), {"two"})
        await self.refused("one", "Redis does not answer.")
        self.networks["one"].heal()
        await self.until_listed({"one": "", "two": ""})
        await self.log_in("one", **self.people[1])


del FaultCase, ChatServersCase
