"""End a user's sessions on any chat servers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from imsys.cluster.calls import send
from imsys.cluster.client import GrpcClient
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc, message_pb2, message_pb2_grpc
from imsys.cluster.trust import Trust
from imsys.errors import Unavailable
from imsys.redis.routes import Routes
from imsys.util.outages import Outage


class SessionEnder:
    """Asks chat servers to sign a user out, by the original system's call."""

    def __init__(self, reactor: Any, trust: Trust, balance: GrpcClient, routes: Routes) -> None:
        self._reactor = reactor
        self._trust = trust
        self._deadline = trust.deadline
        self._balance = balance
        self._routes = routes
        self._outage = Outage(reactor.seconds, "Ending the sessions of users with a new password")

    async def end(self, uuid: int) -> None:
        """End a user's sessions at the servers of their routes, or at all servers if there is no route in Redis.

        A server that does not answer is logged, but is no error: the user's tokens are revoked, so the
        session ends when its server next renews it.
        """
        try:
            routes = (await self._routes.find([uuid])).get(uuid, ())
            listed: imsys_v1_pb2.ListResponse = await self._balance.call(
                imsys_v1_pb2_grpc.RegistryStub, "List", imsys_v1_pb2.ListRequest(kind="chat")
            )
        except Unavailable as reason:
            self._outage.failed(str(reason))
            return
        nodes: Iterable[imsys_v1_pb2.Server] = listed.servers
        if routes:
            names = {route.node for route in routes}
            nodes = [node for node in nodes if node.name in names]
        await gatherResults(
            [Deferred.fromCoroutine(self._end_on(node, uuid)) for node in nodes if node.ports.grpc]
        )

    async def _end_on(self, node: imsys_v1_pb2.Server, uuid: int) -> None:
        try:
            channel = self._trust.channel(node.grpc_host or node.host, node.ports.grpc)
            try:
                stub = message_pb2_grpc.DistributedChattingServiceStub(channel)
                request = message_pb2.TerminationRequest(kick_uuid=uuid)
                await send(self._reactor, stub.ForceTerminateLoginedUser, request, self._deadline)
            finally:
                channel.close()
        except Exception as error:
            # gRPC's errors have a code, and long texts
            reason = error.code() if hasattr(error, "code") else error
            self._outage.failed(f"chat server {node.name}: {reason}")
        else:
            self._outage.works()
