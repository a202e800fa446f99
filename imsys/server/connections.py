"""The connections of a server: accepted if there is room, closed when it stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol as Interface

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger

from imsys.protocols.crowd import Crowd
from imsys.protocols.deadlines import DeadlineWheel
from imsys.protocols.paced import Pace
from imsys.protocols.present import Present
from imsys.protocols.source import limit_key
from imsys.protocols.unsent import Unsent
from imsys.protocols.wire import Complaints, FrameConnection, FrameReceiver, WireSettings
from imsys.server.dispatch import Dispatcher
from imsys.server.session import Session

_log = Logger()

FLUSH = 10.0
"""Seconds for messages to be stored, and then for last bytes to be sent, when the server stops."""


class Limits(Interface):
    """Settings of the server's section of the configuration."""

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


class Connections(Service, Factory):
    """The connections of one server; they are closed when it stops."""

    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        config: Limits,
        dispatcher: Dispatcher[Session],
        crowd: Crowd,
        front: Callable[[Session], FrameReceiver] | None = None,
        *,
        pause: float = 0.0,
    ) -> None:
        """Create them; ``crowd`` limits their number.

        :param front: makes a receiver that takes a connection's frames and passes requests on to the session;
            by default the session takes them itself.
        :param pause: seconds between two frames to clients without TLS that read one frame at a time; 0:
            none.
        """
        self._clock = clock
        self._config = config
        self._dispatcher = dispatcher
        self._crowd = crowd
        self._front = front
        self.unsent = Unsent(config.unsent)
        self._complaints = Complaints(clock)
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
        self.flushed: Callable[[], Deferred[None]] = lambda: succeed(None)
        """Returns a Deferred that fires when everything is stored that must be before connections are
        closed."""

    def __len__(self) -> int:
        return len(self._open)

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """Make a new connection; return ``None`` if there is no room for it."""
        connection = FrameConnection(self._settings, self._wheel, self._clock.seconds)
        session = Session(connection, self._dispatcher, self._config.inflight, self._crowd)
        if not self._crowd.enter(session, limit_key(getattr(addr, "host", ""))):
            return None
        connection.receiver = session if self._front is None else self._front(session)
        self._open.add(session)
        return connection

    def ended(self, session: Session) -> None:
        """Remove a connection that has ended."""
        self._crowd.leave(session)
        self._open.leave(session)

    def cut_strangers(self, why: str) -> None:
        """Abort all connections that have not logged in."""
        strangers = [session for session in self._open if not session.user]
        for session in strangers:
            session.abort(why)
        if strangers:
            _log.info("{count} connections that had not logged in are cut: {why}", count=len(strangers), why=why)

    def emptied(self) -> Deferred[None]:
        """Fire when there is no connection left."""
        return self._open.emptied()

    def stopService(self) -> Deferred[None]:
        """Store and answer pending messages, and close every connection after its last byte."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for session in list(self._open):
            session.finish()
        try:
            await self.flushed().addTimeout(FLUSH, self._clock)
        except DeferredTimeout:
            _log.error("messages are waiting still: they were not stored, and not acknowledged")
        for session in list(self._open):
            session.close("the server stops")
        try:
            await self.emptied().addTimeout(FLUSH, self._clock)
        except DeferredTimeout:
            _log.warn("{count} connections did not take their last bytes", count=len(self._open))
        self._complaints.stop()
        self._crowd.stop()
