"""The live streams of a resources server: the relay, and the RTMP ports that lead to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.application.service import Service

from imsys.cluster.server import AddServicer
from imsys.cluster.streams import stream_services
from imsys.config import Config
from imsys.resources.live.relay import Relay
from imsys.resources.live.rtmp_door import RtmpDoor, RtmpSettings
from imsys.services.common import ListenService
from imsys.store.live import LiveStore
from imsys.tickets import Tickets


@dataclass(frozen=True)
class Live:
    """What a resources server has for live streams."""

    relay: Relay
    door: RtmpDoor
    rtmp: ListenService | None
    """``None``: closed."""
    rtmps: ListenService
    calls: Sequence[tuple[AddServicer, Any]] = field(repr=False)
    """For its gRPC port."""

    @property
    def parts(self) -> tuple[Service, ...]:
        """What is started before the ports are open, in this order; the streams are paused before their connections are closed."""
        return self.door, self.relay

    @property
    def listeners(self) -> list[ListenService]:
        """The ports."""
        return [port for port in (self.rtmp, self.rtmps) if port is not None]


def live_of(
    reactor: Any, config: Config, store: LiveStore, tickets: Tickets, announce: Callable[[bytes], Awaitable[None]], context: Any
) -> Live | None:
    """The live streams of one resources server; ``None``: there are none here.

    :param announce: has a thread told of its stream.
    :param context: of TLS, for RTMPS.
    """
    ours, live = config.resources, config.live
    if not live.enabled:
        return None
    relay = Relay(reactor, live, ours.name, store, announce)
    door = RtmpDoor(reactor, RtmpSettings(ours.login_deadline, live.bitrate, live.max_message, ours.capacity), relay, tickets)
    rtmp = ListenService(reactor, door, ours.host, ours.rtmp_port, None, "[resources] rtmp_port") if ours.rtmp_port else None
    rtmps = ListenService(reactor, door, ours.host, ours.rtmps_port, context, "[resources] rtmps_port")
    return Live(relay, door, rtmp, rtmps, stream_services(relay))
