"""Work that is done once for all who ask at the same time."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from imsys.util.single_flight import SingleFlight


class SingleFlightTests(SynchronousTestCase):
    """Of each key one call at a time."""

    def setUp(self) -> None:
        """Work that ends when the test says so."""
        self.begun: list[tuple[str, Deferred[int]]] = []
        self.flights: SingleFlight[str, int] = SingleFlight(self.work)

    async def work(self, key: str) -> int:
        """One call."""
        result: Deferred[int] = Deferred()
        self.begun.append((key, result))
        return await result

    def test_shared(self) -> None:
        """Who asks for the same key meanwhile shares the call; other keys have their own."""
        one, same, other = self.flights.run("a"), self.flights.run("a"), self.flights.run("b")
        self.assertEqual([key for key, _ in self.begun], ["a", "b"])
        self.assertEqual((len(self.flights), "a" in self.flights, "c" in self.flights), (2, True, False))
        self.begun[0][1].callback(5)
        self.assertEqual((self.successResultOf(one), self.successResultOf(same)), (5, 5))
        self.assertNoResult(other)
        self.assertNotIn("a", self.flights)

    def test_anew(self) -> None:
        """Who asks when it is done has it done anew."""
        self.flights.run("a")
        self.begun[0][1].callback(5)
        self.assertNoResult(self.flights.run("a"))
        self.assertEqual(len(self.begun), 2)

    def test_failure(self) -> None:
        """All get the exception; the next call begins anew."""
        both = self.flights.run("a"), self.flights.run("a")
        self.begun[0][1].errback(ValueError("no"))
        for one in both:
            self.failureResultOf(one, ValueError)
        self.assertNotIn("a", self.flights)

    def test_given_up(self) -> None:
        """Who began it may wait no more: it is done to its end, for the others."""
        first, second = self.flights.run("a"), self.flights.run("a")
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertIn("a", self.flights)
        self.begun[0][1].callback(5)
        self.assertEqual(self.successResultOf(second), 5)

    def test_at_once(self) -> None:
        """Work that does not wait for anything is done when the call returns."""

        async def double(key: int) -> int:
            return 2 * key

        flights = SingleFlight(double)
        self.assertEqual((self.successResultOf(flights.run(4)), len(flights)), (8, 0))
