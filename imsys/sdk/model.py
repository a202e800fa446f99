"""The application's data model: people, threads, messages. Ids are integers here and strings on the wire."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import UNSET, UnsetType

from imsys.protocols.messages.contacts import Friend as WireFriend
from imsys.protocols.messages.contacts import FriendRequestItem, FriendRequestPush, FriendshipPush
from imsys.protocols.messages.people import Card, CardResponse, ProfilePush
from imsys.protocols.messages.records import Record
from imsys.protocols.messages.texts import Forward as WireForward
from imsys.protocols.messages.texts import IncomingText
from imsys.protocols.messages.threads import Position as WirePosition
from imsys.protocols.messages.threads import PositionPush
from imsys.protocols.messages.threads import Thread as WireThread
from imsys.sdk.attachments import Attachment, attachment
from imsys.sdk.live import LiveMention, mention

EVERYBODY: Final = "all"
"""Mentions all members of a thread."""

Mentions = tuple[int, ...] | Literal["all"]
"""Whom a text mentions: users, or :data:`EVERYBODY`."""


class MessageKind(enum.IntEnum):
    """What the content of a message is."""

    DEFAULT = 0
    TEXT = 1
    IMAGE = 2
    FILE = 3
    AUDIO = 4
    VIDEO = 5


class ConnectionState(enum.Enum):
    """The state of a client; see :class:`imsys.sdk.lifecycle.Lifecycle`."""

    OFFLINE = "offline"
    """Not started, or stopped."""
    SIGNING_IN = "signing in"
    """Asking the gateway, connecting, logging in, catching up."""
    ONLINE = "online"
    """Logged in, and all missed messages are delivered."""
    WAITING = "waiting"
    """The connection was lost; the next attempt is scheduled."""
    SIGNED_OUT = "signed out"
    """The account signed in elsewhere, or the credentials are refused; only ``start`` leaves this state."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """A client has a new state; ``problem`` is the reason, if something went wrong.

    ``retry_in`` is the seconds until the next attempt, with ``WAITING``; ``None``: there is none by itself.
    """

    state: ConnectionState
    problem: BaseException | None = None
    retry_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The public card of a user."""

    uuid: int
    username: str
    nickname: str = ""
    avatar: str = ""
    description: str = ""
    sex: int = 0

    @property
    def name(self) -> str:
        """The name to show: the nickname, or else the username."""
        return self.nickname or self.username


@dataclass(frozen=True, slots=True, kw_only=True)
class Friend(Person):
    """A friend, this user's name for them (``alias``), and the private thread of the two."""

    alias: str = ""
    thread_id: int = 0

    @property
    def name(self) -> str:
        """The name to show: the alias, the nickname, or else the username."""
        return self.alias or self.nickname or self.username


@dataclass(frozen=True, slots=True, kw_only=True)
class FriendRequest:
    """A friend request that this user has received."""

    person: Person
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Friendship:
    """A new friendship of this user's."""

    person: Person
    thread_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One of this user's threads. ``users`` are the two of a private thread; it is empty for a group."""

    thread_id: int
    private: bool
    users: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far another member has received and read a thread: message ids, 0 for none."""

    thread_id: int
    uuid: int
    delivered: int
    read: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """Where a forwarded text was written first, and by whom."""

    thread_id: int
    message_id: int
    sender: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionCount:
    """How many users reacted to a message with an emoji, and whether this user is one of them."""

    emoji: str
    count: int
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, as it was after the entry ``as_of`` of its thread; later entries may change it, see
    :func:`imsys.sdk.applied`.

    Ids increase within a thread; ``mine``: this user wrote it; ``unique_id`` is empty in messages of others
    that come from the history.
    """

    id: int
    thread_id: int
    sender: int
    receiver: int
    text: str
    sent_at: datetime
    mine: bool
    kind: MessageKind | int = MessageKind.TEXT
    unique_id: str = ""
    read: bool = False
    edited_at: datetime | None = None
    recalled: bool = False
    reply_to: int = 0
    mentions: Mentions = ()
    forward: Forwarded | None = None
    reactions: tuple[ReactionCount, ...] = ()
    pinned: bool = False
    expires_at: datetime | None = None
    as_of: int = 0

    def mentions_user(self, uuid: int) -> bool:
        """Whether it mentions a user, or everybody."""
        return self.mentions == EVERYBODY or uuid in self.mentions

    @property
    def attachment(self) -> Attachment | None:
        """The attached file, if any."""
        return attachment(self.text) if self.kind in _WITH_FILES else None

    @property
    def live(self) -> LiveMention | None:
        """The live stream that it announces, if any."""
        return mention(self.text) if self.kind is MessageKind.VIDEO else None


_RECALLED = 2
"""The status of a message whose content is gone (docs/protocol.md, 2.3)."""

_WITH_FILES = (MessageKind.IMAGE, MessageKind.FILE, MessageKind.AUDIO, MessageKind.VIDEO)


def parse_time(text: str) -> datetime:
    """Parse an RFC 3339 time of the wire. :raises ValueError: it is not one."""
    return datetime.fromisoformat(text)


def kind_of(number: int) -> MessageKind | int:
    """Convert a number of the wire to a kind; one that this version does not know stays a number."""
    try:
        return MessageKind(number)
    except ValueError:
        return number


def person(card: Card | CardResponse | ProfilePush) -> Person:
    """Convert a card."""
    return Person(
        uuid=int(card.uuid),
        username=card.username,
        nickname=card.nickname,
        avatar=card.avator,
        description=card.description,
        sex=card.sex,
    )


def friend(item: WireFriend) -> Friend:
    """Convert an item of the list of friends."""
    return Friend(
        uuid=int(item.uuid),
        username=item.username,
        nickname=item.nickname,
        avatar=item.avator,
        description=item.description,
        sex=item.sex,
        alias=item.alternative_name,
        thread_id=int(item.thread_id),
    )


def friend_request(item: FriendRequestItem) -> FriendRequest:
    """Convert an item of the list of pending friend requests."""
    asker = Person(
        uuid=int(item.src_uuid),
        username=item.username,
        nickname=item.nickname,
        avatar=item.avator,
        description=item.description,
        sex=item.sex,
    )
    return FriendRequest(person=asker, text=item.message)


def pushed_friend_request(push: FriendRequestPush) -> FriendRequest:
    """Convert push 19."""
    asker = Person(
        uuid=int(push.src_uuid),
        username=push.src_username,
        nickname=push.src_nickname,
        avatar=push.src_avator,
        description=push.src_desc,
        sex=push.src_sex,
    )
    return FriendRequest(person=asker, text=push.src_message)


def friendship(push: FriendshipPush) -> Friendship:
    """Convert push 22, except its messages."""
    other = Person(
        uuid=int(push.friend_uuid),
        username=push.friend_username,
        nickname=push.friend_nickname,
        avatar=push.friend_avator,
        description=push.friend_desc,
        sex=push.friend_sex,
    )
    return Friendship(person=other, thread_id=int(push.thread_id))


def thread(item: WireThread) -> Thread:
    """Convert an item of the list of threads."""
    private = item.type == "PRIVATE"
    return Thread(
        thread_id=int(item.thread_id),
        private=private,
        users=(int(item.user1_uuid), int(item.user2_uuid)) if private else (),
    )


def position(push: PositionPush | WirePosition) -> Position:
    """Convert push 129 or an item of a list of positions."""
    return Position(
        thread_id=int(push.thread_id), uuid=int(push.uuid), delivered=int(push.delivered), read=int(push.read)
    )


def mentioned(given: list[str] | str | UnsetType) -> Mentions:
    """Convert the mentions of a text."""
    if isinstance(given, list):
        return tuple(map(int, given))
    return EVERYBODY if given == EVERYBODY else ()


def recorded(record: Record, me: int, as_of: int = 0) -> Message:
    """Convert a message of the history, which has all entries up to ``as_of``."""
    sender = int(record.msg_sender)
    return Message(
        id=int(record.msg_id),
        thread_id=int(record.thread_id),
        sender=sender,
        receiver=int(record.msg_receiver or 0),
        text=record.msg_content,
        sent_at=parse_time(record.timestamp),
        mine=sender == me,
        kind=kind_of(record.msg_type),
        unique_id=record.unique_id or "",
        read=record.status == 1,
        edited_at=parse_time(record.edited) if record.edited else None,
        recalled=record.status == _RECALLED,
        reply_to=int(record.reply_to or 0),
        mentions=mentioned(record.mentions),
        forward=_forwarded(record.forward),
        reactions=tuple(
            ReactionCount(emoji=one.emoji, count=one.count, mine=one.mine) for one in record.reactions or ()
        ),
        pinned=record.pinned is True,
        expires_at=_expiry(record.timestamp, record.expires),
        as_of=as_of,
    )


def incoming(item: IncomingText, me: int) -> Message:
    """Convert a message of push 25."""
    sender = int(item.msg_sender)
    return Message(
        id=int(item.msg_id),
        thread_id=int(item.thread_id),
        sender=sender,
        receiver=int(item.msg_receiver or 0),
        text=item.msg_content,
        sent_at=parse_time(item.timestamp),
        mine=sender == me,
        kind=kind_of(item.msg_type),
        unique_id=item.unique_id,
        read=item.msg_status == 1,
        reply_to=int(item.reply_to or 0),
        mentions=mentioned(item.mentions),
        forward=_forwarded(item.forward),
        expires_at=_expiry(item.timestamp, item.expires),
        as_of=int(item.msg_id),
    )


def _expiry(timestamp: str, seconds: int | UnsetType) -> datetime | None:
    return parse_time(timestamp) + timedelta(seconds=seconds) if seconds else None


def _forwarded(forward: WireForward | UnsetType) -> Forwarded | None:
    if forward is UNSET:
        return None
    return Forwarded(
        thread_id=int(forward.thread_id), message_id=int(forward.msg_id), sender=int(forward.sender or 0)
    )
