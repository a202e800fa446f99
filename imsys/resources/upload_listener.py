"""What a connection is told of an upload that it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred

from imsys.errors import Refused


class UploadListener(Protocol):
    """The connection behind an upload; :meth:`imsys.resources.transfers.Uploads.open` takes one."""

    def durable(self, offset: int) -> None:
        """Acknowledge the bytes up to ``offset``: they will be there after a crash."""
        ...

    def hold(self, held: bool) -> None:
        """Read no more from the peer (``True``: its share of the memory is used up, or that of all together),
        or go on.
        """
        ...

    def lost(self, reason: Refused) -> None:
        """Stop sending: somebody else took the upload over, it stalled, or the disk failed.

        Nothing follows.
        """
        ...


class UploadWaiter:
    """An :class:`UploadListener` for a coroutine that feeds bytes, and waits where there is no room for more.

    :param lost: called as well when the upload is lost.
    """

    def __init__(self, lost: Callable[[Refused], None] = lambda reason: None) -> None:
        self._lost = lost
        self._room: Deferred[None] | None = None
        self.reason: Refused | None = None
        """Why the upload was lost."""

    def durable(self, offset: int) -> None:
        """Do nothing: who feeds waits for the end with :meth:`~imsys.resources.transfers.Upload.flushed`."""

    def hold(self, held: bool) -> None:
        """Have :meth:`room` wait, or return."""
        if held and self._room is None and self.reason is None:
            self._room = Deferred()
        elif not held:
            room, self._room = self._room, None
            if room is not None:
                room.callback(None)

    def lost(self, reason: Refused) -> None:
        """Have :meth:`room` raise the reason."""
        self.reason = reason
        self._lost(reason)
        self.hold(False)

    async def room(self) -> None:
        """Wait until more may be fed. :raises Refused: the reason for which the upload was lost."""
        if self._room is not None:
            await self._room
        if self.reason is not None:
            raise self.reason
