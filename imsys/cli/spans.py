"""Spans of time and times of day, as somebody types and reads them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_NAMES = {604800: "week", 86400: "day", 3600: "hour", 60: "minute", 1: "second"}
_SPAN = re.compile(r"(\d{1,8})([smhdw])")
_MOMENT = re.compile(r"(?:(\d{4}-\d\d-\d\d)[T ]+|(tomorrow) +)?(\d{1,2}:\d\d)(?:\s+|$)")


def seconds_of(text: str) -> int | None:
    """Read a span such as ``30m``, ``12h``, ``7d`` or ``2w``; ``None``: it is none."""
    found = _SPAN.fullmatch(text.strip())
    return int(found[1]) * _UNITS[found[2]] if found else None


def span_text(seconds: int) -> str:
    """Write a span in its largest unit: ``1 day``, ``90 minutes``."""
    unit = next(unit for unit in _NAMES if seconds % unit == 0)
    return f"{seconds // unit} {_NAMES[unit]}{'' if seconds == unit else 's'}"


def moment_of(text: str, now: datetime) -> tuple[datetime, str] | None:
    """Read a time to come at the beginning of a text, and return it with the rest: ``18:00``, today or else tomorrow,
    ``tomorrow 9:00``, ``2026-12-24 18:00``, or ``2h``, from now on. ``None``: there is none.

    :param now: with the time zone that is meant.
    """
    word, _, rest = text.strip().partition(" ")
    span = seconds_of(word.removeprefix("+"))
    try:
        if span is not None:
            return now + timedelta(seconds=span), rest.strip()
        found = _MOMENT.match(text.strip())
        if found is None:
            return None
        on, tomorrow, time = found.groups()
        day = date.fromisoformat(on) if on else now.date() + timedelta(days=1 if tomorrow else 0)
        at = _at(day, time, now)
        if not on and at <= now:
            at = _at(day + timedelta(days=1), time, now)
    except (ValueError, OverflowError):  # 25:00, or in a million years
        return None
    return at, text.strip()[found.end() :].strip()


def _at(day: date, time: str, now: datetime) -> datetime:
    """Return a time of this machine's clocks, which may have another offset on that day than now."""
    return datetime.fromisoformat(f"{day.isoformat()}T{time:0>5}").astimezone(now.tzinfo)


def time_text(at: datetime, now: datetime) -> str:
    """Write a time in the time zone of ``now``, with its date where that is another one."""
    there = at.astimezone(now.tzinfo)
    return f"{there:%H:%M}" if there.date() == now.date() else f"{there:%Y-%m-%d %H:%M}"
