"""The connections of a server: accepted if there is room, closed when it stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from imsys.protocols.connection.connection_set import ConnectionSet
from imsys.protocols.crowd import Crowd
from imsys.protocols.paced import Pace
from imsys.protocols.source import limit_key
from imsys.protocols.unsent import Unsent
from imsys.protocols.wire import Complaints, FrameConnection, FrameReceiver, WireSettings
from imsys.server.dispatch import Dispatcher
from imsys.server.session import Session

_log = Logger()

FLUSH = 10.0
"""Seconds for messages to be stored, and then for last bytes to be sent, when the server stops."""


class Limits(Protocol):
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
        frame_filter: Callable[[Session], FrameReceiver] | None = None,
        *,
        pause: float = 0.0,
    ) -> None:
        """Create them; ``crowd`` limits their number.

        :param frame_filter: makes a receiver that takes a connection's frames and passes requests on to the
            session; by default the session takes them itself.
        :param pause: seconds between two frames to clients without TLS that read one frame at a time; 0:
            none.
        """
        self._clock = clock
        self._config = config
        self._dispatcher = dispatcher
        self._frame_filter = frame_filter
        self.unsent = Unsent(config.unsent)
        self._settings = WireSettings(
            dispatcher.format,
            config.max_frame,
            config.login_deadline,
            config.heartbeat_timeout,
            config.high_water,
            self.unsent,
            Complaints(clock),
            pace=Pace(clock, pause) if pause else None,
        )
        self._open = ConnectionSet[Session](clock, crowd)
        self.ended = self._open.leave
        """Forget a session whose connection is gone."""
        self.emptied = self._open.emptied
        self.flushed: Callable[[], Deferred[None]] = lambda: succeed(None)
        """Returns a Deferred that fires when everything is stored that must be before connections are
        closed."""

    def __len__(self) -> int:
        return len(self._open)

    def buildProtocol(self, addr: IAddress | None) -> Any:  # an IProtocol is enough, whatever Factory says
        """Make a new connection; return ``None`` if there is no room for it."""
        connection = FrameConnection(self._settings, self._open.wheel)
        session = Session(connection, self._dispatcher, self._config.inflight, self._open.crowd)
        if not self._open.enter(session, limit_key(getattr(addr, "host", ""))):
            return None
        connection.receiver = session if self._frame_filter is None else self._frame_filter(session)
        return connection

    def cut_strangers(self, why: str) -> None:
        """Abort all connections that have not logged in."""
        strangers = [session for session in self._open if not session.user]
        for session in strangers:
            session.abort(why)
        if strangers:
            _log.info(
                "{count} connections that had not logged in are cut: {why}", count=len(strangers), why=why
            )

    def stopService(self) -> Deferred[None]:
        """Store and answer pending messages, and close every connection after its last byte."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for session in self._open:
            session.finish()
        try:
            await self.flushed().addTimeout(FLUSH, self._clock)
        except DeferredTimeout:
            _log.error("messages are waiting still: they were not stored, and not acknowledged")
        for session in self._open:
            session.close("the server stops")
        if cut := await self._open.stop(FLUSH, "the server stops"):
            _log.warn("{count} connections did not take their last bytes", count=cut)
        self._settings.complaints.stop()
        self._open.crowd.stop()
