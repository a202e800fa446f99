"""Whether, and when, the clients of a server that cannot serve are asked to go elsewhere."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.chat.evacuation import AGAIN, PATIENCE, SPREAD, Evacuation
from imsys.server.health import PAUSE, TICK, Check, Health


class Others:
    """The other servers, as balance tells of them when it is asked."""

    def __init__(self) -> None:
        self.take = 0
        self.asked: list[Deferred[None]] = []
        self.answers = True

    def renewed(self) -> Deferred[None]:
        self.asked.append(Deferred())
        if self.answers:
            self.asked[-1].callback(None)
        return self.asked[-1]

    def takers(self) -> int:
        return self.take


class EvacuationTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.others = Clock(), Others()
        self.broken = False
        self.said: list[object] = []

        async def attempt() -> None:
            if self.broken:
                raise OSError(5, "No")

        self.health = Health(self.clock, {"disk": Check("The disk", attempt)})
        self.evacuation = Evacuation(
            self.clock, self.health, self.others, self.said.append, lambda: self.said.append("stay")
        )
        for part in (self.health, self.evacuation):
            part.startService()
            self.addCleanup(self.stop, part)

    def stop(self, part: Service) -> None:
        if part.running:
            part.stopService()

    def wait(self, seconds: float) -> None:
        self.clock.pump([TICK] * round(seconds / TICK))

    def be(self, *, broken: bool) -> None:
        """Let the server break, or work again, and go on when it knows."""
        self.broken = broken
        while bool(self.health.unfit) is not broken:
            self.wait(TICK)

    def test_elsewhere(self) -> None:
        """After a moment, and by what balance says then, everybody is asked to move, once.

        Who was not yet stays when all is well.
        """
        self.others.take = 1
        self.be(broken=True)
        self.wait(PATIENCE - TICK)
        self.assertEqual((self.said, self.others.asked), ([], []))
        self.wait(TICK)
        self.assertEqual((self.said, len(self.others.asked)), ([SPREAD], 1))
        self.wait(60)
        self.assertEqual(self.said, [SPREAD])
        self.be(broken=False)
        self.assertEqual(self.said, [SPREAD, "stay"])
        self.be(broken=True)
        self.wait(PATIENCE)
        self.assertEqual(self.said, [SPREAD, "stay", SPREAD])

    def test_blip(self) -> None:
        """What is over within that moment moves nobody."""
        self.others.take = 1
        for _ in range(3):
            self.be(broken=True)
            self.wait(PATIENCE - PAUSE - 2 * TICK)
            self.be(broken=False)
        self.wait(60)
        self.assertEqual((self.said, self.others.asked), ([], []))

    def test_nowhere(self) -> None:
        """Where no other server takes users everybody stays, until one does."""
        self.be(broken=True)
        self.wait(PATIENCE + 10 * AGAIN)
        self.assertEqual(self.said, [])
        self.others.take = 1
        self.wait(AGAIN)
        self.assertEqual(self.said, [SPREAD])

    def test_balance_does_not_answer(self) -> None:
        """What balance said before counts for nothing: it may be from before the fault, and that may be
        everybody's.
        """
        self.others.take, self.others.answers = 1, False
        self.be(broken=True)
        self.wait(60)
        self.assertEqual((self.said, len(self.others.asked)), ([], 1))
        self.be(broken=False)
        self.others.asked[0].callback(None)
        self.assertEqual(self.said, [])
        self.others.answers = True
        self.be(broken=True)
        self.wait(PATIENCE)
        self.assertEqual(self.said, [SPREAD])

    def test_stopped(self) -> None:
        """A server that stops asks nobody any more."""
        self.others.take = 1
        self.be(broken=True)
        self.evacuation.stopService()
        self.wait(60)
        self.assertEqual(self.said, [])
