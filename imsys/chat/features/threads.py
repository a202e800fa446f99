"""Threads: list them, and open the private one with a friend."""

from __future__ import annotations

from imsys.chat.context import Context
from imsys.errors import Refused, Status
from imsys.protocols.messages.threads import (
    PrivateChatRequest,
    PrivateChatResponse,
    Thread,
    ThreadsRequest,
    ThreadsResponse,
)
from imsys.redis.allowances import Kind
from imsys.server.dispatch import handles
from imsys.server.fields import parse_id
from imsys.store.heads import PRIVATE

PAGE = 10
"""Threads in a page."""


@handles(ThreadsRequest)
async def threads(context: Context, request: ThreadsRequest) -> ThreadsResponse:
    """List the threads after a cursor, by id, ascending."""
    context.own(request.uuid)
    after = parse_id(request.thread_id, "thread_id")
    found = await context.chat.stores.threads.of_user(context.user, after, PAGE + 1)
    page = [
        Thread(
            thread_id=str(row.thread_id),
            type="PRIVATE" if row.kind == PRIVATE else "GROUP",
            user1_uuid=str(row.low or 0),
            user2_uuid=str(row.high or 0),
        )
        for row in found[:PAGE]
    ]
    return ThreadsResponse(
        threads=page,
        next_thread_id=page[-1].thread_id if page else request.thread_id,
        is_complete=len(found) <= PAGE,
    )


@handles(PrivateChatRequest)
async def private_chat(context: Context, request: PrivateChatRequest) -> PrivateChatResponse:
    """Return the private thread of two friends; create it at the first request."""
    me, friend = context.own(request.my_uuid), parse_id(request.friend_uuid, "friend_uuid")
    if me == friend:
        raise Refused(Status.CREATE_PRIVATE_CHAT_INVALID_USER_UUID, "A private chat is with somebody else.")
    await context.chat.allowances.take(Kind.THREAD, me)
    thread_id = await context.chat.stores.threads.private(me, friend)
    return PrivateChatResponse(my_uuid=str(me), friend_uuid=str(friend), thread_id=str(thread_id))
