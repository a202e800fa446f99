from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imsys.util.fair_queue import FairQueue


class FairQueueTests(SynchronousTestCase):
    """Whose turn it is."""

    def queue(self, items: str) -> FairQueue[str, str]:
        queue: FairQueue[str, str] = FairQueue()
        for item in items.split():
            queue.add(item[0], item)
        return queue

    def test_turns(self) -> None:
        """Every source has one item in a round, and its own items keep their order."""
        queue = self.queue("a1 a2 a3 a4 b1 c1 b2")
        order = []
        while queue:
            self.assertEqual(queue.first(), queue.first())
            order.append(queue.pop())
        self.assertEqual(order, ["a1", "b1", "c1", "a2", "b2", "a3", "a4"])

    def test_comes_while_others_wait(self) -> None:
        """Who comes anew waits for one item of each of the others."""
        queue = self.queue("a1 a2 a3 b1 b2 b3")
        self.assertEqual([queue.pop(), queue.pop(), queue.pop()], ["a1", "b1", "a2"])
        queue.add("c", "c1")
        self.assertEqual([queue.pop() for _ in range(4)], ["b2", "a3", "c1", "b3"])
        self.assertFalse(queue)

    def test_left_out(self) -> None:
        """A source that is left out keeps its turn."""
        queue = self.queue("a1 a2 b1 b2")
        self.assertEqual([queue.pop("a"), queue.pop(), queue.pop("b")], ["b1", "a1", "a2"])
        self.assertRaises(IndexError, queue.pop, "b")
        self.assertEqual(queue.pop(), "b2")
        self.assertRaises(IndexError, queue.pop)

    def test_all_at_once(self) -> None:
        """Everything can be taken at once; each source's items are in order."""
        queue = self.queue("a1 b1 a2 c1")
        self.assertEqual(sorted(queue.take_all()), ["a1", "a2", "b1", "c1"])
        self.assertFalse(queue)
        queue.add("a", "a3")
        self.assertEqual(queue.pop(), "a3")
