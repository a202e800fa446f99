"""What users say in a text, checked."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from imsys.chat.mentioning import mentions
from imsys.server.fields import parse_id, within
from imsys.store.appending import Draft
from imsys.store.expiry import LONGEST
from imsys.store.mentions import mentioned


def draft(
    unique_id: str,
    content: str,
    reply_to: str | UnsetType,
    named: list[str] | str | UnsetType,
    expires: int | UnsetType,
) -> Draft:
    """Make the draft of a text that says more than its content.

    :raises Refused: JSONPARSE_ERROR (1), INVALID_FIELD (70).
    """
    extra: dict[str, Any] = {}
    answered = 0 if reply_to is UNSET else parse_id(reply_to, "reply_to")
    if answered:
        extra["reply_to"] = str(answered)
    users = mentions(named)
    if users:
        extra["mentions"] = users
    seconds = 0 if expires is UNSET else within(expires, 1, LONGEST, "expires")
    if seconds:
        extra["expires"] = seconds
    return Draft(
        unique_id,
        content,
        extra=to_json(extra),
        reply_to=answered,
        mentions=mentioned(users),
        expires=seconds,
    )


def to_json(extra: dict[str, Any]) -> str | None:
    """What a message says beside its content, as it is stored."""
    return msgspec.json.encode(extra).decode() if extra else None
