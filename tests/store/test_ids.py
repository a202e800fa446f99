"""Message ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.store.ids import EPOCH_MS, MessageIds, back, id_at, timestamp


class MessageIdsTests(SynchronousTestCase):
    """The generator, whatever the clock does."""

    @given(st.lists(st.tuples(st.integers(-10_000, 10_000), st.integers(0, 3)), min_size=1, max_size=200))
    def test_always_up(self, steps: list[tuple[int, int]]) -> None:
        """Ids grow and stay above what they are to follow, also when the clock jumps and other nodes are
        ahead.
        """
        now = [1_800_000_000.0]
        ids, other = MessageIds(lambda: now[0], 1), MessageIds(lambda: now[0] + 5, 2)
        last = 0
        for step, kind in steps:
            now[0] += step / 1000
            after = other.next() if kind == 0 else last
            made = ids.next(after)
            self.assertGreater(made, max(after, last))
            self.assertEqual(made >> 12 & 1023, 1)
            self.assertLess(made, 1 << 63)
            self.assertGreaterEqual(ids.highest, made)
            last = made

    def test_more_than_a_millisecond_holds(self) -> None:
        """The sequence runs over into the next millisecond."""
        ids = MessageIds(lambda: 1_800_000_000.0, 5)
        made = [ids.next() for _ in range(10_000)]
        self.assertEqual(made, sorted(set(made)))
        self.assertEqual((made[-1] >> 22) - (made[0] >> 22), 2)

    def test_floor(self) -> None:
        """A generator begins above its floor, be it in the future."""
        floor = id_at(1_900_000_000.0) + 77
        self.assertGreater(MessageIds(lambda: 1_800_000_000.0, 0, floor).next(), floor)

    def test_times(self) -> None:
        """An id tells its time, and can be moved back by seconds."""
        self.assertEqual(timestamp(id_at(1_800_000_000.5)), "2027-01-15T08:00:00.500Z")
        self.assertEqual(timestamp(0), "2025-01-01T00:00:00.000Z")
        self.assertEqual(back(id_at(1_800_000_300.0), 300), id_at(1_800_000_000.0))
        self.assertEqual(back(5, 300), 0)
        self.assertEqual(id_at(EPOCH_MS / 1000 - 1), 0)
