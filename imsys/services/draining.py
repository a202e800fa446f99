"""Draining: a server accepts no new users, moves its users to other servers, and ends when they have left."""

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
"""Seconds to tell balance to send no more users here, before ports are closed."""

SETTLE = 1.0
"""Seconds for the last connections to close, after the time for all moves."""

SHARE = 0.75
"""Part of the time at SIGTERM over which sessions are told to move; the rest is for the last of them to do
it."""

LOOK = 0.05
"""Seconds between two checks whether all have moved."""


class Others(Protocol):
    """Connections of other protocols, which end with their present work: an HTTP request, a live stream."""

    def drain(self) -> None: ...  # noqa: D102
    def emptied(self) -> Deferred[None]: ...  # noqa: D102


@dataclass(frozen=True)
class Moves:
    """How the sessions of a chat server are moved.

    :param left: returns the number of remaining sessions.
    :param drain: seconds for the moves when the server drains.
    :param stop: seconds for the moves when the server is stopped.
    """

    moving: Moving
    left: Callable[[], int]
    drain: float
    stop: float


class Draining(Service):
    """Drains on request or on SIGUSR2, and moves sessions first when the process stops.

    A draining server tells balance to send no users, closes its ports, and moves its sessions if other
    servers accept them. The process ends when the last connection is closed or the time is over; a resources
    server, whose sessions do not move, waits without limit. SIGTERM ends it earlier in good order; a second
    SIGTERM or SIGINT does not wait for sessions to move.
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
        """Handle the signal from now on."""
        super().startService()
        self._restore = on_signal("SIGUSR2", lambda: self._reactor.callFromThread(self.drain))

    def stopService(self) -> Deferred[None] | None:
        """Stop; fire when the sessions of a chat server have moved, or the time for it is over."""
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
        if restore is not None:  # not earlier: without a handler the signal ends the process
            restore()
        return result

    def drain(self, seconds: float = 0.0) -> int:
        """Begin to drain, or change the time of a drain in progress.

        :param seconds: time for all sessions to move; 0: as configured. If sessions do not move: time after
            which the process ends; 0: when the last connection is closed.
        :returns: the number of connections left.
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
        _log.info(
            "{name} drains: {count} connections are left",
            name=self._membership.name,
            count=self._membership.load(),
        )
        for other in self._others:
            other.drain()
        self._set_off()
        for other in self._others:
            await other.emptied()
        await self._connections.emptied()
        self._finish()

    async def _leave(self) -> None:
        """Accept no more users: tell balance first, so that users whom it just sent can still connect."""
        with contextlib.suppress(DeferredTimeout):
            await self._membership.drain().addTimeout(TOLD, self._reactor)
        for port in self._ports:
            closed = port.close_port()
            if closed is not None:
                await closed
        self._left = True

    def _set_off(self) -> None:
        """Begin the moves, and schedule the end of the process."""
        seconds, moves = self._seconds, self._moves
        if not self.running:
            return
        if moves is not None:
            seconds = seconds or moves.drain
            if self._membership.takers():
                seconds = moves.moving.begin(seconds, for_good=True)
            else:
                _log.warn(
                    "no other server takes the users of {name}: it ends in {seconds} s",
                    name=self._membership.name,
                    seconds=seconds,
                )
        if not seconds:
            return
        seconds += SETTLE
        if self._end is None:
            self._end = self._reactor.callLater(seconds, self._finish)
        elif self._end.active() and self._end.getTime() > self._reactor.seconds() + seconds:
            self._end.reset(seconds)

    def _finish(self) -> None:
        if self.running:
            _log.info(
                "{name} is drained: {count} connections are left",
                name=self._membership.name,
                count=self._membership.load(),
            )
            with contextlib.suppress(ReactorNotRunning):
                self._reactor.stop()

    async def _move_out(self, moves: Moves) -> None:
        """Move sessions within the time for stopping; a second signal ends the wait."""
        end = self._reactor.seconds() + moves.stop
        hurry: list[bool] = []
        restore = while_stopping(self._reactor, lambda: hurry.append(True))
        try:
            if not self._left:
                await self._leave()
                if not self._membership.takers(elsewhere=True):  # by balance's fresh answer
                    return
            moves.moving.begin((end - self._reactor.seconds()) * SHARE, rate=math.inf, for_good=True)
            while moves.left() and not hurry and self._reactor.seconds() < end:
                await deferLater(self._reactor, LOOK)
            _log.info("{count} sessions have not moved", count=moves.left())
        finally:
            restore()
