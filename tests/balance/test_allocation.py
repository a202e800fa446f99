"""Where balance sends users, and with which token."""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc, message_pb2, message_pb2_grpc
from imsys.errors import Status
from tests.balance.running import BalanceCase

Ports = imsys_v1_pb2.Ports


class AllocationTests(BalanceCase):
    async def burst(self, count: int, **fields: Any) -> Counter[int]:
        """How many of ``count`` users at once are sent to which port."""
        answers = await gatherResults([Deferred.fromCoroutine(self.balance.allocate(uuid=i + 1, **fields)) for i in range(count)])
        return Counter(answer.port for answer in answers if not answer.error)

    async def test_least_loaded(self) -> None:
        """The server with the fewest connections is given."""
        await self.balance.register("a", 8001, load=10)
        await self.balance.register("b", 8002, load=3)
        response = await self.balance.allocate()
        self.assertEqual((response.error, response.host, response.port), (0, "127.0.0.1", 8002))

    async def test_burst_is_spread(self) -> None:
        """A burst between two load reports evens the servers out."""
        await self.balance.register("a", 8001, load=10)
        await self.balance.register("b", 8002, load=0)
        self.assertEqual(await self.burst(50), {8001: 20, 8002: 30})
        self.assertEqual((await self.balance.servers())["a"].assigned, 20)
        await self.balance.register("a", 8001, load=30)
        await self.balance.register("b", 8002, load=30)
        self.assertEqual((await self.balance.servers())["a"].assigned, 0)
        self.assertEqual(await self.burst(10), {8001: 5, 8002: 5})

    async def test_report_before_the_connection(self) -> None:
        """Users who have not connected when the load is reported still count, for two reports more."""
        for port in (8001, 8002):
            await self.balance.register("a", 8001, load=0)
            await self.balance.register("b", 8002, load=0)
            self.assertEqual((await self.balance.allocate()).port, port)
        counts = [(await self.balance.servers())["a"].assigned]
        for _ in range(2):
            await self.balance.register("a", 8001, load=0)
            counts.append((await self.balance.servers())["a"].assigned)
        self.assertEqual(counts, [1, 1, 0])

    async def test_arrived(self) -> None:
        """Users who came are not counted twice, those who did not come in time are forgotten."""
        await self.balance.register("a", 8001, load=5)
        self.assertEqual(await self.burst(4), {8001: 4})
        for load, left in ((7, 2), (8, 1), (8, 0)):
            await self.balance.register("a", 8001, load=load)
            self.assertEqual((await self.balance.servers())["a"].assigned, left)

    async def test_shared_address(self) -> None:
        """Processes behind one public port are one address whose load is their sum."""
        await self.balance.register("a1", 8001, load=4)
        await self.balance.register("a2", 8001, load=4)
        await self.balance.register("b", 8002, load=6)
        self.assertEqual(await self.burst(2), {8002: 2})
        self.assertEqual(await self.burst(10), {8001: 5, 8002: 5})

    async def test_shared_capacity(self) -> None:
        """What processes behind one port can take is the sum, too; one of them without a limit means that there is none."""
        await self.balance.register("a1", 8001, load=9, capacity=10)
        await self.balance.register("a2", 8001, load=7, capacity=10)
        self.assertEqual(await self.burst(6), {8001: 4})
        await self.balance.register("a3", 8001, load=0)
        self.assertEqual(await self.burst(6), {8001: 6})

    async def test_shared_restart(self) -> None:
        """Users of a burst are expected at all processes behind a port alike, as the kernel spreads them, not at the one with the fewest
        connections, which may have been restarted: when they have come, nobody is waited for."""
        await self.balance.register("a1", 8001, load=0)
        await self.balance.register("a2", 8001, load=100)
        self.assertEqual(await self.burst(20), {8001: 20})
        self.assertEqual({name: server.assigned for name, server in (await self.balance.servers()).items()}, {"a1": 10, "a2": 10})
        await self.balance.register("a1", 8001, load=10)
        await self.balance.register("a2", 8001, load=110)
        self.assertEqual({name: server.assigned for name, server in (await self.balance.servers()).items()}, {"a1": 0, "a2": 0})

    async def test_draining(self) -> None:
        """A draining server gets nobody; with none left the answer is 10."""
        await self.balance.register("a", 8001, load=0, draining=True)
        await self.balance.register("b", 8002, load=9)
        self.assertEqual((await self.balance.allocate()).port, 8002)
        await self.balance.register("b", 8002, load=9, draining=True)
        response = await self.balance.allocate()
        self.assertEqual((response.error, response.token), (Status.NO_AVAILABLE_CHATTING_SERVER, ""))

    async def test_draining_process_of_many(self) -> None:
        """A draining process does not take its address away from its siblings."""
        await self.balance.register("a1", 8001, load=50, draining=True)
        await self.balance.register("a2", 8001, load=1)
        await self.balance.register("b", 8002, load=2)
        self.assertEqual((await self.balance.allocate()).port, 8001)

    async def test_full(self) -> None:
        """A server takes no more users than its capacity."""
        await self.balance.register("a", 8001, load=8, capacity=10)
        self.assertEqual(await self.burst(5), {8001: 2})

    async def test_plaintext(self) -> None:
        """Who speaks no TLS gets the plaintext port, of a server that has one, else 10."""
        await self.balance.register("a", 8001, load=0)
        self.assertEqual((await self.balance.allocate(plaintext=True)).error, Status.NO_AVAILABLE_CHATTING_SERVER)
        await self.balance.register("b", 8002, load=5, ports=Ports(plain=8003))
        self.assertEqual((await self.balance.allocate(plaintext=True)).port, 8003)
        self.assertEqual((await self.balance.allocate()).port, 8001)

    async def test_resources(self) -> None:
        """The least loaded resources server comes along; without one there is still a chat server."""
        await self.balance.register("a", 8001)
        response = await self.balance.allocate()
        self.assertEqual((response.error, response.resources_host, response.resources_error), (0, "", Status.NO_AVAILABLE_RESOURCES_SERVER))
        await self.balance.register("r1", 7001, kind="resources", load=5, ports=Ports(http=7002))
        await self.balance.register("r2", 7003, kind="resources", load=4, ports=Ports(http=7004))
        response = await self.balance.allocate()
        self.assertEqual((response.resources_host, response.resources_port, response.resources_http_port), ("127.0.0.1", 7003, 7004))
        self.assertEqual(response.resources_error, 0)

    async def test_nobody(self) -> None:
        """No chat server at all is 10; a uuid that cannot be is 70."""
        self.assertEqual((await self.balance.allocate()).error, Status.NO_AVAILABLE_CHATTING_SERVER)
        self.assertEqual((await self.balance.allocate(uuid=0)).error, Status.INVALID_FIELD)


class TokenTests(BalanceCase):
    async def check(self, uuid: int, token: str) -> int:
        request = imsys_v1_pb2.CheckRequest(uuid=uuid, token=token)
        return int((await self.balance.call(imsys_v1_pb2_grpc.BalanceStub, "Check", request)).error)

    async def user(self, method: str, **fields: Any) -> Any:
        kind = {"RegisterUser": "UserRegisterRequest", "LoginUser": "LoginRequest", "LogoutUser": "LogoutRequest"}[method]
        return await self.balance.call(message_pb2_grpc.UserServiceStub, method, getattr(message_pb2, kind)(**fields))

    async def test_issued_and_given(self) -> None:
        """A login gets a new token; who brings one keeps it, if it is good."""
        await self.balance.register("a", 8001)
        first = (await self.balance.allocate(uuid=7)).token
        second = (await self.balance.allocate(uuid=7)).token
        self.assertNotEqual(first, second)
        self.assertEqual((await self.balance.allocate(uuid=7, token=first)).token, first)
        self.assertEqual((await self.balance.allocate(uuid=8, token=first)).error, Status.LOGIN_UNSUCCESSFUL)
        self.assertEqual(await self.check(7, second), 0)
        self.assertEqual(await self.check(8, second), Status.LOGIN_UNSUCCESSFUL)

    async def test_original_calls(self) -> None:
        """RegisterUser gives host, port and token, LoginUser checks it, LogoutUser revokes it."""
        self.assertEqual((await self.user("RegisterUser", uuid=7)).error, Status.NO_AVAILABLE_CHATTING_SERVER)
        await self.balance.register("a", 8001)
        answer = await self.user("RegisterUser", uuid=7)
        self.assertEqual((answer.error, answer.host, answer.port), (0, "127.0.0.1", "8001"))
        self.assertEqual((await self.user("LoginUser", uuid=7, token=answer.token)).error, 0)
        self.assertEqual((await self.user("LoginUser", uuid=8, token=answer.token)).error, Status.LOGIN_UNSUCCESSFUL)
        self.assertEqual((await self.user("LogoutUser", uuid=8, token=answer.token)).error, Status.LOGIN_UNSUCCESSFUL)
        self.assertEqual((await self.user("LogoutUser", uuid=7, token=answer.token)).error, 0)
        self.assertEqual((await self.user("LoginUser", uuid=7, token=answer.token)).error, Status.LOGIN_UNSUCCESSFUL)
        self.assertEqual((await self.user("RegisterUser", uuid=-1)).error, Status.INVALID_FIELD)

    async def test_original_callers_get_the_plain_port(self) -> None:
        """RegisterUser prefers a port without TLS where one is open."""
        await self.balance.register("a", 8001, ports=Ports(plain=8002))
        self.assertEqual((await self.user("RegisterUser", uuid=7)).port, "8002")

    async def test_plain_registration_is_allocated(self) -> None:
        """A server of the plain calls is given out like any other."""
        await self.balance.plain("RegisterInstance", "theirs", 9000)
        self.assertEqual((await self.user("RegisterUser", uuid=7)).port, "9000")
        self.assertEqual((await self.balance.allocate()).port, 9000)

    async def test_flush(self) -> None:
        """After a flush tokens are unknown, and new ones are issued once a server has registered again."""
        await self.balance.register("a", 8001)
        token = (await self.balance.allocate()).token
        self.redis.command("FLUSHALL")
        self.assertEqual(await self.check(7, token), Status.LOGIN_UNSUCCESSFUL)
        await self.balance.register("a", 8001)
        self.assertEqual((await self.balance.allocate()).error, 0)
