"""Draining: a server that is to end takes no new users, has those it has go elsewhere, and ends when they have."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ReactorNotRunning
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater
from twisted.logger import Logger

from imsys.chat.moving import Moving
from imsys.cluster.membership import Membership
from imsys.server.connections import Connections
from imsys.services.common import ListenService
from imsys.services.signals import on_signal, while_stopping
from imsys.util.background import run_in_background

_log = Logger()

TOLD = 1.0
"""Seconds that balance has to hear that nobody is to be sent here any more, before ports are closed."""

SETTLE = 1.0
"""Seconds for the last connections to close, after everybody was to be gone."""

SHARE = 0.75
"""Part of the time that there is at SIGTERM in which sessions are asked to move; the rest is for the last of them to do so."""

LOOK = 0.05
"""Seconds between two looks whether all have moved."""


class Others(Protocol):
    """Connections of other protocols, which end when what is under way has: a request of HTTP, a live stream."""

    def drain(self) -> None: ...  # noqa: D102
    def emptied(self) -> Deferred[None]: ...  # noqa: D102


@dataclass(frozen=True)
class Moves:
    """How the sessions of a chat server leave it.

    :param left: how many are here still.
    :param drain: seconds over which a server that drains has them move.
    :param stop: seconds that they have for it when the server is told to stop.
    """

    moving: Moving
    left: Callable[[], int]
    drain: float
    stop: float


class Draining(Service):
    """Drains when it is told to, or on SIGUSR2, and moves sessions before everything else when the process stops.

    A server that drains has balance send nobody here, closes its ports, and has its
    sessions move, where there are other servers for them. The process ends when the
    last connection has gone, or when there was time enough for that; where nobody
    moves (resources), it waits for as long as it takes. SIGTERM ends it earlier, in
    good order, and SIGTERM or SIGINT once more without waiting for sessions to move.
    """

    def __init__(
        self,
        reactor: Any,
        membership: Membership,
        connections: Connections,
        ports: Sequence[ListenService],
        others: Sequence[Others] = (),
        moves: Moves | None = None,
    ) -> None:
        self._reactor = reactor
        self._membership = membership
        self._connections = connections
        self._ports = ports
        self._others = others
        self._moves = moves
        self._restore: Callable[[], None] | None = None
        self._begun = False
        self._left = False
        self._seconds = 0.0
        self._end: IDelayedCall | None = None

    def startService(self) -> None:
        """Listen to the signal."""
        super().startService()
        self._restore = on_signal("SIGUSR2", lambda: self._reactor.callFromThread(self.drain))

    def stopService(self) -> Deferred[None] | None:
        """Listen no more; fires when the sessions of a chat server have moved, or the time for it is over."""
        super().stopService()
        if self._end is not None and self._end.active():
            self._end.cancel()
        moves = self._moves
        if moves is not None and moves.stop and moves.left() and self._membership.takers(elsewhere=True):
            return Deferred.fromCoroutine(self._move_out(moves)).addBoth(self._stopped)
        self._stopped()
        return None

    def _stopped(self, result: Any = None) -> Any:
        if self._moves is not None:
            self._moves.moving.stop()
        restore, self._restore = self._restore, None
        if restore is not None:  # not earlier: unheard, the signal ends the process
            restore()
        return result

    def drain(self, seconds: float = 0.0) -> int:
        """Begin, or, where that is done already, hurry.

        :param seconds: for everybody to move, 0: as configured. For servers whose sessions do not move: after which the process ends,
            0: when the last connection has gone.
        :returns: how many connections are left.
        """
        if self.running:
            self._seconds = seconds
            if not self._begun:
                self._begun = True
                run_in_background(self._drain(), _log, "draining failed")
            elif self._left and seconds:
                self._set_off()
        return self._membership.load()

    async def _drain(self) -> None:
        await self._leave()
        _log.info("{name} drains: {count} connections are left", name=self._membership.name, count=self._membership.load())
        for other in self._others:
            other.drain()
        self._set_off()
        for other in self._others:
            await other.emptied()
        await self._connections.emptied()
        self._finish()

    async def _leave(self) -> None:
        """Have nobody come any more: first by balance's word, so that whoever it sent here just before finds the door open."""
        with contextlib.suppress(DeferredTimeout):
            await self._membership.drain().addTimeout(TOLD, self._reactor)
        for port in self._ports:
            closed = port.close_port()
            if closed is not None:
                await closed
        self._left = True

    def _set_off(self) -> None:
        """Have everybody go, and end when they have had the time for it."""
        seconds, moves = self._seconds, self._moves
        if not self.running:
            return
        if moves is not None:
            seconds = seconds or moves.drain
            if self._membership.takers():
                seconds = moves.moving.begin(seconds, for_good=True)
            else:
                _log.warn("no other server takes the users of {name}: it ends in {seconds} s", name=self._membership.name, seconds=seconds)
        if not seconds:
            return
        seconds += SETTLE
        if self._end is None:
            self._end = self._reactor.callLater(seconds, self._finish)
        elif self._end.active() and self._end.getTime() > self._reactor.seconds() + seconds:
            self._end.reset(seconds)

    def _finish(self) -> None:
        if self.running:
            _log.info("{name} is drained: {count} connections are left", name=self._membership.name, count=self._membership.load())
            with contextlib.suppress(ReactorNotRunning):
                self._reactor.stop()

    async def _move_out(self, moves: Moves) -> None:
        """Have sessions move as quickly as there is time for; whoever cannot wait says so with a second signal."""
        end = self._reactor.seconds() + moves.stop
        hurry: list[bool] = []
        restore = while_stopping(self._reactor, lambda: hurry.append(True))
        try:
            if not self._left:
                await self._leave()
                if not self._membership.takers(elsewhere=True):  # balance has just told who there is
                    return
            moves.moving.begin((end - self._reactor.seconds()) * SHARE, rate=math.inf, for_good=True)
            while moves.left() and not hurry and self._reactor.seconds() < end:
                await deferLater(self._reactor, LOOK)
            _log.info("{count} sessions have not moved", count=moves.left())
        finally:
            restore()
