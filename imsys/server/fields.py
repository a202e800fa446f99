"""Fields of requests: what is allowed in them, and what a request is refused for."""

from __future__ import annotations

from imsys.errors import Refused, Status
from imsys.util.texts import is_shown


def parse_id(text: str, name: str) -> int:
    """Read an id, a decimal string of 63 bits at most. :raises Refused: it is something else (``JSONPARSE_ERROR``)."""
    if not text.isascii() or not text.isdigit() or len(text) > 19 or (value := int(text)) >= 1 << 63:
        raise Refused(Status.JSONPARSE_ERROR, f"The key {name} is not the decimal string of an id.")
    return value


def parse_cursor(text: str, name: str = "cursor") -> int:
    """Read the cursor of a page: an id, or nothing for the first. :raises Refused: ``JSONPARSE_ERROR``."""
    return parse_id(text, name) if text else 0


def parse_pair(text: str, name: str = "cursor") -> tuple[int, int]:
    """Read the cursor of a page: two ids with a colon between, or nothing for the first. :raises Refused: ``JSONPARSE_ERROR``."""
    if not text:
        return 0, 0
    first, separator, second = text.partition(":")
    if not separator:
        raise Refused(Status.JSONPARSE_ERROR, f"The key {name} is not one that was given out.")
    return parse_id(first, name), parse_id(second, name)


def at_most(text: str, characters: int, name: str) -> str:
    """Give back a text that is short enough. :raises Refused: ``INVALID_FIELD``."""
    if len(text) > characters:
        raise Refused(Status.INVALID_FIELD, f"The key {name} has at most {characters} characters.")
    return text


def shown(text: str, characters: int, name: str) -> str:
    """Give back a text of one line that is short enough, and shows as what it is. :raises Refused: ``INVALID_FIELD``."""
    if not is_shown(at_most(text, characters, name)):
        raise Refused(Status.INVALID_FIELD, f"The key {name} has no control characters in it, and none that turn the direction of text.")
    return text


def within(value: int, low: int, high: int, name: str) -> int:
    """Give back a number in its range. :raises Refused: ``INVALID_FIELD``."""
    if not low <= value <= high:
        raise Refused(Status.INVALID_FIELD, f"The key {name} is from {low} to {high}.")
    return value
