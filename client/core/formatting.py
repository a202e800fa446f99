"""Formatting of plain text: ``**bold**``, ``*italic*``, `` `code` ``, fenced code, and links that are found in it.

Nothing here reads HTML, and nothing is looked up: what is not a mark of these stays as it was written. The time is linear in the text.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from functools import lru_cache


class Style(enum.Flag):
    """How a run is shown."""

    PLAIN = 0
    BOLD = enum.auto()
    ITALIC = enum.auto()
    CODE = enum.auto()
    BLOCK = enum.auto()
    """Code on lines of its own."""
    LINK = enum.auto()


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one style, its marks taken away; ``url`` is what a link opens."""

    text: str
    style: Style = Style.PLAIN
    url: str = ""


_TOKEN = re.compile(r"```|`|\*+|https?://[^\s<>\"`\u2028\u2029]+", re.IGNORECASE)


@dataclass(slots=True)
class _Piece:
    text: str
    style: Style
    url: str


_STARS = {"*": Style.ITALIC, "**": Style.BOLD, "***": Style.BOLD | Style.ITALIC}
_TRAILING = ".,;:!?'*_~。，；：！？、"
_OPENING = {")": "(", "]": "[", "}": "{", "）": "（"}


def _link(found: str) -> str:
    """What of it belongs to the link: not the punctuation of the sentence around it."""
    end = len(found)
    while end:
        last = found[end - 1]
        if last in _TRAILING or (last in _OPENING and found.count(last, 0, end) > found.count(_OPENING[last], 0, end)):
            end -= 1
        else:
            break
    return found[:end]


@lru_cache(maxsize=512)
def runs(text: str) -> tuple[Run, ...]:
    """The runs of a text, in order; neighbours of one style are one run."""
    pieces: list[_Piece] = []
    opened: dict[str, int] = {}  # stars -> index of its piece
    no_fence = no_tick = False
    at = 0

    def add(piece: str, style: Style = Style.PLAIN, url: str = "") -> None:
        if piece:
            pieces.append(_Piece(piece, style, url))

    while found := _TOKEN.search(text, at):
        start, mark = found.start(), found.group()
        add(text[at:start])
        at = found.end()
        if mark == "```":
            end = -1 if no_fence else text.find("```", at)
            no_fence = end < 0
            body = text[at:end] if end >= 0 else ""
            if body.strip():
                add(_block(body), Style.BLOCK)
                at = end + 3
                opened.clear()
                if text.startswith("\n", at):
                    at += 1
            else:
                add(mark)
        elif mark == "`":
            end = -1 if no_tick else text.find("`", at)
            no_tick = end < 0
            body = text[at:end] if end >= 0 else ""
            if body.strip() and "\n" not in body:
                add(body, Style.CODE)
                at = end + 1
            else:
                add(mark)
        elif mark[0] == "*":
            before, after = text[start - 1 : start], text[at : at + 1]
            style = _STARS.get(mark, Style.PLAIN)
            if mark in opened and before.strip():
                begun = opened.pop(mark)
                for piece in pieces[begun + 1 :]:
                    piece.style |= style
                pieces[begun].text = ""
                opened = {other: index for other, index in opened.items() if index < begun}
            else:
                add(mark)
                if style and after.strip() and not (before.isalnum() and mark == "*"):
                    opened[mark] = len(pieces) - 1
        else:
            url = _link(mark)
            add(url, Style.LINK, url) if "://" in url and len(url) > url.index("://") + 3 else add(url)
            at = start + len(url)
    add(text[at:])
    return _joined(pieces)


def _block(body: str) -> str:
    """The code of a fenced block, without the language's name on the first line, and without the last break."""
    first, line, rest = body.partition("\n")
    if line and re.fullmatch(r"[\w+#.-]{0,20}", first.strip()):
        body = rest
    return body.rstrip("\n") or body


def _joined(pieces: list[_Piece]) -> tuple[Run, ...]:
    made: list[Run] = []
    for piece in pieces:
        if made and made[-1].style == piece.style and not piece.url and piece.style is not Style.BLOCK:
            made[-1] = Run(made[-1].text + piece.text, piece.style)
        elif piece.text:
            made.append(Run(piece.text, piece.style, piece.url))
    return tuple(made)


def plain(text: str) -> str:
    """A text without its marks, on one line: for lists, notifications and quotes."""
    return " ".join("".join(run.text for run in runs(text)).split())


def count_emoji(text: str, most: int) -> int:
    """How many emoji a text consists of; 0 where it holds anything else, or more than ``most``."""
    bare = "".join(text.split())
    if not bare or len(bare) > most * 12 or bare.isascii():
        return 0
    import regex

    clusters: list[str] = regex.findall(r"\X", bare)
    emoji = r"(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|\p{Extended_Pictographic}\p{Emoji_Modifier}|[0-9#*]\ufe0f?\u20e3).*"
    if len(clusters) > most or not all(regex.fullmatch(emoji, cluster, regex.DOTALL) for cluster in clusters):
        return 0
    return len(clusters)
