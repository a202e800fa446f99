"""A process that stood still, with clocks of the test's own."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.services.pauses import PAUSE, TICK, Pauses, elapsed


class PausesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.now = 1000.0
        self.told: list[float] = []
        self.pauses = Pauses(self.clock, self.told.append, lambda: self.now)
        self.pauses.startService()
        self.addCleanup(lambda: self.pauses.stopService() if self.pauses.running else None)

    def go_on(self, seconds: float) -> None:
        """Time passes, and the reactor's timers go off with it."""
        self.now += seconds
        self.clock.advance(seconds)

    def test_quiet(self) -> None:
        """As long as its timers go off it does not stand still, late as they may be."""
        for seconds in (*[TICK] * 20, PAUSE - 0.1, PAUSE - 0.1):
            self.go_on(seconds)
            self.pauses.look()
        self.assertEqual(self.told, [])

    def test_told_first(self) -> None:
        """Whoever looks before the timers go off is the first to know; then it is over."""
        self.go_on(TICK)
        self.now += 20
        self.pauses.look()
        self.assertEqual(self.told, [20.0])
        self.pauses.look()
        self.clock.advance(20)
        self.go_on(TICK)
        self.assertEqual(self.told, [20.0])

    def test_told_by_timer(self) -> None:
        """If nobody looks, the next timer tells."""
        self.go_on(PAUSE + 1)
        self.assertEqual(self.told, [PAUSE + 1])

    def test_stopped(self) -> None:
        """A server that has stopped, or has not started, does not look."""
        self.pauses.stopService()
        self.now += 20
        self.pauses.look()
        self.assertEqual((self.told, self.clock.getDelayedCalls()), ([], []))

    def test_clock(self) -> None:
        """The clock that it goes by does not go back."""
        before = elapsed()
        self.assertGreaterEqual(elapsed(), before)
