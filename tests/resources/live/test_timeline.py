"""Timestamps of publishers whose clocks are not perfect, and that come and go."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.media import Kind
from imsys.resources.live.timeline import Timeline


class TimelineTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.line = Timeline(self.clock.seconds)

    def places(self, *stamps: int, kind: Kind = Kind.VIDEO) -> list[int]:
        return [self.line.place(kind, stamp) for stamp in stamps]

    def both(self, stamps: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Pictures and sound in turns."""
        return [
            (self.line.place(Kind.VIDEO, picture), self.line.place(Kind.AUDIO, sound))
            for picture, sound in stamps
        ]

    def test_untouched(self) -> None:
        """The timestamps of one publisher stay as they are, in a little disorder, too."""
        stamps = [5000, 5040, 5023, 9000, 8000]
        self.assertEqual(self.places(*stamps), stamps)

    def test_wraps(self) -> None:
        """After 2**32 - 1 comes 0."""
        stamps = [2**32 - 20, 2**32 - 1, 10, 2**32 - 5, 40]
        self.assertEqual(self.places(*stamps), stamps)

    def test_lags(self) -> None:
        """Sound that lags some seconds behind the pictures is not moved: it belongs to pictures that were
        there before.
        """
        stamps = [(5000 + at, 2000 + at) for at in range(0, 4000, 40)]
        self.assertEqual(self.both(stamps), stamps)

    def test_begins_later(self) -> None:
        """Sound that begins later has the pictures' zero, also when the network stood still before."""
        self.places(0, 40)
        self.clock.advance(30)
        self.assertEqual(self.places(80, kind=Kind.AUDIO), [80])

    def test_different_zeros(self) -> None:
        """Sound that counts from zero, and pictures that count from when the camera was turned on, go
        together.
        """
        found = self.both((3_600_000 + at, at) for at in range(0, 200, 40))
        self.assertEqual(found, [(3_600_000 + at, 3_600_001 + at) for at in range(0, 200, 40)])

    def test_goes_back(self) -> None:
        """A clock that is set back, or a file that begins again, goes on where the stream is, pictures and
        sound as far apart as before.
        """
        self.both([(20_000, 20_005), (20_040, 20_045)])
        self.clock.advance(0.04)
        self.assertEqual(
            self.both([(10_000, 10_005), (10_040, 10_045)]), [(20_085, 20_090), (20_125, 20_130)]
        )

    def test_leaps_ahead(self) -> None:
        """A clock that leaps ahead of the time that passes does so, too."""
        self.both([(0, 5), (40, 45)])
        self.clock.advance(0.04)
        self.assertEqual(self.both([(600_000, 600_005), (600_040, 600_045)]), [(85, 90), (125, 130)])

    def test_pause(self) -> None:
        """Who sends nothing for a while, and whose clock goes on meanwhile, is right."""
        self.places(0, 40)
        self.clock.advance(60)
        self.assertEqual(self.places(60_040), [60_040])

    def test_one_wild(self) -> None:
        """After one wild timestamp those that are right stay as they are."""
        self.both([(0, 5), (40, 45)])
        self.assertEqual(self.places(600_000, kind=Kind.AUDIO), [46])
        self.assertEqual(self.both([(80, 85), (120, 125)]), [(80, 85), (120, 125)])
        self.assertEqual(self.places(2**31, 2**30, 160), [126, 127, 160])

    def test_begins_anew(self) -> None:
        """A publisher that comes back begins at zero, and goes on where the stream is, with the time between."""
        self.places(60_000)
        self.clock.advance(3)
        self.line.restart()
        self.assertEqual(self.both([(0, 5), (40, 45)]), [(63_000, 63_005), (63_040, 63_045)])
        self.line.restart()
        self.assertEqual(self.places(1_000_000), [63_046])

    def test_restart_of_nothing(self) -> None:
        """Where nothing has come yet there is nothing to go on from."""
        self.line.restart()
        self.assertEqual(self.places(777), [777])

    def test_beside(self) -> None:
        """Metadata and headers say 0, whenever they come: they move nothing."""
        self.assertEqual(self.line.beside(Kind.VIDEO, 0), 0)
        self.assertEqual(self.places(2**31 + 5), [2**31 + 5])
        for kind in (Kind.DATA, Kind.VIDEO, Kind.AUDIO):
            stamps = (2**31, 2**31 + 2000, 0)
            self.assertEqual(
                [self.line.beside(kind, stamp) for stamp in stamps], [2**31, 2**31 + 2000, 2**31 + 5]
            )
        self.clock.advance(3)
        self.line.restart()
        self.assertEqual(self.line.beside(Kind.VIDEO, 0), 2**31 + 3005)
        self.assertEqual(self.places(900_000), [2**31 + 3005])
        self.assertEqual([self.line.beside(Kind.DATA, stamp) for stamp in (0, 900_000)], [2**31 + 3005] * 2)
