"""Which requests are worked on, and which are next."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused, Status
from imsys.gateway.admission import CALM, PATIENCE, Admission


class AdmissionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.admission = Admission(self.clock, at_once=2, queue=4)
        self.turns: dict[int, Deferred[None]] = {}
        self.order: list[int] = []
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def come(self, *numbers: int) -> None:
        """Requests come, one after the other."""
        for number in numbers:
            turn = self.turns[number] = self.admission.enter()
            turn.addCallback(self.has_come, number)

    def has_come(self, _: None, number: int) -> None:
        self.order.append(number)

    def refused(self, number: int) -> Any:
        failure = self.failureResultOf(self.turns[number], Refused)
        return failure.value

    def test_at_once(self) -> None:
        """So many are worked on; the others have their turns in the order in which they came."""
        self.come(1, 2, 3, 4, 5)
        self.assertEqual((self.order, len(self.admission)), ([1, 2], 3))
        for _ in range(5):
            self.admission.leave()
        self.assertEqual((self.order, len(self.admission)), ([1, 2, 3, 4, 5], 0))
        self.come(6, 7, 8)
        self.assertEqual(self.order, [1, 2, 3, 4, 5, 6, 7])
        self.admission.leave()

    def test_storm(self) -> None:
        """When somebody has waited for long, the newest is next: it is answered while its client still waits."""
        self.come(1, 2, 3)
        self.clock.advance(CALM)
        self.come(4, 5)
        for _ in range(3):
            self.admission.leave()
        self.assertEqual(self.order, [1, 2, 5, 4, 3])

    def test_patience(self) -> None:
        """Who has waited for too long is refused with 73 and a time to come back; who came later still waits."""
        self.come(1, 2, 3)
        self.clock.advance(1.0)
        self.come(4)
        self.clock.advance(PATIENCE - 1.0)
        refused = self.refused(3)
        self.assertEqual((refused.status, refused.retry_after, len(self.admission)), (Status.SERVER_BUSY, 2.0, 1))
        self.clock.advance(1.0)
        self.refused(4)
        self.assertEqual((self.order, len(self.admission)), ([1, 2], 0))

    def test_too_many(self) -> None:
        """When more wait than may, the one that has waited longest is refused at once."""
        self.come(*range(1, 8))
        self.refused(3)
        for _ in range(4):
            self.admission.leave()
        self.assertEqual(self.order, [1, 2, 4, 5, 6, 7])

    def test_gone(self) -> None:
        """Whose client has gone gives the turn up, and takes no place."""
        self.come(1, 2, 3, 4)
        self.turns[3].cancel()
        self.failureResultOf(self.turns[3], CancelledError)
        self.admission.leave()
        self.assertEqual(self.order, [1, 2, 4])
