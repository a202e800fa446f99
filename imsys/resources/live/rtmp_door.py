"""RTMP: publishers and players."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger, LogLevel

from imsys.protocols.crowd import Crowd
from imsys.protocols.deadlines import DeadlineWheel
from imsys.protocols.present import Present
from imsys.protocols.source import limit_key
from imsys.resources.granted import Granted
from imsys.resources.live.rtmp_connection import RtmpConnection
from imsys.resources.live.stream_manager import StreamManager
from imsys.security.tickets import Tickets
from imsys.util.tallies import Tally

_log = Logger()

GRACE = 5.0
"""Seconds that connections have to close by themselves when the server stops."""

LINES = 20
"""Lines of a minute's connections that were closed; the others are counted."""


@dataclass(frozen=True, slots=True)
class RtmpSettings:
    """Seconds, bytes and so on."""

    begin: float
    """Seconds until a new connection publishes or plays."""
    bitrate: int
    """Bits a second that a publisher may send."""
    longest: int
    """Bytes of one message of a publisher."""


class RtmpDoor(Service, Factory):
    """Every connection of the RTMP ports.

    Of a stream its identifier is logged; never a key.
    """

    noisy = False

    def __init__(
        self, clock: IReactorTime, settings: RtmpSettings, streams: StreamManager, tickets: Tickets, granted: Granted, crowd: Crowd
    ) -> None:
        self.settings = settings
        self.streams = streams
        self.tickets = tickets
        self.granted = granted
        self.crowd = crowd
        self.wheel = DeadlineWheel(clock)
        self._clock = clock
        self._open = Present[RtmpConnection]()
        self.closed = Tally(clock, _log, LogLevel.info, "closing the RTMP connection from {peer}: {reason}", lines=LINES)
        """Why connections were closed."""
        self.seconds: Callable[[], float] = clock.seconds

    def __len__(self) -> int:
        return len(self._open)

    @property
    def connections(self) -> list[RtmpConnection]:
        """Those that there are."""
        return list(self._open)

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """A new connection; ``None``: there is no room for one."""
        connection = RtmpConnection(self)
        if not self.crowd.enter(connection, limit_key(getattr(addr, "host", ""))):
            return None
        self._open.add(connection)
        return connection

    def ended(self, connection: RtmpConnection) -> None:
        """A connection is gone."""
        self.crowd.leave(connection)
        self._open.leave(connection)

    def drain(self) -> None:
        """Nothing: who publishes or plays goes on until the end of the stream."""

    def emptied(self) -> Deferred[None]:
        """Fires when there is no connection."""
        return self._open.emptied()

    def stopService(self) -> Deferred[None]:
        """Close every connection that the end of the streams has not closed."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for connection in self.connections:
            connection.dropped("this server stops")
        self.closed.stop()
        self.crowd.stop()
        try:
            await self.emptied().addTimeout(GRACE, self._clock)
        except DeferredTimeout:
            for connection in self.connections:
                connection.abort("this server stops")
            await self.emptied()
