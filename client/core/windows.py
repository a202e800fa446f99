"""A window on the messages of a conversation: merging pages and changes into a list that is in order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from client.core.model import Message


def merged(window: Sequence[Message], others: Iterable[Message], *, open_end: bool = True) -> list[Message]:
    """A window with other messages put in: each once, by its key and by its id, the later one counts.

    :param open_end: whether the window reaches to the newest message; else what is after its last one is left
        out.
    """
    by_key = {message.key: message for message in window}
    keys = {message.id: message.key for message in window if message.id}
    last = window[-1].order if window and not open_end else None
    for message in others:
        if last is not None and message.order > last and message.key not in by_key:
            continue
        twin = keys.get(message.id) if message.id else None
        if twin is not None and twin != message.key:
            by_key.pop(twin, None)
        by_key[message.key] = message
        if message.id:
            keys[message.id] = message.key
    return sorted(by_key.values(), key=lambda message: message.order)


def without(window: Sequence[Message], gone: Iterable[Message]) -> list[Message]:
    """A window without some messages."""
    keys = {message.key for message in gone}
    return [message for message in window if message.key not in keys]


def place(window: Sequence[Message], order: tuple[int, int, str]) -> int:
    """Where a message of that order stands in a window, or would."""
    return bisect_left(window, order, key=lambda message: message.order)


def clipped(window: Sequence[Message], centre: int, most: int) -> tuple[list[Message], bool, bool]:
    """At most so many messages around an index; whether something was cut before, and after."""
    if len(window) <= most:
        return list(window), False, False
    start = min(max(0, centre - most // 2), len(window) - most)
    return list(window[start : start + most]), start > 0, start + most < len(window)
