"""Who may be connected to the public ports, as ``[limits]`` has it."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from imsys.config import LimitsConfig
from imsys.protocols.crowd import Crowd


def crowd_of(clock: IReactorTime, limits: LimitsConfig, capacity: int) -> Crowd:
    """Those who are connected to the ports of one server, ``capacity`` of them at most."""
    return Crowd(
        clock,
        capacity,
        source=limits.connections_source,
        strangers=limits.strangers_source,
        user=limits.connections_user,
        exempt=limits.connections_exempt,
    )
