"""Texts of others as they are shown: what could spoil the screen is taken out, what was meant stays."""

from __future__ import annotations

import re
import unicodedata

import regex

_MARKS = 4
"""Combining marks on one character; languages need three, and four is safe."""
_ZALGO = regex.compile(rf"(\p{{M}}{{{_MARKS}}})\p{{M}}+")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufff9-\ufffb]|[\ud800-\udfff]")
_TURNING = re.compile("[\u202a-\u202e]")
_ISOLATES = re.compile("[\u2066-\u2069\n]")
_BLANK_LINES = re.compile(r"\n[^\S\n]*\n(?:[^\S\n]*\n)+")
_EMOJI = regex.compile(r"(?:\p{Regional_Indicator}{2}|\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f?|[0-9#*]\ufe0f?\u20e3)"
                       r"(?:\p{Emoji_Modifier}|\u200d\p{Extended_Pictographic}\ufe0f?|[\U000e0020-\U000e007f])*")  # fmt: skip


def shown(text: str) -> str:
    """A text as it is painted.

    Controls are shown as such, overrides of the direction go, isolates end with their line, marks are piled up
    no higher than languages need, and rows of empty lines become one.
    """
    text = _CONTROLS.sub(
        _picture,
        text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n"),
    )
    text = _TURNING.sub("", text)
    if _ISOLATES.search(text) and (
        "\u2066" in text or "\u2067" in text or "\u2068" in text or "\u2069" in text
    ):
        text = "\n".join(_balanced(line) for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", _ZALGO.sub(r"\1", text)).strip("\n")


def shown_name(name: str) -> str:
    """A name as it is painted: one line, in its own direction."""
    line = " ".join(_CONTROLS.sub("", _ISOLATES.sub(" ", _TURNING.sub("", name))).split())
    return _ZALGO.sub(r"\1", line) or "?"


def emoji_only(text: str, most: int = 3) -> int:
    """How many emoji a text is made of, if it is made of nothing else and of no more than so many; else 0."""
    bare = "".join(text.split())
    if not bare or len(bare) > most * 16:
        return 0
    count, at = 0, 0
    while at < len(bare):
        match = _EMOJI.match(bare, at)
        if match is None or count == most:
            return 0
        count, at = count + 1, match.end()
    return count


def initials(name: str) -> str:
    """One or two characters for an avatar without a picture: of the first word and the last; of Chinese and the like, the last one."""
    words = [word for word in regex.split(r"[\s\p{P}\p{S}]+", shown_name(name)) if word]
    words = [word for word in words if any(character.isalnum() for character in word)] or words
    if not words:
        match = regex.match(r"\X", shown_name(name))
        return match[0] if match else "?"
    if regex.search(r"[\p{Han}\p{Hangul}\p{Hiragana}\p{Katakana}]", words[-1]):
        return _first(words[-1][::-1]) if len(words[-1]) <= 3 else _first(words[0])
    picked = [words[0]] if len(words) == 1 else [words[0], words[-1]]
    return "".join(_first(word) for word in picked).upper()[:2]


def colour_index(number: int, count: int = 8) -> int:
    """Which of so many colours somebody has, the same everywhere; numbers that follow each other differ."""
    mixed = (number ^ (number >> 32)) * 0x9E3779B1 & 0xFFFFFFFF
    return (mixed >> 16) % count


def _first(word: str) -> str:
    match = regex.match(r"\X", word)
    return unicodedata.normalize("NFC", match[0])[:1] if match else "?"


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def _balanced(line: str) -> str:
    """A line whose isolates end with it, and which ends none that it did not begin."""
    parts, depth = [], 0
    for character in line:
        if character in "\u2066\u2067\u2068":
            depth += 1
            if depth > 8:
                depth -= 1
                continue
        elif character == "\u2069":
            if not depth:
                continue
            depth -= 1
        parts.append(character)
    return "".join(parts) + "\u2069" * depth
