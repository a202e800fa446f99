"""A clock that is set, and what the log says of it."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imsys.services.calendar_watch import LOOK, REMINDER, CalendarWatch
from imsys.util.two_clocks import PARTED


class CalendarWatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.ahead = 1_790_000_000.0
        self.watch = CalendarWatch(self.clock, lambda: self.clock.seconds() + self.ahead)
        self.watch.startService()

    def tearDown(self) -> None:
        self.watch.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def said(self, seconds: float) -> list[str]:
        """What is logged while so much time passes."""
        with capturedLogs() as events:
            for _ in range(round(seconds / LOOK)):
                self.clock.advance(LOOK)
        self.assertTrue(all(event["log_level"] is LogLevel.warn for event in events))
        return [formatEvent(event) for event in events]

    def test_nothing(self) -> None:
        """While both clocks go on alike, and where they part by a moment, nothing is said."""
        self.assertEqual(self.said(600), [])
        self.ahead += PARTED
        self.assertEqual(self.said(600), [])

    def test_back(self) -> None:
        """A clock that is set back is said once, with how far, what it says now, and what that means."""
        self.ahead -= 3600
        (line,) = self.said(600)
        self.assertRegex(
            line, r"set back by 3600 s, or it slept: it says 2026-09-21T13:13:25\+00:00\. .*deadlines.*go on"
        )

    def test_forward(self) -> None:
        """So is one that is set forward, and each time anew."""
        for _ in range(3):
            self.ahead += 60
            (line,) = self.said(REMINDER)
            self.assertIn("set forward by 60 s", line)

    def test_often(self) -> None:
        """A clock that jumps all the time makes a line a minute."""
        lines = []
        for _ in range(round(600 / LOOK)):
            self.ahead += 10
            lines += self.said(LOOK)
        self.assertEqual(len(lines), 10)
        self.assertIn("set forward by 120 s", lines[-1])
