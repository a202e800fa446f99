"""How long a text is for the server, and cutting one that is too long."""

from __future__ import annotations

import regex

LONGEST_TEXT = 4_096
"""Characters of one message."""

_BREAKS = ("\n\n", "\n", ". ", "! ", "? ", "\u3002", "\uff01", "\uff1f", "; ", ", ", "\uff0c", " ", "\t")


def characters(text: str) -> int:
    """Characters as the server counts them: code points."""
    return len(text)


def fits(text: str) -> bool:
    """Whether it can be sent as one message."""
    return 0 < len(text) <= LONGEST_TEXT


def split(text: str, longest: int = LONGEST_TEXT) -> list[str]:
    """A text as several that can be sent, cut at paragraphs, lines, sentences or words where that is
    possible.

    Only white space at the cuts is lost. What looks like one character stays one, unless it alone is too
    long.
    """
    parts: list[str] = []
    rest = text.strip()
    while len(rest) > longest:
        cut = _cut(rest, longest)
        part = rest[:cut].rstrip()
        parts.append(part)
        rest = rest[cut:].lstrip()
    return [*parts, rest] if rest else parts


def _cut(text: str, longest: int) -> int:
    for mark in _BREAKS:
        kept = len(mark.rstrip())
        at = text.rfind(mark, longest // 2, longest + len(mark) - kept) + kept
        if at > kept and text[:at].strip():
            return at
    end = 0
    for match in regex.finditer(r"\X", text[: longest + 64]):
        if match.end() > longest:
            break
        end = match.end()
    return end or longest
