"""Pushes between chat servers, over real streams."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
from twisted.internet.threads import deferToThread

from imsys.cluster import link, outbox
from imsys.cluster.peers import RemotePush
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.cluster.trust import Trust
from imsys.config import BalanceConfig, ClusterConfig
from imsys.errors import ConfigError, Unavailable
from imsys.protocols.framing import CHAT
from tests.balance.running import Balance
from tests.cluster.certs import Authority
from tests.cluster.nodes import Node, NodesCase, Proxy, connected, eventually


def push(user: int, body: bytes = b'{"error":0}') -> RemotePush:
    return RemotePush((user,), CHAT.encode(25, body), 1)


class StreamTests(NodesCase):
    async def test_both_ways(self) -> None:
        """Pushes arrive unchanged and in order, in both directions."""
        one, two = await self.pair()
        there, back = [push(i) for i in range(1, 200)], [RemotePush((1, 2**50), CHAT.encode(129, b"{}"))]
        for single in there:
            one.peers.send("two", [single])
        two.peers.send("one", back)
        await eventually(lambda: len(two.handler.pushes) == len(there) and one.handler.pushes)
        self.assertEqual((two.handler.pushes, one.handler.pushes), (there, back))

    async def test_many(self) -> None:
        """Twenty thousand pushes, one at a time, arrive, none twice, and the stream is idle again."""
        one, two = await self.pair()
        sent = [push(i, b"x" * 250) for i in range(20_000)]
        for single in sent:
            one.peers.send("two", [single])
        await eventually(lambda: len(two.handler.pushes) >= len(sent))
        self.assertEqual(two.handler.pushes, sent)
        await eventually(lambda: one.peers._links["two"]._outbox.idle)
        self.assertEqual((one.handler.resyncs, two.handler.resyncs), ([], []))

    async def test_news(self) -> None:
        """Peers hear who came and went, what happened in one turn at once, and at first that they know
        nothing; who left is told.
        """
        one, two = await self.pair()
        await eventually(lambda: two.handler.news)
        self.assertEqual(two.handler.news, [("one", {}, True)])
        one.peers.tell(5, 1000)
        one.peers.tell(6, 1000)
        one.peers.tell(5, -1000)
        await eventually(lambda: len(two.handler.news) == 2)
        self.assertEqual(two.handler.news[1], ("one", {5: -1000, 6: 1000}, False))
        await one.stop()
        await eventually(lambda: two.handler.gone == ["one"])

    async def test_nonsense(self) -> None:
        """A batch that cannot be read counts as lost: everybody here catches up, and all that is known of
        others is doubtful.
        """
        one = await self.node("one")

        def talk() -> Any:
            with grpc.insecure_channel(f"127.0.0.1:{one.grpc.port}") as channel:
                batches = [
                    imsys_v1_pb2.Batch(node="x", incarnation="y", to="one"),
                    imsys_v1_pb2.Batch(sequence=1, pushes=imsys_v1_pb2.Pushes(frames=b"x"), acknowledge=True),
                ]
                return [
                    ack.sequence
                    for ack in imsys_v1_pb2_grpc.RelayStub(channel).Exchange(iter(batches), timeout=10)
                ]

        self.assertEqual(await deferToThread(talk), [0, 1])
        self.assertEqual(
            (one.handler.resyncs, one.handler.news, one.handler.pushes), ([None], [("x", {}, True)], [])
        )

    async def test_all_missed(self) -> None:
        """All users of all peers can be asked to catch up."""
        one, two = await self.pair()
        one.peers.miss_all()
        await eventually(lambda: two.handler.resyncs)
        self.assertEqual((two.handler.resyncs, one.handler.resyncs), ([None], []))

    async def test_handed_on_in_part(self) -> None:
        """When a batch cannot be handed on in full, nobody sends the rest again: everybody here catches up,
        and the stream goes on.
        """
        one, two = await self.pair()
        receive = two.handler.receive

        def broken(pushes: Sequence[RemotePush], relay: bool = False) -> None:
            two.handler.receive = receive  # type: ignore[method-assign]
            raise RuntimeError("broken")

        two.handler.receive = broken  # type: ignore[method-assign]
        one.peers.send("two", [push(1)])
        await eventually(lambda: two.handler.resyncs)
        one.peers.send("two", [push(2)])
        await eventually(lambda: two.handler.pushes)
        self.assertEqual((two.handler.resyncs, two.handler.pushes), ([None], [push(2)]))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_end_session(self) -> None:
        """A session is ended by its id, and a newer one is left alone."""
        one, two = await self.pair()
        two.handler.sessions[7] = "new"
        await one.peers.end_session("two", 7, "old", "bye")
        self.assertEqual(two.handler.sessions, {7: "new"})
        await one.peers.end_session("two", 7, "new", "bye")
        self.assertEqual((two.handler.sessions, two.handler.ended[-1]), ({}, (7, "new", "bye")))
        with self.assertRaises(Unavailable):
            await one.peers.end_session("three", 7, "new", "bye")

    async def test_mistaken_address(self) -> None:
        """A server refuses a stream that was meant for another."""
        one = await self.node("one")

        def talk() -> Any:
            with grpc.insecure_channel(f"127.0.0.1:{one.grpc.port}") as channel:
                greeting = imsys_v1_pb2.Batch(node="x", incarnation="y", to="somebody else")
                try:
                    list(imsys_v1_pb2_grpc.RelayStub(channel).Exchange(iter([greeting]), timeout=10))
                except grpc.RpcError as error:
                    return error.code()

        self.assertIs(await deferToThread(talk), grpc.StatusCode.FAILED_PRECONDITION)

    async def test_slow_receiver(self) -> None:
        """A receiver that is busy slows its peers down: what they hold is bounded, and whoever missed
        something catches up.
        """
        self.patch(outbox, "MAX_ENTRIES", 50)
        self.patch(outbox, "BATCH_ENTRIES", 10)
        one, two = await self.pair()
        for user in range(1000):
            one.peers.send("two", [push(user)])  # the reactor does not turn: nobody takes anything
        waiting = one.peers._links["two"]._outbox
        self.assertLessEqual(len(waiting._queue), 50)
        self.assertLessEqual(len(waiting._sent), outbox.WINDOW)
        await eventually(lambda: waiting.idle)
        got = [user for single in two.handler.pushes for user in single.users]
        missed = [user for users in two.handler.resyncs for user in users or []]
        self.assertEqual(sorted(got + missed), list(range(1000)))
        self.assertTrue(missed)


class BreakTests(NodesCase):
    async def begin(self) -> None:
        self.proxy = Proxy(self)
        self.one = await self.node("one")
        self.two = await self.node("two", behind=self.proxy)
        await eventually(lambda: connected(self.one, "two"))

    async def test_resumes(self) -> None:
        """A stream that breaks again and again loses nothing, doubles nothing, and keeps the order."""
        await self.begin()
        numbers = itertools.count()
        for _ in range(5):
            for _ in range(40):
                self.one.peers.send("two", [push(next(numbers))])
            self.proxy.cut()
            for _ in range(40):
                self.one.peers.send("two", [push(next(numbers))])
            await eventually(lambda: connected(self.one, "two"))
        await eventually(lambda: len(self.two.handler.pushes) >= 400)
        self.assertEqual([single.users[0] for single in self.two.handler.pushes], list(range(400)))
        self.assertEqual(self.two.handler.resyncs, [])

    async def test_away_for_long(self) -> None:
        """A peer that cannot be reached for long is not sent old pushes: their users catch up when it is
        back.
        """
        self.patch(link, "AWAY", 0.0)
        await self.begin()
        self.proxy.block(True)
        await eventually(lambda: not connected(self.one, "two"))
        self.one.peers._check()
        self.one.peers.send("two", [push(5), push(6)])
        self.proxy.block(False)
        await eventually(lambda: self.two.handler.resyncs)
        self.assertEqual((self.two.handler.resyncs, self.two.handler.pushes), ([[5, 6]], []))
        self.one.peers.send("two", [push(7)])
        await eventually(lambda: self.two.handler.pushes)

    async def test_stalled(self) -> None:
        """A stream whose acknowledgements stay out is given up and made anew."""
        self.patch(link, "STALLED", 0.0)
        await self.begin()
        generation = self.one.peers._links["two"]._generation
        waiting = self.one.peers._links["two"]
        self.one.peers.send("two", [push(1)])
        await eventually(lambda: self.two.handler.pushes)
        self.one.peers._check()
        while not waiting._outbox._asked:  # the reactor does not turn: nobody answers
            pass
        self.one.peers._check()  # has waited for it for too long
        await eventually(lambda: waiting._generation > generation and connected(self.one, "two"))
        await eventually(lambda: self.two.handler.pushes)
        self.assertEqual(self.two.handler.pushes, [push(1)])


class LossTests(NodesCase):
    async def test_crash(self) -> None:
        """When a peer is found dead by its lease, all sessions here catch up, and those whose pushes it had
        too, wherever they are.
        """
        one, two = await self.pair()
        three = await self.node("three")
        await eventually(lambda: connected(one, "three"))
        await two.crash()
        one.peers.send("two", [push(5)])
        await eventually(lambda: one.handler.resyncs and three.handler.resyncs)
        self.assertIn(None, one.handler.resyncs)
        self.assertIn(None, three.handler.resyncs)
        await eventually(lambda: [5] in three.handler.resyncs)

    async def test_restart(self) -> None:
        """A peer that crashed and is back at the same address gets pushes again, and everybody catches up."""
        one, two = await self.pair()
        await two.crash()
        again = await self.node("two", grpc_port=two.grpc.port)
        await eventually(
            lambda: one.peers.alive("two", again.membership.incarnation) and connected(one, "two")
        )
        await eventually(lambda: None in one.handler.resyncs)
        one.peers.send("two", [push(8)])
        await eventually(lambda: again.handler.pushes)
        self.assertEqual(again.handler.pushes, [push(8)])

    async def test_farewell(self) -> None:
        """A server that leaves sends what it still has, and nobody needs to catch up."""
        one, two = await self.pair()
        two.peers.send("one", [push(i) for i in range(1000)])
        await two.stop()
        self.assertEqual(len(one.handler.pushes), 1000)
        await eventually(lambda: not one.membership.peers and not one.peers._links)
        self.assertEqual(one.handler.resyncs, [])

    async def test_unknown_node(self) -> None:
        """Pushes for a server that is not there: their users catch up, here or on any other."""
        one, two = await self.pair()
        one.peers.send("gone", [push(4)])
        await eventually(lambda: one.handler.resyncs and two.handler.resyncs)
        self.assertEqual((one.handler.resyncs, two.handler.resyncs), ([[4]], [[4]]))

    async def test_out_of_sight(self) -> None:
        """A peer that was lost and is back without having restarted is not cheated by its count: pushes
        arrive.
        """
        one, two = await self.pair()
        one.peers.send("two", [push(1)])
        await eventually(lambda: two.handler.pushes)
        peer = one.membership.peers["two"]
        one.peers._changed(peer, False)
        one.peers._changed(peer, True)
        one.peers.send("two", [push(2)])
        await eventually(lambda: len(two.handler.pushes) == 2)
        self.assertEqual(two.handler.resyncs, [None])

    async def test_redis_flush(self) -> None:
        """A flush of Redis disturbs no stream."""
        one, two = await self.pair()
        self.redis.command("FLUSHALL")
        for user in range(50):
            one.peers.send("two", [push(user)])
            self.redis.command("FLUSHALL")
        await eventually(lambda: len(two.handler.pushes) == 50)
        self.assertEqual((one.handler.resyncs, two.handler.resyncs), ([], []))


class TlsTests(NodesCase):
    async def test_mutual_tls(self) -> None:
        """Everything works with the cluster's certificates, and a peer without them gets nowhere."""
        authority = Authority(Path(self.mktemp()))
        balance = Balance(
            self, self.redis.config(), cluster=authority.cluster("balance"), lease=0.5, interval=0.05
        )
        one, two = Node(balance, "one"), Node(balance, "two")
        for node in (one, two):
            node.service.startService()
            self.addCleanup(node.stop)
        await eventually(lambda: connected(one, "two"))
        one.peers.send("two", [push(3)])
        await eventually(lambda: two.handler.pushes)

        def intrude() -> Any:
            with grpc.insecure_channel(f"127.0.0.1:{two.grpc.port}") as channel:
                greeting = imsys_v1_pb2.Batch(node="x", incarnation="y", to="two")
                try:
                    list(imsys_v1_pb2_grpc.RelayStub(channel).Exchange(iter([greeting]), timeout=10))
                except grpc.RpcError as error:
                    return error.code()

        self.assertIs(await deferToThread(intrude), grpc.StatusCode.UNAVAILABLE)

    def test_plaintext_is_refused(self) -> None:
        """Without certificates a server does not listen for peers beyond loopback."""
        from twisted.internet import reactor

        from imsys.cluster.server import GrpcServer

        with self.assertRaises(ConfigError):
            GrpcServer(reactor, Trust(ClusterConfig()), "0.0.0.0", BalanceConfig().grpc_port, [])
