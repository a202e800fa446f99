"""Formatting of plain text: ``**bold**``, ``*italic*``, `` `code` ``, blocks between ```` ``` ````, links.

The result is runs, never HTML: whoever paints them paints characters. Every text is accepted, and takes time
in proportion to its length.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from client.core.links import Link, find_links

_FENCE = "```"
_MARK = re.compile(r"\*\*|\*|`")


@dataclass(frozen=True, slots=True)
class Run:
    """Characters that look alike; ``block`` is a block of code, whose ``code`` is set too."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    block: bool = False
    link: Link | None = None
    me: bool = False
    """I am meant by it."""


def runs(text: str) -> list[Run]:
    """The runs of a text, without the marks that were understood; those that were not stay."""
    parts = text.split(_FENCE)
    if len(parts) % 2 == 0:  # the last one is never closed
        parts[-2:] = [parts[-2] + _FENCE + parts[-1]]
    found: list[Run] = []
    for number, part in enumerate(parts):
        if number % 2 == 0:
            found += _inline(_around_block(part, number, len(parts)))
        elif part.strip():
            found.append(Run(_block(part), code=True, block=True))
        else:
            found += _inline(_FENCE + part + _FENCE)
    return _joined(found)


def plain(text: str) -> str:
    """A text as one line without marks, for rows and notifications."""
    return " ".join(
        "".join(run.text if not run.block else f" {run.text} " for run in runs(text[:500])).split()
    )


def _around_block(part: str, number: int, count: int) -> str:
    """The line breaks beside a block are the block's."""
    if number > 0:
        part = part.removeprefix("\n")
    if number < count - 1:
        part = part.removesuffix("\n")
    return part


def _block(part: str) -> str:
    """A block without the line breaks at its ends, and without a word that names the language."""
    first, newline, rest = part.partition("\n")
    if newline and re.fullmatch(r"[\w+#.-]{0,20}", first.strip()):
        part = rest
    return part.rstrip().strip("\n")


def _inline(text: str) -> Iterator[Run]:
    links = find_links(text)
    spans = _spans(text, links)
    cuts = sorted(
        {0, len(text)}
        | {at for span in spans for at in span[:4]}
        | {at for link in links for at in (link.start, link.end)}
    )
    hidden = {(start, inner) for start, inner, _, _, _ in spans} | {
        (outer, end) for _, _, outer, end, _ in spans
    }
    opened, closed = _by_place(spans)
    inside = {"**": 0, "*": 0, "`": 0}
    link_at = {link.start: link for link in links}
    link: Link | None = None
    for start, end in itertools.pairwise(cuts):
        for mark in closed.get(start, ()):
            inside[mark] -= 1
        for mark in opened.get(start, ()):
            inside[mark] += 1
        if link is not None and start >= link.end:
            link = None
        link = link_at.get(start, link)
        if (start, end) not in hidden:
            yield Run(text[start:end], inside["**"] > 0, inside["*"] > 0, inside["`"] > 0, link=link)


Span = tuple[int, int, int, int, str]
"""Where a mark begins and ends, where its counterpart does, and which it is."""


def _by_place(spans: list[Span]) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    opened: dict[int, list[str]] = {}
    closed: dict[int, list[str]] = {}
    for _, inner, outer, _, mark in spans:
        opened.setdefault(inner, []).append(mark)
        closed.setdefault(outer, []).append(mark)
    return opened, closed


def _spans(text: str, links: list[Link]) -> list[Span]:
    """Marks and their counterparts.

    A code goes to the next back quote of its line; the others nest, within a paragraph.
    """
    spans: list[Span] = []
    waiting: list[tuple[int, int, str]] = []
    ends = iter(links)
    link = next(ends, None)
    code_until = 0
    for match in _MARK.finditer(text):
        start, end, mark = match.start(), match.end(), match[0]
        while link is not None and link.end <= start:
            link = next(ends, None)
        if start < code_until or (link is not None and link.start <= start):
            continue
        if mark == "`":
            line = text.find("\n", end)
            until = text.find("`", end, line if line >= 0 else len(text))
            if until > end:
                spans.append((start, end, until, until + 1, mark))
                code_until = until + 1
            continue
        before, after = text[start - 1] if start else " ", text[end] if end < len(text) else " "
        if waiting and "\n\n" in text[waiting[-1][1] : start][:4_096]:
            waiting.clear()
        index = max((number for number, one in enumerate(waiting) if one[2] == mark), default=-1)
        if index >= 0 and not before.isspace() and not _wordy(after) and waiting[index][1] < start:
            opener = waiting[index]
            del waiting[index:]
            spans.append((opener[0], opener[1], start, end, mark))
        elif not after.isspace() and not _wordy(before) and len(waiting) < 8:
            waiting.append((start, end, mark))
    return spans


def _wordy(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _joined(found: list[Run]) -> list[Run]:
    """Neighbours that look alike are one, but for blocks."""
    joined: list[Run] = []
    for run in found:
        if not run.text:
            continue
        if joined and not run.block and replace(joined[-1], text="") == replace(run, text=""):
            joined[-1] = replace(run, text=joined[-1].text + run.text)
        else:
            joined.append(run)
    return joined
