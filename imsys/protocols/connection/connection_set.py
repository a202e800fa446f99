"""The connections of one server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime

from imsys.protocols.crowd import Crowd, Guest
from imsys.protocols.deadlines import DeadlineWheel
from imsys.util.events import Waiters

C = TypeVar("C", bound=Guest)


class ConnectionSet(Generic[C]):
    """Admits connections while there is room, counts them, has the wheel of their deadlines, and waits for
    them to go.

    :param crowd: the connections to all ports of the server together.
    """

    def __init__(self, clock: IReactorTime, crowd: Crowd) -> None:
        self.crowd = crowd
        self.wheel = DeadlineWheel(clock)
        self._clock = clock
        self._members: set[C] = set()
        self._emptied: Waiters[None] = Waiters()

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[C]:
        """Go over those who are here now; they may leave meanwhile."""
        return iter(list(self._members))

    def enter(self, connection: C, source: str | None) -> bool:
        """Admit a new connection; ``False``: there is no room.

        See :meth:`~imsys.protocols.crowd.Crowd.enter`.
        """
        entered = self.crowd.enter(connection, source)
        if entered:
            self._members.add(connection)
        return entered

    def leave(self, connection: C) -> None:
        """Forget a connection that is gone (idempotent)."""
        self.crowd.leave(connection)
        self._members.discard(connection)
        if not self._members:
            self._emptied.fire(None)

    def emptied(self) -> Deferred[None]:
        """Return what fires when there is no connection."""
        return self._emptied.add() if self._members else succeed(None)

    async def stop(self, grace: float, why: str) -> int:
        """Wait until all have gone; cut those who are here after ``grace`` seconds, and return how many these
        were.
        """
        try:
            await self.emptied().addTimeout(grace, self._clock)
        except DeferredTimeout:
            late = list(self)
            for connection in late:
                connection.abort(why)
            await self.emptied()
            return len(late)
        return 0
