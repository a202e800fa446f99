"""Which messages stand together, where a day begins, and where reading stopped."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import lru_cache

from client.core.model import Kind, Message

QUARTER_MS = 900_000
GROUP_MS = 300_000
"""A group of messages ends after so long a pause."""


class Day(enum.Enum):
    """How a day is called; the view has the words, and the locale the dates."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEKDAY = "weekday"
    """One of the last six days before yesterday."""
    THIS_YEAR = "this year"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Place:
    """How a message stands among its neighbours."""

    first: bool
    """It begins a group: the sender's name goes above it."""
    last: bool
    """It ends a group: the corner of its bubble, and the avatar beside it."""
    new_day: bool
    unread_line: bool
    """The line "unread messages" goes above it."""


def day_of(at_ms: int, zone: tzinfo | None = None) -> date:
    """The day of a time where the user is (``None``: as the system says).

    Nonsense is the day of 1970 or 9999 that is nearest.
    """
    return _day(at_ms // QUARTER_MS, zone)


@lru_cache(maxsize=4096)
def _day(quarter: int, zone: tzinfo | None) -> date:
    """Clocks differ by quarters of an hour, and a day begins with one."""
    try:
        return datetime.fromtimestamp(quarter * QUARTER_MS // 1000, zone).date()
    except (OverflowError, OSError, ValueError):
        return date(9999, 12, 31) if quarter > 0 else date(1970, 1, 1)


def day_label(day: date, today: date) -> Day:
    """How a day is called on another."""
    ago = (today - day).days
    if ago == 0:
        return Day.TODAY
    if ago == 1:
        return Day.YESTERDAY
    if 2 <= ago <= 6:
        return Day.WEEKDAY
    return Day.THIS_YEAR if day.year == today.year else Day.DATE


def together(before: Message | None, after: Message | None, zone: tzinfo | None = None) -> bool:
    """Whether two neighbours are of one group."""
    if before is None or after is None or before.sender != after.sender:
        return False
    if Kind.NOTICE in (before.kind, after.kind):
        return False
    if not 0 <= after.at_ms - before.at_ms < GROUP_MS and before.id and after.id:
        return False
    return day_of(before.at_ms, zone) == day_of(after.at_ms, zone)


def places(
    messages: Sequence[Message],
    read: int,
    *,
    before: Message | None = None,
    after: Message | None = None,
    zone: tzinfo | None = None,
) -> list[Place]:
    """How each of a run of messages stands.

    :param read: id up to which was read when the conversation was opened; 0: no line.
    :param before: the message before the first, where one is known; ``after``: the one after the last.
    """
    line = unread_line(messages, read) if before is None or before.id <= read else ""
    found: list[Place] = []
    for index, message in enumerate(messages):
        earlier = messages[index - 1] if index else before
        later = messages[index + 1] if index + 1 < len(messages) else after
        unread = message.key == line
        new_day = earlier is None or day_of(earlier.at_ms, zone) != day_of(message.at_ms, zone)
        next_has_line = later is not None and later.key == line
        found.append(
            Place(
                first=unread or not together(earlier, message, zone),
                last=next_has_line or not together(message, later, zone),
                new_day=new_day,
                unread_line=unread,
            )
        )
    return found


def unread_line(messages: Sequence[Message], read: int) -> str:
    """The key of the first message of somebody else after an id; empty: there is none."""
    if not read:
        return ""
    return next((message.key for message in messages if message.id > read and not message.mine), "")
