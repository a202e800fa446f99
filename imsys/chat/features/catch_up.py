"""Catching up: which of a user's threads have newer messages than the client knows."""

from __future__ import annotations

from msgspec import UNSET

from imsys.chat.context import Context
from imsys.protocols.messages.catch_up import Parted, SyncRequest, SyncResponse, ThreadHead
from imsys.server.dispatch import handles
from imsys.server.fields import parse_id, parse_pair
from imsys.store.ids import back
from imsys.store.own_changes import Parted as Departure

PAGE = 100
"""Threads in a page."""

OVERLAP = 300.0
"""Seconds before ``since`` from which threads are listed, since the clocks of nodes differ."""


@handles(SyncRequest)
async def sync(context: Context, request: SyncRequest) -> SyncResponse:
    """List the heads of threads by (last message, thread), ascending."""
    since = back(parse_id(request.since, "since"), OVERLAP)
    found = await context.chat.stores.threads.heads_since(
        context.user, since, parse_pair(request.cursor), PAGE + 1
    )
    page = found[:PAGE]
    look = None
    if request.own and not request.cursor:
        look = await context.chat.stores.own_changes.look(context.user, since)
    return SyncResponse(
        threads=[ThreadHead(thread_id=str(thread_id), last_msg_id=str(last)) for last, thread_id in page],
        next=f"{page[-1][0]}:{page[-1][1]}" if page else request.cursor,
        is_complete=len(found) <= PAGE,
        own_number=str(look.number) if look is not None else UNSET,
        parted=[_parted(one) for one in look.parted] if look is not None else UNSET,
    )


def _parted(one: Departure) -> Parted:
    return Parted(thread_id=str(one.thread_id), msg_id=str(one.entry_id), by=str(one.by))
