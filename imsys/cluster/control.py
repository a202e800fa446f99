"""``imsys.v1.Control``: probes by balance, and drains by operators, of a chat or resources server."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from imsys.cluster.server import AddServicer
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.errors import Refused, Status

LONGEST = 86400.0
"""Seconds of a drain, at most."""

Drain = Callable[[float], int]
"""Begins to drain within so many seconds (0: as configured); returns the number of connections left."""


class Control:
    """``imsys.v1.Control``.

    :param incarnation: identifies this start of the server.
    :param unfit: returns why the server cannot serve now; empty: it can.
    :param drain: ``None`` if the process runs several servers.
    """

    def __init__(self, incarnation: str, unfit: Callable[[], str], drain: Drain | None) -> None:
        self._incarnation = incarnation
        self._unfit = unfit
        self._drain = drain

    async def Probe(self, request: imsys_v1_pb2.ProbeRequest) -> imsys_v1_pb2.ProbeResponse:
        """Answer with the server's incarnation, and whether it can serve."""
        return imsys_v1_pb2.ProbeResponse(incarnation=self._incarnation, unfit=self._unfit())

    async def Drain(self, request: imsys_v1_pb2.DrainRequest) -> imsys_v1_pb2.DrainResponse:
        """Begin to drain, or drain faster.

        :raises Refused: INVALID_FIELD (70), the seconds are out of range; PERMISSION_DENIED (65), the process
            runs several servers.
        """
        if not (math.isfinite(request.seconds) and 0 <= request.seconds <= LONGEST):
            raise Refused(Status.INVALID_FIELD, f"A drain takes from 0 to {LONGEST:g} seconds.")
        if self._drain is None:
            raise Refused(
                Status.PERMISSION_DENIED, "All servers are one process here, which is stopped as a whole."
            )
        return imsys_v1_pb2.DrainResponse(connections=self._drain(request.seconds))


def control_services(control: Control) -> list[tuple[AddServicer, Any]]:
    """Return the service for a :class:`~imsys.cluster.server.GrpcServer`."""
    return [(imsys_v1_pb2_grpc.add_ControlServicer_to_server, control)]
