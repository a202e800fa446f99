from __future__ import annotations

from dataclasses import dataclass

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.chat.set_aside import RETRY, SetAside


@dataclass
class Item:
    thread_id: int
    name: str
    since: float = 0.0


class SetAsideTests(SynchronousTestCase):
    """Items of locked threads."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.aside: SetAside[Item] = SetAside(self.clock.seconds, 5.0)

    def test_order(self) -> None:
        """What was tried and is locked still comes before what came meanwhile, and is not tried again before
        its time.
        """
        one, two, three, other = Item(1, "one"), Item(1, "two"), Item(1, "three"), Item(2, "other")
        self.aside.put_back([one, other, two])
        self.assertTrue(1 in self.aside and 2 in self.aside and 3 not in self.aside)
        self.assertEqual(self.aside.due(10), [])
        self.clock.advance(self.aside.wait)
        self.assertEqual(self.aside.due(1), [one])
        self.aside.add(three)
        self.aside.put_back([one])
        self.clock.advance(RETRY)
        self.assertEqual([item.name for item in self.aside.due(10)], ["one", "two", "three", "other"])
        self.assertFalse(self.aside)

    def test_late(self) -> None:
        """Who has waited for too long is given up; the others stay."""
        old, new = Item(1, "old"), Item(1, "new", 3.0)
        self.aside.put_back([old, new])
        self.clock.advance(4.9)
        self.assertEqual(self.aside.late(), [])
        self.clock.advance(0.1)
        self.assertEqual(self.aside.late(), [old])
        self.assertEqual(len(self.aside), 1)
        self.assertEqual(self.aside.take_all(), [new])
