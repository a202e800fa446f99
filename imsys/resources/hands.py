"""What holds an upload, for who feeds it and waits where there is no room."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from imsys.errors import Refused


class Hands:
    """Give its methods to :meth:`imsys.resources.transfers.Uploads.open`."""

    def __init__(self) -> None:
        self._room: Deferred[None] | None = None
        self.reason: Refused | None = None
        """Why the upload was lost."""

    def durable(self, offset: int) -> None:
        """Nobody waits for that before the end."""

    def hold(self, held: bool) -> None:
        """Feed no more, or go on."""
        if held and self._room is None and self.reason is None:
            self._room = Deferred()
        elif not held:
            room, self._room = self._room, None
            if room is not None:
                room.callback(None)

    def lost(self, reason: Refused) -> None:
        """It is in these hands no more."""
        self.reason = reason
        self.hold(False)

    async def room(self) -> None:
        """Wait until more may be fed. :raises Refused: it was lost."""
        if self._room is not None:
            await self._room
        if self.reason is not None:
            raise self.reason
