"""Something for everybody once an interval."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.util import sweeps as rounds
from imsys.util.sweeps import PeriodicSweep


class RoundsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.members = list(range(6))
        self.done: list[tuple[float, list[int]]] = []
        self.possible = True

    def rounds(self) -> PeriodicSweep:
        async def work(members: list[int]) -> bool:
            if self.possible:
                self.done.append((self.clock.seconds(), members))
            return self.possible

        service = PeriodicSweep(self.clock, 6.0, lambda: list(self.members), work, 2)
        service.startService()
        self.addCleanup(service.stopService)
        return service

    def advance(self, seconds: int) -> None:
        self.clock.pump([0.25] * (4 * seconds))

    def test_spread(self) -> None:
        """Slices are spread evenly over the interval, and the next round begins when it is over, with whoever
        is there then.
        """
        self.rounds()
        self.advance(5)
        self.assertEqual(self.done, [(0, [0, 1]), (2, [2, 3]), (4, [4, 5])])
        self.done.clear()
        self.members = [7]
        self.advance(7)
        self.assertEqual(self.done, [(6, [7]), (12, [7])])

    def test_nobody(self) -> None:
        """A round of nobody is a pause."""
        self.members = []
        self.rounds()
        self.advance(7)
        self.assertEqual(self.done, [])
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_not_possible_for_a_while(self) -> None:
        """What was not possible is tried again, and the round then catches up: nobody is left out."""
        self.rounds()
        self.advance(1)
        self.possible = False
        self.advance(9)
        self.possible = True
        self.advance(1)
        moments = {moment for moment, _ in self.done[1:]}
        self.assertEqual([members for _, members in self.done], [[0, 1], [2, 3], [4, 5], [0, 1]])
        self.assertEqual(len(moments), 1)
        self.assertTrue(10 <= min(moments) <= 10 + rounds.RETRY)

    def test_failure(self) -> None:
        """A slice that fails for an unknown reason is logged, and the others have their turn."""
        calls: list[list[int]] = []

        async def work(members: list[int]) -> bool:
            calls.append(members)
            if members == [2, 3]:
                raise ZeroDivisionError
            return True

        service = PeriodicSweep(self.clock, 6.0, lambda: list(self.members), work, 2)
        service.startService()
        self.advance(5)
        service.stopService()
        self.assertEqual(calls, [[0, 1], [2, 3], [4, 5]])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_stop(self) -> None:
        """Nothing goes on once it is stopped, whatever it was waiting for."""
        service = self.rounds()
        service.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        for swallows in (False, True):

            async def work(members: list[int], swallows: bool = swallows) -> bool:
                try:
                    return await Deferred()
                except CancelledError:
                    if not swallows:
                        raise
                    return False

            service = PeriodicSweep(self.clock, 6.0, lambda: [1, 2, 3], work, 2)
            service.startService()
            service.stopService()
            self.assertEqual(self.clock.getDelayedCalls(), [])
