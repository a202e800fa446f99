"""Changes to a conversation that this user makes: what is asked of the server, and the entry that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, UnsetType

from imsys.errors import Refused, Status
from imsys.protocols.messages.entries import (
    ChangeRequest,
    ChangeResponse,
    EditRequest,
    EditResponse,
    PinRequest,
    PinResponse,
    ReactionRequest,
    ReactionResponse,
    RecallRequest,
    RecallResponse,
)
from imsys.protocols.messages.timed import TimerRequest, TimerResponse
from imsys.sdk.entries import Edit, Entry, Pin, Reaction, Recall, SettingsChange
from imsys.sdk.model import EVERYBODY, Mentions, parse_time

LONGEST_TEXT = 4096
"""Characters of a message, at most (docs/protocol.md, 2.3)."""

_MENTIONS = 100
_TARGETS = 100


@dataclass(frozen=True, slots=True)
class Change:
    """A change that was not sent yet.

    :param make: makes the entry of what all entries have.
    """

    request: ChangeRequest
    reply: type[ChangeResponse]
    make: Callable[..., Entry]

    def stored(self, response: ChangeResponse, me: int) -> Entry | None:
        """Return the entry that the server has stored; ``None``: all was so already."""
        if int(response.msg_id) == 0:
            return None
        common: dict[str, Any] = {
            "id": int(response.msg_id),
            "thread_id": int(response.thread_id),
            "actor": me,
            "at": parse_time(response.timestamp),
            "mine": True,
            "unique_id": response.unique_id,
        }
        return self.make(**common)


def edit(thread_id: int, target: int, text: str, mentions: Mentions, unique_id: str) -> Change:
    """Replace a text of this user's. :raises Refused: see :func:`checked`."""
    request = EditRequest(
        thread_id=str(thread_id),
        unique_id=unique_id,
        target=str(target),
        content=checked(text),
        mentions=mentioning(mentions),
    )
    return Change(
        request, EditResponse, lambda **common: Edit(**common, target=target, text=text, mentions=mentions)
    )


def recall(thread_id: int, targets: Sequence[int], unique_id: str) -> Change:
    """Take messages back. :raises Refused: INVALID_FIELD (70), not 1 to 100."""
    targets = tuple(dict.fromkeys(targets))
    if not 1 <= len(targets) <= _TARGETS:
        raise Refused(Status.INVALID_FIELD, f"1 to {_TARGETS} messages are recalled at a time.")
    request = RecallRequest(
        thread_id=str(thread_id), unique_id=unique_id, targets=[str(one) for one in targets]
    )
    return Change(request, RecallResponse, lambda **common: Recall(**common, targets=targets))


def react(thread_id: int, target: int, emoji: str, on: bool, unique_id: str) -> Change:
    """Put a reaction to a message, or take it away."""
    request = ReactionRequest(
        thread_id=str(thread_id), unique_id=unique_id, target=str(target), emoji=_unicode(emoji), on=on
    )
    return Change(
        request, ReactionResponse, lambda **common: Reaction(**common, target=target, emoji=emoji, on=on)
    )


def pin(thread_id: int, target: int, on: bool, unique_id: str) -> Change:
    """Pin a message, or take it down."""
    request = PinRequest(thread_id=str(thread_id), unique_id=unique_id, target=str(target), on=on)
    return Change(request, PinResponse, lambda **common: Pin(**common, target=target, on=on))


def timer(thread_id: int, seconds: int, unique_id: str) -> Change:
    """Have the messages of a thread expire."""
    request = TimerRequest(thread_id=str(thread_id), unique_id=unique_id, timer=seconds)
    return Change(request, TimerResponse, lambda **common: SettingsChange(**common, timer=seconds))


def checked(text: str) -> str:
    """Return a text that the server may take.

    :raises Refused: MESSAGE_TOO_LONG (67), it is empty or too long; INVALID_FIELD (70), it is not Unicode.
    """
    if not 1 <= len(text) <= LONGEST_TEXT:
        raise Refused(
            Status.MESSAGE_TOO_LONG,
            f"A message of {len(text)} characters; allowed are 1 to {LONGEST_TEXT}.",
        )
    return _unicode(text)


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refused(Status.INVALID_FIELD, "A message is made of Unicode characters.") from None
    return text


def mentioning(mentions: Mentions) -> list[str] | str | UnsetType:
    """Convert mentions for a request. :raises Refused: INVALID_FIELD (70), there are more than 100."""
    if mentions == EVERYBODY:
        return EVERYBODY
    if len(mentions) > _MENTIONS:
        raise Refused(Status.INVALID_FIELD, f"A text mentions at most {_MENTIONS} users, or all.")
    return [str(uuid) for uuid in mentions] or UNSET
