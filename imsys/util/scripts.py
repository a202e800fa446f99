"""Which scripts may be in one name."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import regex

_TOGETHER = (
    ("LATIN", "HAN", "HIRAGANA", "KATAKANA"),
    ("LATIN", "HAN", "BOPOMOFO"),
    ("LATIN", "HAN", "HANGUL"),
)
"""Scripts that are written together: what UTS #39, section 5.2, calls highly restrictive. Any one script is allowed by itself."""

_ANYWHERE = r"\p{scx=Common}\p{scx=Inherited}"


def of_one_script(text: str) -> bool:
    """Whether all of a text may be of one script, or of some that are written together."""
    return any(pattern.fullmatch(text) for pattern in _scripts())


@functools.cache
def _scripts() -> list[regex.Pattern[str]]:
    from confusable_homoglyphs.categories import categories_data  # reads a file

    each = [(name,) for name in categories_data["iso_15924_aliases"] if name not in ("COMMON", "INHERITED")]
    return [_any_of(names) for names in (*_TOGETHER, *each)]


def _any_of(names: Sequence[str]) -> regex.Pattern[str]:
    members = "".join(rf"\p{{scx={name}}}" for name in names)
    return regex.compile(f"[{members}{_ANYWHERE}]+")
