"""Logout: the token is revoked, and the connection closed after the response."""

from __future__ import annotations

from imsys.chat.context import Context
from imsys.errors import Refused, Status
from imsys.protocols.messages.session import LogoutRequest, LogoutResponse
from imsys.server.dispatch import handles


@handles(LogoutRequest, closes=True)
async def logout(context: Context, request: LogoutRequest) -> LogoutResponse:
    """End this session; the request must have the token that it logged in with."""
    user = context.own(request.uuid)
    if not context.chat.directory.came_with(context.session, request.token):
        raise Refused(Status.LOGOUT_UNSUCCESSFUL, "This is not the token of this session.")
    await context.chat.tokens.revoke(user, request.token)
    return LogoutResponse(uuid=str(user))
