"""Cache balance's list of the registered servers of one kind."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorTime

from imsys.cluster.client import GrpcClient
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.errors import Refused, Status, Unavailable
from imsys.util.single_flight import SingleFlight

Servers = Sequence[imsys_v1_pb2.Server]


class ServerList:
    """The live servers of one kind that registered with our calls.

    Concurrent requests share one call of balance.

    :param lease: seconds that a registration is valid, and so an answer that could not be renewed.
    """

    def __init__(self, clock: IReactorTime, balance: GrpcClient, kind: str, lease: float) -> None:
        self._clock = clock
        self._balance = balance
        self._kind = kind
        self._lease = lease
        self._servers: Servers = ()
        self._read = float("-inf")
        self._asking: SingleFlight[str, None] = SingleFlight(self._renew)

    async def servers(self, age: float) -> Servers:
        """Return a list that is at most ``age`` seconds old, or up to the lease if balance is down.

        :raises Unavailable: GRPC_ERROR (3), balance did not answer.
        """
        if self._clock.seconds() - self._read > age:
            await self._asking.run(self._kind)
        return self._servers

    async def _renew(self, kind: str) -> None:
        began = self._clock.seconds()
        try:
            answer = await self._balance.call(
                imsys_v1_pb2_grpc.RegistryStub, "List", imsys_v1_pb2.ListRequest(kind=kind)
            )
            if answer.error:
                raise Unavailable(Status.GRPC_ERROR, "Balance does not tell which servers there are.")
        except Refused:
            if self._clock.seconds() - self._read > self._lease:
                raise
        else:
            # a server that registered only by the original system's calls does not know ours
            self._servers = [server for server in answer.servers if server.incarnation]
            self._read = began
