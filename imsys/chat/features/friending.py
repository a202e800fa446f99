"""Friending: asking, accepting, declining, and ending it."""

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
    """Store the request, then tell its receiver; one that crosses another makes a friendship."""
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
        if refused.status is Status.FRIENDING_ERROR:  # friends, perhaps by this very request, which nobody came to tell of
            chat.outbound.catch_up([src, dst])
        raise
    response = FriendResponse(src_uuid=str(src), dst_uuid=str(dst))
    if isinstance(asked, Friendship):
        return Followed(response, partial(_tell, chat, asked))
    if isinstance(asked, Pending):
        chat.outbound.deliver([dst], request_push(asked))
    else:  # it waits already: whoever has stored it may not have come to tell
        chat.outbound.catch_up([dst])
    return response


@handles(ConfirmRequest)
async def confirm(context: Context, request: ConfirmRequest) -> Followed:
    """Accept, and then tell both; to do so again changes nothing, and tells again."""
    dst, src = context.own(request.dst_uuid), parse_id(request.src_uuid, "src_uuid")
    name = shown(request.alternative_name, 50, "alternative_name")
    chat = context.chat
    friendship = await _watched(chat, src, dst, chat.stores.contacts.confirm(chat.node.ids, src, dst, name))
    return Followed(ConfirmResponse(), partial(_tell, chat, friendship))


async def _watched(chat: Chat, src: int, dst: int, change: Awaitable[T]) -> T:
    return await chat.unconfirmed.watch(("friends", *sorted((src, dst))), change, partial(_look, chat, src, dst))


async def _look(chat: Chat, one: int, other: int) -> None:
    """Tell what is between two users, after a change of which it is not known whether it was made."""
    found = await chat.stores.contacts.between(one, other)
    if isinstance(found, Friendship):
        _tell(chat, found)
    elif found is not None:
        chat.outbound.deliver([found.dst], request_push(found))


def _tell(chat: Chat, friendship: Friendship) -> None:
    if not friendship.news:
        return
    for user, friend in ((friendship.src, friendship.dst), (friendship.dst, friendship.src)):
        chat.outbound.deliver([user.uuid], friendship_push(friendship, friend))
    if friendship.again:  # the messages it began with are not here
        chat.outbound.catch_up([friendship.src.uuid, friendship.dst.uuid])


@handles(DeclineRequest)
async def decline(context: Context, request: DeclineRequest) -> DeclineResponse:
    """Turn a request down, or repeat that; the asker is not told."""
    await context.chat.stores.contacts.decline(parse_id(request.src_uuid, "src_uuid"), context.user)
    return DeclineResponse()


@handles(UnfriendRequest)
async def unfriend(context: Context, request: UnfriendRequest) -> UnfriendResponse:
    """End a friendship, or repeat that; the history stays."""
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
