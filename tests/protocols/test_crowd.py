"""Who is let in, and who makes room."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.crowd import Crowd
from tests.support.logged import Lines


class Connection:
    """One that is cut when it is told so."""

    def __init__(self, crowd: Crowd, source: str | None = "192.0.2.1") -> None:
        self.cut = False
        self.inside = crowd.enter(self, source)

    def abort(self, why: str) -> None:
        self.cut = True


class CrowdTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()

    def crowd(self, capacity: int = 100, **limits: Any) -> Crowd:
        return Crowd(self.clock, capacity, **limits)

    def test_strangers_make_room(self) -> None:
        """Silent connections fill half of a server, from however many addresses, and then the oldest goes for
        who comes.
        """
        crowd = self.crowd(20)
        silent = [Connection(crowd, f"192.0.2.{number}") for number in range(50)]
        self.assertEqual([one.cut for one in silent], [True] * 40 + [False] * 10)
        self.assertEqual(len(crowd), 10)

    def test_known_stay(self) -> None:
        """Who is known stays, whoever comes.

        When all are known, nobody else is let in, and who comes then takes a place that is left.
        """
        crowd = self.crowd(4)
        known = [Connection(crowd) for _ in range(4)]
        for number, one in enumerate(known):
            crowd.known(one, number + 1)
        first = Connection(crowd)
        self.assertEqual([one.cut for one in known], [True, True, False, False])  # before they were known
        for number in range(2):
            crowd.known(Connection(crowd), 10 + number)
        self.assertTrue(first.cut)
        self.assertFalse(Connection(crowd).inside)
        crowd.leave(known[2])
        self.assertTrue(Connection(crowd).inside)

    def test_one_address(self) -> None:
        """Of one address so many are let in, of whom the strangers make room for each other.

        The others do not notice.
        """
        crowd = self.crowd(source=10, strangers=4)
        elsewhere = Connection(crowd, "192.0.2.2")
        silent = [Connection(crowd) for _ in range(30)]
        self.assertEqual(sum(not one.cut for one in silent), 4)
        members = [Connection(crowd) for _ in range(10)]
        for one in members:
            if not one.cut:
                crowd.known(one, 0)
        for _ in range(20):
            one = Connection(crowd)
            if one.inside:
                crowd.known(one, 0)
                members.append(one)
        self.assertEqual(sum(one.inside and not one.cut for one in members), 10)
        self.assertFalse(Connection(crowd).inside)
        self.assertTrue(Connection(crowd, "192.0.2.3").inside)
        self.assertFalse(elsewhere.cut)

    def test_share_of_a_small_server(self) -> None:
        """Whatever the bounds are, one address has no more than half of a server, and so has one user."""
        crowd = self.crowd(8, source=1000, user=1000)
        inside = []
        for _ in range(10):
            one = Connection(crowd)
            crowd.known(one, 0)
            inside.append(one.inside)
        self.assertEqual(sum(inside), 4)
        users = [Connection(crowd, f"192.0.2.{number + 2}") for number in range(4)]
        for one in users:
            crowd.known(one, 7)
        self.assertEqual([one.cut for one in users], [False] * 4)

    def test_one_user(self) -> None:
        """Beyond the bound of a user the oldest connection of theirs goes, from whatever address.

        Nobody else's does.
        """
        crowd = self.crowd(user=3)
        other = Connection(crowd)
        crowd.known(other, 8)
        sessions = [Connection(crowd, f"192.0.2.{number}") for number in range(5)]
        for one in sessions:
            crowd.known(one, 7)
            crowd.known(one, 7)
        self.assertEqual([one.cut for one in sessions], [True, True, False, False, False])
        crowd.leave(sessions[3])
        for number in range(2):
            crowd.known(Connection(crowd), 7)
            self.assertEqual(sessions[2].cut, bool(number))
        self.assertFalse(other.cut)

    def test_exempt(self) -> None:
        """Networks that are exempt are not counted by address, nor are Unix sockets.

        They make room as all others.
        """
        crowd = self.crowd(10, source=1, strangers=1, exempt=["127.0.0.0/8", "::1"])
        for source in ("127.0.0.1", "127.1.2.3", "::/64", "local", ""):
            self.assertEqual([Connection(crowd, source).cut for _ in range(3)], [False] * 3)
        self.assertEqual(len(crowd), 5)
        first = Connection(crowd, "128.0.0.1")
        Connection(crowd, "128.0.0.1")
        self.assertTrue(first.cut)

    def test_stranger_again(self) -> None:
        """Who was known and is no more is the newest of the strangers, and counts for no user."""
        crowd = self.crowd(6, user=1)
        first, second, third = (Connection(crowd) for _ in range(3))
        crowd.known(first, 7)
        crowd.stranger(first)
        crowd.known(third, 7)
        self.assertFalse(first.cut)
        Connection(crowd)
        Connection(crowd)
        self.assertEqual([first.cut, second.cut, third.cut], [False, True, False])

    def test_log(self) -> None:
        """Whatever anybody does leaves a line or two, and none that is alarming."""
        log, warnings = Lines(self), Lines(self, level="warn")
        crowd = self.crowd(20, source=4)
        for number in range(1000):
            crowd.known(Connection(crowd, f"192.0.2.{number % 7}"), 0)
            Connection(crowd, "192.0.2.8")
        self.assertLessEqual(len(log.texts), 2)
        crowd.stop()
        self.assertLessEqual(len(log.texts), 4)
        self.assertEqual(warnings.texts, [])

    STEPS = st.lists(
        st.tuples(
            st.sampled_from(["enter", "known", "stranger", "on_behalf", "leave"]),
            st.integers(0, 9),
            st.integers(0, 3),
        )
    )

    @settings(max_examples=200, deadline=None)
    @given(STEPS)
    def test_anything(self, steps: list[tuple[str, int, int]]) -> None:
        """Whatever happens, the bounds hold, and when all have left nothing is kept."""
        crowd, guests = self.crowd(8, source=3, strangers=2, user=2), []
        for step, which, value in steps:
            if step == "enter":
                guests.append(Connection(crowd, None if value == 3 else f"192.0.2.{value}"))
            elif guests:
                guest = guests[which % len(guests)]
                if step == "known":
                    crowd.known(guest, value)
                elif step == "on_behalf":
                    crowd.on_behalf(guest, None if value == 3 else f"192.0.2.{value}")
                else:
                    getattr(crowd, step)(guest)
            self.assertLessEqual(len(crowd), 8)
            self.assertLessEqual(len(crowd._strangers), 8)
            self.assertTrue(all(0 < address.count <= 3 for address in crowd._addresses.values()))
            self.assertTrue(all(0 < len(theirs) <= 2 for theirs in crowd._users.values()))
        for guest in guests:
            crowd.leave(guest)
        self.assertEqual((len(crowd), crowd._strangers, crowd._addresses, crowd._users), (0, {}, {}, {}))
