"""What a link opens, as far as people can see it."""

from __future__ import annotations

import unicodedata
from urllib.parse import urlsplit


def host(url: str) -> str:
    """The host that a URL leads to, in ASCII as it is asked for (``xn--…``); empty: it leads nowhere that may be opened."""
    try:
        parts = urlsplit(url)
        name = parts.hostname or ""
        _ = parts.port
        name = name.encode("idna").decode("ascii") if not name.isascii() else name
    except (ValueError, UnicodeError):
        return ""
    return name if parts.scheme in ("http", "https") else ""


def shown(text: str, url: str) -> bool:
    """Whether a text shows the host that the URL leads to, so that nobody has to be asked.

    It does not where the host is written with other letters than it is asked for with, where something that looks like a host stands
    before an ``@``, and where characters that are not seen, or that turn the direction, are in it.
    """
    name = host(url)
    if not name or "xn--" in name or "@" in urlsplit(url).netloc or "\\" in url:
        return False
    if any(unicodedata.category(character) in ("Cf", "Cc", "Co", "Cs") for character in text):
        return False
    return host(text if "://" in text else f"https://{text}") == name
