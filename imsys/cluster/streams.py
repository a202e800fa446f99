"""Tell resources servers that a live stream has ended."""

from __future__ import annotations

from typing import Any, Protocol

import grpc
from twisted.application.service import Service
from twisted.logger import Logger

from imsys.cluster.channels import Channels
from imsys.cluster.server import AddServicer
from imsys.cluster.server_list import ServerList
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.cluster.trust import Trust
from imsys.errors import ConfigError, Refused, Status, Unavailable

_log = Logger()

STREAM_ID_BYTES = 16


class Ends(Protocol):
    """Ends live streams of a resources server."""

    def end(self, stream_id: bytes) -> None:
        """Disconnect the publisher and the players of a stream, if it is here."""
        ...


class StreamsServicer:
    """``imsys.v1.Streams``."""

    def __init__(self, relay: Ends) -> None:
        self._relay = relay

    async def End(self, request: imsys_v1_pb2.EndRequest) -> imsys_v1_pb2.EndResponse:
        """End a stream. :raises Refused: INVALID_FIELD (70), this is not a stream's identifier."""
        if len(request.stream_id) != STREAM_ID_BYTES:
            raise Refused(Status.INVALID_FIELD, "This is not the identifier of a live stream.")
        self._relay.end(request.stream_id)
        return imsys_v1_pb2.EndResponse()


def stream_services(relay: Ends) -> list[tuple[AddServicer, Any]]:
    """Return the services of a resources server for its :class:`~imsys.cluster.server.GrpcServer`."""
    return [(imsys_v1_pb2_grpc.add_StreamsServicer_to_server, StreamsServicer(relay))]


class ResourcesServers(Service):
    """Calls resources servers by name.

    :param fresh: seconds for which balance's list of them is valid.
    """

    def __init__(self, reactor: Any, trust: Trust, listed: ServerList, fresh: float) -> None:
        self._channels = Channels(reactor, trust)
        self._deadline = trust.deadline
        self._listed = listed
        self._fresh = fresh

    def stopService(self) -> None:
        """Close the channels; calls in progress fail."""
        super().stopService()
        self._channels.close()

    async def end(self, server: str, stream_id: bytes) -> None:
        """Tell a server that a stream has ended; otherwise it finds out by itself a little later.

        :raises Unavailable: GRPC_ERROR (3), it is down or did not answer.
        """
        servers = [one for one in await self._listed.servers(self._fresh) if one.ports.grpc]
        addresses = {one.name: (one.grpc_host or one.host, one.ports.grpc) for one in servers}
        self._channels.keep(set(addresses.values()))
        if server not in addresses or not self.running:
            raise Unavailable(Status.GRPC_ERROR, "This resources server is away.")
        try:
            stub = imsys_v1_pb2_grpc.StreamsStub(self._channels.to(addresses[server]))
            request = imsys_v1_pb2.EndRequest(stream_id=stream_id)
            answer = await self._channels.send(stub.End, request, self._deadline)
        except (
            grpc.RpcError,
            ConfigError,
            ValueError,
        ) as error:  # ValueError: the channel was closed just now
            _log.debug(
                "{server} was not told of the end of a stream: {reason}",
                server=server,
                reason=type(error).__name__,
            )
            raise Unavailable(Status.GRPC_ERROR, "This resources server does not answer.") from None
        if answer.error:
            raise Unavailable(Status.GRPC_ERROR, answer.message)
