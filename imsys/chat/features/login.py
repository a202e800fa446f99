"""Login: a token becomes a session."""

from __future__ import annotations

from msgspec import UNSET

from imsys.chat.context import Chat, Context
from imsys.chat.new_devices import tell_of_sign_in
from imsys.chat.views import card, card_fields, request_item
from imsys.errors import Refused, Status
from imsys.protocols.fitting import fit
from imsys.protocols.messages.session import LoginRequest, LoginResponse
from imsys.server.dispatch import handles
from imsys.server.fields import parse_id, within
from imsys.store.devices import NO_DEVICE, described

FIRST = 10
"""Friend requests and friends in the response, at most; the rest is paged."""

CLIENT = 64
"""Characters of a client's identifier, at most."""


@handles(LoginRequest, anonymous=True)
async def login(context: Context, request: LoginRequest) -> LoginResponse:
    """Check the token, end the older session, and answer with the user's card.

    An unfit server refuses at once.
    """
    if context.session.user:
        raise Refused(Status.LOGIN_FOR_MULTIPLE_TIMES, "This connection is logged in already.")
    user = parse_id(request.uuid, "uuid")
    context.chat.demand()
    attempt = _attempt_of(request)
    device = ""
    if request.device is not UNSET or context.chat.tokens.names_device(request.token):
        device = await _device_of(context.chat, user, request)
    try:
        known = await context.chat.directory.login(context.session, user, request.token, attempt, device)
    except Refused as refused:
        if refused.status is Status.LOGIN_FOR_MULTIPLE_TIMES:
            context.session.end_with_answers("a later attempt of its client has logged in")
        raise
    if not known:
        raise Refused(Status.LOGIN_UNSUCCESSFUL, "The token is wrong or has expired.")
    if request.seq is UNSET:  # the original's client; clients that number requests read a stream
        context.session.one_at_a_time()
    try:
        found = await context.chat.stores.contacts.at_login(user, FIRST)
    except Exception:
        context.session.end_with_answers(
            "its login could not be answered"
        )  # the client does not know that it is logged in: let it start over
        raise
    if context.session.siblings is not None:
        tell_of_sign_in(context.chat, context.session)
    return fit(
        range(FIRST),
        lambda first: LoginResponse(
            **card_fields(found.me),  # type: ignore[arg-type]
            FriendRequestList=[request_item(pending) for pending in found.requests[: len(first)]],
            AuthFriendList=[card(friend) for friend in found.friends[: len(first)]],
        ),
    )


async def _device_of(chat: Chat, user: int, request: LoginRequest) -> str:
    """Return the id of the device that a session is of; empty: it has none.

    A token of no device, as servers that did not know devices made them, is bound to the device that first uses it.

    :raises Refused: INVALID_FIELD (70), the device is malformed; LOGIN_UNSUCCESSFUL (18), the token is another's.
    :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the database did not answer.
    """
    part, token = request.device, request.token
    device = NO_DEVICE if part is UNSET else described(part.id, part.name, part.kind)
    if not chat.tokens.fits(token, device.id):
        raise Refused(Status.LOGIN_UNSUCCESSFUL, "The token belongs to another device.")
    if device.id and not chat.tokens.names_device(token) and not await chat.tokens.bind(user, token, device):
        raise Refused(
            Status.LOGIN_UNSUCCESSFUL, "The token is wrong, has expired, or belongs to another device."
        )
    return device.id


def _attempt_of(request: LoginRequest) -> tuple[str, int] | None:
    """Return the client's identifier and attempt number, if it has them.

    :raises Refused: INVALID_FIELD (70).
    """
    client, number = request.client, request.attempt
    if client is UNSET and number is UNSET:
        return None
    if client is UNSET or number is UNSET:
        raise Refused(Status.INVALID_FIELD, "The keys client and attempt go together.")
    if not 1 <= len(client) <= CLIENT:
        raise Refused(Status.INVALID_FIELD, f"The key client has 1 to {CLIENT} characters.")
    return client, within(number, 0, (1 << 63) - 1, "attempt")
