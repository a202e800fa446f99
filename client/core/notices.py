"""What happened to a group, as a message of kind ``NOTICE`` keeps it: not in words, which depend on the language
and on what people are called by now.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing.

    :param what: ``created``, ``joined`` (``people`` were added, or came), ``link`` (came by one), ``left``,
        ``removed``, ``admin``, ``member`` (admin no more), ``owner``, ``muted``, ``unmuted``, ``title``,
        ``description``, ``picture``, ``channel``, ``group`` (everybody writes), ``history_all``, ``history_joined``,
        ``heir`` (``people`` has the group now that its owner has left), ``timer``.
    :param text: the title; of ``muted`` until when, Unix milliseconds; of ``timer`` the seconds.
    """

    what: str
    people: tuple[int, ...] = ()
    text: str = ""


def written(notices: Iterable[Notice]) -> str:
    """For the text of a message."""
    return json.dumps([[one.what, one.people, one.text] for one in notices], ensure_ascii=False)


def read(text: str) -> list[Notice]:
    """The other way round; what cannot be read is nothing."""
    try:
        return [
            Notice(str(what), tuple(map(int, people)), str(more)) for what, people, more in json.loads(text)
        ]
    except (ValueError, TypeError):
        return []
