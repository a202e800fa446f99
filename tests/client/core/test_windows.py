"""Groups of messages, days, ranges without gaps, windows, and what a cache drops."""

from __future__ import annotations

import itertools
from datetime import UTC, date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from client.core.caching import Kept, to_drop
from client.core.grouping import Day, day_label, day_of, places
from client.core.model import Kind, Mark, Message
from client.core.spans import Spans
from client.core.windows import clipped, merged, place, without

NOON = 1_795_521_600_000
MINUTE = 60_000


def said(number: int, sender: int = 1, at_ms: int = NOON, **more: Any) -> Message:
    return Message(f"#{number}", 9, sender, at_ms, id=number, mine=sender == 0, **more)


class GroupingTests(SynchronousTestCase):
    def test_groups_end_after_five_minutes_or_another_sender(self) -> None:
        """And with the day; a notice stands alone."""
        messages = [
            said(1, 1, NOON), said(2, 1, NOON + 4 * MINUTE), said(3, 1, NOON + 9 * MINUTE), said(4, 0, NOON + 9 * MINUTE),
            said(5, 0, NOON + 10 * MINUTE, kind=Kind.NOTICE), said(6, 0, NOON + 10 * MINUTE), said(7, 0, NOON + 24 * 60 * MINUTE),
        ]  # fmt: skip
        found = places(messages, 0, zone=UTC)
        self.assertEqual([one.first for one in found], [True, False, True, True, True, True, True])
        self.assertEqual([one.last for one in found], [False, True, True, True, True, True, True])
        self.assertEqual([one.new_day for one in found], [True, False, False, False, False, False, True])

    def test_the_unread_line_is_above_the_first_of_others(self) -> None:
        """It ends a group, and comes once."""
        messages = [said(1), said(2), said(3, 0), said(4), said(5)]
        found = places(messages, 2, zone=UTC)
        self.assertEqual([one.unread_line for one in found], [False, False, False, True, False])
        self.assertEqual(
            [one.unread_line for one in places(messages[1:], 1, before=messages[0], zone=UTC)],
            [True, False, False, False],
        )
        self.assertFalse(
            any(one.unread_line for one in places(messages[2:], 1, before=messages[1], zone=UTC))
        )
        self.assertFalse(any(one.unread_line for one in places(messages, 5, zone=UTC)))

    def test_days_in_words(self) -> None:
        """As people call them."""
        today = date(2026, 11, 24)
        for day, label in (
            (today, Day.TODAY), (date(2026, 11, 23), Day.YESTERDAY), (date(2026, 11, 18), Day.WEEKDAY),
            (date(2026, 11, 17), Day.THIS_YEAR), (date(2025, 12, 31), Day.DATE), (date(2026, 11, 25), Day.THIS_YEAR),
        ):  # fmt: skip
            self.assertEqual(day_label(day, today), label)
        self.assertEqual(day_of(1 << 62), date(9999, 12, 31))
        self.assertEqual(day_of(-(1 << 62)), date(1970, 1, 1))


class SpansTests(SynchronousTestCase):
    @given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12))))
    def test_they_know_what_they_were_told(self, told: list[tuple[int, int]]) -> None:
        """Disjoint, in order, and holding exactly what was put in."""
        spans = Spans((low, low + length) for low, length in told)
        ranges = list(spans)
        covered = {number for low, length in told for number in range(low, low + length + 1)}
        self.assertEqual({number for low, high in ranges for number in range(low, high + 1)}, covered)
        self.assertEqual(ranges, sorted(ranges))
        for (_, high), (low, _) in itertools.pairwise(ranges):
            self.assertLess(high + 1, low)
        for number in range(80):
            self.assertEqual(spans.around(number) is not None, number in covered)


class WindowTests(SynchronousTestCase):
    def test_pages_and_changes_become_one_list(self) -> None:
        """In order, each once, also where a message is known by another key."""
        window = [said(1), said(3)]
        changed = said(3, text="other")
        self.assertEqual(merged(window, [said(2), changed]), [said(1), said(2), changed])
        written = Message("abc", 9, 0, NOON, mark=Mark.WAITING, mine=True)
        stored = Message("abc", 9, 0, NOON, id=4, mine=True)
        self.assertEqual(merged(merged([*window, written], [said(4)]), [stored]), [said(1), said(3), stored])
        self.assertEqual(merged(window, [said(5)], open_end=False), window)
        self.assertEqual(without(window, [said(1)]), [said(3)])
        self.assertEqual(place(window, said(2).order), 1)

    def test_a_window_is_cut_around_its_middle(self) -> None:
        """And says where."""
        window = [said(number) for number in range(1, 11)]
        self.assertEqual(clipped(window, 5, 4), (window[3:7], True, True))
        self.assertEqual(clipped(window, 0, 4), (window[:4], False, True))
        self.assertEqual(clipped(window, 9, 4), (window[6:], True, False))
        self.assertEqual(clipped(window, 9, 40), (window, False, False))


class CachingTests(SynchronousTestCase):
    def test_the_longest_unused_goes(self) -> None:
        """Until there is room again, but never what is in use."""
        files = [Kept("a", 50, 1), Kept("b", 50, 3), Kept("c", 50, 2)]
        self.assertEqual(to_drop(files, 150), [])
        self.assertEqual(to_drop(files, 120), ["a"])
        self.assertEqual(to_drop(files, 120, {"a"}), ["c"])
