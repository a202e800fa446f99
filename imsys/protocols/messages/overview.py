"""The list of a user's threads, and how the user keeps them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from imsys.protocols.messages.registry import Push, Request, Response, message


class LastMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The last message of a thread that I see; of a text, its first 200 characters. ``status`` 2: its content is gone."""

    msg_id: str
    msg_sender: str
    msg_type: int
    status: int
    msg_content: str
    timestamp: str


class ThreadView(msgspec.Struct, frozen=True, kw_only=True):
    """A thread of mine, as a list shows it."""

    thread_id: str
    type: str
    """``PRIVATE`` or ``GROUP``."""
    uuid: str
    """The other one of a private thread; "0" in a group."""
    title: str
    """Of a private thread: what I call the other one."""
    avator: str
    members: int
    last_msg_id: str
    """The last entry, of whatever kind."""
    active_id: str | UnsetType = UNSET
    """The entry by which it has its place in this list."""
    last: LastMessage | UnsetType = UNSET
    unread: int
    """Messages of others that I have not read; 1000 stands for more than 999."""
    mentioned: bool
    """Whether one of them mentions me, or all."""
    delivered: str
    read: str
    """How far I have received and read it."""
    peer_delivered: str | UnsetType = UNSET
    peer_read: str | UnsetType = UNSET
    """How far the other one has; in a private thread."""
    timer: int
    """Seconds after which messages expire; 0, never."""
    muted_until: str
    """RFC 3339; empty: not muted."""
    pinned: bool
    archived: bool
    draft: str
    """Its first 200 characters."""


@message(270, reply=271)
class OverviewRequest(Request, frozen=True, kw_only=True):
    """A page of my threads, by last activity, the newest first; with ``archived`` only those that are, or are not."""

    cursor: str = ""
    limit: int = 50
    archived: bool | UnsetType = UNSET


@message(271)
class OverviewResponse(Response, frozen=True, kw_only=True):
    """Threads that are not pinned, after the cursor; the pinned ones come with the first page, all of them."""

    pinned: list[ThreadView]
    threads: Sequence[ThreadView]
    next: str
    is_complete: bool


class ThreadSettings(Response, frozen=True, kw_only=True):
    """My settings of a thread."""

    thread_id: str
    muted_until: str
    pinned: bool
    archived: bool
    draft: str


@message(272, reply=273)
class ChangeSettingsRequest(Request, frozen=True, kw_only=True):
    """Change settings of mine of one thread: those that are given. ``draft`` has at most 4,096 characters."""

    thread_id: str
    muted_until: str | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    draft: str | UnsetType = UNSET


@message(273)
class ChangeSettingsResponse(ThreadSettings, frozen=True, kw_only=True):
    """The settings as they are now; ``own_number`` is that of my last own change."""

    own_number: str | UnsetType = UNSET


@message(274, reply=275)
class SettingsRequest(Request, frozen=True, kw_only=True):
    """My settings of one thread."""

    thread_id: str


@message(275)
class SettingsResponse(ThreadSettings, frozen=True, kw_only=True):
    """The settings as they are now."""


@message(135)
class SettingsPush(Push, frozen=True, kw_only=True):
    """A device of mine has changed settings of a thread, by my own change of this number: all of them, as they are now."""

    thread_id: str
    muted_until: str
    pinned: bool
    archived: bool
    draft: str
    own_number: str | UnsetType = UNSET


class KeptThread(msgspec.Struct, frozen=True, kw_only=True):
    """My settings of a thread, in a list."""

    thread_id: str
    muted_until: str
    pinned: bool
    archived: bool
    draft: str


class HiddenMessages(msgspec.Struct, frozen=True, kw_only=True):
    """Messages that I have hidden: these, and all up to ``up_to``."""

    thread_id: str
    msg_ids: list[str]
    up_to: str | UnsetType = UNSET


@message(276, reply=277)
class OwnChangesRequest(Request, frozen=True, kw_only=True):
    """What I have changed for myself, on any device, since my own change ``own_number``."""

    own_number: str


@message(277)
class OwnChangesResponse(Response, frozen=True, kw_only=True):
    """Settings of threads as they are now, and hidden messages, in the order in which I hid them; ``own_number`` is where to
    go on.
    """

    settings: Sequence[KeptThread]
    hidden: Sequence[HiddenMessages]
    own_number: str
    is_complete: bool
