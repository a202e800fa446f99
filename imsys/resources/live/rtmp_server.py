"""The RTMP server, for publishers and players."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger, LogLevel

from imsys.protocols.connection.connection_set import ConnectionSet
from imsys.protocols.crowd import Crowd
from imsys.protocols.source import limit_key
from imsys.resources.granted import Granted
from imsys.resources.live.rtmp_connection import RtmpConnection, RtmpSettings
from imsys.resources.live.stream_manager import StreamManager
from imsys.security.tickets import Tickets
from imsys.util.tallies import Tally

_log = Logger()

GRACE = 5.0
"""Seconds that connections have to close by themselves when the server stops."""

LINES = 20
"""Lines a minute about connections that were closed; the others are counted."""


class RtmpServer(Service, Factory):
    """Admits the connections of the RTMP ports, and closes them when it stops.

    It logs the identifiers of streams, never a key.
    """

    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        settings: RtmpSettings,
        streams: StreamManager,
        tickets: Tickets,
        granted: Granted,
        crowd: Crowd,
    ) -> None:
        self.settings = settings
        self.streams = streams
        self.tickets = tickets
        self.granted = granted
        self.connections = ConnectionSet[RtmpConnection](clock, crowd)
        self.emptied = self.connections.emptied
        self.closed = Tally(
            clock, _log, LogLevel.info, "closing the RTMP connection from {peer}: {reason}", lines=LINES
        )
        """Why connections were closed."""

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """Make a new connection; ``None``: there is no room for one."""
        connection = RtmpConnection(self)
        return (
            connection if self.connections.enter(connection, limit_key(getattr(addr, "host", ""))) else None
        )

    def drain(self) -> None:
        """Do nothing: who publishes or plays goes on until the end of the stream."""

    def stopService(self) -> Deferred[int]:
        """Close every connection; cut those that have not closed after :data:`GRACE` seconds."""
        super().stopService()
        for connection in self.connections:
            connection.dropped("this server stops")
        self.closed.stop()
        self.connections.crowd.stop()
        return Deferred.fromCoroutine(self.connections.stop(GRACE, "this server stops"))
