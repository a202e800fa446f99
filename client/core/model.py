"""What views show: people, conversations, messages, transfers.

Values, never changed in place: a change is a new value, told by :mod:`client.core.changes`. Times are
milliseconds since 1970, UTC. A conversation has any number of members, and a message a sender that is looked
up among people: nothing here knows "the other one".
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Kind(enum.Enum):
    """What a message carries."""

    TEXT = "text"
    IMAGE = "image"
    FILE = "file"
    AUDIO = "audio"
    VIDEO = "video"
    LIVE = "live"
    NOTICE = "notice"
    """Something that happened to the group: see :mod:`client.core.notices`."""
    UNKNOWN = "unknown"
    """What a later version sends."""


class Mark(enum.IntEnum):
    """How far a message of mine has come; of others' messages it is :attr:`STORED`."""

    FAILED = 0
    WAITING = 1
    STORED = 2
    DELIVERED = 3
    READ = 4


class ConversationKind(enum.Enum):
    """Two people, a group, or a group in which only some write."""

    PRIVATE = "private"
    GROUP = "group"
    CHANNEL = "channel"


class Link(enum.Enum):
    """Where the connection to the server stands."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    ONLINE = "online"
    WAITING = "waiting"
    SIGNED_OUT = "signed out"


@dataclass(frozen=True, slots=True)
class Connection:
    """The connection, for the banner.

    :param server: its name, as people know it.
    :param reason: a sentence: why it is not there; empty where nothing is wrong.
    :param retry_at_ms: when it is tried again, Unix milliseconds; 0: not by itself.
    """

    link: Link
    server: str
    reason: str = ""
    retry_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody; ``avatar`` is the file of their picture, empty: none."""

    uuid: int
    username: str
    nickname: str = ""
    alias: str = ""
    avatar: str = ""
    description: str = ""
    sex: int = 0
    friend: bool = False
    blocked: bool = False

    @property
    def name(self) -> str:
        """What to call them: my name for them, their nickname, or else the username."""
        return self.alias or self.nickname or self.username


@dataclass(frozen=True, slots=True)
class FriendRequest:
    """Somebody asks to become friends."""

    person: Person
    text: str
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message; ``width`` and ``height`` are pixels of a picture, 0 where they are not known.

    ``path`` is where it is on this disk, empty where it is not; ``preview`` a smaller picture of it there.
    """

    filename: str
    size: int
    mime: str = ""
    file_id: str = ""
    sha256: str = ""
    thumbnail: str = ""
    width: int = 0
    height: int = 0
    path: str = ""
    preview: str = ""


@dataclass(frozen=True, slots=True)
class Reaction:
    """One emoji under a message."""

    emoji: str
    count: int
    mine: bool


@dataclass(frozen=True, slots=True)
class Reactor:
    """Who put an emoji to a message."""

    uuid: int
    emoji: str


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that one answers, as far as it is shown above the answer.

    ``sender`` is 0 where the message is not on this disk, and ``text`` empty where it was taken back.
    """

    id: int
    sender: int
    text: str


@dataclass(frozen=True, slots=True)
class Readers:
    """Who has a message of a group: how many received and read it, and of those who read it some, by uuid."""

    delivered: int
    read: int
    people: tuple[int, ...]


EVERYBODY = 0
"""Among those whom a text mentions: all members."""


@dataclass(frozen=True, slots=True)
class Forward:
    """Where the text of a message was written first, and by whom."""

    conversation: int
    id: int
    sender: int


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation.

    :param key: names it on this machine for good: the ``unique_id`` of what was written here, or ``#<id>``.
    :param id: the server's number, which orders a conversation; 0 until it is stored there. What has none
        comes after all that have, by ``at_ms``.
    :param text: what was written, or the caption of a file.
    :param failure: why it was not sent, a sentence; only with :attr:`Mark.FAILED`.
    :param edited_ms: when it was changed last; 0: never.
    """

    key: str
    conversation: int
    sender: int
    at_ms: int
    kind: Kind = Kind.TEXT
    text: str = ""
    id: int = 0
    mine: bool = False
    mark: Mark = Mark.STORED
    failure: str = ""
    attachment: Attachment | None = None
    stream: str = ""
    """Id of a live stream; its title is the text."""
    edited_ms: int = 0
    recalled: bool = False
    quote: Quote | None = None
    reactions: tuple[Reaction, ...] = ()
    mentions: tuple[int, ...] = ()
    """Uuids, or :data:`EVERYBODY`."""
    forward: Forward | None = None
    pinned: bool = False
    as_of: int = 0
    """It has all changes of its conversation up to the one of this number."""
    expires_ms: int = 0
    """When it is gone; 0: it stays."""

    @property
    def order(self) -> tuple[int, int, str]:
        """Sorts a conversation."""
        return (self.id or (1 << 63), self.at_ms, self.key)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as its row in the list shows it, and what its view needs to begin.

    :param people: uuids of the members that are known here; of a private one, the other's alone.
    :param last: the newest message; ``None``: there is none.
    :param unread: messages of others after :attr:`read`.
    :param read: id of the last message that I have read; what is after it is under the unread line.
    :param muted_until_ms: 0: not muted; -1: for good.
    """

    id: int
    kind: ConversationKind
    title: str
    people: tuple[int, ...] = ()
    avatar: str = ""
    last: Message | None = None
    unread: int = 0
    mentioned: bool = False
    read: int = 0
    draft: str = ""
    pinned: bool = False
    archived: bool = False
    muted_until_ms: int = 0
    live: str = ""
    """Id of the live stream that runs in it; empty: none."""
    members: int = 0
    """How many belong to a group, I among them; 0: nobody knows."""
    role: int = 0
    """Mine in a group: see :mod:`client.core.groups`."""
    description: str = ""
    old_for_new: bool = True
    """Whether newcomers read what was said before they came."""
    gone: bool = False
    """I belong to the group no more: what was said stays, and nothing comes."""
    asking: int = 0
    """How many ask to be let in, where I decide about that."""
    silent_until_ms: int = 0
    """An admin has muted me: until then I write nothing here."""
    timer: int = 0
    """Seconds after which messages are gone that are written now; 0: they stay."""

    @property
    def is_admin(self) -> bool:
        """Whether I may change it and who belongs to it."""
        return self.role >= 2 and not self.gone

    @property
    def can_write(self) -> bool:
        """Whether I may write."""
        return not self.gone and (self.kind is not ConversationKind.CHANNEL or self.role >= 2)

    @property
    def at_ms(self) -> int:
        """When something happened here last."""
        return self.last.at_ms if self.last is not None else 0


class Stage(enum.Enum):
    """What a transfer is doing."""

    WAITING = "waiting"
    HASHING = "hashing"
    MOVING = "moving"
    FINISHING = "finishing"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Given up by who wanted it: as if it had never begun."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A file on its way; ``key`` is that of the message that shows it. Bytes, and bytes a second."""

    key: str
    conversation: int
    filename: str
    up: bool
    size: int
    done: int = 0
    stage: Stage = Stage.WAITING
    speed: float = 0.0
    problem: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing is on its way any more, and there is nothing to be said of it."""
        return self.stage in (Stage.DONE, Stage.CANCELLED)


@dataclass(frozen=True, slots=True)
class Stream:
    """A live stream; the URLs hold keys of this user and are shown nowhere."""

    id: str
    conversation: int
    owner: int
    title: str
    running: bool = True
    paused: bool = False
    viewers: int = 0
    play_url: str = field(default="", repr=False)
    publish_url: str = field(default="", repr=False)
    flv_url: str = field(default="", repr=False)
    """Where it is watched by HTTPS, if the first way is closed."""
    watch_url: str = field(default="", repr=False)
