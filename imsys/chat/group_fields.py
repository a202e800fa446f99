"""Fields of requests about groups, checked; and their words on the wire."""

from __future__ import annotations

from imsys.errors import Refused, Status
from imsys.protocols.identifiers import decode_id
from imsys.server.fields import parse_id, shown
from imsys.store.ids import moment
from imsys.store.members import CHANNEL, FROM_JOINING
from imsys.store.membership import EVERYBODY, FRIENDS, NOBODY, Picture

USERS = 200
"""Users of one request, at most."""

TITLE, DESCRIPTION = 100, 500
"""Characters, at most."""

ADDED_BY = {"everybody": EVERYBODY, "friends": FRIENDS, "nobody": NOBODY}
"""Who may add a user to groups."""


def title(text: str) -> str:
    """:raises Refused: INVALID_FIELD (70)."""
    if not text.strip():
        raise Refused(Status.INVALID_FIELD, f"The title of a group has 1 to {TITLE} characters.")
    return shown(text, TITLE, "title")


def description(text: str) -> str:
    """:raises Refused: INVALID_FIELD (70)."""
    return shown(text, DESCRIPTION, "description")


def picture(text: str) -> Picture:
    """:raises Refused: INVALID_FIELD (70), it is not the id of a file."""
    return Picture(decode_id(text), text) if text else Picture(b"", "")


def history(text: str) -> str:
    """:raises Refused: INVALID_FIELD (70)."""
    if text not in ("all", "joined"):
        raise Refused(Status.INVALID_FIELD, "The history that newcomers read is all or joined.")
    return text


def users(texts: list[str], *, least: int = 1) -> list[int]:
    """Users of a request, each once. :raises Refused: INVALID_FIELD (70), there are too many, or too few."""
    found = list(dict.fromkeys(parse_id(text, "members") for text in texts))
    if not least <= len(found) <= USERS:
        raise Refused(Status.INVALID_FIELD, f"A request is about {least} to {USERS} users.")
    return found


def link(text: str) -> bytes:
    """:raises Refused: LINK_INVALID (81), it is none."""
    try:
        return decode_id(text)
    except Refused:
        raise Refused(Status.LINK_INVALID, "This link is not valid (any more).") from None


def time(ms: int) -> str:
    """A time in ms since 1970 on the wire; empty for 0."""
    return moment(ms) if ms else ""


def is_channel(rules: int) -> bool:
    """Whether only admins write in a group of these rules."""
    return bool(rules & CHANNEL)


def history_of(rules: int) -> str:
    """What a newcomer to a group of these rules reads."""
    return "joined" if rules & FROM_JOINING else "all"
