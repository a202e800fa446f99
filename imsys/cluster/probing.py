"""Probe chat and resources servers by ``imsys.v1.Control``."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import grpc
from twisted.internet import error as network
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger

from imsys.cluster.calls import send
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.cluster.trust import Trust, is_socket
from imsys.errors import ConfigError

_log = Logger()

DEADLINE = 1.0
"""Seconds for a server to answer a probe, including the connection."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The server answers.

    ``unfit`` is why it cannot serve, or empty; ``incarnation`` is empty for an older release.
    """

    incarnation: str
    unfit: str


class Silence(enum.Enum):
    """The server does not answer."""

    SILENT = enum.auto()
    """No answer in time: it is frozen or cut off, or its machine is down."""
    REFUSED = enum.auto()
    """Nothing listens on its port: its process is dead."""


class ControlProbe:
    """Probes servers, each time by a new connection, since existing ones may be broken."""

    def __init__(self, reactor: Any, trust: Trust, deadline: float = DEADLINE) -> None:
        self._reactor = reactor
        self._trust = trust
        self._deadline = deadline

    async def __call__(self, host: str, port: int) -> Answered | Silence:
        """Probe the server at this address."""
        end = self._reactor.seconds() + self._deadline
        endpoint: Any
        if is_socket(host):
            endpoint = UNIXClientEndpoint(self._reactor, host, timeout=self._deadline)
        else:
            endpoint = HostnameEndpoint(self._reactor, host, port, timeout=self._deadline)
        try:  # the endpoint's own timeout is per address, and does not cover name resolution
            connection: Any = await endpoint.connect(Factory.forProtocol(Protocol)).addTimeout(
                self._deadline, self._reactor
            )
        except network.ConnectionRefusedError:
            return Silence.REFUSED
        except Exception as error:  # no route, no such host, too slow: equally silent
            _log.debug("{host}:{port} cannot be reached: {error}", host=host, port=port, error=str(error))
            return Silence.SILENT
        connection.transport.abortConnection()
        try:
            channel = self._trust.channel(host, port)
        except ConfigError as error:
            _log.error("{host}:{port} cannot be probed: {reason}", host=host, port=port, reason=str(error))
            return Answered("", "")  # it listens; more cannot be found out
        try:
            probe = imsys_v1_pb2_grpc.ControlStub(channel).Probe
            answer = await send(
                self._reactor, probe, imsys_v1_pb2.ProbeRequest(), max(0.0, end - self._reactor.seconds())
            )
        except grpc.RpcError as error:
            code = error.code()
            _log.debug("{host}:{port} does not answer a probe: {code}", host=host, port=port, code=code.name)
            return Answered("", "") if code is grpc.StatusCode.UNIMPLEMENTED else Silence.SILENT
        finally:
            channel.close()
        return Answered(answer.incarnation, answer.unfit)
