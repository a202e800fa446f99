"""Registering at balance, and knowing the peers."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from twisted.internet.defer import TimeoutError as DeferredTimeout

from imsys.cluster import membership
from imsys.cluster.membership import Peer
from imsys.cluster.stubs import imsys_v1_pb2
from tests.balance.running import EXPIRE, Balance
from tests.cluster.nodes import Node, NodesCase, eventually


class MembershipTests(NodesCase):
    async def test_registered(self) -> None:
        """A server registers with its bound ports and its load, again and again."""
        node = await self.node("one")
        node.load = 17
        while (await self.balance.servers())["one"].load != 17:
            pass
        listed = (await self.balance.servers())["one"]
        self.assertEqual(
            (listed.ports.grpc, listed.capacity, listed.incarnation),
            (node.grpc.port, 100, node.membership.incarnation),
        )

    async def test_peers(self) -> None:
        """Servers learn of each other, and of one that leaves at once."""
        one = await self.node("one")
        seen: list[tuple[Peer, bool]] = []
        one.membership.on_change(lambda peer, alive: seen.append((peer, alive)))
        two = await self.node("two")
        await eventually(lambda: one.membership.peers)
        peer = Peer("two", "127.0.0.1", two.grpc.port, two.membership.incarnation)
        self.assertEqual(one.membership.peers, {"two": peer})
        self.assertTrue(one.peers.alive("two", two.membership.incarnation))
        self.assertFalse(one.peers.alive("two", "another"))
        await two.stop()
        self.assertEqual(list(await self.balance.servers()), ["one"])
        await eventually(lambda: not one.membership.peers)
        self.assertEqual(seen, [(peer, True), (peer, False)])

    async def test_draining(self) -> None:
        """A draining server says so at once, and knows when balance knows, whatever it was just saying.

        With its load, from then on.
        """
        node = await self.node("one")
        self.patch(membership, "DRAINING", 0.05)
        await node.membership.drain()
        self.assertTrue((await self.balance.servers())["one"].draining)
        for load in range(20):
            node.load = load
            await node.membership.drain()
            self.assertEqual((await self.balance.servers())["one"].load, load)

    async def test_not_told(self) -> None:
        """Who drains while balance is away is told when it is back.

        Who has not waited for that does no harm.
        """
        from twisted.internet import reactor

        node = await self.node("one")
        self.redis.kill()
        impatient = node.membership.drain().addTimeout(0.1, reactor)
        patient = node.membership.drain()
        with self.assertRaises(DeferredTimeout):
            await impatient
        self.assertFalse(patient.called)
        self.redis.start()
        await patient
        self.assertTrue((await self.balance.servers())["one"].draining)

    async def test_taken_name(self) -> None:
        """A name that another server has is logged in one line, and taken when that one is gone."""
        holder = imsys_v1_pb2.Ports(grpc=1)
        await self.balance.register("one", 1, ports=holder)
        node = Node(self.balance, "one")
        node.service.startService()
        self.addCleanup(node.stop)
        await node.membership.ready()  # the lease of the other has ended
        self.assertEqual((await self.balance.servers())["one"].incarnation, node.membership.incarnation)

    async def test_flush(self) -> None:
        """A flush of Redis is over with the next registration, and nobody is taken for dead meanwhile."""
        one, _ = await self.pair()
        changes: list[Any] = []
        one.membership.on_change(lambda peer, alive: changes.append((peer, alive)))
        for _ in range(5):
            self.redis.command("FLUSHALL")
            while sorted(await self.balance.servers()) != ["one", "two"]:
                pass
        self.assertEqual(changes, [])

    async def test_leases_end(self) -> None:
        """Where all leases end at once, as when the clock of Redis is set forward, nobody is taken for dead."""
        one, two = await self.pair()
        changes: list[Any] = []
        for node in (one, two):
            node.membership.on_change(lambda peer, alive: changes.append((peer, alive)))
        for _ in range(5):
            self.redis.command("EVAL", EXPIRE, "0")
            while sorted(await self.balance.servers()) != ["one", "two"]:
                pass
        self.assertEqual(changes, [])

    async def test_clock_set(self) -> None:
        """A server whose clock is set stays registered; one that starts with a wrong clock is not."""
        one, _ = await self.pair()
        one.membership._calendar = lambda: time.time() - 3600
        first = one.membership._next
        await eventually(lambda: one.membership._next not in (None, first))
        self.redis.command("FLUSHALL")
        while sorted(await self.balance.servers()) != ["one", "two"]:
            pass
        three = Node(self.balance, "three")
        three.membership._calendar = lambda: time.time() + 3600
        three.service.startService()
        self.addCleanup(three.stop)
        await eventually(lambda: "more than 60 s apart" in three.membership._refusal)
        self.assertEqual(sorted(await self.balance.servers()), ["one", "two"])

    async def test_redis_is_back(self) -> None:
        """While balance cannot register anybody it is asked again soon, and not after an interval: Redis may
        be back.
        """
        self.redis.kill()
        node = Node(self.balance, "one")
        node.membership._interval = 1000.0
        node.service.startService()
        self.addCleanup(node.stop)
        await eventually(lambda: "Redis" in node.membership._refusal)
        self.redis.start()
        await node.membership.ready()

    async def test_redis_restarts(self) -> None:
        """While Redis is away peers stay.

        When it is back, empty, everybody registers again and nobody was taken for dead.
        """
        one, two = await self.pair()
        changes: list[Any] = []
        one.membership.on_change(lambda peer, alive: changes.append((peer, alive)))
        self.redis.kill()
        await eventually(
            lambda: not one.membership._registered.is_set and not two.membership._registered.is_set
        )
        self.redis.start()
        await eventually(lambda: one.membership._registered.is_set and two.membership._registered.is_set)
        while sorted(await self.balance.servers()) != ["one", "two"]:
            pass
        self.assertEqual((changes, list(one.membership.peers)), ([], ["two"]))

    async def test_balance_restarts(self) -> None:
        """While balance is away peers stay, and a balance server that comes back knows everybody again."""
        one, two = await self.pair()
        await self.balance.stop()
        await eventually(
            lambda: not one.membership._registered.is_set and not two.membership._registered.is_set
        )
        self.assertEqual((list(one.membership.peers), list(two.membership.peers)), (["two"], ["one"]))
        again = Balance(self, self.redis.config(), lease=0.5, port=self.balance.port)
        while sorted(await again.servers()) != ["one", "two"]:
            pass
        self.assertEqual(list(one.membership.peers), ["two"])


class TakersTests(NodesCase):
    lease = 15.0

    async def test_takers(self) -> None:
        """A server knows how many others take its users: not those that drain, or cannot serve, nor, if it is
        to end with all processes of its machine, those that share its port."""
        node = await self.node("one")
        ports = node.ports()
        await self.balance.register("two", 7, ports=imsys_v1_pb2.Ports(tls=7, grpc=1))
        await self.balance.register("sibling", ports.tls, ports=imsys_v1_pb2.Ports(tls=ports.tls, grpc=2))
        await node.membership.drain()
        self.assertEqual((node.membership.takers(), node.membership.takers(elsewhere=True)), (2, 1))
        await self.balance.register("two", 7, ports=imsys_v1_pb2.Ports(tls=7, grpc=1), draining=True)
        await node.membership.drain()
        self.assertEqual((node.membership.takers(), node.membership.takers(elsewhere=True)), (1, 0))


class ChangeTests(NodesCase):
    """With registrations that are a test apart: what is told earlier is told for a reason."""

    lease = 600.0

    def setUp(self) -> None:
        super().setUp()
        config = self.balance.config
        self.balance.config = dataclasses.replace(
            config, balance=dataclasses.replace(config.balance, interval=100.0)
        )

    async def test_load(self) -> None:
        """A load that has changed much is told at once, a little only when it is time."""
        node = await self.node("one")
        hurried: list[int] = []
        self.patch(node.membership, "hurry", lambda: hurried.append(node.load))
        for load in (10, 19, 20, 21):
            node.load = load
            node.membership._look()
        node.membership._told = 500
        for load in (520, 480, 525, 475):
            node.load = load
            node.membership._look()
        self.assertEqual(hurried, [20, 21, 525, 475])

    async def test_load_is_told(self) -> None:
        """It looks for itself."""
        node = await self.node("one")
        node.load = 1000
        while (await self.balance.servers())["one"].load != 1000:
            pass

    async def test_unfit(self) -> None:
        """A server that cannot serve says so at once, and so that it can again, also while it is registering."""
        node = await self.node("one")
        for first, then in (("No.", "Not at all."), ("", "Still not."), ("No.", "")):
            await eventually(lambda: node.membership._next)
            assert node.membership._next is not None
            node.membership._next.cancel()
            node.unfit = first
            node.membership._begin()
            node.unfit = then
            node.membership.hurry()
            while (await self.balance.servers())["one"].unfit != then:
                pass

    async def test_renewed(self) -> None:
        """When it is renewed it knows who takes users now: not who drains, is full or unfit, or does not
        answer.
        """
        node = await self.node("one")
        await self.balance.register("two", 8002, draining=True)
        await self.balance.register("three", 8003, unfit="No.")
        await self.balance.register("four", 8004, load=7, capacity=7)
        await node.membership.renewed()
        self.assertEqual(node.membership.takers(), 0)
        await self.balance.register("two", 8002)
        await node.membership.renewed()
        self.assertEqual(node.membership.takers(), 1)
