"""Who does what, by a clock of our own."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from client.core.following import LASTS_S, Activities, Activity


class ActivitiesTests(SynchronousTestCase):
    def test_how_long(self) -> None:
        """It lasts six seconds from the last that was heard, or until it is over; only what differs is news."""
        one = Activities()
        self.assertIsNone(one.next_at)
        self.assertTrue(one.heard(7, 1, Activity.WRITING, 100.0))
        self.assertFalse(one.heard(7, 1, Activity.WRITING, 103.0))
        self.assertTrue(one.heard(7, 2, Activity.SENDING, 104.0))
        self.assertTrue(one.heard(8, 1, Activity.WRITING, 104.0))
        self.assertEqual(one.of(7), {1: Activity.WRITING, 2: Activity.SENDING})
        self.assertEqual(one.next_at, 103.0 + LASTS_S)
        self.assertEqual(one.expire(103.0 + LASTS_S - 0.1), set())
        self.assertEqual(one.expire(103.0 + LASTS_S), {7})
        self.assertEqual(list(one.of(7)), [2])
        self.assertTrue(one.over(7, 2))
        self.assertFalse(one.over(7, 2))
        self.assertEqual(one.clear(), {8})
        self.assertIsNone(one.next_at)
