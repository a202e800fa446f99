"""What chat servers tell resources servers of live streams, through a real balance server, with TLS."""

from __future__ import annotations

from typing import Any

from imsys.cluster.chat_servicers import Announcements
from imsys.cluster.client import GrpcClient
from imsys.cluster.server import GrpcServer
from imsys.cluster.server_list import ServerList
from imsys.cluster.streams import ResourcesServers, stream_services
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.cluster.trust import Trust
from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.identifiers import new_file_id
from tests.balance.running import BalanceCase
from tests.support.servers import cluster_certificates


class Relay:
    """Whoever has the streams of a resources server."""

    def __init__(self) -> None:
        self.ended: list[bytes] = []

    def end(self, stream_id: bytes) -> None:
        self.ended.append(stream_id)


class StreamsTests(BalanceCase):
    def setUp(self) -> None:
        from twisted.internet import reactor

        super().setUp()
        self.reactor: Any = reactor
        client = GrpcClient(
            reactor, Trust(self.balance.config.cluster), self.balance.config.balance.addresses
        )
        client.startService()
        self.addCleanup(client.stopService)
        listed = ServerList(reactor, client, "resources", self.lease)
        self.servers = ResourcesServers(reactor, Trust(cluster_certificates("chat")), listed, -1.0)
        self.servers.startService()
        self.addCleanup(self.servers.stopService)

    async def resources(self, name: str, relay: Any) -> GrpcServer:
        server = GrpcServer(
            self.reactor, Trust(cluster_certificates("resources")), "127.0.0.1", 0, stream_services(relay)
        )
        server.startService()
        self.addCleanup(lambda: server.stopService() if server.running else None)
        answer = await self.balance.register(
            name, 7000 + ord(name[-1]), kind="resources", ports=imsys_v1_pb2.Ports(grpc=server.port)
        )
        self.assertEqual(answer.error, 0, answer.message)
        return server

    async def test_ended(self) -> None:
        """The server that has a stream is told that it is over, and no other."""
        one, other = Relay(), Relay()
        await self.resources("r1", one)
        await self.resources("r2", other)
        stream_id = new_file_id()
        for _ in range(2):
            await self.servers.end("r2", stream_id)
        self.assertEqual((one.ended, other.ended), ([], [stream_id] * 2))

    async def test_away(self) -> None:
        """A server that is not there, does not answer or does not know the call cannot be told."""
        with self.assertRaises(Unavailable):
            await self.servers.end("r1", new_file_id())
        server = await self.resources("r1", Relay())
        await self.servers.end("r1", new_file_id())
        await server.stopService()
        with self.assertRaises(Unavailable):
            await self.servers.end("r1", new_file_id())
        old = GrpcServer(self.reactor, Trust(cluster_certificates("resources")), "127.0.0.1", 0, [])
        old.startService()
        self.addCleanup(old.stopService)
        await self.balance.register("r2", 7100, kind="resources", ports=imsys_v1_pb2.Ports(grpc=old.port))
        with self.assertRaises(Unavailable):
            await self.servers.end("r2", new_file_id())

    async def test_no_stream(self) -> None:
        """What is no identifier is refused, on both sides."""
        relay = Relay()
        await self.resources("r1", relay)
        with self.assertRaises(Unavailable):
            await self.servers.end("r1", b"short")
        self.assertEqual(relay.ended, [])

        async def announce(_: bytes) -> None:
            raise AssertionError("it was announced")

        with self.assertRaises(Refused) as caught:
            await Announcements(announce, announce).AnnounceLive(
                imsys_v1_pb2.AnnounceLiveRequest(stream_id=b"short")
            )
        self.assertEqual(caught.exception.status, Status.INVALID_FIELD)

    async def test_announced(self) -> None:
        """A chat server announces the stream that it is told of."""
        told: list[bytes] = []

        async def announce(stream_id: bytes) -> None:
            told.append(stream_id)

        calls = [(imsys_v1_pb2_grpc.add_AnnouncementsServicer_to_server, Announcements(announce, announce))]
        server = GrpcServer(self.reactor, Trust(cluster_certificates("chat")), "127.0.0.1", 0, calls)
        server.startService()
        self.addCleanup(server.stopService)
        client = GrpcClient(
            self.reactor, Trust(cluster_certificates("resources")), [("127.0.0.1", server.port)]
        )
        client.startService()
        self.addCleanup(client.stopService)
        stream_id = new_file_id()
        answer = await client.call(
            imsys_v1_pb2_grpc.AnnouncementsStub,
            "AnnounceLive",
            imsys_v1_pb2.AnnounceLiveRequest(stream_id=stream_id),
        )
        self.assertEqual((answer.error, told), (0, [stream_id]))
