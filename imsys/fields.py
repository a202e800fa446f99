"""Fields of requests: what is allowed in them, and what a request is refused for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from imsys.errors import Refused, Status
from imsys.protocols.framing import CHAT
from imsys.protocols.messages.registry import Message, encode

T = TypeVar("T")
M = TypeVar("M", bound=Message)

_ROOM = CHAT.largest - CHAT.header.size - 400
"""Bytes of a body, less what an echoed ``seq`` may take (64 characters, at worst of 6 bytes each, as escapes)."""


def parse_id(text: str, name: str) -> int:
    """Read an id, a decimal string of 63 bits at most. :raises Refused: 1, it is something else."""
    if not text.isascii() or not text.isdigit() or len(text) > 19 or (value := int(text)) >= 1 << 63:
        raise Refused(Status.JSONPARSE_ERROR, f"The key {name} is not the decimal string of an id.")
    return value


def parse_cursor(text: str, name: str = "cursor") -> int:
    """Read the cursor of a page: an id, or nothing for the first. :raises Refused: 1."""
    return parse_id(text, name) if text else 0


def at_most(text: str, characters: int, name: str) -> str:
    """Give back a text that is short enough. :raises Refused: 70."""
    if len(text) > characters:
        raise Refused(Status.INVALID_FIELD, f"The key {name} has at most {characters} characters.")
    return text


def within(value: int, low: int, high: int, name: str) -> int:
    """Give back a number in its range. :raises Refused: 70."""
    if not low <= value <= high:
        raise Refused(Status.INVALID_FIELD, f"The key {name} is from {low} to {high}.")
    return value


def fit(items: Sequence[T], build: Callable[[Sequence[T]], M], *, from_the_end: bool = False) -> M:
    """Build a message of as many items as fit into a frame: all, or else half of them, and so on.

    :param from_the_end: keep the last ones instead of the first.
    """
    while True:
        built = build(items)
        if len(items) <= 1 or len(encode(built)) <= _ROOM:
            return built
        half = len(items) // 2
        items = items[half:] if from_the_end else items[:half]


def split(items: Sequence[T], build: Callable[[Sequence[T]], M]) -> list[M]:
    """Build as many messages as it takes for all items to fit into frames."""
    built = build(items)
    if len(items) <= 1 or len(encode(built)) <= _ROOM:
        return [built]
    half = len(items) // 2
    return [*split(items[:half], build), *split(items[half:], build)]
