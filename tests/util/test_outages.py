from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imsys.util.outages import CALM, REMINDER, Outage
from imsys.util.tallies import WINDOW, Tally
from tests.support.logged import Lines


class OutageTests(SynchronousTestCase):
    """What the log has of something that fails a thousand times."""

    def setUp(self) -> None:
        self.log = Lines(self, "imsys.util.outages")
        self.clock = Clock()
        self.outage = Outage(self.clock.seconds, "The post")

    def test_one_line_each(self) -> None:
        """A line when it begins, one when it ends, with the count of what was between."""
        for _ in range(1000):
            self.outage.failed("nobody is there")
        self.assertTrue(self.outage)
        self.clock.advance(12)
        self.outage.works()
        self.outage.works()
        self.assertFalse(self.outage)
        self.assertEqual(
            self.log.texts,
            ["The post fails: nobody is there", "The post works again; it failed 1000 times in 12 s"],
        )

    def test_reminder(self) -> None:
        """What goes on is said again, once a minute."""
        self.outage.failed("nobody is there", 3)
        for _ in range(20):
            self.clock.advance(REMINDER / 10)
            self.outage.failed("still nobody")
        self.assertEqual(len(self.log.texts), 3)
        self.assertEqual(self.log.texts[1], "The post fails still, 13 times in 60 s: still nobody")

    def test_now_and_then(self) -> None:
        """What fails every second time is one outage, which is over when it has worked for some time."""
        for _ in range(100):
            self.outage.failed("every other one")
            self.clock.advance(0.1)
            self.outage.works()
        self.assertEqual(
            self.log.texts,
            ["The post fails: every other one", "The post works again; it failed 1 times in 0 s"],
        )
        self.assertTrue(self.outage)
        self.clock.advance(CALM)
        self.outage.works()
        self.assertEqual(self.log.texts[2:], ["The post works again; it failed 100 times in 10 s"])
        self.clock.advance(CALM)
        self.outage.failed("once more")
        self.assertEqual(self.log.texts[3:], ["The post fails: once more"])

    def test_now_and_then_for_long(self) -> None:
        """Meanwhile it is said once a minute that it fails."""
        for _ in range(3 * round(REMINDER)):
            self.outage.failed("every other one")
            self.clock.advance(1.0)
            self.outage.works()
        self.assertEqual(len(self.log.texts), 4)


class TallyTests(SynchronousTestCase):
    """What the log has of something that anybody may do a thousand times."""

    def setUp(self) -> None:
        self.log = Lines(self, "tests.tally")
        self.clock = Clock()

    def tally(self, **more: Any) -> Tally:
        return Tally(self.clock, Logger("tests.tally"), LogLevel.info, "{peer} knocks", **more)

    def test_first_and_number(self) -> None:
        """The first is written at once, the others as one number a minute, while there are any."""
        tally = self.tally()
        for number in range(1000):
            tally.add(peer=number)
        self.assertEqual(self.log.texts, ["0 knocks"])
        self.clock.advance(WINDOW)
        self.assertEqual(self.log.texts[1:], ["999 more in 60 s, the last: 999 knocks"])
        tally.add(peer="anna")
        self.clock.advance(WINDOW)
        self.assertEqual(self.log.texts[2:], ["1 more in 60 s, the last: anna knocks"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_now_and_then(self) -> None:
        """What is rare is written each time, and leaves no timer behind."""
        tally = self.tally()
        for number in range(3):
            tally.add(peer=number)
            self.assertEqual(self.clock.getDelayedCalls(), [])
            self.clock.advance(WINDOW)
        self.assertEqual(self.log.texts, ["0 knocks", "1 knocks", "2 knocks"])

    def test_some_lines(self) -> None:
        """As many as are allowed a minute are written as they come."""
        tally = self.tally(lines=3)
        for number in range(5):
            tally.add(peer=number)
        self.assertEqual(self.log.texts, ["0 knocks", "1 knocks", "2 knocks"])
        self.clock.advance(WINDOW)
        self.assertEqual(self.log.texts[3:], ["2 more in 60 s, the last: 4 knocks"])

    def test_stopped(self) -> None:
        """What was counted is written at the end, and not twice."""
        tally = self.tally()
        for number in range(5):
            tally.add(peer=number)
        self.clock.advance(6)
        tally.stop()
        tally.stop()
        self.assertEqual(self.log.texts[1:], ["4 more in 6 s, the last: 4 knocks"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_traceback(self) -> None:
        """Of failures the first is written with its traceback, and that alone."""
        tally = self.tally()
        for _ in range(3):
            tally.add(peer="anna", log_failure=Failure(ValueError("no")))
        tally.stop()
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
