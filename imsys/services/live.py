"""Build a resources server's live streaming: manager, RTMP ports, pulls from other servers, recordings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.application.service import Service

from imsys.config import Config
from imsys.files.configured import recordings_folder
from imsys.protocols.crowd import Crowd
from imsys.resources.engine.storage import Storage
from imsys.resources.granted import Granted
from imsys.resources.live.pulling import Find, Pulls, trust
from imsys.resources.live.recordings import RecordingLimits, Recordings
from imsys.resources.live.rtmp_connection import RtmpSettings
from imsys.resources.live.rtmp_server import RtmpServer
from imsys.resources.live.stream_manager import StreamManager
from imsys.resources.live.telling import Tell
from imsys.resources.live.web_handlers import fetch_from, live_routes
from imsys.resources.transfers import Uploads
from imsys.security.tickets import Tickets
from imsys.services.common import ListenService
from imsys.services.tls import PublicTls
from imsys.store import Database
from imsys.store.live import LiveStore
from imsys.web.routing import Endpoint


@dataclass(frozen=True)
class Live:
    """The live streaming parts of a resources server."""

    streams: StreamManager
    rtmp: RtmpServer
    pulls: Pulls
    recordings: Recordings
    routes: list[Endpoint]
    """The paths of the HTTPS port."""
    plain: ListenService | None
    tls: ListenService | None

    @property
    def parts(self) -> tuple[Service, ...]:
        """The parts in starting order.

        They stop in reverse, so that the stream manager tells clients why they are closed.
        """
        return self.recordings, self.pulls, self.rtmp, self.streams

    @property
    def listeners(self) -> list[ListenService]:
        """The open ports."""
        return [port for port in (self.plain, self.tls) if port is not None]

    @property
    def rtmp_port(self) -> int:
        """The number of the port without TLS; 0: closed."""
        return 0 if self.plain is None else self.plain.port

    @property
    def rtmps_port(self) -> int:
        """The number of the port with TLS; 0: closed."""
        return 0 if self.tls is None else self.tls.port


def live_of(
    reactor: Any,
    config: Config,
    public: PublicTls,
    database: Database,
    tickets: Tickets,
    granted: Granted,
    tell: Tell,
    find: Find,
    storage: Storage,
    uploads: Uploads,
    crowd: Crowd,
    calendar: Callable[[], float],
) -> Live:
    """Build the live streaming of a resources server; without ports if ``[live] enabled`` is off.

    :param public: TLS of the public ports.
    :param tell: has a stream announced to its thread.
    :param find: finds a resources server by name.
    :param storage: the storage of recordings.
    :param uploads: makes files of recordings.
    :param crowd: the connections of the server.
    :param calendar: returns Unix seconds.
    :raises ConfigError: the CA file is invalid, or there are no keys for recordings.
    """
    ours, limits = config.resources, config.live
    store = LiveStore(database, calendar)
    streams = StreamManager(reactor, limits, ours.name, store, tell)
    pulls = Pulls(reactor, ours.name, trust(config.tls.ca), find, tickets, limits.max_message)
    fetch_from(streams, pulls)
    recordings = Recordings(
        reactor,
        ours.name,
        recordings_folder(ours),
        storage,
        uploads,
        calendar,
        RecordingLimits(
            min(limits.max_recording, config.files.max_file), config.files.expire, config.files.quota
        ),
    )
    streams.record = recordings.begin
    routes = live_routes(reactor, limits, tickets, granted, store, streams, calendar)
    settings = RtmpSettings(begin=ours.login_deadline, bitrate=limits.bitrate, longest=limits.max_message)
    rtmp = RtmpServer(reactor, settings, streams, tickets, granted, crowd)
    plain = tls = None
    if limits.enabled:
        context = public.context(tickets=False)
        tls = ListenService(reactor, rtmp, ours.host, ours.rtmps_port, context, "[resources] rtmps_port")
        if ours.rtmp_port:
            plain = ListenService(reactor, rtmp, ours.host, ours.rtmp_port, None, "[resources] rtmp_port")
    return Live(streams, rtmp, pulls, recordings, routes, plain, tls)
