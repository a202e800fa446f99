"""Work for many at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused, Status, Unavailable
from imsys.util.batching import BatchingQueue
from imsys.util.surge import EXPECTED, PAUSE, Surge


class GatheringTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.calls: list[tuple[list[int], Deferred[Any]]] = []

    def gathering(
        self, most: int = 3, queue: int = 100, surge: Surge | None = None
    ) -> BatchingQueue[int, int]:
        async def work(items: list[int]) -> Any:
            answer: Deferred[Any] = Deferred()
            self.calls.append((items, answer))
            return await answer

        return BatchingQueue(work, most=most, queue=queue, surge=surge)

    def finish(self, number: int, outcome: Callable[[int], object] = lambda item: item * 10) -> None:
        items, answer = self.calls[number]
        answer.callback([outcome(item) for item in items])

    def status(self, result: Deferred[int]) -> Status:
        refused: Refused = self.failureResultOf(result, Refused).value
        return refused.status

    def test_nothing_waits_for_company(self) -> None:
        """The first starts the work at once.

        Those that come meanwhile go together, no more than may be, in order.
        """
        gathering = self.gathering()
        results = [gathering.add(item) for item in range(6)]
        self.assertEqual([items for items, _ in self.calls], [[0]])
        self.finish(0)
        self.assertEqual(self.successResultOf(results[0]), 0)
        self.assertEqual([items for items, _ in self.calls], [[0], [1, 2, 3]])
        results.append(gathering.add(6))
        self.finish(1)
        self.finish(2)
        self.assertEqual(self.calls[2][0], [4, 5, 6])
        self.assertEqual([self.successResultOf(result) for result in results[1:]], [10, 20, 30, 40, 50, 60])

    def test_turns(self) -> None:
        """Where turns have ends, work begins at those: all that was read in a turn goes together, also when
        work has ended.
        """
        ends: list[Callable[[], object]] = []

        class Turns(Clock):
            def callAtTurnEnd(self, function: Callable[[], object]) -> None:
                ends.append(function)

        def end_turn() -> None:
            while ends:
                ends.pop(0)()

        gathering = self.gathering(most=4, surge=Surge(Turns()))
        results = [gathering.add(item) for item in range(2)]
        self.assertEqual(self.calls, [])
        end_turn()
        results.append(gathering.add(2))
        self.finish(0)
        self.assertEqual(len(self.calls), 1, "its turn is not over")
        results += [gathering.add(item) for item in range(3, 8)]
        end_turn()
        self.finish(1)
        end_turn()
        self.finish(2)
        end_turn()
        self.assertEqual([items for items, _ in self.calls], [[0, 1], [2, 3, 4, 5], [6, 7]])
        self.assertEqual(
            [self.successResultOf(result) for result in results], [item * 10 for item in range(8)]
        )
        self.successResultOf(gathering.idle())

    def test_a_surge(self) -> None:
        """Where one is expected, what several shared is begun again after a moment, or when as many have come
        as go together.
        """
        clock = Clock()
        surge = Surge(clock)
        gathering = self.gathering(surge=surge)
        surge.expect()
        results = [gathering.add(item) for item in range(3)]
        self.finish(0)
        self.assertEqual(len(self.calls), 2, "one alone keeps nobody waiting")
        self.finish(1)
        for item in (3, 4):
            results.append(gathering.add(item))
            clock.advance(PAUSE * 0.4)
        self.assertEqual(len(self.calls), 2)
        clock.advance(PAUSE * 0.4)
        results += [gathering.add(item) for item in range(5, 8)]
        self.finish(2)
        self.finish(3)
        clock.advance(EXPECTED)
        results += [gathering.add(item) for item in range(8, 12)]
        for number in (4, 5):
            self.finish(number)
        self.assertEqual(
            [items for items, _ in self.calls], [[0], [1, 2], [3, 4], [5, 6, 7], [8], [9, 10, 11]]
        )
        self.assertEqual(
            [self.successResultOf(result) for result in results], [item * 10 for item in range(12)]
        )

    def test_adding_from_a_result(self) -> None:
        """Who is told a result may ask for more."""
        gathering = self.gathering()
        again = gathering.add(1).addCallback(gathering.add)
        self.finish(0)
        self.finish(1)
        self.assertEqual(self.successResultOf(again), 100)

    def test_one_fails(self) -> None:
        """An exception in the place of a result is that item's alone."""
        gathering = self.gathering()
        results = [gathering.add(item) for item in range(4)]
        self.finish(0)
        self.finish(1, lambda item: Refused(Status.LOGIN_UNSUCCESSFUL, "no") if item == 2 else item)
        self.assertEqual(self.status(results[2]), Status.LOGIN_UNSUCCESSFUL)
        self.assertEqual([self.successResultOf(results[item]) for item in (0, 1, 3)], [0, 1, 3])

    def test_one_that_cannot_be_done(self) -> None:
        """Where the work fails for an unknown reason, the item that is to blame is found, and fails alone."""

        blocker: Deferred[None] = Deferred()

        async def work(items: list[int]) -> list[int]:
            await blocker
            if 5 in items:
                raise ZeroDivisionError
            return items

        gathering = BatchingQueue(work, most=8, queue=100)
        results = [gathering.add(item) for item in range(9)]
        blocker.callback(None)
        self.failureResultOf(results[5], ZeroDivisionError)
        self.assertEqual(
            [self.successResultOf(results[item]) for item in range(9) if item != 5], [0, 1, 2, 3, 4, 6, 7, 8]
        )

    def test_unavailable(self) -> None:
        """Where what it takes is away, all who wait are told so at once, and those who come later try anew."""
        gathering = self.gathering()
        results = [gathering.add(item) for item in range(9)]
        self.calls[0][1].errback(Unavailable(Status.REDIS_UNKNOWN_ERROR, "away"))
        failures = [self.failureResultOf(result, Unavailable).value for result in results]
        self.assertEqual(
            {(one.status, one.message, one.retry_after) for one in failures},
            {(Status.REDIS_UNKNOWN_ERROR, "away", 1.0)},
        )
        self.assertEqual(len({id(one) for one in failures}), 9)
        later = gathering.add(9)
        self.finish(1)
        self.assertEqual(self.successResultOf(later), 90)

    def test_bounded(self) -> None:
        """Beyond the bound the answer is 73 at once."""
        gathering = self.gathering(queue=2)
        results = [gathering.add(item) for item in range(4)]
        self.assertEqual(len(gathering), 2)
        self.assertEqual(self.status(results[3]), Status.SERVER_BUSY)
        self.finish(0)
        self.finish(1)
        self.assertEqual([self.successResultOf(result) for result in results[:3]], [0, 10, 20])

    def test_results_missing(self) -> None:
        """Work that forgets results fails; nobody waits for ever."""
        gathering = self.gathering()
        result = gathering.add(1)
        self.calls[0][1].callback([])
        self.failureResultOf(result, ValueError)

    def test_idle(self) -> None:
        """It tells when nothing is left to do."""
        gathering = self.gathering()
        self.successResultOf(gathering.idle())
        for item in range(2):
            gathering.add(item)
        idle = gathering.idle()
        self.finish(0)
        self.assertNoResult(idle)
        self.finish(1)
        self.successResultOf(idle)
