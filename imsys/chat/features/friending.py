"""Friendships: request, accept, decline and end them; block users.

What a user declines, ends or blocks has no push: the user's other sessions catch up instead.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import TypeVar

from imsys.chat.context import Chat, Context
from imsys.chat.views import friendship_push, request_push
from imsys.errors import Refused, Status
from imsys.protocols.messages.contacts import (
    BlockRequest,
    BlockResponse,
    ConfirmRequest,
    ConfirmResponse,
    DeclineRequest,
    DeclineResponse,
    FriendRequest,
    FriendResponse,
    UnfriendRequest,
    UnfriendResponse,
)
from imsys.redis.allowances import Kind
from imsys.server.dispatch import Followed, handles
from imsys.server.fields import at_most, parse_id, shown
from imsys.store.contacts import Friendship, Pending

T = TypeVar("T")


@handles(FriendRequest)
async def ask(context: Context, request: FriendRequest) -> FriendResponse | Followed:
    """Store a request and tell its receiver; two requests that cross make a friendship."""
    src, dst = context.own(request.src_uuid), parse_id(request.dst_uuid, "dst_uuid")
    if src == dst:
        raise Refused(Status.FRIENDING_YOURSELF, "One cannot befriend oneself.")
    at_most(request.message, 255, "message")
    shown(request.nickname, 50, "nickname")
    chat = context.chat
    await chat.allowances.take(Kind.REQUEST, src)
    change = chat.stores.contacts.ask(chat.node.ids, src, dst, request.nickname, request.message)
    try:
        asked = await _watched(chat, src, dst, change)
    except Refused as refused:
        if refused.status is Status.FRIENDING_ERROR:  # perhaps by this very request, whose pushes were lost
            chat.outbound.catch_up([src, dst])
        raise
    response = FriendResponse(src_uuid=str(src), dst_uuid=str(dst))
    if isinstance(asked, Friendship):
        return Followed(response, partial(_tell, chat, asked))
    if isinstance(asked, Pending):
        chat.outbound.deliver([dst], request_push(asked))
    else:  # the request is pending already, but its push may have been lost
        chat.outbound.catch_up([dst])
    return response


@handles(ConfirmRequest)
async def confirm(context: Context, request: ConfirmRequest) -> Followed:
    """Accept a request and tell both users; a repetition changes nothing, but tells them again."""
    dst, src = context.own(request.dst_uuid), parse_id(request.src_uuid, "src_uuid")
    name = shown(request.alternative_name, 50, "alternative_name")
    chat = context.chat
    friendship = await _watched(chat, src, dst, chat.stores.contacts.confirm(chat.node.ids, src, dst, name))
    return Followed(ConfirmResponse(), partial(_tell, chat, friendship))


async def _watched(chat: Chat, src: int, dst: int, change: Awaitable[T]) -> T:
    return await chat.unconfirmed.watch(
        ("friends", *sorted((src, dst))), change, partial(_look, chat, src, dst)
    )


async def _look(chat: Chat, one: int, other: int) -> None:
    """Push the present state between two users, after a change of which it is not known if it was made."""
    found = await chat.stores.contacts.between(one, other)
    if isinstance(found, Friendship):
        _tell(chat, found)
    elif found is not None:
        chat.outbound.deliver([found.dst], request_push(found))


def _tell(chat: Chat, friendship: Friendship) -> None:
    for user in (friendship.src, friendship.dst):
        chat.directory.retell(user.uuid)  # they may see now when the other one is online
    if not friendship.news:
        return
    for user, friend in ((friendship.src, friendship.dst), (friendship.dst, friendship.src)):
        chat.outbound.deliver([user.uuid], friendship_push(friendship, friend))
    if friendship.again:  # its first messages are not in the push
        chat.outbound.catch_up([friendship.src.uuid, friendship.dst.uuid])


@handles(DeclineRequest)
async def decline(context: Context, request: DeclineRequest) -> DeclineResponse:
    """Decline a request; the sender is not told. A repetition is harmless."""
    await context.chat.stores.contacts.decline(parse_id(request.src_uuid, "src_uuid"), context.user)
    context.chat.outbound.catch_up_beside(context.session)
    return DeclineResponse()


@handles(UnfriendRequest)
async def unfriend(context: Context, request: UnfriendRequest) -> UnfriendResponse:
    """End a friendship; the history stays. A repetition is harmless."""
    friend = parse_id(request.friend_uuid, "friend_uuid")
    try:
        await context.chat.stores.contacts.unfriend(context.user, friend)
    finally:
        context.chat.directory.retell(context.user)
    context.chat.outbound.catch_up_beside(context.session)
    return UnfriendResponse()


@handles(BlockRequest)
async def block(context: Context, request: BlockRequest) -> BlockResponse:
    """Block a user, or end the block."""
    other = parse_id(request.uuid, "uuid")
    if other == context.user:
        raise Refused(Status.FRIENDING_YOURSELF, "One cannot block oneself.")
    try:
        await context.chat.stores.contacts.block(context.user, other, request.blocked)
    finally:  # it may be stored although the database did not answer
        context.chat.directory.retell(context.user)
    context.chat.outbound.catch_up_beside(context.session)
    return BlockResponse()
