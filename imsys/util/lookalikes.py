"""Which names people take for each other: skeletons of UTS #39."""

from __future__ import annotations

import functools
import unicodedata
from collections import defaultdict

from imsys.util.names import name_key, without_ignorable


def looks(username: str) -> list[str]:
    """What names must not have in common, lest people take the one for the other: at most two.

    One is of the name as it is shown, one of its key, since a name may be shown in any case.
    """
    return sorted({skeleton(text).casefold() for text in (username, name_key(username))})


def skeleton(text: str) -> str:
    """What a text has in common with those that look like it (UTS #39, section 4)."""
    prototypes = _prototypes()
    parts = (prototypes.get(character, character) for character in without_ignorable(unicodedata.normalize("NFD", text)))
    return unicodedata.normalize("NFD", "".join(parts))


@functools.cache
def _prototypes() -> dict[str, str]:
    """What each character that looks like something else is taken for.

    The data tell of every character what it looks like, in both directions: what others look like is what is alike to most.
    """
    from confusable_homoglyphs.confusables import confusables_data  # reads a file

    alike: defaultdict[str, set[str]] = defaultdict(set)
    for one, others in confusables_data.items():
        alike[_bare(one)].update(_bare(other["c"]) for other in others)
    found = {}
    for one, others in alike.items():
        if len(one) == 1:
            best = max((one, *others), key=lambda text: (len(alike[text]), len(text) > 1, text))
            if best != one:
                found[one] = best
    return {one: "".join(found.get(character, character) for character in best) for one, best in found.items()}


def _bare(text: str) -> str:
    """Without the marks of direction that the data put around letters of scripts that are written from the right."""
    return unicodedata.normalize("NFD", text.replace("\u200e", ""))
