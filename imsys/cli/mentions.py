"""Mentions in a text, ``@`` and a username or ``@all``; and what Tab completes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from imsys.cli.people import same
from imsys.sdk import EVERYBODY, Mentions

ALL = "all"

_MENTION = re.compile(r"(?<![\w.@-])@([\w.-]+)")
_BEGUN = re.compile(r"(?:(?<![\w.@-])@|^/)[\w.-]*$")


def mentioned(text: str, users: Iterable[tuple[int, str]], *, everybody: bool) -> Mentions:
    """Return whom a text mentions.

    :param users: uuids and usernames of those who can be.
    :param everybody: whether all can be mentioned at once.
    """
    found = _MENTION.findall(text)
    if not found:
        return ()
    by_name = {same(username): uuid for uuid, username in users}
    if everybody:
        by_name.setdefault(ALL, 0)
    uuids: list[int] = []
    for name in map(same, found):
        while name and name not in by_name and name[-1] in ".-_":  # the end of a sentence
            name = name[:-1]
        if name in by_name:
            uuids.append(by_name[name])
    return EVERYBODY if 0 in uuids else tuple(dict.fromkeys(uuids))


def completions(text: str, usernames: Collection[str], commands: Collection[str]) -> tuple[int, list[str]]:
    """Return where the word at the end of a text begins that Tab completes, and what it may become: ``@`` and a
    username, or, at the beginning, a command.
    """
    begun = _BEGUN.search(text)
    if begun is None:
        return len(text), []
    start = same(begun[0])
    words = commands if start.startswith("/") else [f"@{name}" for name in usernames]
    return begun.start(), [word for word in words if same(word).startswith(start)]
