"""The history of a thread."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from imsys.protocols.messages.registry import Request, Response, message


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


@message(13, reply=14)
class RecordsRequest(Request, frozen=True, kw_only=True):
    """A page of a thread: after the cursor ``msg_id``, or the page just before ``before`` ("0": the newest)."""

    thread_id: str
    msg_id: str = "0"
    limit: int = 10
    before: str | UnsetType = UNSET


@message(14)
class RecordsResponse(Response, frozen=True, kw_only=True):
    """Records, ids ascending. ``next_msg_id`` is the cursor of the next page in the direction asked for."""

    thread_id: str
    chat_messages: list[Record]
    next_msg_id: str
    is_complete: bool
