"""Pushes for groups between servers: what arrives, and who is remembered where they do not."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imsys.cluster import outbox as module
from imsys.cluster import peers
from imsys.cluster.outbox import PeerOutbox
from imsys.cluster.pushes import RemotePush
from imsys.cluster.stubs import imsys_v1_pb2
from imsys.protocols.framing import CHAT
from tests.cluster.nodes import NodesCase, connected, eventually


def push(thread: int) -> RemotePush:
    return RemotePush((), CHAT.encode(25, b"{}"), 1, thread, 5)


class StreamTests(NodesCase):
    async def test_arrives(self) -> None:
        """Frames for groups arrive in order between those for users; the members of a group can be asked to catch up."""
        one, two = await self.pair()
        self.assertEqual(list(one.peers.group_nodes() or ()), ["two"])
        pushes = [push(7), RemotePush((1, 2), CHAT.encode(25, b"{}"), 1), push(8)]
        one.peers.send("two", pushes)
        one.peers.miss_group(9)
        await eventually(lambda: two.handler.groups)
        self.assertEqual((two.handler.pushes, two.handler.groups, two.handler.resyncs), (pushes, [[9]], []))

    async def test_new_peer(self) -> None:
        """At a server that was not known when frames went out, the members of those groups catch up, and of no others."""
        one, _ = await self.pair()
        one.peers.send("two", [push(7), push(8)])
        three = await self.node("three")
        await eventually(lambda: three.handler.groups)
        self.assertEqual(three.handler.groups, [[7, 8]])
        self.assertEqual(three.handler.resyncs, [])

    async def test_many_groups(self) -> None:
        """Where these were too many to remember, all users of the new server catch up."""
        self.patch(peers, "MAX_RECENT", 2)
        one, _ = await self.pair()
        one.peers.send("two", [push(thread) for thread in (7, 8, 9)])
        three = await self.node("three")
        await eventually(lambda: three.handler.resyncs)
        self.assertEqual((three.handler.resyncs, three.handler.groups), ([None], []))

    async def test_older_peer(self) -> None:
        """As long as one of the peers takes no frames for groups, none goes to any."""
        one, _ = await self.pair()
        older = await self.node("older", relay=False)
        await eventually(lambda: one.peers._links.get("older") is not None)
        self.assertIsNone(one.peers.group_nodes())
        await older.stop()
        await eventually(lambda: one.peers.group_nodes())
        self.assertTrue(connected(one, "two"))


class OutboxTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.outbox = PeerOutbox("inc")

    def stream(self, incarnation: str = "inc", *, groups: bool = True) -> int:
        generation = self.outbox.connect()
        self.outbox.open(generation, incarnation, 0, groups=groups)
        return generation

    def resync(self, generation: int) -> imsys_v1_pb2.Resync:
        """What the next batches ask to catch up."""
        found = imsys_v1_pb2.Resync()
        while not self.outbox.idle and self.outbox._pending():
            batch = self.outbox.pull(generation)
            assert batch is not None
            found.MergeFrom(batch.resync)
        return found

    def test_no_room(self) -> None:
        """Of what there is no room for the groups are remembered, each once."""
        self.patch(module, "MAX_ENTRIES", 1)
        generation = self.stream()
        self.outbox.put([push(1), push(2), push(2), push(3)])
        found = self.resync(generation)
        self.assertEqual((sorted(found.groups), found.all), ([2, 3], False))

    def test_too_many_groups(self) -> None:
        """Beyond a number of groups all users of the peer catch up."""
        self.patch(module, "MAX_GROUPS", 2)
        generation = self.stream()
        self.outbox.miss_groups([1, 2, 3])
        found = self.resync(generation)
        self.assertEqual((list(found.groups), found.all), ([], True))

    def test_other_incarnation(self) -> None:
        """What was sent to a peer that is another one now is not sent again: the groups' members catch up."""
        generation = self.stream()
        self.outbox.put([push(1)])
        self.outbox.pull(generation)
        self.outbox.miss_groups([2])
        self.outbox.pull(generation)
        self.outbox.put([push(3)])
        found = self.resync(self.stream("other"))
        self.assertEqual(sorted(found.groups), [1, 2, 3])

    def test_older(self) -> None:
        """A peer that knows no groups has all its users catch up instead."""
        self.outbox.miss_groups([1])
        found = self.resync(self.stream(groups=False))
        self.assertEqual((list(found.groups), found.all), ([], True))
