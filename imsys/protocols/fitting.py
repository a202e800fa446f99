"""Fitting lists into chat frames: fewer items, or several messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from imsys.protocols.framing import CHAT
from imsys.protocols.messages.registry import Message, encode

T = TypeVar("T")
M = TypeVar("M", bound=Message)

SEQ = 400
"""Bytes that are kept free for an echoed ``seq`` (64 characters, at worst of 6 bytes each, as escapes)."""

_ROOM = CHAT.largest - CHAT.header.size - SEQ
"""Bytes of a body."""


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
