"""Positions: how far the members of a thread have received and read it."""

from __future__ import annotations

from msgspec import UNSET

from imsys.chat.context import Context
from imsys.chat.views import position, position_push
from imsys.protocols.fitting import fit
from imsys.protocols.messages.threads import (
    PositionRequest,
    PositionResponse,
    PositionsRequest,
    PositionsResponse,
)
from imsys.server.dispatch import handles
from imsys.server.fields import parse_id, parse_pair, within


@handles(PositionRequest)
async def move(context: Context, request: PositionRequest) -> PositionResponse:
    """Move the user's marks forward, and push them to the other members and to the user's other sessions."""
    thread_id = parse_id(request.thread_id, "thread_id")
    delivered = 0 if request.delivered is UNSET else parse_id(request.delivered, "delivered")
    read = 0 if request.read is UNSET else parse_id(request.read, "read")
    mark, others, group = await context.chat.stores.threads.move_marks(
        context.user, thread_id, delivered, read
    )
    if others:
        context.chat.outbound.deliver(others, position_push(mark))
    if group is not None:
        context.chat.receipts.add(mark, group)
    else:
        context.chat.outbound.deliver_beside(context.session, position_push(mark))
    return PositionResponse()


@handles(PositionsRequest)
async def positions(context: Context, request: PositionsRequest) -> PositionsResponse:
    """List the positions of others in the user's threads, by thread and member, ascending."""
    limit = within(request.limit, 1, 100, "limit")
    found = await context.chat.stores.threads.marks(
        context.user, parse_pair(request.cursor), limit + 1, mine=request.mine
    )
    return fit(
        found[:limit],
        lambda some: PositionsResponse(
            positions=[position(mark) for mark in some],
            next=f"{some[-1].thread_id}:{some[-1].user}" if some else request.cursor,
            is_complete=len(some) == len(found),
        ),
    )
