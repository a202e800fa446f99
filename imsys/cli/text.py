"""Make texts safe for a terminal, and measure and wrap them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(text: str, *, lines: bool = False) -> str:
    """Remove control and direction characters from a foreign text; ``lines`` keeps line breaks."""
    shown = []
    for character in text.replace("\r\n", "\n").replace("\t", "    "):
        if character == "\n" and lines:
            shown.append(character)
        elif character in _BIDI or unicodedata.category(character) in ("Cc", "Cs", "Co", "Zl", "Zp"):
            shown.append(" " if character == "\n" else "\N{REPLACEMENT CHARACTER}")
        else:
            shown.append(character)
    return "".join(shown)


def bytes_text(count: int) -> str:
    """Format a number of bytes in decimal units: ``120 kB``, ``1.4 GB``."""
    size, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 999.5 or unit == "TB":
            break
        size /= 1000
    return f"{size:.1f} {unit}" if size < 9.95 and unit != "B" else f"{size:.0f} {unit}"


def width(text: str) -> int:
    """Return the columns of printable text on a terminal."""
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def wrap(text: str, columns: int) -> list[str]:
    """Break printable text into rows of at most so many columns, between words where possible.

    At least one row.
    """
    rows: list[str] = []
    for line in text.split("\n"):
        row, used, space = "", 0, -1
        for character in line:
            size = _width(character)
            if used + size > columns and row:
                if character != " " and space > 0:
                    rows.append(row[:space])
                    row = row[space + 1 :]
                else:
                    rows.append(row)
                    row = ""
                used, space = width(row), -1
                if character == " " and not row:
                    continue
            if character == " ":
                space = len(row)
            row += character
            used += size
        rows.append(row)
    return rows


def cut(text: str, columns: int) -> str:
    """Return the beginning of printable text that fits into so many columns."""
    used = 0
    for index, character in enumerate(text):
        used += _width(character)
        if used > columns:
            return text[:index]
    return text


def listed(words: Sequence[str]) -> str:
    """Join words to a part of a sentence: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
