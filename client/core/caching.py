"""What a cache that is too full gives up."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple


class Kept(NamedTuple):
    """A file of a cache: its name, its bytes, when it was used last."""

    name: str
    size: int
    used: float


def to_drop(files: Iterable[Kept], bound: int, busy: Collection[str] = ()) -> list[str]:
    """The names of what goes, the longest unused first, until the rest is at most nine tenths of the bound.

    Nothing below the bound.
    """
    files = list(files)
    total = sum(file.size for file in files)
    if total <= bound:
        return []
    dropped = []
    for file in sorted(files, key=lambda file: file.used):
        if total <= bound * 9 // 10:
            break
        if file.name not in busy:
            dropped.append(file.name)
            total -= file.size
    return dropped
