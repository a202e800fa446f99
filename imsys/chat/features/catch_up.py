"""Catching up: which of my threads have something newer than I know."""

from __future__ import annotations

from imsys.chat.context import Context
from imsys.protocols.messages.catch_up import SyncRequest, SyncResponse, ThreadHead
from imsys.server.dispatch import handles
from imsys.server.fields import parse_id, parse_pair
from imsys.store.ids import back

PAGE = 100
"""Threads in a page."""

OVERLAP = 300.0
"""Seconds before ``since`` from which on threads are listed: clocks of nodes differ, and clients err on the safe side."""


@handles(SyncRequest)
async def sync(context: Context, request: SyncRequest) -> SyncResponse:
    """Heads of threads by (last message, thread), ascending."""
    since = back(parse_id(request.since, "since"), OVERLAP)
    found = await context.chat.stores.threads.heads_since(context.user, since, parse_pair(request.cursor), PAGE + 1)
    page = found[:PAGE]
    return SyncResponse(
        threads=[ThreadHead(thread_id=str(thread_id), last_msg_id=str(last)) for last, thread_id in page],
        next=f"{page[-1][0]}:{page[-1][1]}" if page else request.cursor,
        is_complete=len(found) <= PAGE,
    )
