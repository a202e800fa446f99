"""Who is online, and who is writing."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from imsys.chat.context import Context
from imsys.chat.presence import WATCHED
from imsys.chat.views import presence_state
from imsys.errors import Refused, Status
from imsys.protocols.messages.presence import (
    SeenByRequest,
    SeenByResponse,
    TypingPush,
    TypingRequest,
    TypingResponse,
    WatchRequest,
    WatchResponse,
)
from imsys.protocols.messages.privacy import PrivacyPush
from imsys.redis.allowances import Kind
from imsys.server.dispatch import handles
from imsys.server.fields import parse_id
from imsys.store.presence import SeenBy

ACTIONS = ("typing", "recording", "file")


@handles(WatchRequest)
async def watch(context: Context, request: WatchRequest) -> WatchResponse:
    """Have the session watch some users, and answer their states."""
    users = [parse_id(user, "users") for user in dict.fromkeys(request.users)]
    if len(users) > WATCHED:
        raise Refused(Status.INVALID_FIELD, f"At most {WATCHED} users are watched.")
    states = await context.chat.presence.watch(context.session, users)
    return WatchResponse(states=[presence_state(state) for state in states])


@handles(TypingRequest)
async def typing(context: Context, request: TypingRequest) -> TypingResponse:
    """Tell the others of a thread who are online."""
    thread_id = parse_id(request.thread_id, "thread_id")
    if request.action not in ACTIONS:
        raise Refused(Status.INVALID_FIELD, f"The key action is one of {', '.join(ACTIONS)}.")
    users: Sequence[int] = await context.chat.typing.audience(context.user, thread_id)
    if users:
        push = TypingPush(thread_id=str(thread_id), uuid=str(context.user), action=request.action)
        context.chat.outbound.whisper(users, push)
    return TypingResponse()


@handles(SeenByRequest)
async def seen_by(context: Context, request: SeenByRequest) -> SeenByResponse:
    """Set, or only answer, who sees when the user is online; the user's other sessions are told of a change."""
    store = context.chat.stores.presence
    if request.seen_by is UNSET:
        return SeenByResponse(seen_by=(await store.seen_by(context.user)).name.lower())
    if request.seen_by not in [one.name.lower() for one in SeenBy]:
        raise Refused(Status.INVALID_FIELD, "The key seen_by is everybody, friends or nobody.")
    await context.chat.allowances.take(Kind.PROFILE, context.user)
    await store.set_seen_by(context.user, SeenBy[request.seen_by.upper()])
    context.chat.directory.retell(context.user)
    context.chat.outbound.deliver_beside(context.session, PrivacyPush(seen_by=request.seen_by))
    return SeenByResponse(seen_by=request.seen_by)
