"""Threads: listing and creating them, and how far their members have read."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from imsys.protocols.messages.registry import Push, Request, Response, message


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """A thread of mine; the two users of a private one, "0" in a group."""

    thread_id: str
    type: str
    user1_uuid: str
    user2_uuid: str


@message(11, reply=12)
class ThreadsRequest(Request, frozen=True, kw_only=True):
    """A page of my threads, ascending after the cursor ``thread_id``."""

    uuid: str
    thread_id: str


@message(12)
class ThreadsResponse(Response, frozen=True, kw_only=True):
    """Threads after the cursor."""

    threads: list[Thread]
    next_thread_id: str
    is_complete: bool


@message(15, reply=16)
class PrivateChatRequest(Request, frozen=True, kw_only=True):
    """The private thread with a friend, made if there is none."""

    my_uuid: str
    friend_uuid: str


@message(16)
class PrivateChatResponse(Response, frozen=True, kw_only=True):
    """The private thread."""

    my_uuid: str
    friend_uuid: str
    thread_id: str


@message(100, reply=101)
class PositionRequest(Request, frozen=True, kw_only=True):
    """How far I have received and read a thread: ids of messages; marks only grow."""

    thread_id: str
    delivered: str | UnsetType = UNSET
    read: str | UnsetType = UNSET


@message(101)
class PositionResponse(Response, frozen=True, kw_only=True):
    """The marks are stored."""


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """How far another member has received and read a thread."""

    thread_id: str
    uuid: str
    delivered: str
    read: str


@message(129)
class PositionPush(Push, frozen=True, kw_only=True):
    """How far another member has received and read a thread; ``more``: so have these of the group, besides."""

    thread_id: str
    uuid: str
    delivered: str
    read: str
    more: list[Position] | UnsetType = UNSET


@message(102, reply=103)
class PositionsRequest(Request, frozen=True, kw_only=True):
    """A page of how far the other members of my threads have come; if ``mine``, I as well, in all of them."""

    cursor: str = ""
    limit: int = 10
    mine: bool = False


@message(103)
class PositionsResponse(Response, frozen=True, kw_only=True):
    """Positions after the cursor, by thread and member, ascending; who has received nothing has none."""

    positions: list[Position]
    next: str
    is_complete: bool
