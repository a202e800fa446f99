"""Profile: change a user's own card, and tell the friends."""

from __future__ import annotations

from functools import partial

from msgspec import UNSET

from imsys.chat.context import Chat, Context
from imsys.chat.views import card_fields, profile_push
from imsys.protocols.messages.people import ProfileRequest, ProfileResponse
from imsys.redis.allowances import Kind
from imsys.server.dispatch import handles
from imsys.server.fields import at_most, shown, within


@handles(ProfileRequest)
async def profile(context: Context, request: ProfileRequest) -> ProfileResponse:
    """Change the given fields, and tell the friends and the user's other sessions.

    The avatar can only be set to one that was uploaded, or removed.
    """
    await context.chat.allowances.take(Kind.PROFILE, context.user)
    change = context.chat.stores.people.change(
        context.user,
        nickname=None if request.nickname is UNSET else shown(request.nickname, 50, "nickname"),
        avatar=None if request.avator is UNSET else at_most(request.avator, 255, "avator"),
        description=None if request.description is UNSET else shown(request.description, 500, "description"),
        sex=None if request.sex is UNSET else within(request.sex, 0, 1, "sex"),
    )
    me, friends = await context.chat.unconfirmed.watch(
        ("profile", context.user), change, partial(_tell, context.chat, context.user)
    )
    context.chat.outbound.deliver(friends, profile_push(me))
    context.chat.outbound.deliver_beside(context.session, profile_push(me))
    return ProfileResponse(**card_fields(me))  # type: ignore[arg-type]


async def _tell(chat: Chat, user: int) -> None:
    """Push a profile that may have changed to the friends and to the user, who got no answer."""
    me, friends = await chat.stores.people.change(user)
    chat.outbound.deliver((user, *friends), profile_push(me))
