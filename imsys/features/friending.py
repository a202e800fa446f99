"""Friending: asking, accepting, declining, and ending it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from imsys.dispatch import Context, handles
from imsys.errors import Refused, Status, Unavailable
from imsys.fields import at_most, parse_id
from imsys.protocols.messages.contacts import (
    BlockRequest,
    BlockResponse,
    ConfirmRequest,
    ConfirmResponse,
    DeclineRequest,
    DeclineResponse,
    FriendRequest,
    FriendRequestPush,
    FriendResponse,
    UnfriendRequest,
    UnfriendResponse,
)
from imsys.store.contacts import Friendship, Pending
from imsys.views import friendship_push

T = TypeVar("T")


@handles(FriendRequest)
async def ask(context: Context, request: FriendRequest) -> FriendResponse:
    """Store the request, then tell its receiver; one that crosses another makes a friendship."""
    src, dst = context.own(request.src_uuid), parse_id(request.dst_uuid, "dst_uuid")
    if src == dst:
        raise Refused(Status.FRIENDING_YOURSELF, "One cannot befriend oneself.")
    at_most(request.message, 255, "message")
    at_most(request.nickname, 50, "nickname")
    contacts, ids = context.chat.stores.contacts, context.chat.node.ids
    asked = await _told(context, [src, dst], contacts.ask(ids, src, dst, request.nickname, request.message))
    if isinstance(asked, Friendship):
        _tell(context, asked)
    elif isinstance(asked, Pending):
        person = asked.person
        push = FriendRequestPush(
            src_uuid=str(src),
            dst_uuid=str(dst),
            src_nickname=asked.nickname or person.nickname,
            src_message=asked.message,
            src_avator=person.avatar,
            src_username=person.username,
            src_desc=person.description,
            src_sex=person.sex,
        )
        context.chat.outbound.deliver([dst], push)
    return FriendResponse(src_uuid=str(src), dst_uuid=str(dst))


@handles(ConfirmRequest)
async def confirm(context: Context, request: ConfirmRequest) -> ConfirmResponse:
    """Accept, and tell both."""
    dst, src = context.own(request.dst_uuid), parse_id(request.src_uuid, "src_uuid")
    name = at_most(request.alternative_name, 50, "alternative_name")
    contacts, ids = context.chat.stores.contacts, context.chat.node.ids
    _tell(context, await _told(context, [src, dst], contacts.confirm(ids, src, dst, name)))
    return ConfirmResponse()


async def _told(context: Context, users: list[int], change: Awaitable[T]) -> T:
    """Make a change; where the database does not answer it may have been made, and those concerned are to look."""
    try:
        return await change
    except Unavailable:
        context.chat.outbound.catch_up(users)
        raise


def _tell(context: Context, friendship: Friendship) -> None:
    for user, friend in ((friendship.src, friendship.dst), (friendship.dst, friendship.src)):
        context.chat.outbound.deliver([user.uuid], friendship_push(friendship, friend))


@handles(DeclineRequest)
async def decline(context: Context, request: DeclineRequest) -> DeclineResponse:
    """Turn a request down; the asker is not told."""
    await context.chat.stores.contacts.decline(parse_id(request.src_uuid, "src_uuid"), context.user)
    return DeclineResponse()


@handles(UnfriendRequest)
async def unfriend(context: Context, request: UnfriendRequest) -> UnfriendResponse:
    """End a friendship; the history stays."""
    await context.chat.stores.contacts.unfriend(context.user, parse_id(request.friend_uuid, "friend_uuid"))
    return UnfriendResponse()


@handles(BlockRequest)
async def block(context: Context, request: BlockRequest) -> BlockResponse:
    """Block somebody, or end the block."""
    other = parse_id(request.uuid, "uuid")
    if other == context.user:
        raise Refused(Status.FRIENDING_YOURSELF, "One cannot block oneself.")
    await context.chat.stores.contacts.block(context.user, other, request.blocked)
    return BlockResponse()
