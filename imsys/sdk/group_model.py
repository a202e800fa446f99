"""What groups are made of, in the application's data model."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from imsys.protocols.messages import groups as wire
from imsys.sdk.model import parse_time


class Role(enum.IntEnum):
    """What a member of a group may do."""

    MEMBER = 0
    ADMIN = 2
    OWNER = 3


class NewcomersRead(enum.Enum):
    """What who comes into a group may read."""

    ALL = "all"
    SINCE_JOINING = "joined"


class AddedBy(enum.Enum):
    """Who may add this user to groups. Of everybody only friends do so at once, others invite."""

    EVERYBODY = "everybody"
    FRIENDS = "friends"
    NOBODY = "nobody"


class GroupEvent(enum.Enum):
    """What has become of a group for this user."""

    ADDED = "added"
    REMOVED = "removed"
    LEFT = "left"
    """On another device of this user's."""
    INVITED = "invited"
    ASKED = "asked"
    """Somebody waits to be let in by this user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupNews:
    """A group is this user's, or is no more; or the user is invited, or ``users`` ask to be let in. ``by`` did it."""

    thread_id: int
    event: GroupEvent
    by: int
    title: str = ""
    users: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What a group is; ``role`` and ``muted_until`` are this user's.

    In a ``channel`` only admins write. ``avatar`` is the id of a file, empty where there is none.
    """

    thread_id: int
    title: str
    description: str
    avatar: str
    channel: bool
    newcomers_read: NewcomersRead
    members: int
    created: datetime | None
    last_id: int
    role: Role | int
    muted_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember:
    """One of a group; ``muted_until``: until then they write nothing."""

    uuid: int
    role: Role | int
    joined: datetime
    muted_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAdded:
    """What became of users who were to be in a group; those who were in it already are in none of the lists.

    ``joined`` are in it now, ``invited`` are asked, ``refused`` do not want to be added by this user.
    """

    thread_id: int
    joined: tuple[int, ...]
    invited: tuple[int, ...]
    refused: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupInvitation:
    """A group that this user is invited to."""

    thread_id: int
    title: str
    avatar: str
    members: int
    inviter: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLink:
    """A link that leads into a group: 22 characters.

    ``uses``: how often it may be used, 0: as often as one likes; ``expires`` is ``None`` where it never does;
    with ``approval``, an admin is asked about each who comes by it.
    """

    link: str
    creator: int
    created: datetime
    expires: datetime | None
    uses: int
    used: int
    approval: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPreview:
    """What a link leads to."""

    title: str
    description: str
    avatar: str
    members: int
    channel: bool
    approval: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupJoined:
    """The group that a link led into; ``waits``: an admin is asked first."""

    thread_id: int
    waits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """Who came by a link, and waits to be let in."""

    uuid: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """How many members have received and read a message, and the first hundred of who has read it."""

    delivered: int
    read: int
    readers: tuple[int, ...]


def role(number: int) -> Role | int:
    """Convert a role; one that this version does not know stays a number."""
    try:
        return Role(number)
    except ValueError:
        return number


def moment(text: str) -> datetime | None:
    """Convert a time of the wire; ``None`` for an empty one."""
    return parse_time(text) if text else None


def group(response: wire.GroupResponse) -> Group:
    """Convert what a group is."""
    return Group(
        thread_id=int(response.thread_id),
        title=response.title,
        description=response.description,
        avatar=response.avatar,
        channel=response.channel,
        newcomers_read=NewcomersRead(response.history),
        members=response.members,
        created=moment(response.created),
        last_id=int(response.last_msg_id),
        role=role(response.role),
        muted_until=moment(response.muted_until),
    )


def member(item: wire.Member) -> GroupMember:
    """Convert an item of the list of members."""
    return GroupMember(
        uuid=int(item.uuid),
        role=role(item.role),
        joined=parse_time(item.joined),
        muted_until=moment(item.muted_until),
    )


def added(response: wire.GroupCreateResponse | wire.GroupAddResponse) -> GroupAdded:
    """Convert what became of users."""
    return GroupAdded(
        thread_id=int(response.thread_id),
        joined=tuple(map(int, response.joined)),
        invited=tuple(map(int, response.invited)),
        refused=tuple(map(int, response.refused)),
    )


def invitation(item: wire.Invitation) -> GroupInvitation:
    """Convert an item of the list of invitations."""
    return GroupInvitation(
        thread_id=int(item.thread_id),
        title=item.title,
        avatar=item.avatar,
        members=item.members,
        inviter=int(item.inviter),
        at=parse_time(item.timestamp),
    )


def link(item: wire.Link) -> GroupLink:
    """Convert a link."""
    return GroupLink(
        link=item.link,
        creator=int(item.creator),
        created=parse_time(item.created),
        expires=moment(item.expires),
        uses=item.uses,
        used=item.used,
        approval=item.approval,
    )


def preview(response: wire.LinkLookResponse) -> GroupPreview:
    """Convert what a link leads to."""
    return GroupPreview(
        title=response.title,
        description=response.description,
        avatar=response.avatar,
        members=response.members,
        channel=response.channel,
        approval=response.approval,
    )


def news(push: wire.GroupPush) -> GroupNews | None:
    """Convert push 138; ``None``: this version does not know the change."""
    try:
        event = GroupEvent(push.change)
    except ValueError:
        return None
    return GroupNews(
        thread_id=int(push.thread_id),
        event=event,
        by=int(push.by or 0),
        title=push.title,
        users=tuple(map(int, push.users)),
    )
