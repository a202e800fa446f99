"""Groups: who belongs to them, what they are, and the ways into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from msgspec import UNSET

from imsys.protocols.messages.entries import ChangeRequest, ChangeResponse
from imsys.protocols.messages.groups import (
    AddedByRequest,
    AddedByResponse,
    AskingRequest,
    AskingResponse,
    GroupAddRequest,
    GroupAddResponse,
    GroupCreateRequest,
    GroupCreateResponse,
    GroupLeaveRequest,
    GroupLeaveResponse,
    GroupMembersRequest,
    GroupMembersResponse,
    GroupMuteRequest,
    GroupMuteResponse,
    GroupRemoveRequest,
    GroupRemoveResponse,
    GroupRequest,
    GroupResponse,
    GroupRoleRequest,
    GroupRoleResponse,
    GroupSettingsRequest,
    GroupSettingsResponse,
    InvitationAnswerRequest,
    InvitationAnswerResponse,
    InvitationsRequest,
    InvitationsResponse,
    LetInRequest,
    LetInResponse,
    LinkCreateRequest,
    LinkCreateResponse,
    LinkJoinRequest,
    LinkJoinResponse,
    LinkLookRequest,
    LinkLookResponse,
    LinkRevokeRequest,
    LinkRevokeResponse,
    LinksRequest,
    LinksResponse,
    ReadersRequest,
    ReadersResponse,
)
from imsys.sdk import group_model
from imsys.sdk.contacts import Ask
from imsys.sdk.entries import Entry, Membership, SettingsChange
from imsys.sdk.group_model import (
    AddedBy,
    Group,
    GroupAdded,
    GroupInvitation,
    GroupJoined,
    GroupLink,
    GroupMember,
    GroupPreview,
    JoinRequest,
    NewcomersRead,
    Readers,
    Role,
)
from imsys.sdk.model import parse_time
from imsys.sdk.pages import Pages

_PAGE = 100

R = TypeVar("R", bound=ChangeResponse)


class Groups:
    """A user's groups. Every method may raise :class:`imsys.errors.Refused`.

    What changes a group is an entry of its log, which ``on_entry`` tells as well. A change that was not answered
    may have been made; to make it once more is harmless, but for :meth:`create`: give that its ``unique_id``.
    """

    def __init__(
        self,
        ask: Ask,
        me: Callable[[], int],
        unique_id: Callable[[], str],
        changed: Callable[[Entry, int], None],
    ) -> None:
        """``changed`` is called with each entry of this user's that is stored, and the id before it in its thread."""
        self._ask = ask
        self._me = me
        self._unique_id = unique_id
        self._changed = changed

    # what there is

    async def create(
        self,
        title: str,
        members: Sequence[int] = (),
        *,
        description: str = "",
        avatar: str = "",
        channel: bool = False,
        newcomers_read: NewcomersRead = NewcomersRead.ALL,
        unique_id: str = "",
    ) -> GroupAdded:
        """Make a group that this user owns: friends are in it at once, others are invited; at most 200 of them.

        :param avatar: the id of a file that :meth:`imsys.sdk.Transfers.group_picture` has sent.
        :param unique_id: that of an earlier call that may have been answered, so that there are not two groups.
        :raises Refused: CREATE_GROUP_CHAT_USER_NOT_EXIST (31), GROUP_FULL (77), RATE_LIMITED (64).
        """
        request = GroupCreateRequest(
            unique_id=unique_id or self._unique_id(),
            title=title,
            members=list(map(str, members)),
            description=description,
            avatar=avatar,
            channel=channel,
            history=newcomers_read.value,
        )
        response = await self._ask(request, GroupCreateResponse)
        outcome = group_model.added(response)
        self._membership(response, "joined", (self._me(), *outcome.joined), created=title)
        return outcome

    async def get(self, thread_id: int) -> Group:
        """Return what a group is. :raises Refused: PERMISSION_DENIED (65), it is none of this user's."""
        return group_model.group(await self._ask(GroupRequest(thread_id=str(thread_id)), GroupResponse))

    def members(self, thread_id: int) -> Pages[GroupMember]:
        """List the members of a group, ordered by uuid."""

        async def read(cursor: str) -> tuple[list[GroupMember], str, bool]:
            request = GroupMembersRequest(thread_id=str(thread_id), cursor=cursor, limit=_PAGE)
            page = await self._ask(request, GroupMembersResponse)
            return [group_model.member(item) for item in page.members], page.next, page.is_complete

        return Pages(read, "")

    async def readers(self, thread_id: int, message_id: int) -> Readers:
        """Return who has received and read a message of a group."""
        request = ReadersRequest(thread_id=str(thread_id), msg_id=str(message_id), limit=_PAGE)
        page = await self._ask(request, ReadersResponse)
        return Readers(delivered=page.delivered, read=page.read, readers=tuple(map(int, page.readers)))

    # who belongs to one

    async def add(self, thread_id: int, users: Sequence[int]) -> GroupAdded:
        """As an admin: add friends, and invite others; at most 200.

        :raises Refused: PERMISSION_DENIED (65), nobody of them wants to be added; GROUP_FULL (77).
        """
        request = GroupAddRequest(
            thread_id=str(thread_id), unique_id=self._unique_id(), members=list(map(str, users))
        )
        response = await self._ask(request, GroupAddResponse)
        outcome = group_model.added(response)
        self._membership(response, "joined", outcome.joined)
        return outcome

    async def remove(self, thread_id: int, users: Sequence[int]) -> None:
        """As an admin: remove members, at most 200; who is invited is so no more."""
        request = GroupRemoveRequest(
            thread_id=str(thread_id), unique_id=self._unique_id(), members=list(map(str, users))
        )
        self._membership(await self._change(request, GroupRemoveResponse), "removed", users)

    async def leave(self, thread_id: int) -> None:
        """Leave a group. :raises Refused: PERMISSION_DENIED (65), its owner has to hand it over first."""
        request = GroupLeaveRequest(thread_id=str(thread_id), unique_id=self._unique_id())
        self._membership(await self._change(request, GroupLeaveResponse), "left", (self._me(),))

    async def set_role(self, thread_id: int, uuid: int, role: Role) -> None:
        """As the owner: make a member an admin or a plain member, or the owner in this user's place."""
        request = GroupRoleRequest(
            thread_id=str(thread_id), unique_id=self._unique_id(), uuid=str(uuid), role=int(role)
        )
        self._membership(await self._change(request, GroupRoleResponse), "role", (uuid,), role=role)

    async def mute(self, thread_id: int, uuid: int, seconds: int) -> None:
        """As an admin: have a member write nothing for so many seconds, a year at most; 0: write again."""
        request = GroupMuteRequest(
            thread_id=str(thread_id), unique_id=self._unique_id(), uuid=str(uuid), seconds=seconds
        )
        response = await self._change(request, GroupMuteResponse)
        until = parse_time(response.timestamp) + timedelta(seconds=seconds) if seconds else None
        self._membership(response, "muted", (uuid,), until=until)

    async def change(
        self,
        thread_id: int,
        *,
        title: str | None = None,
        description: str | None = None,
        avatar: str | None = None,
        channel: bool | None = None,
        newcomers_read: NewcomersRead | None = None,
    ) -> None:
        """As an admin: change what a group is; ``None`` leaves as it is. ``avatar``: see :meth:`create`."""
        request = GroupSettingsRequest(
            thread_id=str(thread_id),
            unique_id=self._unique_id(),
            title=UNSET if title is None else title,
            description=UNSET if description is None else description,
            avatar=UNSET if avatar is None else avatar,
            channel=UNSET if channel is None else channel,
            history=UNSET if newcomers_read is None else newcomers_read.value,
        )
        response = await self._change(request, GroupSettingsResponse)
        self._tell(
            response,
            SettingsChange,
            title=title,
            description=description,
            avatar=avatar,
            channel=channel,
            newcomers_read=newcomers_read,
        )

    # being invited

    def invitations(self) -> Pages[GroupInvitation]:
        """List the invitations that this user has not answered."""

        async def read(cursor: str) -> tuple[list[GroupInvitation], str, bool]:
            page = await self._ask(InvitationsRequest(cursor=cursor, limit=_PAGE), InvitationsResponse)
            return [group_model.invitation(item) for item in page.invitations], page.next, page.is_complete

        return Pages(read, "")

    async def accept(self, thread_id: int) -> None:
        """Accept an invitation. :raises Refused: PERMISSION_DENIED (65), there is none; GROUP_FULL (77)."""
        self._membership(await self._answer(thread_id, True), "joined", (self._me(),))

    async def decline(self, thread_id: int) -> None:
        """Decline an invitation; repeating it is harmless."""
        await self._answer(thread_id, False)

    async def added_by(self) -> AddedBy:
        """Return who may add this user to groups."""
        return AddedBy((await self._ask(AddedByRequest(), AddedByResponse)).added_by)

    async def set_added_by(self, who: AddedBy) -> None:
        """Set who may add this user to groups."""
        await self._ask(AddedByRequest(added_by=who.value), AddedByResponse)

    # links

    async def create_link(
        self, thread_id: int, *, seconds: int = 0, uses: int = 0, approval: bool = False
    ) -> GroupLink:
        """As an admin: make a link that lives for so many seconds and may be used so often; 0: without an end.

        :param approval: whether an admin is asked about each who comes by it.
        """
        request = LinkCreateRequest(thread_id=str(thread_id), seconds=seconds, uses=uses, approval=approval)
        return group_model.link((await self._ask(request, LinkCreateResponse)).link)

    async def links(self, thread_id: int) -> list[GroupLink]:
        """As an admin: list the links of a group that can be used, the newest first."""
        page = await self._ask(LinksRequest(thread_id=str(thread_id)), LinksResponse)
        return [group_model.link(item) for item in page.links]

    async def revoke_link(self, thread_id: int, link: str) -> None:
        """As an admin: end a link; repeating it is harmless."""
        await self._ask(LinkRevokeRequest(thread_id=str(thread_id), link=link), LinkRevokeResponse)

    async def look(self, link: str) -> GroupPreview:
        """Return what a link leads to. :raises Refused: LINK_INVALID (81)."""
        return group_model.preview(await self._ask(LinkLookRequest(link=link), LinkLookResponse))

    async def join(self, link: str) -> GroupJoined:
        """Come into a group by a link, or ask to be let in. :raises Refused: LINK_INVALID (81), GROUP_FULL (77)."""
        response = await self._ask(LinkJoinRequest(link=link, unique_id=self._unique_id()), LinkJoinResponse)
        self._membership(response, "link", (self._me(),))
        return GroupJoined(thread_id=int(response.thread_id), waits=response.waits)

    def asking(self, thread_id: int) -> Pages[JoinRequest]:
        """As an admin: list who waits to be let in."""

        async def read(cursor: str) -> tuple[list[JoinRequest], str, bool]:
            request = AskingRequest(thread_id=str(thread_id), cursor=cursor, limit=_PAGE)
            page = await self._ask(request, AskingResponse)
            items = [JoinRequest(uuid=int(one.uuid), at=parse_time(one.timestamp)) for one in page.asking]
            return items, page.next, page.is_complete

        return Pages(read, "")

    async def let_in(self, thread_id: int, uuid: int, accept: bool = True) -> None:
        """As an admin: let somebody in who waits, or not."""
        request = LetInRequest(
            thread_id=str(thread_id), unique_id=self._unique_id(), uuid=str(uuid), accept=accept
        )
        self._membership(await self._change(request, LetInResponse), "joined", (uuid,))

    # changes

    async def _answer(self, thread_id: int, accept: bool) -> InvitationAnswerResponse:
        request = InvitationAnswerRequest(
            thread_id=str(thread_id), unique_id=self._unique_id(), accept=accept
        )
        return await self._change(request, InvitationAnswerResponse)

    async def _change(self, request: ChangeRequest, reply: type[R]) -> R:
        return await self._ask(request, reply)

    def _membership(self, response: ChangeResponse, action: str, users: Sequence[int], **more: Any) -> None:
        self._tell(response, Membership, action=action, users=tuple(users), **more)

    def _tell(self, response: ChangeResponse, kind: type[Entry], **more: Any) -> None:
        """Have the entry that a change has become told in its place in the log; "0": nothing was changed."""
        if int(response.msg_id):
            entry = kind(
                id=int(response.msg_id),
                thread_id=int(response.thread_id),
                actor=self._me(),
                at=parse_time(response.timestamp),
                mine=True,
                unique_id=response.unique_id,
                **more,
            )
            self._changed(entry, int(response.prev_id))
