"""Heartbeat: a client shows that it is alive."""

from __future__ import annotations

from msgspec import UNSET

from imsys.chat.context import Context
from imsys.protocols.messages.session import HeartbeatRequest, HeartbeatResponse
from imsys.server.dispatch import handles


@handles(HeartbeatRequest, anonymous=True, at_once=True)
async def heartbeat(context: Context, request: HeartbeatRequest) -> HeartbeatResponse:
    """Answer; receiving the frame has kept the connection alive."""
    if context.user and request.uuid is not UNSET:
        context.own(request.uuid)
    return HeartbeatResponse()
