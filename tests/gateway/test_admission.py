"""Which requests are worked on, and which are next."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused, Status
from imsys.gateway.admission import CALM, PATIENCE, Admission
from imsys.util.turns import Asker


class AdmissionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.admission = Admission(self.clock, at_once=2, queue=4)
        self.turns: dict[int, Deferred[None]] = {}
        self.order: list[int] = []
        self.askers: dict[int, Asker] = {}
        self.left = 0
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def come(self, *numbers: int, asker: Asker | None = None) -> None:
        """Requests come, one after the other; each of somebody else, or all of one."""
        for number in numbers:
            whose = self.askers[number] = asker or Asker(f"user{number}", f"address{number}")
            turn = self.turns[number] = self.admission.enter(whose)
            turn.addCallback(self.has_come, number)

    def leave(self, count: int = 1) -> None:
        """The first of those that are worked on are answered."""
        for _ in range(count):
            self.admission.leave(self.askers[self.order[self.left]])
            self.left += 1

    def has_come(self, _: None, number: int) -> None:
        self.order.append(number)

    def refused(self, number: int) -> Any:
        failure = self.failureResultOf(self.turns[number], Refused)
        return failure.value

    def test_at_once(self) -> None:
        """So many are worked on; the others have their turns in the order in which they came."""
        self.come(1, 2, 3, 4, 5)
        self.assertEqual((self.order, len(self.admission)), ([1, 2], 3))
        self.leave(5)
        self.assertEqual((self.order, len(self.admission)), ([1, 2, 3, 4, 5], 0))
        self.come(6, 7, 8)
        self.assertEqual(self.order, [1, 2, 3, 4, 5, 6, 7])
        self.leave()

    def test_storm(self) -> None:
        """When somebody has waited for long, the newest is next: it is answered while its client still waits."""
        self.come(1, 2, 3)
        self.clock.advance(CALM)
        self.come(4, 5)
        self.leave(3)
        self.assertEqual(self.order, [1, 2, 5, 4, 3])

    def test_patience(self) -> None:
        """Who has waited for too long is refused with 73 and a time to come back.

        Who came later still waits.
        """
        self.come(1, 2, 3)
        self.clock.advance(1.0)
        self.come(4)
        self.clock.advance(PATIENCE - 1.0)
        refused = self.refused(3)
        self.assertEqual(
            (refused.status, refused.retry_after, len(self.admission)), (Status.SERVER_BUSY, 2.0, 1)
        )
        self.clock.advance(1.0)
        self.refused(4)
        self.assertEqual((self.order, len(self.admission)), ([1, 2], 0))

    def test_too_many(self) -> None:
        """When more wait than may, the one that has waited longest is refused at once."""
        self.come(*range(1, 8))
        self.refused(3)
        self.leave(4)
        self.assertEqual(self.order, [1, 2, 4, 5, 6, 7])

    def test_gone(self) -> None:
        """Whose client has gone gives the turn up, and takes no place."""
        self.come(1, 2, 3, 4)
        self.turns[3].cancel()
        self.failureResultOf(self.turns[3], CancelledError)
        self.leave()
        self.assertEqual(self.order, [1, 2, 4])

    def test_turns(self) -> None:
        """Who has many requests here waits with all but the first behind those who have one, though they came
        later.
        """
        self.admission = Admission(self.clock, at_once=1, queue=100)
        self.come(*range(1, 25), asker=Asker("anna", "203.0.113.1"))
        self.come(30, asker=Asker("otto", "203.0.113.1"))
        self.come(31, asker=Asker("anna", "203.0.113.2"))
        self.leave(3)
        self.assertEqual(self.order, [1, 31, 30, 2])
        self.come(32, asker=Asker("bert", "203.0.113.3"))
        self.leave(24)
        self.assertEqual(self.order[4:], [32, *range(3, 25)])

    def test_names_of_one_address(self) -> None:
        """An address that logs in by many names has one turn among other addresses, and is who goes without
        where there is no room.
        """
        self.admission = Admission(self.clock, at_once=1, queue=4)
        for number in range(1, 6):
            self.come(number, asker=Asker(f"user{number}", "203.0.113.1"))
        self.come(6, asker=Asker("anna", "203.0.113.2"))
        self.refused(5)
        self.leave(5)
        self.assertEqual(self.order, [1, 6, 2, 3, 4])
