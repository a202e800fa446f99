"""How much somebody sends."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imsys.resources.live.meter import Meter


class MeterTests(SynchronousTestCase):
    def test_average(self) -> None:
        """So many a second may come for ever, and five times as many at once."""
        meter = Meter(100)
        self.assertTrue(all(meter.add(100, 1000.0 + second) for second in range(50)))
        self.assertTrue(meter.add(500, 2000.5))
        self.assertFalse(meter.add(1, 2004.9))
        self.assertTrue(meter.add(1, 2005.0))

    def test_more(self) -> None:
        """A little more than that for long is too much."""
        meter = Meter(100)
        self.assertEqual([meter.add(110, float(second)) for second in range(7)], [True] * 4 + [False] * 3)

    def test_pauses(self) -> None:
        """What was long ago does not count, however long ago."""
        meter = Meter(100)
        for moment in (3.0, 9.0, 1e9, 1e9 + 4, 1e9 + 8):
            self.assertTrue(meter.add(300 if moment < 1e9 else 250, moment), moment)
