"""A clock that is set, noticed by another."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.util.two_clocks import PARTED, TwoClocks

NOON = 1_790_000_000.0


class TwoClocksTests(SynchronousTestCase):
    def test_set(self) -> None:
        """It is told once by how much a clock was set, either way.

        What it lags or hurries a little is nothing.
        """
        clock = Clock()
        clocks = TwoClocks(clock.seconds)
        told = []
        for ahead in (0.0, PARTED, -PARTED, 3600.0, 3600.0, 3600.0 - PARTED, 0.0, 0.0):
            clock.advance(10)
            told.append(clocks.set_by(NOON + clock.seconds() + ahead))
        self.assertEqual(told, [0.0, 0.0, 0.0, 3600.0, 0.0, 0.0, -3600.0, 0.0])
