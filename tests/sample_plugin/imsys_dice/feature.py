"""Dice: roll them before the eyes of a friend."""

from __future__ import annotations

import secrets

from imsys.plugins import Context, Push, Request, Response, handles, message, parse_id, within


@message(1024, reply=1025)
class RollRequest(Request, frozen=True, kw_only=True):
    """Roll a die."""

    friend_uuid: str
    sides: int = 6


@message(1025)
class RollResponse(Response, frozen=True, kw_only=True):
    """What came up."""

    rolled: int


@message(1026)
class RollPush(Push, frozen=True, kw_only=True):
    """What came up when a friend rolled a die."""

    friend_uuid: str
    sides: int
    rolled: int


@handles(RollRequest)
async def roll(context: Context, request: RollRequest) -> RollResponse:
    """Roll a die for both to see."""
    friend = parse_id(request.friend_uuid, "friend_uuid")
    sides = within(request.sides, 2, 1000, "sides")
    await context.chat.stores.threads.private(context.user, friend)  # refuses with 66 if they are not friends
    rolled = secrets.randbelow(sides) + 1
    context.chat.outbound.deliver(
        [friend], RollPush(friend_uuid=str(context.user), sides=sides, rolled=rolled)
    )
    return RollResponse(rolled=rolled)
