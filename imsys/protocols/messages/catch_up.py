"""Catching up on what a push may have lost."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from imsys.protocols.messages.registry import Push, Request, Response, message


class ThreadHead(msgspec.Struct, frozen=True, kw_only=True):
    """A thread and the id of its last message."""

    thread_id: str
    last_msg_id: str


@message(68, reply=69)
class SyncRequest(Request, frozen=True, kw_only=True):
    """My threads whose last message is later than ``since`` less 300 seconds."""

    since: str
    cursor: str = ""
    own: bool = False
    """Whether to say, with the first page, ``own_number`` and ``parted``."""


class Parted(msgspec.Struct, frozen=True, kw_only=True):
    """A group that I have left (``by`` me) or that I was removed from; perhaps I am in it again."""

    thread_id: str
    msg_id: str
    """The entry by which it was so."""
    by: str


@message(69)
class SyncResponse(Response, frozen=True, kw_only=True):
    """Heads, ascending by (last_msg_id, thread_id), at most 100."""

    threads: list[ThreadHead]
    next: str
    is_complete: bool
    own_number: str | UnsetType = UNSET
    """Of my last own change; see :class:`imsys.protocols.messages.overview.OwnChangesRequest`."""
    parted: list[Parted] | UnsetType = UNSET
    """By entries later than ``since`` less 300 seconds."""


@message(128)
class ResyncPush(Push, frozen=True, kw_only=True):
    """Pushes may have been lost, of these threads or of anything: catch up, with messages now, with the rest
    ``within`` so many seconds.
    """

    threads: list[str] | UnsetType = UNSET
    within: float | UnsetType = UNSET
