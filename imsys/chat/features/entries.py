"""Changes to a conversation: edit, recall, react, pin; and hiding messages for oneself."""

from __future__ import annotations

from typing import TypeVar

import regex
from msgspec import UNSET

from imsys.chat.changing import acknowledged, carry_out
from imsys.chat.context import Context
from imsys.chat.mentioning import mentions
from imsys.errors import Refused, Status
from imsys.protocols.messages.entries import (
    ChangeRequest,
    ChangeResponse,
    EditRequest,
    EditResponse,
    HiddenPush,
    HideRequest,
    HideResponse,
    PinRequest,
    PinResponse,
    PinsRequest,
    PinsResponse,
    ReactionRequest,
    ReactionResponse,
    Reactor,
    ReactorsRequest,
    ReactorsResponse,
    RecallRequest,
    RecallResponse,
)
from imsys.server.dispatch import handles
from imsys.server.fields import parse_id, within
from imsys.store.changes import Change, Edit, Pin, React, Recall
from imsys.util.texts import is_seen

CHARACTERS = 4096
"""Characters of a text, at most."""

TARGETS = 100
"""Messages of one request, at most."""

EMOJI_BYTES = 32
"""Bytes of a reaction in UTF-8, at most."""

R = TypeVar("R", bound=ChangeResponse)


@handles(EditRequest, overlapping=True)
async def edit(context: Context, request: EditRequest) -> EditResponse:
    """Replace a text of the user's own."""
    if not 1 <= len(request.content) <= CHARACTERS:
        raise Refused(Status.MESSAGE_TOO_LONG, f"A text has 1 to {CHARACTERS} characters.")
    change = Edit(
        request.unique_id,
        parse_id(request.target, "target"),
        request.content,
        mentions(request.mentions),
        context.chat.config.edit_window,
    )
    return await _append(context, request, change, EditResponse)


@handles(RecallRequest, overlapping=True)
async def recall(context: Context, request: RecallRequest) -> RecallResponse:
    """Take messages back."""
    targets = [parse_id(target, "targets") for target in dict.fromkeys(request.targets)]
    if not 1 <= len(targets) <= TARGETS:
        raise Refused(Status.INVALID_FIELD, f"A request recalls 1 to {TARGETS} messages.")
    change = Recall(request.unique_id, targets, context.chat.config.recall_window)
    return await _append(context, request, change, RecallResponse)


@handles(ReactionRequest, overlapping=True)
async def react(context: Context, request: ReactionRequest) -> ReactionResponse:
    """Put a reaction to a message, or take it away."""
    emoji = request.emoji
    if not is_seen(emoji) or len(emoji.encode()) > EMOJI_BYTES or not regex.fullmatch(r"\X", emoji):
        raise Refused(
            Status.INVALID_FIELD,
            f"A reaction is one character as one sees it, of at most {EMOJI_BYTES} bytes.",
        )
    change = React(request.unique_id, parse_id(request.target, "target"), emoji, request.on)
    return await _append(context, request, change, ReactionResponse)


@handles(PinRequest, overlapping=True)
async def pin(context: Context, request: PinRequest) -> PinResponse:
    """Pin a message, or take it down."""
    change = Pin(request.unique_id, parse_id(request.target, "target"), request.on)
    return await _append(context, request, change, PinResponse)


@handles(PinsRequest)
async def pins(context: Context, request: PinsRequest) -> PinsResponse:
    """List the pinned messages of a thread."""
    thread_id = parse_id(request.thread_id, "thread_id")
    found = await context.chat.stores.conversations.pins(context.user, thread_id)
    return PinsResponse(thread_id=str(thread_id), pins=[str(msg_id) for msg_id in found])


@handles(ReactorsRequest)
async def reactors(context: Context, request: ReactorsRequest) -> ReactorsResponse:
    """List who reacted to a message."""
    limit = within(request.limit, 1, 100, "limit")
    emoji, _, user = request.cursor.rpartition(":")
    found = await context.chat.stores.conversations.reactors(
        context.user,
        parse_id(request.thread_id, "thread_id"),
        parse_id(request.msg_id, "msg_id"),
        (emoji, parse_id(user or "0", "cursor")),
        limit + 1,
    )
    some = found[:limit]
    return ReactorsResponse(
        reactors=[Reactor(uuid=str(user), emoji=emoji) for emoji, user in some],
        next=f"{some[-1][0]}:{some[-1][1]}" if some else request.cursor,
        is_complete=len(found) <= limit,
    )


@handles(HideRequest)
async def hide(context: Context, request: HideRequest) -> HideResponse:
    """Hide messages for this user alone."""
    thread_id = parse_id(request.thread_id, "thread_id")
    msg_ids = [parse_id(msg_id, "msg_ids") for msg_id in dict.fromkeys(request.msg_ids)]
    up_to = parse_id(request.up_to, "up_to") if isinstance(request.up_to, str) else 0
    if len(msg_ids) > TARGETS or not (msg_ids or up_to):
        raise Refused(Status.INVALID_FIELD, f"A request hides 1 to {TARGETS} messages, or all up to one.")
    context.chat.allowances.texts(context.user, 1)
    hidden_to, number = await context.chat.stores.conversations.hide(context.user, thread_id, msg_ids, up_to)
    push = HiddenPush(
        thread_id=str(thread_id),
        msg_ids=[str(one) for one in msg_ids],
        up_to=str(hidden_to) if up_to else UNSET,  # never more than there is by now
        own_number=str(number),
    )
    context.chat.outbound.deliver_beside(context.session, push)
    return HideResponse(own_number=str(number))


async def _append(context: Context, request: ChangeRequest, change: Change, response: type[R]) -> R:
    """Store a change; acknowledge it and tell the members once it is durable."""
    appended = await carry_out(context, request.thread_id, change)
    return response(**acknowledged(request.thread_id, request.unique_id, appended))
