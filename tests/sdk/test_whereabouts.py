"""Where a client may go, what its attempts explain, and how long it waits: with time made by hand."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.sdk.attempts import Attempts
from imsys.sdk.comeback import Comeback
from imsys.sdk.gateway import ServerAddress
from imsys.sdk.whereabouts import Whereabouts
from imsys.util.backoff import Backoff

A, B, C = (ServerAddress("127.0.0.1", port) for port in (1, 2, 3))


class WhereaboutsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.whereabouts = Whereabouts(self.clock, 20.0)

    def test_nothing_known(self) -> None:
        """A client that was nowhere asks the gateway."""
        self.assertEqual(
            (self.whereabouts.back(), self.whereabouts.elsewhere(), self.whereabouts.failures()),
            (None, None, ()),
        )

    def test_back_and_elsewhere(self) -> None:
        """It comes back to where it was, or goes to any other server that it was told of."""
        self.whereabouts.learn((A, B, C))
        self.whereabouts.arrived(A)
        self.assertEqual(self.whereabouts.back(), A)
        self.assertEqual({self.whereabouts.elsewhere() for _ in range(100)}, {B, C})

    def test_failures(self) -> None:
        """A server that failed is not gone to for a while, and is named, the newest first."""
        self.whereabouts.learn((A, B, C))
        self.whereabouts.arrived(A)
        self.whereabouts.failed(A)
        self.clock.advance(10)
        self.whereabouts.failed(B)
        self.assertEqual((self.whereabouts.back(), self.whereabouts.elsewhere()), (None, C))
        self.assertEqual(self.whereabouts.failures(), (B, A))
        self.clock.advance(10)
        self.assertEqual((self.whereabouts.back(), self.whereabouts.failures()), (A, (B,)))
        self.whereabouts.arrived(B)
        self.assertEqual(self.whereabouts.failures(), ())

    def test_bounds(self) -> None:
        """However many servers fail, eight are named; however many the gateway names, few are kept."""
        places = [ServerAddress("127.0.0.1", port) for port in range(1, 100)]
        self.whereabouts.learn(places)
        for place in places:
            self.whereabouts.failed(place)
        self.assertEqual(self.whereabouts.failures(), tuple(reversed(places))[:8])
        self.clock.advance(20)
        self.assertLessEqual({self.whereabouts.elsewhere() for _ in range(1000)}, {*places[:16]})

    def test_forget(self) -> None:
        """Who has been offline begins at the gateway, which is still told what failed."""
        self.whereabouts.learn((A, B))
        self.whereabouts.arrived(A)
        self.whereabouts.failed(B)
        self.whereabouts.forget()
        self.assertEqual(
            (self.whereabouts.back(), self.whereabouts.elsewhere(), self.whereabouts.failures()),
            (None, None, (B,)),
        )

    def test_names(self) -> None:
        """A server is named as the gateway wants it."""
        self.assertEqual(str(A), "127.0.0.1:1")


class AttemptTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.calendar = Clock()
        self.calendar.advance(1_700_000_000)
        self.attempts = Attempts(self.clock, self.calendar.seconds)

    def number(self) -> int:
        attempt = self.attempts.request(1, "token").attempt
        assert isinstance(attempt, int)
        return attempt

    def test_numbers_grow(self) -> None:
        """Attempts are numbered by the calendar, and go on growing where that stands still or is set back."""
        self.assertEqual([self.number(), self.number()], [1_700_000_000_000, 1_700_000_000_001])
        self.calendar.rightNow -= 3600
        self.assertEqual(self.number(), 1_700_000_000_002)
        self.calendar.rightNow += 7200
        self.assertEqual(self.number(), 1_700_003_600_000)

    def test_client(self) -> None:
        """All attempts of a client have one name, which no other has."""
        one, two = self.attempts.request(1, "token"), self.attempts.request(1, "token")
        self.assertEqual(one.client, two.client)
        assert isinstance(one.client, str)
        self.assertEqual(len(one.client), 32)
        self.assertNotEqual(
            one.client, Attempts(self.clock, self.calendar.seconds).request(1, "token").client
        )

    def test_explains_once(self) -> None:
        """Each attempt that was never answered explains one sign-out, and one that was answered explains
        none.
        """
        self.assertFalse(self.attempts.explains_sign_out())
        answered = self.attempts.request(1, "token")
        self.attempts.answered(answered)
        self.assertFalse(self.attempts.explains_sign_out())
        self.number()
        self.number()
        self.assertEqual([self.attempts.explains_sign_out() for _ in range(3)], [True, True, False])

    def test_not_for_ever(self) -> None:
        """After two minutes an attempt explains nothing any more."""
        self.number()
        self.clock.advance(120)
        self.assertFalse(self.attempts.explains_sign_out())

    def test_bound(self) -> None:
        """A client that is never answered does not remember all its attempts."""
        for _ in range(1000):
            self.number()
        self.assertEqual([self.attempts.explains_sign_out() for _ in range(65)].count(True), 64)


class ComebackTests(SynchronousTestCase):
    def comeback(self, draw: float = 1.0) -> Comeback:
        return Comeback(Backoff(0.5, 5.0, lambda: draw), 0.3, 1.0, lambda: draw)

    def test_at_once(self) -> None:
        """After a connection that lasted, the next attempt comes within 0.3 s, however often there was none
        before.
        """
        for draw in (0.0, 1.0):
            comeback = self.comeback(draw)
            for _ in range(10):
                for _ in range(5):
                    comeback.failed()
                comeback.online()
                self.assertEqual(comeback.failures, 0)
                self.assertEqual(comeback.lost(1.0), 0.3 * draw)

    def test_never_long(self) -> None:
        """While the network is there nobody waits longer than 5 s."""
        comeback = self.comeback()
        comeback.online()
        comeback.lost(100.0)
        self.assertEqual([comeback.failed() for _ in range(7)], [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0])

    def test_breaks_at_once(self) -> None:
        """A connection that breaks as soon as it is there, again and again, is waited for longer and longer,
        like none at all.
        """
        comeback = self.comeback()
        waits = []
        for _ in range(6):
            comeback.online()
            waits.append(comeback.lost(0.1))
        self.assertEqual(waits, [0.5, 1.0, 2.0, 4.0, 5.0, 5.0])
        comeback.online()
        self.assertEqual(comeback.lost(2.0), 0.3)
        comeback.online()
        self.assertEqual(comeback.lost(0.1), 0.5)

    def test_asked_to_wait(self) -> None:
        """What a server asks for is waited, up to a minute."""
        comeback = self.comeback()
        self.assertEqual(comeback.failed(7.0), 7.5)
        self.assertEqual(comeback.failed(86400.0), 61.0)
