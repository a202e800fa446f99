"""Timestamps of publishers that come and go."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import PeerFault
from imsys.resources.live.timeline import Timeline


class TimelineTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.line = Timeline(self.clock.seconds)

    def test_untouched(self) -> None:
        """The timestamps of one publisher stay as they are, in a little disorder, too."""
        stamps = [5000, 5040, 5023, 9000, 8000]
        self.assertEqual([self.line.place(stamp) for stamp in stamps], stamps)

    def test_wraps(self) -> None:
        """After 2**32 - 1 comes 0."""
        stamps = [2**32 - 20, 2**32 - 1, 10, 2**32 - 5, 40]
        self.assertEqual([self.line.place(stamp) for stamp in stamps], stamps)

    def test_back(self) -> None:
        """One that goes back for long is a fault of the publisher's."""
        self.line.place(10_000)
        self.assertRaises(PeerFault, self.line.place, 100)

    def test_begins_anew(self) -> None:
        """A publisher that comes back begins at zero, and goes on where the stream is, with the time between."""
        self.line.place(60_000)
        self.clock.advance(3)
        self.line.restart()
        self.assertEqual([self.line.place(stamp) for stamp in (0, 40)], [63_000, 63_040])
        self.line.restart()
        self.assertEqual(self.line.place(1_000_000), 63_041)

    def test_restart_of_nothing(self) -> None:
        """Where nothing has come yet there is nothing to go on from."""
        self.line.restart()
        self.assertEqual(self.line.place(777), 777)

    def test_data(self) -> None:
        """Metadata say 0, whenever they come: they move nothing, and are never a fault."""
        self.assertEqual(self.line.beside(0), 0)
        self.assertEqual(self.line.place(2**31 + 5), 2**31 + 5)
        self.assertEqual([self.line.beside(stamp) for stamp in (2**31, 2**31 + 2000, 0)], [2**31, 2**31 + 2000, 2**31 + 5])
        self.clock.advance(3)
        self.line.restart()
        self.assertEqual(self.line.beside(0), 2**31 + 5)
        self.assertEqual(self.line.place(900_000), 2**31 + 3005)
        self.assertEqual([self.line.beside(stamp) for stamp in (0, 900_000)], [2**31 + 3005] * 2)
