"""How long to wait before the next attempt."""

from __future__ import annotations

from functools import partial

from twisted.trial.unittest import SynchronousTestCase

from imsys.util.backoff import LONGEST_ASKED, NO_JITTER, Backoff


class BackoffTests(SynchronousTestCase):
    """Seconds that grow."""

    def test_growth(self) -> None:
        """Each is twice the one before, up to the bound, until it begins anew."""
        backoff = Backoff(1.0, 5.0, jitter=NO_JITTER)
        self.assertEqual([backoff.next() for _ in range(5)], [1.0, 2.0, 4.0, 5.0, 5.0])
        self.assertEqual(backoff.failures, 5)
        backoff.reset()
        self.assertEqual((backoff.failures, backoff.next()), (0, 1.0))

    def test_factor(self) -> None:
        """They may grow otherwise."""
        backoff = Backoff(1.0, 3.0, factor=1.5, jitter=NO_JITTER)
        self.assertEqual([backoff.next() for _ in range(4)], [1.0, 1.5, 2.25, 3.0])

    def test_jitter(self) -> None:
        """Each is drawn from a part of the whole: the upper half, if nothing is said."""
        self.assertEqual(
            [Backoff(2.0, draw=partial(float, drawn)).next() for drawn in (0.0, 0.5, 1.0)], [1.0, 1.5, 2.0]
        )
        wide = [Backoff(2.0, draw=partial(float, drawn), jitter=(0.0, 1.5)) for drawn in (0.0, 1.0)]
        self.assertEqual([backoff.next() for backoff in wide], [0.0, 3.0])

    def test_asked(self) -> None:
        """What a server asks for is waited for beside it, within reason."""
        backoff = Backoff(1.0, 1.0, jitter=NO_JITTER)
        self.assertEqual([backoff.next(asked) for asked in (3.0, -2.0, 1e9)], [4.0, 1.0, LONGEST_ASKED + 1.0])

    def test_elsewhere(self) -> None:
        """Who counts failures elsewhere asks with their number, be it as large as it may."""
        backoff = Backoff(1.0, 60.0, jitter=NO_JITTER)
        self.assertEqual([backoff.wait(failures) for failures in (0, 3, 1 << 40)], [1.0, 8.0, 60.0])
        self.assertEqual(backoff.failures, 0)
