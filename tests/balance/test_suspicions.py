"""What balance makes of servers that others could not reach."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from imsys.balance import suspicions
from imsys.balance.suspicions import Suspicions
from imsys.cluster.control import Control, control_services
from imsys.cluster.server import GrpcServer
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.cluster.trust import Trust
from imsys.errors import Status
from tests.balance.running import Balance, BalanceCase

Ports = imsys_v1_pb2.Ports


class SuspicionCase(BalanceCase):
    def setUp(self) -> None:
        from twisted.internet import reactor

        super().setUp()
        self.reactor: Any = reactor
        self.unfit = ""
        self.probed = 0

    def answering(self, incarnation: str = "a1") -> int:
        """The port of a server that works."""

        def unfit() -> str:
            self.probed += 1
            return self.unfit

        server = GrpcServer(
            self.reactor,
            Trust(self.balance.config.cluster),
            "127.0.0.1",
            0,
            control_services(Control(incarnation, unfit, None)),
        )
        server.startService()
        self.addCleanup(server.stopService)
        return server.port

    def frozen(self) -> int:
        """The port of one that the kernel accepts connections for, and nobody answers."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        return int(listener.getsockname()[1])

    def dead(self) -> int:
        """A port on which nobody listens."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return int(listener.getsockname()[1])

    async def suspect(self, name: str = "a", incarnation: str = "a1", balance: Balance | None = None) -> int:
        request = imsys_v1_pb2.SuspectRequest(kind="chat", name=name, incarnation=incarnation)
        return int(
            (await (balance or self.balance).call(imsys_v1_pb2_grpc.RegistryStub, "Suspect", request)).error
        )

    async def until_unfit(self, name: str, unfit: str) -> None:
        while (await self.balance.servers())[name].unfit != unfit:
            await deferLater(self.reactor, 0.02)


class SuspicionTests(SuspicionCase):
    async def test_frozen(self) -> None:
        """A server that does not answer is set aside within the call: nobody is sent there, its peers see it,
        and it stays registered.
        """
        await self.balance.register("a", 8001, load=0, ports=Ports(grpc=self.frozen()))
        await self.balance.register("b", 8002, load=50)
        self.assertEqual((await self.balance.allocate()).port, 8001)
        self.assertEqual(await self.suspect(), 0)
        response = await self.balance.allocate()
        self.assertEqual((response.port, len(response.others)), (8002, 0))
        peers = (await self.balance.register("b", 8002)).peers
        self.assertEqual([(peer.name, peer.unfit) for peer in peers], [("a", "It does not answer.")])

    async def test_registers_again(self) -> None:
        """Its next registration brings it back at once, and word of an earlier life, or of nobody, is passed
        over.
        """
        port = self.frozen()
        await self.balance.register("a", 8001, ports=Ports(grpc=port))
        for name, incarnation in (("a", "other"), ("a", ""), ("nobody", "a1")):
            self.assertEqual(await self.suspect(name, incarnation), 0)
        self.assertEqual((await self.balance.servers())["a"].unfit, "")
        await self.suspect()
        self.assertEqual((await self.balance.allocate()).error, Status.NO_AVAILABLE_CHATTING_SERVER)
        await self.balance.register("a", 8001, ports=Ports(grpc=port))
        self.assertEqual((await self.balance.allocate()).port, 8001)

    async def test_registers_while_it_is_probed(self) -> None:
        """A server that registers while it is looked at is there, whatever the probe finds."""
        port = self.frozen()
        await self.balance.register("a", 8001, ports=Ports(grpc=port))
        looking = Deferred.fromCoroutine(self.suspect())
        while self.redis.command("EXISTS", "t:probed:chat:a") != b":1\r\n":
            await deferLater(self.reactor, 0.01)
        await self.balance.register("a", 8001, ports=Ports(grpc=port))
        await looking
        self.assertEqual((await self.balance.servers())["a"].unfit, "")

    async def test_answers_again(self) -> None:
        """One that was set aside is probed again and again, and is back as soon as it answers, with what it
        says of itself.
        """
        self.patch(suspicions, "AGAIN", 0.1)
        port = self.frozen()
        await self.balance.register("a", 8001, ports=Ports(grpc=port))
        await self.suspect()
        self.unfit = "The database does not answer."
        self.redis.command("HSET", "t:server:chat:a", "grpc", str(self.answering()))
        await self.until_unfit("a", "The database does not answer.")
        self.unfit = ""
        self.redis.command("DEL", "t:probed:chat:a")  # the pause is over
        await self.suspect()
        await self.until_unfit("a", "")

    async def test_dead(self) -> None:
        """One that a peer has lost, and whose port nobody listens on, is not registered any more."""
        await self.balance.register("a", 8001, ports=Ports(grpc=self.dead()))
        await self.balance.register("b", 8002)
        self.assertEqual(await self.suspect(), 0)
        self.assertEqual(list(await self.balance.servers()), ["b"])
        self.assertEqual(len((await self.balance.register("b", 8002)).peers), 0)

    async def test_restarted(self) -> None:
        """Where another incarnation answers, the registration that a peer has lost ends."""
        await self.balance.register("a", 8001, ports=Ports(grpc=self.answering("later")))
        await self.suspect()
        self.assertEqual(await self.balance.servers(), {})

    async def test_works(self) -> None:
        """One that answers is left alone, and is probed once a second at most, whoever asks, at whichever
        balance server.
        """
        self.patch(suspicions, "AGAIN", 60.0)
        await self.balance.register("a", 8001, ports=Ports(grpc=self.answering()))
        other = Balance(self, self.redis.config())
        calls = [self.suspect(balance=balance) for balance in (self.balance, other) * 4]
        self.assertEqual(await gatherResults([Deferred.fromCoroutine(call) for call in calls]), [0] * 8)
        self.assertEqual((self.probed, (await self.balance.allocate()).port), (1, 8001))

    async def test_older_release(self) -> None:
        """A server that does not know the probe is one that answers."""
        server = GrpcServer(self.reactor, Trust(self.balance.config.cluster), "127.0.0.1", 0, [])
        server.startService()
        self.addCleanup(server.stopService)
        await self.balance.register("a", 8001, ports=Ports(grpc=server.port))
        await self.suspect()
        self.assertEqual((await self.balance.allocate()).port, 8001)

    async def test_no_such_kind(self) -> None:
        """There are two kinds."""
        request = imsys_v1_pb2.SuspectRequest(kind="mail", name="a", incarnation="a1")
        answer = await self.balance.call(imsys_v1_pb2_grpc.RegistryStub, "Suspect", request)
        self.assertEqual(answer.error, Status.INVALID_FIELD)

    async def test_bound(self) -> None:
        """So many are looked at together, and what is said of others meanwhile is passed over."""
        self.patch(suspicions, "MOST", 1)
        await self.balance.register("a", 8001, ports=Ports(grpc=self.frozen()))
        await self.balance.register("b", 8002, ports=Ports(grpc=self.dead()))
        looking = Deferred.fromCoroutine(self.suspect())
        while self.redis.command("EXISTS", "t:probed:chat:a") != b":1\r\n":
            await deferLater(self.reactor, 0.01)
        await self.suspect("b", "b1")
        self.assertEqual(sorted(await self.balance.servers()), ["a", "b"])
        await looking


class ReportTests(SuspicionCase):
    async def test_a_user_could_not_use_it(self) -> None:
        """Balance looks at the server that a user names, chat or resources, and sets it aside if it does not
        answer.
        """
        await self.balance.register("a", 8001, ports=Ports(grpc=self.frozen()))
        await self.balance.register("b", 8002, load=9)
        await self.balance.register("r", 7001, kind="resources", ports=Ports(grpc=self.dead(), http=7002))
        await self.balance.allocate(failed=["127.0.0.1:8001", "127.0.0.1:7002"])
        await self.until_unfit("a", "It does not answer.")
        await self.until_unfit("r", "It does not answer.")
        self.assertEqual((await self.balance.servers())["b"].unfit, "")

    async def test_no_word_is_enough(self) -> None:
        """A server that answers stays, whatever users say of it, and none of them can end a registration."""
        self.patch(suspicions, "AGAIN", 60.0)
        await self.balance.register("a", 8001, ports=Ports(grpc=self.answering()))
        await self.balance.register("b", 8002, ports=Ports(grpc=self.dead()))
        for _ in range(10):
            await self.balance.allocate(failed=["127.0.0.1:8001", "127.0.0.1:8002"])
        await self.until_unfit("b", "It does not answer.")
        self.assertEqual((self.probed, (await self.balance.allocate()).port), (1, 8001))

    async def test_a_peer_says_so_as_well(self) -> None:
        """What a peer says while a probe is under way counts: a dead server's registration ends."""
        await self.balance.register("a", 8001, ports=Ports(grpc=self.dead()))
        watch = next(part for part in self.balance.service if isinstance(part, Suspicions))
        probe, held = watch._probe, Deferred[None]()

        async def slowly(host: str, port: int) -> Any:
            await held
            return await probe(host, port)

        watch._probe = slowly
        await self.balance.allocate(failed=["127.0.0.1:8001"])
        while not watch._looks:
            await deferLater(self.reactor, 0.01)
        told = Deferred.fromCoroutine(self.suspect())
        while not watch._by_peers:
            await deferLater(self.reactor, 0.01)
        held.callback(None)
        await told
        self.assertEqual(await self.balance.servers(), {})

    async def test_who_has_no_good_token(self) -> None:
        """Who cannot log in has nobody looked at."""
        await self.balance.register("a", 8001, ports=Ports(grpc=self.answering()))
        response = await self.balance.allocate(token="none", failed=["127.0.0.1:8001"])
        self.assertEqual(response.error, Status.LOGIN_UNSUCCESSFUL)
        self.assertEqual((self.redis.command("EXISTS", "t:probed:chat:a"), self.probed), (b":0\r\n", 0))
