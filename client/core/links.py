"""Links in plain texts: which there are, and whether one leads where it seems to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

LONGEST = 2_048
"""Characters; what is longer is text."""

_LINK = re.compile(
    r"(?<![A-Za-z0-9_.@/+-])(?:https?://|mailto:)[^\s<>\"\x00-\x20\x7f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+",
    re.IGNORECASE,
)
_END = ".,;:!?'*_~`\u3002\uff0c\uff1b\uff1a\uff01\uff1f\u3001\u201d\u2019\u300d\u300f\u3011\uff09"
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Link:
    """A link in a text, from character ``start`` to before ``end``.

    :param host: where it leads, in ASCII; empty for mail.
    :param asks: whether to ask before it is opened, since its text may be read as if it led somewhere else.
    """

    start: int
    end: int
    url: str
    host: str
    asks: bool
    person: int = 0
    """Whom it leads to, where it is a name in the text and no address."""


def find_links(text: str) -> list[Link]:
    """The links of a text, ``http``, ``https`` and ``mailto`` alone, in order."""
    found = []
    for match in _LINK.finditer(text):
        url = _trimmed(match[0])
        link = _link(match.start(), url) if len(url) <= LONGEST else None
        if link is not None:
            found.append(link)
    return found


def may_open(url: str) -> bool:
    """Whether a URL is one that a click may open at all."""
    links = find_links(url)
    return len(links) == 1 and links[0].url == url


def _trimmed(url: str) -> str:
    """Without what belongs to the sentence around it."""
    end = len(url)
    counts = {mark: url.count(mark) for mark in "()[]{}"}
    while end:
        last = url[end - 1]
        if last in _PAIRS:
            if counts[last] <= counts[_PAIRS[last]]:
                break
            counts[last] -= 1
        elif last not in _END:
            break
        end -= 1
    return url[:end]


def _link(start: int, url: str) -> Link | None:
    end = start + len(url)
    if url[:7].lower() == "mailto:":
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", url[7:].partition("?")[0]):
            return None
        return Link(start, end, url, "", asks="?" in url)
    try:
        parts = urlsplit(url)
        name, _ = parts.hostname or "", parts.port
        host = name if ":" in name else name.encode("idna").decode("ascii") if not name.isascii() else name
    except ValueError:  # of which a name that is none is one
        return None
    if not host or not re.fullmatch(r"[a-z0-9_.:-]+", host):
        return None
    asks = "@" in parts.netloc or not name.isascii() or "xn--" in host or "\\" in url
    return Link(start, end, url, host, asks)
