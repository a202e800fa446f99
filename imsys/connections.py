"""The connections of a server: accepted up to its capacity, closed when it stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol as Interface

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger, LogLevel

from imsys.dispatch import Dispatcher
from imsys.message_log import MessageLog
from imsys.protocols.deadlines import DeadlineWheel
from imsys.protocols.paced import Pace
from imsys.protocols.present import Present, TurnedAway
from imsys.protocols.wire import Complaints, FrameConnection, FrameReceiver, Unsent, WireSettings
from imsys.session import Session
from imsys.tallies import Tally

_log = Logger()

FLUSH = 10.0
"""Seconds that messages and last bytes have when the server stops."""


class Limits(Interface):
    """Keys of the server's section in the configuration."""

    @property
    def login_deadline(self) -> float: ...  # noqa: D102
    @property
    def heartbeat_timeout(self) -> float: ...  # noqa: D102
    @property
    def max_frame(self) -> int: ...  # noqa: D102
    @property
    def high_water(self) -> int: ...  # noqa: D102
    @property
    def unsent(self) -> int: ...  # noqa: D102
    @property
    def inflight(self) -> int: ...  # noqa: D102
    @property
    def capacity(self) -> int: ...  # noqa: D102


class Connections(Service, Factory):
    """The connections of one server, up to its capacity; closes them when it stops."""

    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        config: Limits,
        dispatcher: Dispatcher,
        front: Callable[[Session], FrameReceiver] | None = None,
        *,
        pause: float = 0.0,
    ) -> None:
        """``front`` makes what stands before a session, and hands it the frames that are requests; by default nothing does.

        :param pause: seconds between two frames to clients without TLS that take one a read; 0: none.
        """
        self._clock = clock
        self._config = config
        self._dispatcher = dispatcher
        self._front = front
        self.unsent = Unsent(config.unsent)
        self._complaints = Complaints(clock)
        self._full = Tally(clock, _log, LogLevel.warn, "refusing the connection from {peer}: there are {count} already")
        self._settings = WireSettings(
            dispatcher.format,
            config.max_frame,
            config.login_deadline,
            config.heartbeat_timeout,
            config.high_water,
            self.unsent,
            self._complaints,
            pace=Pace(clock, pause) if pause else None,
        )
        self._wheel = DeadlineWheel(clock)
        self._open = Present[Session]()
        self.log: MessageLog | None = None
        """What must have been stored before connections are closed."""

    def __len__(self) -> int:
        return len(self._open)

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """A new connection; one that is closed at once when the server is full."""
        if len(self._open) >= self._config.capacity:
            self._full.add(peer=addr, count=len(self._open))
            return TurnedAway()
        connection = FrameConnection(self._settings, self._wheel, self._clock.seconds)
        session = Session(connection, self._dispatcher, self._config.inflight)
        connection.receiver = session if self._front is None else self._front(session)
        self._open.add(session)
        return connection

    def ended(self, session: Session) -> None:
        """A connection is gone."""
        self._open.leave(session)

    def cut_strangers(self, why: str) -> None:
        """Cut every connection that has not logged in."""
        strangers = [session for session in self._open if not session.user]
        for session in strangers:
            session.abort(why)
        if strangers:
            _log.info("{count} connections that had not logged in are cut: {why}", count=len(strangers), why=why)

    def emptied(self) -> Deferred[None]:
        """Fires when there is no connection."""
        return self._open.emptied()

    def stopService(self) -> Deferred[None]:
        """Store what waits, answer it, and close every connection after its last byte."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for session in list(self._open):
            session.finish()
        try:
            if self.log is not None:
                await self.log.flushed().addTimeout(FLUSH, self._clock)
        except DeferredTimeout:
            _log.error("messages are waiting still: they were not stored, and not acknowledged")
        for session in list(self._open):
            session.close("the server stops")
        try:
            await self.emptied().addTimeout(FLUSH, self._clock)
        except DeferredTimeout:
            _log.warn("{count} connections did not take their last bytes", count=len(self._open))
        self._complaints.stop()
        self._full.stop()
