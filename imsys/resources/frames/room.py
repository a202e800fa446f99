"""Taking turns at a connection that takes no more for now."""

from __future__ import annotations

from collections import deque

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from imsys.server.session import Session


class Room:
    """Lets those who send on one connection wait until its peer has read: one after the other.

    :param patience: seconds that one waits at most.
    """

    def __init__(self, session: Session, clock: IReactorTime, patience: float) -> None:
        self.session = session
        self.clock = clock
        self.patience = patience
        self._waiting: deque[Deferred[None]] = deque()
        self.over = False
        """Whether the connection is gone."""
        session.on_room(self._go_on)

    @property
    def free(self) -> bool:
        """Whether something can be sent now, before whoever waits."""
        return not self.session.choked and not self._waiting

    async def wait(self) -> None:
        """Return when something can be sent, or the connection is gone.

        :raises twisted.internet.defer.TimeoutError: neither in time.
        """
        while not self.over and (self.session.choked or self._waiting):
            turn: Deferred[None] = Deferred(self._forget)
            self._waiting.append(turn)
            await turn.addTimeout(self.patience, self.clock)
            if not self.session.choked:
                return

    def close(self) -> None:
        """Let everybody go on: the connection is gone."""
        self.over = True
        self._go_on()

    def _go_on(self) -> None:
        # one turn each: who wants more queues up again, behind the others
        for _ in range(len(self._waiting)):
            if not self._waiting or (self.session.choked and not self.over):
                return
            self._waiting.popleft().callback(None)

    def _forget(self, turn: Deferred[None]) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)
