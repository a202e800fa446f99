"""What is left in the log of much that fails, or of who does as they like: a few lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imsys.chat.node import Node
from imsys.chat.outbound import RETRY, Outbound
from imsys.cluster.client import GrpcClient
from imsys.cluster.stubs import message_pb2, message_pb2_grpc
from imsys.cluster.trust import Trust
from imsys.config import ChatConfig, ClusterConfig, LimitsConfig
from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.wire import LINES
from imsys.sdk.gateway import Gateway
from imsys.store.members import MemberLists
from imsys.store.nodes import Term
from imsys.util.surge import Surge
from tests.chat.test_outbound import Here
from tests.gateway.system import SystemCase
from tests.scenes import test_daemons
from tests.support.chat import ChatCase, ChatServer, Elsewhere, no_lists
from tests.support.children import free_port
from tests.support.daemons import start
from tests.support.logged import Lines
from tests.support.servers import certificates
from tests.support.stores import OnSqlite

MANY = 200


def away() -> Unavailable:
    return Unavailable(Status.MYSQL_INTERNAL_ERROR, "The database did not answer.")


class ChatFloods(ChatCase, OnSqlite):
    """A chat server."""

    chat_config = ChatConfig(capacity=20)

    async def setUp(self) -> None:
        self.patch(
            ChatServer,
            "allowed",
            LimitsConfig(profile_minute=0, profile_day=0, lookup_minute=0, request_minute=0),
        )
        await super().setUp()

    async def test_strangers(self) -> None:
        """Hundreds of connections that break the protocol, or make room for others, leave a few lines, and
        none that is alarming.
        """
        log, warnings = Lines(self), Lines(self, level="warn")
        for _ in range(MANY):
            client = await self.server.connect()
            client.send_raw(b"\x00\x05\x00\x01")
            await client.until_closed()
        self.assertEqual((len(log.texts), warnings.texts), (LINES, []))
        for _ in range(MANY):
            client = await self.server.connect()
            for _ in range(3):
                client.send(77)
            await client.until_closed()
        self.assertEqual((len(log.texts), warnings.texts), (LINES, []))
        ((_, member),) = await self.users("anna")
        silent = [await self.server.connect() for _ in range(MANY)]
        for client in silent[:-10]:
            await client.until_closed()
        self.assertEqual((await member.ask(86))["error"], 0)
        self.assertEqual(warnings.texts, [])
        for client in silent[-10:]:
            await client.abort()
        await self.server.connections.stopService()
        counts = [text.partition(" more in ")[0] for text in log.texts if " more in " in text]
        self.assertEqual(counts, [str(2 * MANY - LINES), str(MANY - 10 - 1)])

    async def test_our_mistake(self) -> None:
        """A request that is not served by a mistake of ours leaves a few tracebacks, however often it is
        made.
        """

        async def fail(*_: Any, **__: Any) -> None:
            raise ValueError("a mistake")

        self.patch(self.stores.people, "change", fail)
        log = Lines(self)
        ((_, client),) = await self.users("anna")
        for _ in range(MANY):
            self.assertEqual((await client.ask(92, nickname="x"))["error"], Status.INTERNAL_ERROR)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), LINES)
        self.assertEqual(len([text for text in log.texts if "logged in" not in text]), LINES)

    async def test_database_away(self) -> None:
        """What users ask for while the database is away leaves no line for each of them."""

        async def fail(*_: Any, **__: Any) -> None:
            raise away()

        ((_, client),) = await self.users("anna")
        for method in ("read", "write"):
            self.patch(self.database, method, fail)
        log = Lines(self)
        for _ in range(MANY // 4):
            for service, keys in ((92, {"nickname": "x"}), (86, {}), (94, {"src_uuid": "5"})):
                self.assertEqual((await client.ask(service, **keys))["error"], 14)
        # who came is said a little later
        self.assertEqual([text for text in log.texts if "logged in" not in text], [])


class GatewayFloods(SystemCase):
    """A gateway."""

    async def test_balance_away(self) -> None:
        """Hundreds of logins without a balance server leave two lines, and two when it is back."""
        port = self.config.balance.addresses[0][1]
        await self.stop(self.balance)
        log = Lines(self)
        for _ in range(10):
            answers = await gatherResults(
                [
                    Deferred.fromCoroutine(self.post("/trylogin_server", uuid="1", token="x"))
                    for _ in range(MANY // 10)
                ]
            )
            self.assertEqual({answer.status for answer in answers}, {503})
        self.assertEqual(len(log.texts), 2, log.texts)
        self.assertIn(f"gRPC to 127.0.0.1:{port} fails: AllocateAll UNAVAILABLE", log.texts[0])
        self.assertIn(
            "Answering /trylogin_server fails: GRPC_ERROR (3): AllocateAll was not answered.", log.texts[1]
        )


class OtherFloods(SynchronousTestCase):
    """Parts of servers, with a clock that stands still."""

    def setUp(self) -> None:
        self.clock, self.log = Clock(), Lines(self)

    def test_routes(self) -> None:
        """Pushes that find no route while Redis is away are counted."""
        here: Any = Here()
        outbound = Outbound(
            self.clock, here, Elsewhere(lambda node, pushes: None), Surge(self.clock), MemberLists(), no_lists
        )
        outbound.startService()
        here.away = True
        for user in range(MANY):
            outbound.deliver_frame([user], b"")
            self.clock.advance(RETRY / 100)
        here.away = False
        self.clock.pump([RETRY] * 10)
        outbound.deliver_frame([MANY], b"")
        outbound.stopService()
        self.assertEqual(len(self.log.texts), 2, self.log.texts)

    def test_node_number(self) -> None:
        """A server that gets no node number says so once, and when it has one."""
        answers: list[str] = []
        clock = self.clock

        class Nodes:
            async def acquire(self, holder: str) -> Term:
                if len(answers) < MANY:
                    answers.append(holder)
                    raise away()
                return await self.renew()

            async def renew(self, *_: Any) -> Term:
                now = 1_790_000_000.0 + clock.seconds()
                return Term(5, 0, now, now, now + 100.0)

            async def release(self, *_: Any) -> None:
                """Nothing is kept."""

        nodes: Any = Nodes()
        node = Node(self.clock, nodes)
        node.startService()
        self.clock.pump([1.0] * 2 * MANY)
        node.stopService()
        self.assertLess(len(self.log.texts), 3 + MANY / 30, self.log.texts)  # with a reminder a minute
        self.assertIn("works again", self.log.texts[-1])


class DaemonFloods(test_daemons.DaemonTestCase):
    """A daemon, and its log file."""

    async def test_database_away(self) -> None:
        """Hundreds of requests of a gateway without its database leave no more lines than one can read."""
        self.one_machine_of_many()
        self.settings |= {"DATABASE_SOCKET": "", "DATABASE_PORT": str(free_port())}
        process = await start(self, "imsys-gateway", self.settings)
        gateway = Gateway(
            self.reactor, f"https://127.0.0.1:{self.settings['GATEWAY_PORT']}", certificates().ca
        )

        async def ask() -> Status:
            try:
                await gateway.check_account("anna", "anna@example.org")
            except Refused as refused:
                return refused.status
            return Status.SUCCESS

        for _ in range(10):
            answers = await gatherResults([Deferred.fromCoroutine(ask()) for _ in range(MANY // 10)])
            self.assertEqual(set(answers), {Status.SERVER_BUSY})
        await process.stop()
        lines = (Path(self.settings["HOME"]) / "log" / "imsys-gateway.log").read_text().splitlines()
        self.assertEqual(sum("Answering /check_accountexists fails" in line for line in lines), 1)
        self.assertLess(len(lines), 40, lines)


class CallFloods(TestCase):
    """Calls to another server."""

    async def test_calls(self) -> None:
        """Calls that nobody answers leave one line."""
        from twisted.internet import reactor

        client = GrpcClient(
            reactor, Trust(ClusterConfig(deadline=5.0, allow_plaintext=True)), [("127.0.0.1", free_port())]
        )
        client.startService()
        self.addCleanup(client.stopService)
        log = Lines(self)
        for _ in range(MANY):
            with self.assertRaises(Unavailable):
                await client.call(
                    message_pb2_grpc.UserServiceStub, "LoginUser", message_pb2.LoginRequest(uuid=1)
                )
        self.assertEqual(len(log.texts), 1)
