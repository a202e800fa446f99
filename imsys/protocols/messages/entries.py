"""Changes to a conversation: entries of a thread's log that are no messages (docs/protocol.md, 2.6)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from imsys.protocols.messages.registry import Push, Request, Response, message


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that is no message. ``msg_sender`` is who made the change; ``body`` depends on ``msg_type``:

    16 edit ``{target, content, mentions?}``; 17 recall ``{targets}``; 18 reaction ``{target, emoji, on}``;
    19 pin ``{target, on}``; 20 membership and 21 settings: see :mod:`.groups`.
    """

    msg_id: str
    prev_id: str
    thread_id: str
    msg_type: int
    msg_sender: str
    unique_id: str
    timestamp: str
    body: msgspec.Raw


@message(133)
class EntriesPush(Push, frozen=True, kw_only=True):
    """Changes to a conversation of mine, in order."""

    thread_id: str
    entries: Sequence[Entry]


class ChangeRequest(Request, frozen=True, kw_only=True):
    """What all changes have. ``unique_id`` is the client's (1 to 64 characters), so that a resend is harmless."""

    thread_id: str
    unique_id: str


class ChangeResponse(Response, frozen=True, kw_only=True):
    """The change is durable, under this id; "0" where all was so already, and nothing was changed."""

    thread_id: str
    unique_id: str
    msg_id: str
    prev_id: str
    timestamp: str


@message(192, reply=193)
class EditRequest(ChangeRequest, frozen=True, kw_only=True):
    """Replace a text of mine."""

    target: str
    content: str
    mentions: list[str] | str | UnsetType = UNSET


@message(193)
class EditResponse(ChangeResponse, frozen=True, kw_only=True):
    """See :class:`ChangeResponse`."""


@message(194, reply=195)
class RecallRequest(ChangeRequest, frozen=True, kw_only=True):
    """Take back messages, at most 100: mine, or as an admin of a group anybody's."""

    targets: list[str]


@message(195)
class RecallResponse(ChangeResponse, frozen=True, kw_only=True):
    """See :class:`ChangeResponse`."""


@message(196, reply=197)
class ReactionRequest(ChangeRequest, frozen=True, kw_only=True):
    """Put a reaction to a message, or take mine away: one grapheme of at most 32 bytes."""

    target: str
    emoji: str
    on: bool


@message(197)
class ReactionResponse(ChangeResponse, frozen=True, kw_only=True):
    """See :class:`ChangeResponse`."""


@message(198, reply=199)
class PinRequest(ChangeRequest, frozen=True, kw_only=True):
    """Pin a message, or take it down; in a group as an admin."""

    target: str
    on: bool


@message(199)
class PinResponse(ChangeResponse, frozen=True, kw_only=True):
    """See :class:`ChangeResponse`."""


@message(200, reply=201)
class PinsRequest(Request, frozen=True, kw_only=True):
    """The pinned messages of a thread."""

    thread_id: str


@message(201)
class PinsResponse(Response, frozen=True, kw_only=True):
    """Ids of pinned messages, the one pinned last first."""

    thread_id: str
    pins: list[str]


class Reactor(msgspec.Struct, frozen=True, kw_only=True):
    """Who reacted to a message, and how."""

    uuid: str
    emoji: str


@message(202, reply=203)
class ReactorsRequest(Request, frozen=True, kw_only=True):
    """A page of who reacted to a message."""

    thread_id: str
    msg_id: str
    cursor: str = ""
    limit: int = 100


@message(203)
class ReactorsResponse(Response, frozen=True, kw_only=True):
    """Reactions by emoji and user."""

    reactors: list[Reactor]
    next: str
    is_complete: bool


@message(204, reply=205)
class HideRequest(Request, frozen=True, kw_only=True):
    """Hide messages of a thread, at most 100, or all up to ``up_to``, for me alone."""

    thread_id: str
    msg_ids: list[str] = []
    up_to: str | UnsetType = UNSET


@message(205)
class HideResponse(Response, frozen=True, kw_only=True):
    """They are hidden, and my other devices are told; ``own_number`` is that of my last own change."""

    own_number: str | UnsetType = UNSET


@message(140)
class HiddenPush(Push, frozen=True, kw_only=True):
    """Another device of mine has hidden messages, by my own change of this number."""

    thread_id: str
    msg_ids: list[str]
    up_to: str | UnsetType = UNSET
    own_number: str | UnsetType = UNSET
