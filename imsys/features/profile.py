"""Profile: what a user says of themselves, and who hears of a change."""

from __future__ import annotations

from msgspec import UNSET

from imsys.dispatch import Context, handles
from imsys.fields import at_most, within
from imsys.protocols.messages.people import ProfilePush, ProfileRequest, ProfileResponse
from imsys.views import card_fields


@handles(ProfileRequest)
async def profile(context: Context, request: ProfileRequest) -> ProfileResponse:
    """Change what is given, and tell the friends."""
    me, friends = await context.chat.stores.people.change(
        context.user,
        nickname=None if request.nickname is UNSET else at_most(request.nickname, 50, "nickname"),
        avatar=None if request.avator is UNSET else at_most(request.avator, 255, "avator"),
        description=None if request.description is UNSET else at_most(request.description, 500, "description"),
        sex=None if request.sex is UNSET else within(request.sex, 0, 1, "sex"),
    )
    fields = card_fields(me)
    context.chat.outbound.deliver(friends, ProfilePush(**fields))  # type: ignore[arg-type]
    return ProfileResponse(**fields)  # type: ignore[arg-type]
