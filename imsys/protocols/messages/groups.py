"""Groups (docs/protocol.md, 2.9): who belongs to them, and what they are."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from imsys.protocols.messages.entries import ChangeRequest, ChangeResponse
from imsys.protocols.messages.registry import Push, Request, Response, message


@message(210, reply=211)
class GroupCreateRequest(Request, frozen=True, kw_only=True):
    """Make a group that I own. Friends are in it at once, others are invited; at most 200 of them.

    ``avatar`` is the id of a picture that I sent for a group. ``channel``: only admins write. ``history``: what a
    newcomer reads, ``all`` or what is said after they ``joined``.
    """

    unique_id: str
    title: str
    members: list[str] = []
    description: str = ""
    avatar: str = ""
    channel: bool = False
    history: str = "all"


@message(211)
class GroupCreateResponse(ChangeResponse, frozen=True, kw_only=True):
    """The group, with the first entry of its log."""

    joined: list[str]
    invited: list[str]
    refused: list[str]


@message(212, reply=213)
class GroupRequest(Request, frozen=True, kw_only=True):
    """What a group of mine is."""

    thread_id: str


@message(213)
class GroupResponse(Response, frozen=True, kw_only=True):
    """``role`` and ``muted_until`` are mine: 0 member, 2 admin, 3 owner; times are RFC 3339, "" where there is none."""

    thread_id: str
    title: str
    description: str
    avatar: str
    channel: bool
    history: str
    members: int
    created: str
    last_msg_id: str
    role: int
    muted_until: str


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One of a group."""

    uuid: str
    role: int
    joined: str
    muted_until: str


@message(214, reply=215)
class GroupMembersRequest(Request, frozen=True, kw_only=True):
    """A page of the members of a group of mine."""

    thread_id: str
    cursor: str = ""
    limit: int = 100


@message(215)
class GroupMembersResponse(Response, frozen=True, kw_only=True):
    """Members by uuid, ascending."""

    thread_id: str
    members: list[Member]
    next: str
    is_complete: bool


@message(216, reply=217)
class GroupAddRequest(ChangeRequest, frozen=True, kw_only=True):
    """As an admin: add friends, and invite others; at most 200."""

    members: list[str]


@message(217)
class GroupAddResponse(ChangeResponse, frozen=True, kw_only=True):
    """Who is in the group now, who was asked, and who does not want to be. A repetition has not the last."""

    joined: list[str]
    invited: list[str]
    refused: list[str]


@message(218, reply=219)
class GroupRemoveRequest(ChangeRequest, frozen=True, kw_only=True):
    """As an admin: remove members, at most 200; also who is invited is so no more."""

    members: list[str]


@message(219)
class GroupRemoveResponse(ChangeResponse, frozen=True, kw_only=True):
    """See :class:`ChangeResponse`."""


@message(220, reply=221)
class GroupLeaveRequest(ChangeRequest, frozen=True, kw_only=True):
    """Leave a group."""


@message(221)
class GroupLeaveResponse(ChangeResponse, frozen=True, kw_only=True):
    """See :class:`ChangeResponse`."""


@message(222, reply=223)
class GroupRoleRequest(ChangeRequest, frozen=True, kw_only=True):
    """As the owner: make a member an admin (2), a plain member (0), or the owner (3) in my place."""

    uuid: str
    role: int


@message(223)
class GroupRoleResponse(ChangeResponse, frozen=True, kw_only=True):
    """See :class:`ChangeResponse`."""


@message(224, reply=225)
class GroupMuteRequest(ChangeRequest, frozen=True, kw_only=True):
    """As an admin: have a member write nothing for so many seconds; 0, write again."""

    uuid: str
    seconds: int


@message(225)
class GroupMuteResponse(ChangeResponse, frozen=True, kw_only=True):
    """See :class:`ChangeResponse`."""


@message(226, reply=227)
class GroupSettingsRequest(ChangeRequest, frozen=True, kw_only=True):
    """As an admin: change what a group is. What is left out stays."""

    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    avatar: str | UnsetType = UNSET
    channel: bool | UnsetType = UNSET
    history: str | UnsetType = UNSET


@message(227)
class GroupSettingsResponse(ChangeResponse, frozen=True, kw_only=True):
    """See :class:`ChangeResponse`."""


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """A group that I am invited to."""

    thread_id: str
    title: str
    avatar: str
    members: int
    inviter: str
    timestamp: str


@message(228, reply=229)
class InvitationsRequest(Request, frozen=True, kw_only=True):
    """A page of invitations that I have not answered."""

    cursor: str = ""
    limit: int = 100


@message(229)
class InvitationsResponse(Response, frozen=True, kw_only=True):
    """Invitations by thread, ascending."""

    invitations: list[Invitation]
    next: str
    is_complete: bool


@message(230, reply=231)
class InvitationAnswerRequest(ChangeRequest, frozen=True, kw_only=True):
    """Accept an invitation, or decline it."""

    accept: bool


@message(231)
class InvitationAnswerResponse(ChangeResponse, frozen=True, kw_only=True):
    """See :class:`ChangeResponse`."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link to a group: 22 characters. ``uses``: 0, as often as one likes; ``expires``: "" never."""

    link: str
    creator: str
    created: str
    expires: str
    uses: int
    used: int
    approval: bool


@message(232, reply=233)
class LinkCreateRequest(Request, frozen=True, kw_only=True):
    """As an admin: make a link that lives for so many seconds (0: for ever) and may be used so often."""

    thread_id: str
    seconds: int = 0
    uses: int = 0
    approval: bool = False


@message(233)
class LinkCreateResponse(Response, frozen=True, kw_only=True):
    """The link."""

    thread_id: str
    link: Link


@message(234, reply=235)
class LinksRequest(Request, frozen=True, kw_only=True):
    """As an admin: the links of a group, at most 100."""

    thread_id: str


@message(235)
class LinksResponse(Response, frozen=True, kw_only=True):
    """Links that can be used, the newest first."""

    thread_id: str
    links: list[Link]


@message(236, reply=237)
class LinkRevokeRequest(Request, frozen=True, kw_only=True):
    """As an admin: end a link."""

    thread_id: str
    link: str


@message(237)
class LinkRevokeResponse(Response, frozen=True, kw_only=True):
    """Nobody comes by it any more."""


@message(238, reply=239)
class LinkJoinRequest(Request, frozen=True, kw_only=True):
    """Come into a group by a link, or ask to be let in."""

    link: str
    unique_id: str


@message(239)
class LinkJoinResponse(ChangeResponse, frozen=True, kw_only=True):
    """``waits``: an admin is asked."""

    waits: bool


@message(240, reply=241)
class LinkLookRequest(Request, frozen=True, kw_only=True):
    """What a link leads to."""

    link: str


@message(241)
class LinkLookResponse(Response, frozen=True, kw_only=True):
    """The group; ``approval``: an admin is asked."""

    title: str
    description: str
    avatar: str
    members: int
    channel: bool
    approval: bool


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """Who came by a link and waits."""

    uuid: str
    timestamp: str


@message(242, reply=243)
class AskingRequest(Request, frozen=True, kw_only=True):
    """As an admin: a page of who waits to be let in."""

    thread_id: str
    cursor: str = ""
    limit: int = 100


@message(243)
class AskingResponse(Response, frozen=True, kw_only=True):
    """Users by uuid, ascending."""

    thread_id: str
    asking: list[Asking]
    next: str
    is_complete: bool


@message(244, reply=245)
class LetInRequest(ChangeRequest, frozen=True, kw_only=True):
    """As an admin: let somebody in who waits, or not."""

    uuid: str
    accept: bool


@message(245)
class LetInResponse(ChangeResponse, frozen=True, kw_only=True):
    """See :class:`ChangeResponse`."""


@message(246, reply=247)
class AddedByRequest(Request, frozen=True, kw_only=True):
    """Set who may add me to groups (``everybody``, ``friends``, ``nobody``), or ask what is set."""

    added_by: str | UnsetType = UNSET


@message(247)
class AddedByResponse(Response, frozen=True, kw_only=True):
    """Who may."""

    added_by: str


@message(248, reply=249)
class ReadersRequest(Request, frozen=True, kw_only=True):
    """Who has a message of a group of mine: how many, and a page of who has read it."""

    thread_id: str
    msg_id: str
    cursor: str = ""
    limit: int = 100


@message(249)
class ReadersResponse(Response, frozen=True, kw_only=True):
    """``delivered`` and ``read`` are numbers of members; ``readers`` by uuid, ascending."""

    delivered: int
    read: int
    readers: list[str]
    next: str
    is_complete: bool


@message(138)
class GroupPush(Push, frozen=True, kw_only=True):
    """A group is mine, or is mine no more, or I am invited, or ``users`` ask to be let into one of mine.

    ``change``: ``added``, ``removed``, ``left`` (on another device of mine), ``invited``, ``asked``; ``by`` is who did it.
    """

    thread_id: str
    change: str
    by: str
    title: str = ""
    users: list[str] = []
    msg_id: str | UnsetType = UNSET
    """The entry of the group's log by which it was so, if there is one."""
