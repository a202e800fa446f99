"""Login: a token becomes a session."""

from __future__ import annotations

from imsys.dispatch import Context, handles
from imsys.errors import Refused, Status
from imsys.fields import parse_id
from imsys.protocols.fitting import fit
from imsys.protocols.messages.session import LoginRequest, LoginResponse
from imsys.views import card, card_fields, request_item

FIRST = 10
"""How many friend requests and friends come with the response; the rest is paged."""


@handles(LoginRequest, anonymous=True)
async def login(context: Context, request: LoginRequest) -> LoginResponse:
    """Check the token, end the older session, and say who the user is."""
    if context.session.user:
        raise Refused(Status.LOGIN_FOR_MULTIPLE_TIMES, "This connection is logged in already.")
    user = parse_id(request.uuid, "uuid")
    if not await context.chat.directory.login(context.session, user, request.token):
        raise Refused(Status.LOGIN_UNSUCCESSFUL, "The token is wrong or has expired.")
    try:
        found = await context.chat.stores.contacts.at_login(user, FIRST)
    except Exception:
        context.session.end_with_answers()  # the client believes that it is not logged in: let it begin anew
        raise
    return fit(
        range(FIRST),
        lambda first: LoginResponse(
            **card_fields(found.me),  # type: ignore[arg-type]
            FriendRequestList=[request_item(pending) for pending in found.requests[: len(first)]],
            AuthFriendList=[card(friend) for friend in found.friends[: len(first)]],
        ),
    )
