"""How a connection ends, with a clock in the hand."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.connection.flow import PEER, RECEIVER, FlowControl
from imsys.protocols.connection.linger import CLOSED, CLOSING, GONE, OPEN, Linger
from imsys.protocols.deadlines import DeadlineWheel


class Ending:
    """A transport that keeps what it was told, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        self.told.append("pause")

    def resumeProducing(self) -> None:
        self.told.append("resume")

    def unregisterProducer(self) -> None:
        self.told.append("unregister")

    def loseConnection(self) -> None:
        self.told.append("lose")

    def abortConnection(self) -> None:
        self.told.append("abort")


class LingerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.wheel = DeadlineWheel(self.clock)
        self.transport = Ending()
        self.flow = FlowControl(self.transport)
        self.linger = Linger(self.wheel, self.flow)

    def pass_time(self, seconds: float) -> None:
        self.clock.pump([0.5] * round(seconds * 2))

    def test_in_time(self) -> None:
        """A peer that closes in time is not cut: nothing watches it any more."""
        self.assertIs(self.linger.phase, OPEN)
        self.assertTrue(self.linger.close(10))
        self.assertIs(self.linger.phase, CLOSING)
        self.linger.finish(self.transport.loseConnection)
        self.assertIs(self.linger.phase, CLOSED)
        self.pass_time(9)
        self.linger.lost()
        self.assertIs(self.linger.phase, GONE)
        self.pass_time(10)
        self.assertEqual((self.transport.told, len(self.wheel)), (["resume", "unregister", "lose"], 0))

    def test_late(self) -> None:
        """One that does not is, whether it has not taken its last bytes or has not closed."""
        for finished in (False, True):
            self.setUp()
            self.linger.close(10)
            if finished:
                self.linger.finish(self.transport.loseConnection)
            self.pass_time(9)
            self.assertNotIn("abort", self.transport.told)
            self.pass_time(2)
            self.assertEqual((self.transport.told[-1], self.linger.phase), ("abort", CLOSED))

    def test_once(self) -> None:
        """It is closed once: a second time does not put the deadline off, and what is cut or gone is not
        closed.
        """
        self.linger.close(10)
        self.pass_time(9)
        self.assertFalse(self.linger.close(10))
        self.pass_time(2)
        self.assertEqual(self.transport.told, ["abort"])
        for end in (self.linger.abort, self.linger.lost):
            end()
            self.assertFalse(self.linger.close(10))

    def test_held(self) -> None:
        """A connection that was not read is read to its end, and before it is told to close."""
        self.flow.hold(PEER | RECEIVER)
        self.linger.close(10)
        self.linger.finish(self.transport.loseConnection)
        self.flow.release(PEER)
        self.assertEqual(self.transport.told, ["pause", "resume", "unregister", "lose"])

    def test_closing(self) -> None:
        """While the last bytes wait for the peer reading stays as it is, and what is asked for every frame
        says that something is up.
        """
        for held in (0, PEER):
            self.setUp()
            self.flow.hold(held)
            before = list(self.transport.told)
            self.linger.close(10)
            self.assertTrue(self.flow.held)
            self.flow.hold(RECEIVER)
            self.flow.release(RECEIVER | PEER)
            self.assertTrue(self.flow.held)
            self.assertEqual(self.transport.told, before)

    def test_abort(self) -> None:
        """What is cut is left alone afterwards, and what is gone is not cut."""
        self.flow.hold(RECEIVER)
        self.linger.abort()
        self.flow.release(RECEIVER)
        self.assertEqual((self.transport.told, self.linger.phase), (["pause", "abort"], CLOSED))
        self.linger.lost()
        self.linger.abort()
        self.assertEqual((self.transport.told, self.linger.phase), (["pause", "abort"], GONE))
