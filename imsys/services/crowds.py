"""Limits of connections to the public ports, by ``[limits]``."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from imsys.config import LimitsConfig
from imsys.protocols.crowd import Crowd


def crowd_of(clock: IReactorTime, limits: LimitsConfig, capacity: int) -> Crowd:
    """Make the crowd of one server, with at most ``capacity`` connections."""
    return Crowd(
        clock,
        capacity,
        source=limits.connections_source,
        strangers=limits.strangers_source,
        user=limits.connections_user,
        exempt=limits.connections_exempt,
    )
