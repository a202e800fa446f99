"""Check one-line texts that other users see."""

from __future__ import annotations

import unicodedata

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that embed, override or isolate a text direction (Unicode, UAX #9), so that text is shown
reordered."""


_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs", "Mc", "Me", "Mn")
"""Categories of characters that are nothing to see by themselves."""


def is_seen(text: str) -> bool:
    """Return whether a text has a character that people see, and none that :func:`is_shown` refuses."""
    return is_shown(text) and any(unicodedata.category(character) not in _UNSEEN for character in text)


def is_shown(text: str) -> bool:
    """Return whether a text has no control characters, line ends, lone surrogates or direction controls."""
    return not any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _TURNING
        for character in text
    )
