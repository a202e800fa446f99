"""Things that several wait for."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imsys.util.events import Event, Result, Waiters


class WaitersTests(SynchronousTestCase):
    """Those who wait for the same thing now."""

    def test_fire(self) -> None:
        """All who wait get what happened, in the order in which they came.

        Who comes while they are told waits for the next time.
        """
        waiters: Waiters[int] = Waiters()
        got: list[str] = []
        late: list[Deferred[int]] = []

        def first(value: int) -> None:
            got.append(f"first {value}")
            late.append(waiters.add())

        waiters.add().addCallback(first)
        waiters.add().addCallback(lambda value: got.append(f"second {value}"))
        waiters.fire(7)
        self.assertEqual((got, len(waiters)), (["first 7", "second 7"], 1))
        self.assertNoResult(late[0])
        waiters.fire(8)
        self.assertEqual(self.successResultOf(late[0]), 8)

    def test_failure(self) -> None:
        """A failure fails all of them."""
        waiters: Waiters[None] = Waiters()
        both = waiters.add(), waiters.add()
        waiters.fire(Failure(ValueError("no")))
        for one in both:
            self.failureResultOf(one, ValueError)

    def test_given_up(self) -> None:
        """Who gives up, or has waited for too long, is forgotten, and takes nobody along."""
        clock, waiters = Clock(), Waiters[None]()
        gone, late, patient = waiters.add(), waiters.add().addTimeout(1, clock), waiters.add()
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        clock.advance(1)
        self.failureResultOf(late, DeferredTimeout)
        self.assertEqual(len(waiters), 1)
        waiters.fire(None)
        self.successResultOf(patient)

    def test_given_up_while_told(self) -> None:
        """One who is told may have another give up, who would be told next."""
        waiters: Waiters[None] = Waiters()
        first, second = waiters.add(), waiters.add()
        first.addCallback(lambda _: second.cancel())
        waiters.fire(None)
        self.failureResultOf(second, CancelledError)

    def test_join(self) -> None:
        """Those of another occasion wait for this one from now on; who has given up there stays away."""
        before, now = Waiters[int](), Waiters[int]()
        waiting, gone = before.add(), before.add()
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        now.join(before)
        self.assertEqual((len(before), len(now)), (0, 1))
        before.fire(1)
        self.assertNoResult(waiting)
        now.fire(2)
        self.assertEqual(self.successResultOf(waiting), 2)

    def test_given_up_after_joining(self) -> None:
        """Who joined may still give up."""
        before, now = Waiters[int](), Waiters[int]()
        waiting = before.add()
        now.join(before)
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        now.fire(2)


class EventTests(SynchronousTestCase):
    """Something that is so or not."""

    def test_set(self) -> None:
        """Who waits goes on when it is set, and who comes later at once, until it is cleared."""
        event = Event()
        waiting = event.wait()
        self.assertNoResult(waiting)
        event.set()
        self.assertTrue(event.is_set)
        self.successResultOf(waiting)
        self.successResultOf(event.wait())
        event.clear()
        self.assertFalse(event.is_set)
        self.assertNoResult(event.wait())

    def test_from_the_beginning(self) -> None:
        """It may be so from the beginning."""
        self.successResultOf(Event(is_set=True).wait())

    def test_cleared_by_who_waited(self) -> None:
        """Whoever waited when it was set goes on, even if the first of them clears it."""
        event = Event()
        event.wait().addCallback(lambda _: event.clear())
        second = event.wait()
        event.set()
        self.successResultOf(second)
        self.assertFalse(event.is_set)


class ResultTests(SynchronousTestCase):
    """What comes of something, once."""

    def test_settled(self) -> None:
        """All get it, before and after; what is said later changes nothing."""
        result: Result[str] = Result()
        early = result.wait()
        self.assertFalse(result.settled)
        result.settle("done")
        result.settle("again")
        self.assertEqual(
            [self.successResultOf(one) for one in (early, result.wait(), result.wait())], ["done"] * 3
        )
        self.assertTrue(result.settled)

    def test_failure(self) -> None:
        """A failure is one for all; nobody has to ask for it."""
        result: Result[str] = Result()
        early = result.wait()
        result.settle(Failure(KeyError("it")))
        for one in (early, result.wait()):
            self.failureResultOf(one, KeyError)

    def test_given_up(self) -> None:
        """Who gives up changes nothing for others."""
        result: Result[int] = Result()
        gone, patient = result.wait(), result.wait()
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        result.settle(1)
        self.assertEqual(self.successResultOf(patient), 1)
