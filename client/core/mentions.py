"""Mentions in a text: ``@`` and a username, or ``@all``; and their completion while one writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from client.core.formatting import Run
from client.core.links import Link
from client.core.model import EVERYBODY, Person

ALL = "all"
MOST = 8
"""Whom a completion offers at a time."""

_MENTION = re.compile(r"(?<![\w.@-])@([\w.-]*\w)")
_BEGUN = re.compile(r"(?<![\w.@-])@([\w.-]*)$")


def mentioned(text: str, members: Iterable[Person], *, all: bool = False) -> tuple[int, ...]:
    """Whom a text mentions.

    :param all: whether all can be mentioned at once.
    """
    names = {name.casefold() for name in _MENTION.findall(text)}
    if not names:
        return ()
    if all and ALL in names:
        return (EVERYBODY,)
    return tuple(one.uuid for one in members if one.username.casefold() in names)


def marked(runs: Iterable[Run], names: Mapping[str, int], me: int) -> list[Run]:
    """Runs in which the names of those whom a text mentions are runs of their own.

    :param names: usernames, without regard to case, and whose they are; :data:`ALL` is :data:`EVERYBODY`.
    :param me: mine, and that of all, are marked; others lead to whose they are.
    """
    found: list[Run] = []
    for run in runs:
        at = 0
        for match in _MENTION.finditer(run.text) if not (run.code or run.link) else ():
            uuid = names.get(match[1].casefold())
            if uuid is None:
                continue
            start, end = match.span()
            found.append(replace(run, text=run.text[at:start]))
            meant = uuid in (me, EVERYBODY)
            link = None if meant else Link(start, end, "", "", asks=False, person=uuid)
            found.append(replace(run, text=run.text[start:end], link=link, me=meant))
            at = end
        found.append(replace(run, text=run.text[at:]))
    return [run for run in found if run.text]


def begun(text: str) -> str | None:
    """What stands after the ``@`` of a mention that is being written at the end of a text; ``None``: there is none."""
    found = _BEGUN.search(text)
    return found[1] if found is not None else None


def candidates(members: Iterable[Person], start: str, most: int = MOST) -> Sequence[Person]:
    """Members of whose names one begins so; those whose username does come first."""
    start = start.casefold()
    found = [
        one
        for one in members
        if one.username.casefold().startswith(start)
        or any(word.casefold().startswith(start) for word in one.name.split())
    ]
    return sorted(
        found,
        key=lambda one: (
            one.uuid == EVERYBODY,
            not one.username.casefold().startswith(start),
            one.name.casefold(),
        ),
    )[:most]
