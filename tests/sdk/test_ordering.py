"""One thread in order: the rules, and any mixture of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.sdk.entries import Logged
from imsys.sdk.model import Message
from imsys.sdk.ordering import HELD_LIMIT, Line

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


def message(number: int) -> Message:
    return Message(id=number, thread_id=1, sender=2, receiver=3, text=str(number), sent_at=MOMENT, mine=False)


def ids(messages: Sequence[Logged]) -> list[int]:
    return [found.id for found in messages]


class LineTests(SynchronousTestCase):
    def test_in_order(self) -> None:
        """A message whose predecessor was let through follows at once."""
        line = Line(0)
        self.assertEqual([ids(line.live(message(n), n - 1)) for n in (1, 2, 3)], [[1], [2], [3]])

    def test_held(self) -> None:
        """A message waits for the one before it."""
        line = Line(0)
        self.assertEqual([ids(line.live(message(n), n - 1)) for n in (3, 2, 1)], [[], [], [1, 2, 3]])
        self.assertEqual(line.held, 0)

    def test_twice(self) -> None:
        """A message is let through once."""
        line = Line(0)
        self.assertEqual([ids(line.live(message(n), n - 1)) for n in (1, 1, 2, 1, 2)], [[1], [], [2], [], []])

    def test_history(self) -> None:
        """What is below the border of a client's first login is not delivered, unless it comes live.

        Then its followers do too.
        """
        line = Line(5, history=True)
        self.assertEqual(ids(line.live(message(4), 3)), [4])
        self.assertEqual(ids(line.live(message(5), 4)), [5])
        self.assertEqual(ids(line.live(message(4), 3)), [])
        self.assertEqual(Line(5).live(message(4), 3), [])

    def test_page_fills_gap(self) -> None:
        """A page of the history lets through what was held for it, and the live message is preferred to its
        record.
        """
        line = Line(0)
        live = message(3)
        line.live(live, 2)
        line.begin_pull()
        through = line.page(0, [message(1), message(2), message(3)])
        self.assertEqual(ids(through), [1, 2, 3])
        self.assertIs(through[2], live)

    def test_page_from_above(self) -> None:
        """A page that begins after a border which has moved down since is not taken."""
        line = Line(5, history=True)
        line.begin_pull()
        self.assertEqual(ids(line.live(message(3), 2)), [3])
        self.assertEqual(line.page(5, [message(6)]), [])
        self.assertEqual(ids(line.page(3, [message(4), message(5), message(6)])), [4, 5, 6])

    def test_history_without_predecessor(self) -> None:
        """A message whose predecessor is nowhere to be found waits only until the history has been read."""
        line = Line(0)
        line.live(message(9), 7)
        number = line.begin_pull()
        line.live(message(12), 11)
        self.assertEqual(line.page(0, []), [])
        self.assertEqual(ids(line.end_pull(number)), [9])
        self.assertEqual(line.held, 1)

    def test_bound(self) -> None:
        """Past a bound nothing more is held, and the line says that it must be pulled."""
        line = Line(0)
        for number in range(2, HELD_LIMIT + 3):
            line.live(message(number), number - 1)
        self.assertTrue(line.overflowed)
        self.assertEqual(line.held, 0)

    @settings(max_examples=200)
    @given(st.integers(1, 30), st.randoms(use_true_random=False), st.integers(1, 7))
    def test_any_order(self, count: int, draw: object, size: int) -> None:
        """However live messages and pages are mixed, lost and repeated, each message comes once and in order."""
        assert hasattr(draw, "sample")
        line, got = Line(0), []
        live = [draw.randrange(1, count + 1) for _ in range(count * 2)]  # type: ignore[attr-defined]
        for number in live:
            got += ids(line.live(message(number), number - 1))
            if draw.random() < 0.1:  # type: ignore[attr-defined]
                line.begin_pull()
                after = line.last
                got += ids(
                    line.page(after, [message(n) for n in range(after + 1, min(count, after + size) + 1)])
                )
        pull = line.begin_pull()
        while line.last < count:
            after = line.last
            got += ids(line.page(after, [message(n) for n in range(after + 1, min(count, after + size) + 1)]))
        got += ids(line.end_pull(pull))
        self.assertEqual(got, list(range(1, count + 1)))
        self.assertEqual(line.held, 0)
