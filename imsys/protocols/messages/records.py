"""The history of a thread."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from imsys.protocols.messages.registry import Request, Response, message
from imsys.protocols.messages.texts import Forward


class Reactions(msgspec.Struct, frozen=True, kw_only=True):
    """One reaction to a message: how often, and whether it is mine too."""

    emoji: str
    count: int
    mine: bool


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One stored message.

    ``status`` is 1 when its receivers have read it; ``timestamp`` is RFC 3339 in UTC.
    """

    msg_id: str
    msg_sender: str
    msg_receiver: str
    msg_type: int
    thread_id: str
    status: int
    msg_content: str
    timestamp: str
    # only where entries or details are asked for
    unique_id: str | UnsetType = UNSET
    """Of an entry, and of a message of mine."""
    number: int | UnsetType = UNSET
    """Of a message: dense in its thread, from 1 on."""
    body: msgspec.Raw | UnsetType = UNSET
    """Of an entry that is no message: see :class:`imsys.protocols.messages.entries.Entry`."""
    edited: str | UnsetType = UNSET
    """When it was edited last: RFC 3339."""
    reply_to: str | UnsetType = UNSET
    mentions: list[str] | str | UnsetType = UNSET
    forward: Forward | UnsetType = UNSET
    expires: int | UnsetType = UNSET
    reactions: list[Reactions] | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET


@message(13, reply=14)
class RecordsRequest(Request, frozen=True, kw_only=True):
    """A page of a thread: after the cursor ``msg_id``, or the page just before ``before`` ("0": the newest)."""

    thread_id: str
    msg_id: str = "0"
    limit: int = 10
    before: str | UnsetType = UNSET
    entries: bool = False
    """Whether I know entries that are no messages; else there are messages alone, as they now are."""
    details: bool = False
    """Whether messages alone shall come with what belongs to them, as they do with ``entries``."""


@message(14)
class RecordsResponse(Response, frozen=True, kw_only=True):
    """Records, ids ascending. ``next_msg_id`` is the cursor of the next page in the direction asked for."""

    thread_id: str
    chat_messages: list[Record]
    next_msg_id: str
    is_complete: bool
    as_of: str | UnsetType = UNSET
    """With entries or details: the messages are as they were after the entry of this id."""
