"""Pages of friends and of pending friend requests."""

from __future__ import annotations

from imsys.chat.context import Context
from imsys.chat.views import friend, request_item
from imsys.protocols.fitting import fit
from imsys.protocols.messages.contacts import (
    FriendsRequest,
    FriendsResponse,
    RequestsRequest,
    RequestsResponse,
)
from imsys.server.dispatch import handles
from imsys.server.fields import parse_cursor, within


@handles(FriendsRequest)
async def friends(context: Context, request: FriendsRequest) -> FriendsResponse:
    """List friends by uuid, ascending."""
    limit = within(request.limit, 1, 100, "limit")
    found = await context.chat.stores.contacts.friends(context.user, parse_cursor(request.cursor), limit + 1)
    return fit(
        found[:limit],
        lambda some: FriendsResponse(
            friends=[friend(contact) for contact in some],
            next=str(some[-1].person.uuid) if some else request.cursor,
            is_complete=len(some) == len(found),
        ),
    )


@handles(RequestsRequest)
async def requests(context: Context, request: RequestsRequest) -> RequestsResponse:
    """List pending requests by the uuid of the sender, ascending."""
    limit = within(request.limit, 1, 100, "limit")
    found = await context.chat.stores.contacts.requests(context.user, parse_cursor(request.cursor), limit + 1)
    return fit(
        found[:limit],
        lambda some: RequestsResponse(
            requests=[request_item(pending) for pending in some],
            next=str(some[-1].person.uuid) if some else request.cursor,
            is_complete=len(some) == len(found),
        ),
    )
