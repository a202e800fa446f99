"""The outbox of one peer, without a network."""

from __future__ import annotations

import threading

from twisted.trial.unittest import SynchronousTestCase

from imsys.cluster import outbox as module
from imsys.cluster.outbox import PeerOutbox
from imsys.cluster.pushes import RemotePush, unpack
from imsys.cluster.stubs import imsys_v1_pb2
from imsys.protocols.framing import CHAT


def push(user: int, body: bytes = b"{}") -> RemotePush:
    return RemotePush((user,), CHAT.encode(25, body))


class OutboxTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.outbox = PeerOutbox("peer1")

    def stream(self, incarnation: str = "peer1", sequence: int = 0) -> int:
        generation = self.outbox.connect()
        self.outbox.open(generation, incarnation, sequence)
        return generation

    def pull(self, generation: int) -> imsys_v1_pb2.Batch:
        batch = self.outbox.pull(generation)
        assert batch is not None
        return batch

    def users(self, generation: int) -> list[int]:
        return [user for one in unpack(self.pull(generation).pushes) for user in one.users]

    def test_everything_that_waits_goes_together(self) -> None:
        """One batch takes all that has gathered, unchanged and in order, up to its limits."""
        generation = self.stream()
        pushes = [RemotePush((1, 2**40), CHAT.encode(25, b'{"a":1}'), 1), push(3)]
        self.outbox.put(pushes)
        batch = self.pull(generation)
        self.assertEqual((batch.sequence, unpack(batch.pushes)), (1, pushes))
        self.outbox.put([push(i) for i in range(module.BATCH_ENTRIES + 1)])
        self.assertEqual(len(self.users(generation)), module.BATCH_ENTRIES)
        self.outbox.put([push(i, bytes(60_000)) for i in range(11)])
        self.assertEqual([len(self.users(generation)) for _ in range(3)], [6, 5, 1])

    def test_sent_again(self) -> None:
        """What was not acknowledged before a break is sent again, what the peer has is not, and then goes
        what is new.
        """
        generation = self.stream()
        for user in (1, 2, 3):
            self.outbox.put([push(user)])
            self.pull(generation)
        self.outbox.acknowledge(1)
        self.outbox.put([push(4)])
        self.assertIsNone(self.outbox.pull(generation - 1))
        generation = self.stream(sequence=2)
        batches = [self.pull(generation) for _ in range(2)]
        self.assertEqual([(batch.sequence, batch.pushes.users[0]) for batch in batches], [(3, 3), (4, 4)])

    def test_overflow(self) -> None:
        """Beyond the bound pushes are dropped, and their users catch up once the rest is sent."""
        self.patch(module, "MAX_ENTRIES", 2)
        self.outbox.put([push(1), push(2), push(3), push(4)])
        batch = self.pull(self.stream())
        self.assertEqual(list(batch.pushes.users), [1, 2])
        self.assertEqual((sorted(batch.resync.users), batch.resync.all), ([3, 4], False))

    def test_overflow_of_bytes(self) -> None:
        """Large pushes count by their bytes, and room that became free is used again."""
        self.patch(module, "MAX_BYTES", 1000)
        generation = self.stream()
        for _ in range(5):
            self.outbox.put([push(1, bytes(900)), push(2, bytes(900))])
            batch = self.pull(generation)
            self.assertEqual((list(batch.pushes.users), list(batch.resync.users)), ([1], [2]))

    def test_too_many_to_remember(self) -> None:
        """Beyond the bound of users, all of the peer's catch up."""
        self.patch(module, "MAX_MISSED", 3)
        self.outbox.miss([1, 2, 3])
        self.outbox.miss([4])
        batch = self.pull(self.stream())
        self.assertEqual((batch.resync.all, list(batch.resync.users)), (True, []))

    def test_window(self) -> None:
        """No more than the window is under way: the rest waits for an acknowledgement."""
        self.patch(module, "WINDOW", 1)
        generation = self.stream()
        self.outbox.put([push(1)])
        self.pull(generation)
        self.outbox.put([push(2)])
        got: list[int] = []
        waiter = threading.Thread(target=lambda: got.extend(self.users(generation)))
        waiter.start()
        waiter.join(0.05)
        self.assertEqual(got, [])
        self.outbox.acknowledge(1)
        waiter.join(10)
        self.assertEqual(got, [2])

    def test_away(self) -> None:
        """While a peer is away for long its users are remembered and their pushes are not."""
        generation = self.stream()
        self.outbox.put([push(1)])
        self.pull(generation)
        self.outbox.put([push(2)])
        self.outbox.away()
        self.outbox.put([push(3)])
        batch = self.pull(self.stream())
        self.assertEqual((len(batch.pushes.counts), sorted(batch.resync.users)), (0, [1, 2, 3]))
        self.outbox.put([push(4)])
        self.assertEqual(self.users(generation + 1), [4])

    def test_restarted_peer(self) -> None:
        """A peer that answers as another incarnation gets no old pushes; whoever they were for catches up."""
        generation = self.stream()
        self.outbox.put([push(1)])
        self.pull(generation)
        self.outbox.put([push(2)])
        batch = self.pull(self.stream("peer2"))
        self.assertEqual((len(batch.pushes.counts), sorted(batch.resync.users)), (0, [1, 2]))
        self.assertGreater(batch.sequence, 1)

    def test_lost_resync(self) -> None:
        """A request to catch up that was not acknowledged is not forgotten."""
        self.outbox.miss([5])
        self.pull(self.stream())
        self.assertEqual(list(self.pull(self.stream()).resync.users), [5])
        self.assertEqual(self.outbox.leave(), (5,))

    def test_counting_goes_on(self) -> None:
        """A new outbox for a peer that has counted already goes on from there: nothing is taken for a
        repetition.
        """
        generation = self.stream(sequence=41)
        self.outbox.put([push(1)])
        self.assertEqual(self.pull(generation).sequence, 42)

    def test_farewell(self) -> None:
        """Finishing sends what is left, waits for its acknowledgement, says farewell, and ends the stream."""
        generation = self.stream()
        self.outbox.put([push(1)])
        self.outbox.finish()
        self.assertEqual(self.users(generation), [1])
        self.outbox.acknowledge(1)
        self.assertTrue(self.pull(generation).bye)
        self.assertIsNone(self.outbox.pull(generation))

    def test_leave(self) -> None:
        """Leaving ends the stream and tells whose pushes were left."""
        generation = self.stream()
        self.outbox.put([push(1)])
        self.pull(generation)
        self.outbox.put([push(2)])
        self.assertEqual(sorted(self.outbox.leave() or ()), [1, 2])
        self.assertIsNone(self.outbox.pull(generation))
        self.outbox.miss(None)
        self.assertIsNone(self.outbox.leave())

    def test_news(self) -> None:
        """News goes ahead of what else waits, of each user the last.

        The first of all says that anything may have changed before.
        """
        self.outbox.tell({5: 1000, 6: 1000})
        self.outbox.tell({5: -1000})
        self.outbox.put([push(1)])
        generation = self.stream()
        batch = self.pull(generation)
        self.assertEqual(dict(zip(batch.news.users, batch.news.logins, strict=True)), {5: -1000, 6: 1000})
        self.assertTrue(batch.news.everything)
        self.outbox.tell({7: 2000})
        batch = self.pull(generation)
        self.assertEqual((list(batch.news.users), batch.news.everything), ([7], False))

    def test_news_is_not_lost(self) -> None:
        """News that was not acknowledged is sent again.

        What cannot be kept makes all that the peer knows doubtful.
        """
        self.pull(self.stream())
        self.outbox.tell({7: 2000})
        self.pull(self.stream(sequence=1))
        generation = self.stream(sequence=1)
        self.assertEqual(list(self.pull(generation).news.users), [7])
        self.patch(module, "MAX_NEWS", 2)
        self.outbox.tell({1: 1, 2: 2, 3: 3})
        news = self.pull(generation).news
        self.assertEqual((list(news.users), news.everything), ([], True))
        self.outbox.tell({8: 2000})
        self.outbox.away()
        self.outbox.tell({9: 2000})
        news = self.pull(self.stream()).news
        self.assertEqual((list(news.users), news.everything), ([], True))

    def test_acknowledgements_are_asked_for(self) -> None:
        """They are asked for when half of the window is out, once at a time, and else when somebody wants to
        know.
        """
        self.patch(module, "WINDOW", 8)
        generation = self.stream()
        asked = []
        for user in range(6):
            self.outbox.put([push(user)])
            asked.append(self.pull(generation).acknowledge)
        self.assertEqual(asked, [False, False, False, True, False, False])
        self.outbox.acknowledge(4)
        self.assertFalse(self.outbox.ask(idle=False))
        batch = self.pull(generation)
        self.assertEqual((batch.sequence, batch.acknowledge, list(batch.pushes.users)), (7, True, []))
        self.assertTrue(self.outbox.ask(idle=False))
        self.outbox.acknowledge(7)
        self.assertFalse(self.outbox.ask(idle=False))
        self.assertTrue(self.outbox.idle)

    def test_nothing_to_acknowledge(self) -> None:
        """A peer that was sent nothing can be asked whether it is there, once at a time."""
        generation = self.stream()
        self.outbox.put([push(1)])
        sequence = self.pull(generation).sequence
        self.outbox.acknowledge(sequence)
        self.assertFalse(self.outbox.ask(idle=True))
        batch = self.pull(generation)
        self.assertEqual(
            (batch.sequence, batch.acknowledge, list(batch.pushes.users)), (sequence + 1, True, [])
        )
        self.assertTrue(self.outbox.ask(idle=True))
        self.outbox.acknowledge(batch.sequence)
        self.assertFalse(self.outbox.ask(idle=False))
        self.assertTrue(self.outbox.idle)
