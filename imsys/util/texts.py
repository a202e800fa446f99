"""Texts that people see of others, in one line."""

from __future__ import annotations

import unicodedata

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What embeds, overrides or isolates a direction of text (Unicode, UAX #9): what follows is shown in another order than it has."""


def is_shown(text: str) -> bool:
    """Whether a text has no control characters, no ends of lines, no halves of characters, and nothing that turns its direction."""
    return not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _TURNING for character in text)
