"""Check one-line texts that other users see."""

from __future__ import annotations

import unicodedata

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that embed, override or isolate a text direction (Unicode, UAX #9), so that text is shown
reordered."""


def is_shown(text: str) -> bool:
    """Return whether a text has no control characters, line ends, lone surrogates or direction controls."""
    return not any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _TURNING
        for character in text
    )
