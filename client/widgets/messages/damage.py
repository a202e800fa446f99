"""What of a list has to be painted anew, and by how much the rest of its picture has only moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Spot(NamedTuple):
    """Something that is seen, and where: pixels of the viewport. Rows lie one below the other."""

    row: object
    """The same object looks the same."""
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Damage:
    """First everything moves down by ``dy`` (up where it is negative), then the bands are painted.

    What comes in at the edge that it moves away from is not among them.

    :param bands: where each begins, and where it ends.
    """

    dy: int
    bands: tuple[tuple[int, int], ...]


def damage(before: Sequence[Spot], after: Sequence[Spot], height: int) -> Damage | None:
    """What is between two states of a viewport of that height; ``None``: all of it."""
    tops = {id(spot.row): spot.y for spot in before}
    moves = Counter(spot.y - tops[id(spot.row)] for spot in after if id(spot.row) in tops)
    if not moves:
        return None
    dy = moves.most_common(1)[0][0]
    if abs(dy) >= height:
        return None
    bands = [
        (spot.y, spot.y + spot.height)
        for spot in after
        if id(spot.row) not in tops or tops[id(spot.row)] + dy != spot.y
    ]
    top, bottom = after[0].y, after[-1].y + after[-1].height
    if dy or top != before[0].y:
        bands.insert(0, (0, top))
    if dy or bottom != before[-1].y + before[-1].height:
        bands.append((bottom, height))
    clipped = ((max(0, begin), min(height, end)) for begin, end in bands)
    return Damage(dy, tuple((begin, end) for begin, end in clipped if begin < end))
