"""Check the fields of requests."""

from __future__ import annotations

from datetime import datetime

from imsys.errors import Refused, Status
from imsys.util.texts import is_shown

YEAR_10000 = 253_402_300_800_000
"""Its begin, in ms since 1970: no such time can be written in RFC 3339."""


def parse_id(text: str, name: str) -> int:
    """Parse an id, a decimal string of at most 63 bits.

    :raises Refused: JSONPARSE_ERROR (1), it is not one.
    """
    if not text.isascii() or not text.isdigit() or len(text) > 19 or (value := int(text)) >= 1 << 63:
        raise Refused(Status.JSONPARSE_ERROR, f"The key {name} is not the decimal string of an id.")
    return value


def parse_cursor(text: str, name: str = "cursor") -> int:
    """Parse the cursor of a page: an id, or empty for the first page.

    :raises Refused: JSONPARSE_ERROR (1).
    """
    return parse_id(text, name) if text else 0


def parse_pair(text: str, name: str = "cursor") -> tuple[int, int]:
    """Parse a cursor of the form ``id:id``, or empty for the first page.

    :raises Refused: JSONPARSE_ERROR (1).
    """
    if not text:
        return 0, 0
    first, separator, second = text.partition(":")
    if not separator:
        raise Refused(Status.JSONPARSE_ERROR, f"The key {name} is not one that was given out.")
    return parse_id(first, name), parse_id(second, name)


def parse_moment(text: str, name: str) -> int:
    """Parse a time, RFC 3339 with its offset; return ms since 1970, at least 1.

    :raises Refused: JSONPARSE_ERROR (1), it is not one.
    """
    try:
        found = datetime.fromisoformat(text)
        ms = round(found.timestamp() * 1000)
        if found.tzinfo is None or "T" not in text or ms >= YEAR_10000:
            raise ValueError
        return max(1, ms)
    except (ValueError, OverflowError):
        raise Refused(Status.JSONPARSE_ERROR, f"The key {name} is not a time of RFC 3339.") from None


def at_most(text: str, characters: int, name: str) -> str:
    """Return a text if it is short enough. :raises Refused: INVALID_FIELD (70), it is not."""
    if len(text) > characters:
        raise Refused(Status.INVALID_FIELD, f"The key {name} has at most {characters} characters.")
    return text


def shown(text: str, characters: int, name: str) -> str:
    """Return a text if it is short enough and has no control or direction characters.

    :raises Refused: INVALID_FIELD (70), it is too long or has such characters.
    """
    if not is_shown(at_most(text, characters, name)):
        raise Refused(
            Status.INVALID_FIELD,
            f"The key {name} has no control characters in it, and none that turn the direction of text.",
        )
    return text


def within(value: int, low: int, high: int, name: str) -> int:
    """Return a number if it is in its range. :raises Refused: INVALID_FIELD (70), it is not."""
    if not low <= value <= high:
        raise Refused(Status.INVALID_FIELD, f"The key {name} is from {low} to {high}.")
    return value
