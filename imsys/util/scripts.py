"""Check which scripts may be mixed in one name."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import regex

_TOGETHER = (
    ("LATIN", "HAN", "HIRAGANA", "KATAKANA"),
    ("LATIN", "HAN", "BOPOMOFO"),
    ("LATIN", "HAN", "HANGUL"),
)
"""Allowed mixtures of scripts: those of the level "highly restrictive" of UTS #39, section 5.2; or any one
script."""

_ANYWHERE = r"\p{scx=Common}\p{scx=Inherited}"


def of_one_script(text: str) -> bool:
    """Return whether a text is of one script, or of scripts that are written together."""
    return any(pattern.fullmatch(text) for pattern in _scripts())


@functools.cache
def _scripts() -> list[regex.Pattern[str]]:
    from confusable_homoglyphs.categories import categories_data  # reads a file

    each = [(name,) for name in categories_data["iso_15924_aliases"] if name not in ("COMMON", "INHERITED")]
    return [_any_of(names) for names in (*_TOGETHER, *each)]


def _any_of(names: Sequence[str]) -> regex.Pattern[str]:
    members = "".join(rf"\p{{scx={name}}}" for name in names)
    return regex.compile(f"[{members}{_ANYWHERE}]+")
