"""Positions: how far the members of a thread have received and read it."""

from __future__ import annotations

from msgspec import UNSET

from imsys.dispatch import Context, handles
from imsys.fields import parse_id
from imsys.protocols.messages.threads import PositionPush, PositionRequest, PositionResponse


@handles(PositionRequest)
async def position(context: Context, request: PositionRequest) -> PositionResponse:
    """Move the user's marks forward, and tell the other members where they moved."""
    thread_id = parse_id(request.thread_id, "thread_id")
    delivered = 0 if request.delivered is UNSET else parse_id(request.delivered, "delivered")
    read = 0 if request.read is UNSET else parse_id(request.read, "read")
    marks = await context.chat.stores.threads.move_marks(context.user, thread_id, delivered, read)
    if marks.changed:
        push = PositionPush(thread_id=str(thread_id), uuid=str(context.user), delivered=str(marks.delivered), read=str(marks.read))
        context.chat.outbound.deliver(marks.others, push)
    return PositionResponse()
