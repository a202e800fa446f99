"""Who made a request: what the contexts of all ports have."""

from __future__ import annotations

import msgspec

from imsys.errors import Refused, Status
from imsys.server.session import Session


class Caller(msgspec.Struct, frozen=True):
    """The session that a request came from, and its user (0 before login)."""

    session: Session
    user: int

    def own(self, uuid: str) -> int:
        """Return the user that a request names.

        :raises Refused: PERMISSION_DENIED (65), it names somebody else.
        """
        if uuid != str(self.user):
            raise Refused(Status.PERMISSION_DENIED, "This is not the user who is logged in.")
        return self.user
