"""Finding resources servers and chat servers, through a real balance server."""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock

from imsys.cluster.announce_client import ChatServers
from imsys.cluster.client import GrpcClient
from imsys.cluster.membership import LoadReport, Membership, Ports, ServerIdentity
from imsys.cluster.resources_directory import AGAIN, ResourcesDirectory, ResourcesServer
from imsys.cluster.server import GrpcServer
from imsys.cluster.server_list import ServerList
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.cluster.trust import Trust
from imsys.errors import Refused, Status, Unavailable
from tests.balance.running import BalanceCase
from tests.cluster.nodes import eventually


class PlacesCase(BalanceCase):
    kind = "resources"

    def setUp(self) -> None:
        from twisted.internet import reactor

        super().setUp()
        self.reactor: Any = reactor
        self.clock = Clock()
        self.calls = 0
        client = GrpcClient(
            reactor, Trust(self.balance.config.cluster), self.balance.config.balance.addresses
        )
        client.startService()
        self.addCleanup(client.stopService)
        call = client.call

        async def counted(*arguments: Any, **more: Any) -> Any:
            self.calls += 1
            return await call(*arguments, **more)

        client.call = counted  # type: ignore[method-assign]
        self.listed = ServerList(self.clock, client, self.kind, self.lease)
        self.places = ResourcesDirectory(self.listed, 5.0)

    async def register(self, name: str, port: int, **more: Any) -> None:
        keys: dict[str, Any] = {
            "ports": imsys_v1_pb2.Ports(plain=port + 1, http=port + 2),
            "capacity": 100,
        } | more
        answer = await self.balance.register(name, port, kind=self.kind, **keys)
        self.assertEqual(answer.error, 0, answer.message)


class PlacesTests(PlacesCase):
    async def picked(self, size: int = 1, **more: bool) -> str:
        return (await self.places.pick(size, **({"plaintext": False} | more))).name

    async def refused(self, call: Any) -> None:
        with self.assertRaises(Refused) as caught:
            await call
        self.assertEqual(caught.exception.status, Status.NO_AVAILABLE_RESOURCES_SERVER)

    async def test_load(self) -> None:
        """The least loaded server is chosen, and what was sent to one counts at once, without another call."""
        await self.register("a", 7000, load=5, free=1000)
        await self.register("b", 7100, load=2, free=1000)
        self.assertEqual([await self.picked() for _ in range(8)], ["b", "b", "b", "a", "b", "a", "b", "a"])
        self.assertEqual(self.calls, 1)

    async def test_room(self) -> None:
        """Who has no room for the file is not chosen, with what was promised since counted.

        Among equals the one with the most is.
        """
        await self.register("a", 7000, free=100)
        await self.register("b", 7100, free=300, load=50)
        await self.register("c", 7200, load=60)
        self.assertEqual([await self.picked(size) for size in (60, 60, 200, 10**12)], ["a", "b", "b", "c"])
        self.assertEqual([await self.picked(size) for size in (0, 40, 41)], ["a", "a", "c"])

    async def test_live(self) -> None:
        """A live stream goes to the least loaded server that has a port for it, which is told with its ports."""
        await self.register("a", 7000)
        await self.refused(self.places.pick_live(plaintext=False))
        await self.register("b", 7100, load=5, ports=imsys_v1_pb2.Ports(http=7102, rtmps=7104))
        await self.register("c", 7200, load=6, ports=imsys_v1_pb2.Ports(http=7202, rtmp=7203, rtmps=7204))
        await self.register("d", 7300, draining=True, ports=imsys_v1_pb2.Ports(rtmp=7303))
        await self.register(
            "e", 7400, unfit="The database does not answer.", ports=imsys_v1_pb2.Ports(rtmp=7403)
        )
        self.clock.advance(AGAIN + 1)
        places = [await self.places.pick_live(plaintext=False) for _ in range(4)]
        self.assertEqual([place.name for place in places], ["b", "b", "c", "b"])
        self.assertEqual(places[2], ResourcesServer("c", "127.0.0.1", 7200, 7202, 7203, 7204))

    async def test_equals(self) -> None:
        """Of two that are loaded alike the one with more room is chosen."""
        await self.register("a", 7000, free=100)
        await self.register("b", 7100, free=300)
        self.assertEqual(await self.picked(), "b")

    async def test_none(self) -> None:
        """Who is draining, full, unfit, or was registered by the plain calls gets no file.

        A server that comes is found soon.
        """
        await self.register("a", 7000, draining=True)
        await self.register("e", 7400, unfit="The disk does not answer.")
        await self.register("b", 7100, load=100)
        await self.balance.plain("RegisterInstance", "c", 7200, kind="resources")
        await self.refused(self.places.pick(1, plaintext=False))
        await self.register("d", 7300)
        self.clock.advance(AGAIN + 0.01)
        self.assertEqual(await self.picked(), "d")

    async def test_addresses(self) -> None:
        """A client is told the port that it can speak with."""
        await self.register("a", 7000)
        await self.register(
            "b", 7100, draining=True, load=100, unfit="The disk.", ports=imsys_v1_pb2.Ports(http=7102)
        )
        self.assertEqual(
            await self.places.pick(1, plaintext=False), ResourcesServer("a", "127.0.0.1", 7000, 7002)
        )
        self.assertEqual(
            await self.places.pick(1, plaintext=True), ResourcesServer("a", "127.0.0.1", 7001, 7002)
        )
        self.assertEqual(
            await self.places.named("b", plaintext=True), ResourcesServer("b", "127.0.0.1", 7100, 7102)
        )

    async def test_named(self) -> None:
        """A server is found by its name, be it new.

        One that is away is not, and is not asked for each time.
        """
        await self.register("a", 7000)
        self.assertEqual((await self.places.named("a", plaintext=False)).port, 7000)
        self.clock.advance(AGAIN + 0.01)
        await self.register("b", 7100)
        self.assertEqual((await self.places.named("b", plaintext=False)).port, 7100)
        for _ in range(5):
            await self.refused(self.places.named("c", plaintext=False))
        self.assertEqual(self.calls, 2)

    async def test_changes(self) -> None:
        """What has changed is known when the answer is as old as a report.

        Many who ask at once share one call.
        """
        await self.register("a", 7000)
        await gatherResults([Deferred.fromCoroutine(self.picked()) for _ in range(20)])
        self.assertEqual(self.calls, 1)
        await self.balance.call(
            imsys_v1_pb2_grpc.RegistryStub,
            "Withdraw",
            imsys_v1_pb2.WithdrawRequest(kind="resources", name="a", incarnation="a1"),
        )
        await self.register("b", 7100)
        self.clock.advance(5.01)
        self.assertEqual([await self.picked(), self.calls], ["b", 2])

    async def test_balance_away(self) -> None:
        """While balance is away, what it said is good for a lease."""
        await self.register("a", 7000)
        self.assertEqual(await self.picked(), "a")
        await self.balance.stop()
        self.clock.advance(self.lease - 1)
        self.assertEqual(await self.picked(), "a")
        self.clock.advance(2)
        with self.assertRaises(Unavailable):
            await self.picked()

    async def test_free_is_told(self) -> None:
        """A server tells balance how much room it has, or nothing where there is no bound."""
        rooms: list[int | None] = [10**15, None]
        config = self.balance.config
        for name, room in zip("ab", rooms, strict=True):
            client = GrpcClient(self.reactor, Trust(config.cluster), config.balance.addresses)
            identity = ServerIdentity("resources", name, "127.0.0.1", "127.0.0.1", 10)
            free = lambda room=room: room  # noqa: E731
            report = LoadReport(Ports, lambda: 1, free)
            member = Membership(self.reactor, client, config.balance, identity, report, time.time)
            for part in (client, member):
                part.startService()
                self.addCleanup(part.stopService)
            await member.ready()
        servers = await self.balance.servers("resources")
        self.assertEqual(
            [servers[name].free if servers[name].HasField("free") else None for name in "ab"], rooms
        )


class Chat:
    """What a chat server answers when it is told of a file."""

    def __init__(self, error: int = 0) -> None:
        self.error = error
        self.told: list[bytes] = []
        self.live: list[bytes] = []

    async def Announce(self, request: Any) -> Any:
        self.told.append(request.file_id)
        if self.error:
            raise Refused(Status(self.error), "No.")
        return imsys_v1_pb2.AnnounceResponse()

    async def AnnounceLive(self, request: Any) -> Any:
        self.live.append(request.stream_id)
        return imsys_v1_pb2.AnnounceResponse()


class TellingTests(PlacesCase):
    kind = "chat"

    def setUp(self) -> None:
        super().setUp()
        self.telling = ChatServers(self.reactor, Trust(self.balance.config.cluster), self.listed, -1.0)
        self.telling.startService()
        self.addCleanup(self.telling.stopService)

    async def chat(self, name: str, error: int = 0, **more: Any) -> tuple[Chat, GrpcServer]:
        chat = Chat(error)
        calls = [(imsys_v1_pb2_grpc.add_AnnouncementsServicer_to_server, chat)]
        server = GrpcServer(self.reactor, Trust(self.balance.config.cluster), "127.0.0.1", 0, calls)
        server.startService()
        self.addCleanup(lambda: server.stopService() if server.running else None)
        await self.register(name, 8000 + ord(name), ports=imsys_v1_pb2.Ports(grpc=server.port), **more)
        return chat, server

    async def test_any(self) -> None:
        """One chat server is told, whichever that is.

        One that is leaving, or cannot serve, only if there is no other.
        """
        (one, _), (other, _) = [await self.chat(name) for name in "ab"]
        leaving, _ = await self.chat("c", draining=True)
        broken, _ = await self.chat("d", unfit="The database does not answer.")
        for _ in range(20):
            await self.telling.announce(b"f" * 16)
        self.assertEqual((len(one.told) + len(other.told), leaving.told, broken.told), (20, [], []))

    async def test_passed_over(self) -> None:
        """Servers that are away, or do not know the call, are passed over."""
        _, away = await self.chat("a")
        await away.stopService()
        old = GrpcServer(self.reactor, Trust(self.balance.config.cluster), "127.0.0.1", 0, [])
        old.startService()
        self.addCleanup(old.stopService)
        await self.register("b", 8100, ports=imsys_v1_pb2.Ports(grpc=old.port))
        alive, _ = await self.chat("c", draining=True)
        await self.telling.announce(b"f" * 16)
        self.assertEqual(alive.told, [b"f" * 16])

    async def test_refused(self) -> None:
        """What a chat server refuses is refused, and no other is asked."""
        chats = [(await self.chat(name, 66))[0] for name in "ab"]
        with self.assertRaises(Refused) as caught:
            await self.telling.announce(b"f" * 16)
        self.assertEqual(
            (caught.exception.status, sum(len(chat.told) for chat in chats)), (Status.NOT_FRIENDS, 1)
        )

    async def test_nobody(self) -> None:
        """Without a chat server it cannot be told now."""
        with self.assertRaises(Unavailable):
            await self.telling.announce(b"f" * 16)
        chat, server = await self.chat("a")
        await self.telling.announce(b"f" * 16)
        await server.stopService()
        with self.assertRaises(Unavailable):
            await self.telling.announce(b"f" * 16)
        await eventually(lambda: len(chat.told) == 1)

    async def test_live(self) -> None:
        """A chat server is told of a live stream; one that does not know that call is passed over."""
        old = GrpcServer(self.reactor, Trust(self.balance.config.cluster), "127.0.0.1", 0, [])
        old.startService()
        self.addCleanup(old.stopService)
        await self.register("a", 8000, ports=imsys_v1_pb2.Ports(grpc=old.port))
        chat, _ = await self.chat("b", draining=True)
        await self.telling.announce_live(b"s" * 16)
        self.assertEqual((chat.live, chat.told), ([b"s" * 16], []))
