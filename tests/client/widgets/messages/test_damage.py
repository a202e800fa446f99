from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from client.widgets.messages.damage import Damage, Spot, damage

HEIGHT = 60


def picture(spots: list[Spot]) -> list[object]:
    """What is on each line: a row and the line of it, or the ground."""
    lines: list[object] = [None] * HEIGHT
    for spot in spots:
        for line in range(max(0, spot.y), min(HEIGHT, spot.y + spot.height)):
            lines[line] = (id(spot.row), line - spot.y)
    return lines


def below(rows: list[tuple[object, int]], top: int) -> list[Spot]:
    """Rows one below the other, those that are seen."""
    spots = []
    for row, height in rows:
        if top + height > 0 and top < HEIGHT:
            spots.append(Spot(row, top, height))
        top += height
    return spots


class DamageTests(SynchronousTestCase):
    def test_scrolled(self) -> None:
        """What has only moved is moved; nothing is painted but what comes in."""
        rows = [(object(), 30) for _ in range(5)]
        self.assertEqual(damage(below(rows, -20), below(rows, -50), HEIGHT), Damage(-30, ((40, 60),)))

    def test_nothing(self) -> None:
        """Nothing is painted where nothing has changed: a page has come in above."""
        rows = [(object(), 30) for _ in range(5)]
        self.assertEqual(damage(below(rows, -20), below(rows, -20), HEIGHT), Damage(0, ()))

    def test_one_is_different(self) -> None:
        """One that looks different is painted, and no other."""
        rows = [(object(), 20) for _ in range(5)]
        other = [*rows[:1], (object(), 20), *rows[2:]]
        self.assertEqual(damage(below(rows, 0), below(other, 0), HEIGHT), Damage(0, ((20, 40),)))

    def test_all(self) -> None:
        """Where nothing is as it was, or it has moved too far, all is painted."""
        rows, others = [(object(), 20) for _ in range(9)], [(object(), 20) for _ in range(9)]
        self.assertIsNone(damage(below(rows, 0), below(others, 0), HEIGHT))
        self.assertIsNone(damage([], below(rows, 0), HEIGHT))
        self.assertIsNone(damage(below(rows[:4], 0), below(rows[3:4], -5), 20))

    @given(
        st.lists(st.tuples(st.integers(0, 12), st.integers(1, 25)), max_size=8, unique_by=lambda one: one[0]),
        st.lists(st.tuples(st.integers(0, 12), st.integers(1, 25)), max_size=8, unique_by=lambda one: one[0]),
        st.integers(-40, 40),
        st.integers(-40, 40),
    )
    def test_any(self, one: list[tuple[int, int]], other: list[tuple[int, int]], top: int, then: int) -> None:
        """Moved, and painted where it says, what was there becomes what is to be there, whatever came, went,
        or changed its height.
        """
        rows = {(number, height): object() for number, height in [*one, *other]}
        before = below([(rows[key], key[1]) for key in one], top)
        after = below([(rows[key], key[1]) for key in other], then)
        found = damage(before, after, HEIGHT)
        if found is None:
            return
        wanted, lines = picture(after), picture(before)
        moved = [lines[y - found.dy] if 0 <= y - found.dy < HEIGHT else wanted[y] for y in range(HEIGHT)]
        for begin, end in found.bands:
            moved[begin:end] = wanted[begin:end]
        self.assertEqual(moved, wanted)
