"""What the holder of a ticket may do, as a request shows it."""

from __future__ import annotations

import re
from collections.abc import Callable

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.identifiers import decode_id
from imsys.resources.granted import ActiveGrant, Granted
from imsys.security.tickets import Right, Ticket, Tickets
from imsys.web.answers import Problem
from imsys.web.requests import Request

CHALLENGE = ("WWW-Authenticate", 'Bearer realm="files"')


class Grants:
    """Reads tickets out of requests: ``Authorization: Bearer``, or, where a browser cannot send that, the
    query.

    :param field: of the query.
    """

    def __init__(self, tickets: Tickets, granted: Granted, field: str = "ticket") -> None:
        self._tickets = tickets
        self._granted = granted
        self._field = field

    async def of(
        self, request: Request, right: Right, file_id: bytes | None = None, *, in_query: bool = False
    ) -> Ticket:
        """Read the grant that a request came with.

        :param file_id: the file that it must be for, if the path names one.
        :param in_query: whether it may stand in the query.
        :raises Problem: 401, there is none, or it is forged or over; 403, it is for another file or another
            right.
        :raises Unavailable: it cannot be told now whether its user is still signed in.
        """
        text = _bearer(request)
        if text is None and in_query:
            text = request.field(self._field)
        if text is None:
            where = f"?{self._field}=, or " if in_query else ""
            raise Problem(
                401,
                Status.PERMISSION_DENIED,
                f"This takes a {right.called}: {where}Authorization: Bearer.",
                CHALLENGE,
            )
        try:
            ticket = self._tickets.read(text, right.called)
            await self._granted.demand(ticket)
        except Unavailable:
            raise
        except Refused as refused:
            raise Problem(
                401, refused.status, refused.message, (CHALLENGE[0], f'{CHALLENGE[1]}, error="invalid_token"')
            ) from None
        if ticket.right is not right or (file_id is not None and ticket.file_id != file_id):
            raise Problem(403, Status.PERMISSION_DENIED, f"This {right.called} is for something else.")
        request.known(ticket.user)
        return ticket

    def hold(self, ticket: Ticket, end: Callable[[str], None]) -> ActiveGrant:
        """Have what a ticket let begin ended when its user is signed out."""
        return self._granted.hold(ticket.user, ticket.sign_in, end)

    def release(self, held: ActiveGrant) -> None:
        """Forget what is over by itself."""
        self._granted.release(held)


def _bearer(request: Request) -> str | None:
    match = re.fullmatch(r"bearer +(\S+)", request.header("authorization") or "", re.IGNORECASE)
    return None if match is None else match[1]


def file_named(name: str) -> bytes:
    """Read the identifier in a path. :raises Problem: 404, it is none."""
    try:
        return decode_id(name)
    except Refused:
        raise Problem(404, Status.FILE_OPEN_ERROR, "There is no such file.") from None
