from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from imsys.outages import REMINDER, Outage


class OutageTests(SynchronousTestCase):
    """What the log has of something that fails a thousand times."""

    def setUp(self) -> None:
        self.lines: list[str] = []

        @implementer(ILogObserver)
        def observe(event: LogEvent) -> None:
            if event.get("log_namespace") == "imsys.outages":
                self.lines.append(formatEvent(event))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
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
        self.assertEqual(self.lines, ["The post fails: nobody is there", "The post works again; it failed 1000 times in 12 s"])

    def test_reminder(self) -> None:
        """What goes on is said again, once a minute."""
        self.outage.failed("nobody is there", 3)
        for _ in range(20):
            self.clock.advance(REMINDER / 10)
            self.outage.failed("still nobody")
        self.assertEqual(len(self.lines), 3)
        self.assertEqual(self.lines[1], "The post fails still, 13 times in 60 s: still nobody")
