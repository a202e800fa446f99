"""Groups: make them, look at them, and change who belongs to them and what they are."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from imsys.chat import group_fields as fields
from imsys.chat.changing import acknowledged, carry_out, check_unique, tell, tell_users
from imsys.chat.context import Chat, Context
from imsys.errors import Refused, Status
from imsys.protocols.fitting import fit
from imsys.protocols.messages.entries import ChangeRequest, ChangeResponse
from imsys.protocols.messages.groups import (
    AddedByRequest,
    AddedByResponse,
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
    Invitation,
    InvitationAnswerRequest,
    InvitationAnswerResponse,
    InvitationsRequest,
    InvitationsResponse,
    Member,
    ReadersRequest,
    ReadersResponse,
)
from imsys.protocols.messages.privacy import PrivacyPush
from imsys.redis.allowances import Kind
from imsys.server.dispatch import handles
from imsys.server.fields import parse_cursor, parse_id, within
from imsys.server.session import Session
from imsys.store.appending import Appended
from imsys.store.changes import Change
from imsys.store.groups import NewGroup
from imsys.store.ids import moment
from imsys.store.members import ADMIN, MEMBER, OWNER
from imsys.store.membership import LONGEST, Accept, Add, Added, Leave, Mute, Remove, SetRole, Settings

R = TypeVar("R", bound=ChangeResponse)


@handles(GroupCreateRequest)
async def create(context: Context, request: GroupCreateRequest) -> GroupCreateResponse:
    """Make a group, and tell its members; a repetition finds it."""
    chat, me = context.chat, context.user
    check_unique(request.unique_id)
    users = fields.users(request.members, least=0)
    group = NewGroup(
        request.unique_id,
        fields.title(request.title),
        fields.description(request.description),
        fields.picture(request.avatar),
        request.channel,
        fields.history(request.history) == "joined",
        [user for user in users if user != me],
    )
    await chat.allowances.take(Kind.THREAD, me)
    appended = await chat.unconfirmed.watch(
        ("group", me, request.unique_id),
        chat.stores.groups.create(chat.node.ids, me, group, chat.config.group_members),
        partial(_look, chat, me, request.unique_id),
    )
    _tell_added(chat, appended, me, context.session)
    return GroupCreateResponse(
        **acknowledged(str(appended.messages[0].thread_id), request.unique_id, appended),
        **_added(appended.answer),
    )


async def _look(chat: Chat, user: int, unique_id: str) -> None:
    """Tell of a group of which it was not known whether it was made."""
    appended = await chat.stores.groups.made(user, unique_id)
    if appended is not None:
        _tell_added(chat, appended, user)


@handles(GroupRequest)
async def get(context: Context, request: GroupRequest) -> GroupResponse:
    """Tell what a group is."""
    group = await context.chat.stores.groups.get(context.user, parse_id(request.thread_id, "thread_id"))
    return GroupResponse(
        thread_id=str(group.thread_id),
        title=group.title,
        description=group.description,
        avatar=group.avatar,
        channel=fields.is_channel(group.rules),
        history=fields.history_of(group.rules),
        members=group.members,
        created=fields.time(group.created_at),
        last_msg_id=str(group.last_id),
        role=group.role,
        muted_until=fields.time(group.muted_until),
    )


@handles(GroupMembersRequest)
async def members(context: Context, request: GroupMembersRequest) -> GroupMembersResponse:
    """List the members of a group."""
    limit = within(request.limit, 1, 100, "limit")
    found = await context.chat.stores.groups.members(
        context.user, parse_id(request.thread_id, "thread_id"), parse_cursor(request.cursor), limit + 1
    )
    page = [
        Member(
            uuid=str(one.user),
            role=one.role,
            joined=moment(one.joined_at),
            muted_until=fields.time(one.muted_until),
        )
        for one in found[:limit]
    ]
    return GroupMembersResponse(
        thread_id=request.thread_id,
        members=page,
        next=page[-1].uuid if page else request.cursor,
        is_complete=len(found) <= limit,
    )


@handles(GroupAddRequest, overlapping=True)
async def add(context: Context, request: GroupAddRequest) -> GroupAddResponse:
    """Add and invite users."""
    chat, me, users = context.chat, context.user, fields.users(request.members)
    thread_id = parse_id(request.thread_id, "thread_id")
    change = Add(request.unique_id, users, chat.config.group_members)
    appended = await carry_out(context, request.thread_id, change)
    if appended.answer is None:  # a repetition: who was invited by it may not have been told
        joined = {
            int(user)
            for one in appended.messages
            for user in msgspec.json.decode(one.content).get("users", ())
        }
        waiting = set(await chat.stores.groups.invited(me, thread_id)).intersection(users)
        appended = replace(appended, answer=Added("", sorted(joined), sorted(waiting), []))
    _tell_invited(chat, thread_id, appended, me)
    return GroupAddResponse(
        **acknowledged(request.thread_id, request.unique_id, appended), **_added(appended.answer)
    )


@handles(GroupRemoveRequest, overlapping=True)
async def remove(context: Context, request: GroupRemoveRequest) -> GroupRemoveResponse:
    """Remove members."""
    return await _change(
        context, request, Remove(request.unique_id, fields.users(request.members)), GroupRemoveResponse
    )


@handles(GroupLeaveRequest, overlapping=True)
async def leave(context: Context, request: GroupLeaveRequest) -> GroupLeaveResponse:
    """Leave a group."""
    return await _change(context, request, Leave(request.unique_id), GroupLeaveResponse)


@handles(GroupRoleRequest, overlapping=True)
async def role(context: Context, request: GroupRoleRequest) -> GroupRoleResponse:
    """Give a role."""
    if request.role not in (MEMBER, ADMIN, OWNER):
        raise Refused(Status.INVALID_FIELD, "A role is 0 (member), 2 (admin) or 3 (owner).")
    change = SetRole(request.unique_id, parse_id(request.uuid, "uuid"), request.role)
    return await _change(context, request, change, GroupRoleResponse)


@handles(GroupMuteRequest, overlapping=True)
async def mute(context: Context, request: GroupMuteRequest) -> GroupMuteResponse:
    """Have a member write nothing for a while."""
    seconds = within(request.seconds, 0, LONGEST, "seconds")
    change = Mute(request.unique_id, parse_id(request.uuid, "uuid"), seconds)
    return await _change(context, request, change, GroupMuteResponse)


@handles(GroupSettingsRequest, overlapping=True)
async def settings(context: Context, request: GroupSettingsRequest) -> GroupSettingsResponse:
    """Change what a group is."""
    change = Settings(
        request.unique_id,
        None if request.title is UNSET else fields.title(request.title),
        None if request.description is UNSET else fields.description(request.description),
        None if request.avatar is UNSET else fields.picture(request.avatar),
        None if request.channel is UNSET else request.channel,
        None if request.history is UNSET else fields.history(request.history),
    )
    return await _change(context, request, change, GroupSettingsResponse)


@handles(InvitationsRequest)
async def invitations(context: Context, request: InvitationsRequest) -> InvitationsResponse:
    """List the user's invitations."""
    limit = within(request.limit, 1, 100, "limit")
    found = await context.chat.stores.groups.invitations(
        context.user, parse_cursor(request.cursor), limit + 1
    )
    items = [
        Invitation(
            thread_id=str(one.thread_id),
            title=one.title,
            avatar=one.avatar,
            members=one.members,
            inviter=str(one.inviter),
            timestamp=moment(one.created_at),
        )
        for one in found[:limit]
    ]
    return fit(
        items,
        lambda some: InvitationsResponse(
            invitations=list(some),
            next=some[-1].thread_id if some else request.cursor,
            is_complete=len(some) == len(found),
        ),
    )


@handles(InvitationAnswerRequest, overlapping=True)
async def answer(context: Context, request: InvitationAnswerRequest) -> InvitationAnswerResponse:
    """Accept an invitation or decline it; to decline again is harmless."""
    if request.accept:
        change = Accept(request.unique_id, context.chat.config.group_members)
        return await _change(context, request, change, InvitationAnswerResponse)
    await context.chat.stores.groups.decline(context.user, parse_id(request.thread_id, "thread_id"))
    nothing = Appended((), ())
    return InvitationAnswerResponse(**acknowledged(request.thread_id, request.unique_id, nothing))


@handles(AddedByRequest)
async def added_by(context: Context, request: AddedByRequest) -> AddedByResponse:
    """Set or tell who may add the user to groups; the user's other sessions are told of a change."""
    chat, rule = context.chat, None
    if request.added_by is not UNSET:
        rule = fields.ADDED_BY.get(request.added_by)
        if rule is None:
            raise Refused(Status.INVALID_FIELD, f"Who may add me is one of {', '.join(fields.ADDED_BY)}.")
        await chat.allowances.take(Kind.PROFILE, context.user)
    now = await chat.stores.groups.added_by(context.user, rule)
    if rule is not None:
        chat.outbound.deliver_beside(context.session, PrivacyPush(added_by=request.added_by))
    return AddedByResponse(added_by=next(word for word, number in fields.ADDED_BY.items() if number == now))


@handles(ReadersRequest)
async def readers(context: Context, request: ReadersRequest) -> ReadersResponse:
    """Tell who has a message."""
    limit = within(request.limit, 1, 100, "limit")
    found = await context.chat.stores.groups.readers(
        context.user,
        parse_id(request.thread_id, "thread_id"),
        parse_id(request.msg_id, "msg_id"),
        parse_cursor(request.cursor),
        limit + 1,
    )
    page = [str(user) for user in found.users[:limit]]
    return ReadersResponse(
        delivered=found.delivered,
        read=found.read,
        readers=page,
        next=page[-1] if page else request.cursor,
        is_complete=len(found.users) <= limit,
    )


async def _change(context: Context, request: ChangeRequest, change: Change, response: type[R]) -> R:
    appended = await carry_out(context, request.thread_id, change)
    return response(**acknowledged(request.thread_id, request.unique_id, appended))


def _tell_added(chat: Chat, appended: Appended, user: int, session: Session | None = None) -> None:
    tell(chat, appended, user, session)
    _tell_invited(chat, appended.messages[0].thread_id, appended, user)


def _tell_invited(chat: Chat, thread_id: int, appended: Appended, user: int) -> None:
    tell_users(chat, thread_id, "invited", user, appended.answer.invited, appended.answer.title)


def _added(one: Added) -> dict[str, Any]:
    """What became of the users of a request."""
    lists = {"joined": one.joined, "invited": one.invited, "refused": one.refused}
    return {name: [str(user) for user in users] for name, users in lists.items()}
