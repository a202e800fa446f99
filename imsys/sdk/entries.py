"""Entries of a thread's log that are no messages: changes to the conversation, each with an id of its own."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from imsys.protocols.messages.entries import Entry as WireEntry
from imsys.protocols.messages.entries import HiddenPush
from imsys.protocols.messages.overview import HiddenMessages
from imsys.protocols.messages.records import Record, RecordsResponse
from imsys.sdk.group_model import NewcomersRead, Role, moment, role
from imsys.sdk.model import Mentions, Message, mentioned, parse_time, recorded


class EntryKind(enum.IntEnum):
    """The kinds of entries that are no messages."""

    EDIT = 16
    RECALL = 17
    REACTION = 18
    PIN = 19
    MEMBERSHIP = 20
    SETTINGS = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A change to a conversation.

    Its ``id`` stands in one order with those of the thread's messages; ``actor`` is the user who made it, and
    ``mine`` whether that is this user; ``unique_id`` is what the actor's program called it.
    """

    id: int
    thread_id: int
    actor: int
    at: datetime
    mine: bool
    unique_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Entry):
    """A text was replaced. From the history it has the text as it is now: nothing older is kept anywhere."""

    target: int
    text: str
    mentions: Mentions = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall(Entry):
    """Messages were taken back: their content is gone."""

    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction(Entry):
    """The actor put an emoji to a message (``on``), or took it away."""

    target: int
    emoji: str
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin(Entry):
    """A message was pinned (``on``), or taken down."""

    target: int
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership(Entry):
    """Who belongs to a group has changed, or what they may do.

    ``action``: ``joined``, ``link`` (they came by one), ``left``, ``removed``, ``role`` or ``muted``; there may be
    others in time. ``role`` is that which was given, ``until`` the end of being muted (``None``: it is over),
    ``owner`` who is the owner now that the one before has left, ``created`` the title of the group that was made.
    """

    action: str
    users: tuple[int, ...]
    role: Role | int = Role.MEMBER
    until: datetime | None = None
    owner: int = 0
    created: str = ""

    def joins(self, uuid: int) -> bool:
        """Whether a user has come into the group by it."""
        return self.action in ("joined", "link") and uuid in self.users


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChange(Entry):
    """What a group is has changed, or the ``timer`` of a thread: seconds after which messages expire, 0 never. ``None``: that
    has not.
    """

    title: str | None = None
    description: str | None = None
    avatar: str | None = None
    channel: bool | None = None
    newcomers_read: NewcomersRead | None = None
    timer: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """This user has hidden messages in another place: these, and all up to ``up_to`` (0: no more)."""

    thread_id: int
    message_ids: tuple[int, ...]
    up_to: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactor:
    """A user who reacted to a message, and how."""

    uuid: int
    emoji: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEntry(Entry):
    """A change of a kind that this version does not know, with the body as it came."""

    kind: int
    body: Mapping[str, Any]


Logged = Message | Entry
"""What a thread's log is made of."""


class _Edit(msgspec.Struct):
    target: str
    content: str | UnsetType = UNSET
    mentions: list[str] | str | UnsetType = UNSET


class _Recall(msgspec.Struct):
    targets: list[str]


class _Reaction(msgspec.Struct):
    target: str
    emoji: str
    on: bool


class _Pin(msgspec.Struct):
    target: str
    on: bool


class _Membership(msgspec.Struct):
    action: str
    users: list[str]
    role: int = 0
    until: str = ""
    owner: str = "0"
    created: str = ""


class _Settings(msgspec.Struct):
    title: str | None = None
    description: str | None = None
    avatar: str | None = None
    channel: bool | None = None
    history: str | None = None
    timer: int | None = None


def _edit(body: bytes, common: dict[str, Any]) -> Entry:
    read = msgspec.json.decode(body, type=_Edit)
    text = "" if read.content is UNSET else read.content  # it has another edit after it, see paged()
    return Edit(**common, target=int(read.target), text=text, mentions=mentioned(read.mentions))


def _recall(body: bytes, common: dict[str, Any]) -> Entry:
    read = msgspec.json.decode(body, type=_Recall)
    return Recall(**common, targets=tuple(map(int, read.targets)))


def _reaction(body: bytes, common: dict[str, Any]) -> Entry:
    read = msgspec.json.decode(body, type=_Reaction)
    return Reaction(**common, target=int(read.target), emoji=read.emoji, on=read.on)


def _pin(body: bytes, common: dict[str, Any]) -> Entry:
    read = msgspec.json.decode(body, type=_Pin)
    return Pin(**common, target=int(read.target), on=read.on)


def _membership(body: bytes, common: dict[str, Any]) -> Entry:
    read = msgspec.json.decode(body, type=_Membership)
    return Membership(
        **common,
        action=read.action,
        users=tuple(map(int, read.users)),
        role=role(read.role),
        until=moment(read.until),
        owner=int(read.owner),
        created=read.created,
    )


def _settings(body: bytes, common: dict[str, Any]) -> Entry:
    read = msgspec.json.decode(body, type=_Settings)
    return SettingsChange(
        **common,
        title=read.title,
        description=read.description,
        avatar=read.avatar,
        channel=read.channel,
        newcomers_read=None if read.history is None else NewcomersRead(read.history),
        timer=read.timer,
    )


_READ: dict[int, Callable[[bytes, dict[str, Any]], Entry]] = {
    EntryKind.EDIT: _edit,
    EntryKind.RECALL: _recall,
    EntryKind.REACTION: _reaction,
    EntryKind.PIN: _pin,
    EntryKind.MEMBERSHIP: _membership,
    EntryKind.SETTINGS: _settings,
}


def logged(record: Record, me: int, as_of: int) -> Logged:
    """Convert a record of the log; ``as_of``: see :func:`imsys.sdk.model.recorded`."""
    return (
        recorded(record, me, as_of) if isinstance(record.body, UnsetType) else _entry(record, record.body, me)
    )


def paged(page: RecordsResponse, me: int) -> list[Logged]:
    """Convert a page of the log, in which only the last edit of a message says what that is now."""
    items = [logged(record, me, int(page.as_of or 0)) for record in page.chat_messages]
    last = {item.target: item for item in items if isinstance(item, Edit)}
    return [
        replace(item, text=last[item.target].text, mentions=last[item.target].mentions)
        if isinstance(item, Edit) and item is not last[item.target]
        else item
        for item in items
    ]


def pushed(item: WireEntry, me: int) -> Entry:
    """Convert an item of push 133."""
    return _entry(item, item.body, me)


def hidden(push: HiddenPush | HiddenMessages) -> Hidden:
    """Convert push 140, or an item of a list of hidden messages."""
    return Hidden(
        thread_id=int(push.thread_id),
        message_ids=tuple(map(int, push.msg_ids)),
        up_to=int(push.up_to or 0),
    )


def _entry(item: WireEntry | Record, body: msgspec.Raw, me: int) -> Entry:
    actor = int(item.msg_sender)
    common: dict[str, Any] = {
        "id": int(item.msg_id),
        "thread_id": int(item.thread_id),
        "actor": actor,
        "at": parse_time(item.timestamp),
        "mine": actor == me,
        "unique_id": item.unique_id or "",
    }
    read = _READ.get(item.msg_type)
    try:
        if read is not None:
            return read(bytes(body), common)
    except (msgspec.MsgspecError, ValueError):
        pass  # of a later version perhaps; it has its place in the log all the same
    return UnknownEntry(**common, kind=item.msg_type, body=_object(body))


def _object(body: msgspec.Raw) -> Mapping[str, Any]:
    read = msgspec.json.decode(body)
    return read if isinstance(read, dict) else {}
