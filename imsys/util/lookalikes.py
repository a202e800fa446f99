"""Detect names that look alike, by the skeletons of UTS #39."""

from __future__ import annotations

import functools
import unicodedata
from collections import defaultdict

from imsys.util.names import name_key, without_ignorable


def looks(username: str) -> list[str]:
    """Return the looks of a name, at most two; names with a look in common can be confused.

    One is that of the name as it is shown, one that of its key, since a name may be shown in any case.
    """
    return sorted({skeleton(text).casefold() for text in (username, name_key(username))})


def skeleton(text: str) -> str:
    """Return the skeleton of a text, which it shares with texts that look alike (UTS #39, section 4)."""
    prototypes = _prototypes()
    parts = (
        prototypes.get(character, character)
        for character in without_ignorable(unicodedata.normalize("NFD", text))
    )
    return unicodedata.normalize("NFD", "".join(parts))


@functools.cache
def _prototypes() -> dict[str, str]:
    """Return the prototype of each confusable character.

    The data list the look-alikes of each character in both directions; the prototype is the one with most of
    them.
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
    return {
        one: "".join(found.get(character, character) for character in best) for one, best in found.items()
    }


def _bare(text: str) -> str:
    """Normalize a text of the data, without the direction marks around right-to-left letters."""
    return unicodedata.normalize("NFD", text.replace("\u200e", ""))
