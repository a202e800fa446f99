"""Live streams of one resources server: the relay, the door of RTMP, and its ports."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

from twisted.application.service import Service

from imsys.config import Config
from imsys.resources.live.relay import Relay, Tell
from imsys.resources.live.rtmp_door import RtmpDoor, RtmpSettings
from imsys.services.common import ListenService
from imsys.store import Database
from imsys.store.live import LiveStore
from imsys.tickets import Tickets


@dataclass(frozen=True)
class Live:
    """What a resources server has for live streams."""

    relay: Relay
    door: RtmpDoor
    plain: ListenService | None
    tls: ListenService | None

    @property
    def parts(self) -> tuple[Service, ...]:
        """Those that are started, and stopped the other way round: the relay tells everybody why they are closed."""
        return self.door, self.relay

    @property
    def listeners(self) -> list[ListenService]:
        """The ports that are open."""
        return [port for port in (self.plain, self.tls) if port is not None]

    @property
    def rtmp_port(self) -> int:
        """The number of the port without TLS; 0: it is closed."""
        return 0 if self.plain is None else self.plain.port

    @property
    def rtmps_port(self) -> int:
        """The number of the port with TLS; 0: it is closed."""
        return 0 if self.tls is None else self.tls.port


def live_of(reactor: Any, config: Config, database: Database, tickets: Tickets, tell: Tell, context: ssl.SSLContext) -> Live:
    """The live streams of a resources server; without ports where ``[live] enabled`` says so.

    :param tell: has a thread told of its stream.
    :param context: TLS of the public ports.
    """
    ours, limits = config.resources, config.live
    relay = Relay(reactor, limits, ours.name, LiveStore(database, reactor.seconds), tell)
    settings = RtmpSettings(begin=ours.login_deadline, bitrate=limits.bitrate, longest=limits.max_message, capacity=ours.capacity)
    door = RtmpDoor(reactor, settings, relay, tickets)
    plain = tls = None
    if limits.enabled:
        tls = ListenService(reactor, door, ours.host, ours.rtmps_port, context, "[resources] rtmps_port")
        if ours.rtmp_port:
            plain = ListenService(reactor, door, ours.host, ours.rtmp_port, None, "[resources] rtmp_port")
    return Live(relay, door, plain, tls)
