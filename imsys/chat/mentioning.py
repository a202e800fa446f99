"""What a text says beside its words: whom it mentions."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from imsys.errors import Refused, Status
from imsys.server.fields import parse_id

EVERYBODY = "all"

MENTIONS = 100
"""Users whom one text mentions, at most."""

USERS_END = 1 << 31
"""All ids of users are below it."""


def mentions(given: list[str] | str | UnsetType) -> list[str] | str | None:
    """Whom a text mentions, checked: users, or everybody; ``None``, nobody.

    :raises Refused: INVALID_FIELD (70), JSONPARSE_ERROR (1).
    """
    if given is UNSET or not given:
        return None
    if given == EVERYBODY:
        return EVERYBODY
    if isinstance(given, str) or len(given) > MENTIONS:
        raise Refused(Status.INVALID_FIELD, f'A text mentions at most {MENTIONS} users, or "all".')
    users = dict.fromkeys(parse_id(user, "mentions") for user in given)
    if not all(0 < user < USERS_END for user in users):  # 0 stands for everybody where mentions are stored
        raise Refused(Status.INVALID_FIELD, "A text mentions somebody by an id that no user has.")
    return [str(user) for user in users]
