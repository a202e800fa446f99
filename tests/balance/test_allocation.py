"""Where balance sends users, and with which token."""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc, message_pb2, message_pb2_grpc
from imsys.errors import Status
from imsys.redis.tokens import Tokens
from imsys.store.migrations import migrate
from tests.balance.running import BalanceCase

Ports = imsys_v1_pb2.Ports


class AllocationTests(BalanceCase):
    async def burst(self, count: int, **fields: Any) -> Counter[int]:
        """How many of ``count`` users at once are sent to which port."""
        answers = await gatherResults(
            [Deferred.fromCoroutine(self.balance.allocate(uuid=i + 1, **fields)) for i in range(count)]
        )
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
        """Users who have not connected when the load is reported still count, for two turns more, however
        often it is reported in them.
        """
        for port in (8001, 8002):
            await self.balance.register("a", 8001, load=0)
            await self.balance.register("b", 8002, load=0)
            self.assertEqual((await self.balance.allocate()).port, port)
        counts = []
        for _ in range(4):
            self.turn("a")
            for _ in range(3):
                await self.balance.register("a", 8001, load=0)
            counts.append((await self.balance.servers())["a"].assigned)
        self.assertEqual(counts, [1, 1, 0, 0])

    async def test_arrived(self) -> None:
        """Users who came are not counted twice, those who did not come in time are forgotten."""
        await self.balance.register("a", 8001, load=5)
        self.assertEqual(await self.burst(4), {8001: 4})
        for load, left in ((7, 2), (8, 1), (8, 0)):
            self.turn("a")
            await self.balance.register("a", 8001, load=load)
            self.assertEqual((await self.balance.servers())["a"].assigned, left)

    async def test_reported_early(self) -> None:
        """A server that reports at once how many have come is believed, and of who was sent there only those
        are awaited who have not.
        """
        await self.balance.register("a", 8001, load=0)
        await self.balance.register("b", 8002, load=30)
        self.assertEqual(await self.burst(20), {8001: 20})
        await self.balance.register("a", 8001, load=15)
        self.assertEqual((await self.balance.servers())["a"].assigned, 5)
        await self.balance.register("a", 8001, load=300)  # and many who came straight
        self.assertEqual(await self.burst(20), {8002: 20})

    async def test_shared_address(self) -> None:
        """Processes behind one public port are one address whose load is their sum."""
        await self.balance.register("a1", 8001, load=4)
        await self.balance.register("a2", 8001, load=4)
        await self.balance.register("b", 8002, load=6)
        self.assertEqual(await self.burst(2), {8002: 2})
        self.assertEqual(await self.burst(10), {8001: 5, 8002: 5})

    async def test_shared_capacity(self) -> None:
        """What processes behind one port can take is the sum, too.

        One of them without a limit means that there is none.
        """
        await self.balance.register("a1", 8001, load=9, capacity=10)
        await self.balance.register("a2", 8001, load=7, capacity=10)
        self.assertEqual(await self.burst(6), {8001: 4})
        await self.balance.register("a3", 8001, load=0)
        self.assertEqual(await self.burst(6), {8001: 6})

    async def test_shared_restart(self) -> None:
        """Users of a burst are expected at all processes behind a port alike, as the kernel spreads them, not
        at the one with the fewest connections, which may have been restarted: when they have come, nobody is
        waited for."""
        await self.balance.register("a1", 8001, load=0)
        await self.balance.register("a2", 8001, load=100)
        self.assertEqual(await self.burst(20), {8001: 20})
        self.assertEqual(
            {name: server.assigned for name, server in (await self.balance.servers()).items()},
            {"a1": 10, "a2": 10},
        )
        await self.balance.register("a1", 8001, load=10)
        await self.balance.register("a2", 8001, load=110)
        self.assertEqual(
            {name: server.assigned for name, server in (await self.balance.servers()).items()},
            {"a1": 0, "a2": 0},
        )

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
        self.assertEqual(
            (await self.balance.allocate(plaintext=True)).error, Status.NO_AVAILABLE_CHATTING_SERVER
        )
        await self.balance.register("b", 8002, load=5, ports=Ports(plain=8003))
        self.assertEqual((await self.balance.allocate(plaintext=True)).port, 8003)
        self.assertEqual((await self.balance.allocate()).port, 8001)

    async def test_resources(self) -> None:
        """The least loaded resources server comes along; without one there is still a chat server."""
        await self.balance.register("a", 8001)
        response = await self.balance.allocate()
        self.assertEqual(
            (response.error, response.resources_host, response.resources_error),
            (0, "", Status.NO_AVAILABLE_RESOURCES_SERVER),
        )
        await self.balance.register("r1", 7001, kind="resources", load=5, ports=Ports(http=7002))
        await self.balance.register("r2", 7003, kind="resources", load=4, ports=Ports(http=7004))
        response = await self.balance.allocate()
        self.assertEqual(
            (response.resources_host, response.resources_port, response.resources_http_port),
            ("127.0.0.1", 7003, 7004),
        )
        self.assertEqual(response.resources_error, 0)

    async def test_unfit(self) -> None:
        """Who says that it cannot serve gets nobody, chat or resources, until it says that it can.

        It is listed with the reason.
        """
        await self.balance.register("a", 8001, load=0, unfit="The database does not answer.")
        await self.balance.register("b", 8002, load=9)
        await self.balance.register("r", 7001, kind="resources", unfit="The disk does not answer.")
        response = await self.balance.allocate()
        self.assertEqual((response.port, response.resources_host, len(response.others)), (8002, "", 0))
        listed = await self.balance.servers()
        self.assertEqual((listed["a"].unfit, listed["b"].unfit), ("The database does not answer.", ""))
        peers = (await self.balance.register("b", 8002, load=9, unfit="Neither.")).peers
        self.assertEqual(
            [(peer.name, peer.unfit) for peer in peers], [("a", "The database does not answer.")]
        )
        self.assertEqual((await self.balance.allocate()).error, Status.NO_AVAILABLE_CHATTING_SERVER)
        await self.balance.register("a", 8001, load=0)
        self.assertEqual((await self.balance.allocate()).port, 8001)

    async def test_others(self) -> None:
        """A user is told of four other addresses at most, by chance.

        All of them take users now, and have the port that is wanted.
        """
        for number in range(1, 8):
            await self.balance.register(
                f"s{number}", 8000 + number, load=number, ports=Ports(plain=9000 + number)
            )
        await self.balance.register("draining", 8011, draining=True)
        await self.balance.register("full", 8012, load=5, capacity=5)
        await self.balance.register("unfit", 8013, unfit="No.")
        seen: Counter[int] = Counter()
        for _ in range(40):
            response = await self.balance.allocate(token="")
            ports = [other.port for other in response.others]
            self.assertEqual((len(ports), len(set(ports))), (4, 4))
            self.assertNotIn(response.port, ports)
            seen.update(ports)
        self.assertEqual(set(seen), {8000 + number for number in range(1, 8)})
        plain = await self.balance.allocate(plaintext=True)
        self.assertTrue(all(9000 < other.port < 9008 for other in plain.others), plain.others)

    async def test_others_are_addresses(self) -> None:
        """Processes behind one address are told of once, and not to who is sent there."""
        await self.balance.register("a1", 8001, load=1)
        await self.balance.register("a2", 8001, load=1)
        await self.balance.register("b", 8002, load=0, host="10.0.0.2")
        response = await self.balance.allocate()
        self.assertEqual([(other.host, other.port) for other in response.others], [("127.0.0.1", 8001)])
        self.assertEqual(response.port, 8002)

    async def test_failed(self) -> None:
        """A server that the user could not use, by whichever port, is given only where there is no other, and
        never as another one.
        """
        await self.balance.register("a", 8001, load=0, ports=Ports(plain=8101))
        await self.balance.register("b", 8002, load=50, ports=Ports(plain=8102))
        await self.balance.register("c", 8003, load=60, ports=Ports(plain=8103))
        await self.balance.register("r1", 7001, kind="resources", load=0, ports=Ports(http=7002))
        await self.balance.register("r2", 7003, kind="resources", load=9)
        response = await self.balance.allocate(
            failed=["127.0.0.1:8001", "127.0.0.1:7002", "nonsense", "a|b:1", ""]
        )
        self.assertEqual((response.port, [other.port for other in response.others]), (8002, [8003]))
        self.assertEqual(response.resources_port, 7003)
        response = await self.balance.allocate(failed=["[127.0.0.1]:7001"])
        self.assertEqual((response.port, response.resources_port), (8001, 7003))
        self.assertEqual((await self.balance.allocate(plaintext=True, failed=["127.0.0.1:8101"])).port, 8102)
        everywhere = [f"127.0.0.1:800{number}" for number in range(9)]
        self.assertEqual(
            (await self.balance.allocate(failed=everywhere)).port,
            8001,
            "eight are looked at, and there is no other",
        )

    async def test_many_at_once(self) -> None:
        """Many users are given servers in one call: spread as if one by one, and what is wrong with one
        refuses that one only.
        """
        await self.balance.register("a", 8001, load=5)
        await self.balance.register("b", 8002, load=0)
        token = (await self.balance.allocate(uuid=7)).token
        one = imsys_v1_pb2.AllocateRequest
        requests = [
            one(uuid=7, token=token),
            one(uuid=8, token=token),
            one(uuid=0),
            *(one(uuid=i) for i in range(10, 18)),
        ]
        request = imsys_v1_pb2.AllocateAllRequest(requests=requests)
        answer = await self.balance.call(imsys_v1_pb2_grpc.BalanceStub, "AllocateAll", request)
        errors = [response.error for response in answer.responses]
        self.assertEqual(errors, [0, Status.LOGIN_UNSUCCESSFUL, Status.INVALID_FIELD, *[0] * 8])
        good = [response for response in answer.responses if not response.error]
        self.assertEqual(Counter(response.port for response in good), {8001: 2, 8002: 7})
        self.assertEqual((good[0].token, len({response.token for response in good})), (token, 9))
        for uuid, response in zip(range(10, 18), good[1:], strict=True):
            self.assertEqual((await self.balance.allocate(uuid=uuid, token=response.token)).error, 0)

    async def test_a_key_of_another_kind(self) -> None:
        """A value in Redis that is none of ours keeps one user from a server, and nobody else."""
        await self.balance.register("a", 8001)
        self.redis.command("LPUSH", f"t:token:{Tokens.digest('x')}", "x")
        one = imsys_v1_pb2.AllocateRequest
        request = imsys_v1_pb2.AllocateAllRequest(requests=[one(uuid=7, token="x"), one(uuid=8)])
        answer = await self.balance.call(imsys_v1_pb2_grpc.BalanceStub, "AllocateAll", request)
        self.assertEqual([response.error for response in answer.responses], [Status.REDIS_UNKNOWN_ERROR, 0])

    async def test_nobody(self) -> None:
        """No chat server at all is 10; a uuid that cannot be is 70."""
        self.assertEqual((await self.balance.allocate()).error, Status.NO_AVAILABLE_CHATTING_SERVER)
        self.assertEqual((await self.balance.allocate(uuid=0)).error, Status.INVALID_FIELD)

    async def test_flush(self) -> None:
        """Right after a flush users are sent where they were before: to all servers, although only one has
        registered again.
        """
        await self.balance.register("a", 8001)
        await self.balance.register("b", 8002)
        await self.balance.register("files", 8003, kind="resources")
        self.redis.command("FLUSHALL")
        given = await self.balance.allocate()
        self.assertEqual((given.error, given.resources_port), (0, 8003))
        self.redis.command("FLUSHALL")
        await self.balance.register("a", 8001)
        self.assertEqual(
            sorted([(await self.balance.allocate()).port for _ in range(4)]), [8001, 8001, 8002, 8002]
        )

    async def test_flush_of_old_memories(self) -> None:
        """Who has not been heard of for a lease is forgotten, however Redis loses it."""
        from twisted.internet import reactor

        await self.balance.register("a", 8001)
        self.redis.command("PEXPIRE", "t:server:chat:a", "50")
        await self.balance.servers()
        await deferLater(reactor, 0.06)
        self.redis.command("FLUSHALL")
        self.assertEqual((await self.balance.allocate()).error, Status.NO_AVAILABLE_CHATTING_SERVER)


class TokenTests(BalanceCase):
    async def check(self, uuid: int, token: str) -> int:
        request = imsys_v1_pb2.CheckRequest(uuid=uuid, token=token)
        return int((await self.balance.call(imsys_v1_pb2_grpc.BalanceStub, "Check", request)).error)

    async def user(self, method: str, **fields: Any) -> Any:
        kind = {
            "RegisterUser": "UserRegisterRequest",
            "LoginUser": "LoginRequest",
            "LogoutUser": "LogoutRequest",
        }[method]
        return await self.balance.call(
            message_pb2_grpc.UserServiceStub, method, getattr(message_pb2, kind)(**fields)
        )

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
        migrate(self.database)
        await self.balance.register("a", 8001)
        answer = await self.user("RegisterUser", uuid=7)
        self.assertEqual((answer.error, answer.host, answer.port), (0, "127.0.0.1", "8001"))
        self.assertEqual((await self.user("LoginUser", uuid=7, token=answer.token)).error, 0)
        self.assertEqual(
            (await self.user("LoginUser", uuid=8, token=answer.token)).error, Status.LOGIN_UNSUCCESSFUL
        )
        self.redis.command("FLUSHALL")  # it is in the database
        self.assertEqual(
            (await self.user("LogoutUser", uuid=8, token=answer.token)).error, Status.LOGIN_UNSUCCESSFUL
        )
        self.assertEqual((await self.user("LogoutUser", uuid=7, token=answer.token)).error, 0)
        self.assertEqual(
            (await self.user("LoginUser", uuid=7, token=answer.token)).error, Status.LOGIN_UNSUCCESSFUL
        )
        self.assertEqual((await self.user("RegisterUser", uuid=-1)).error, Status.INVALID_FIELD)

    async def test_original_callers_get_the_plain_port(self) -> None:
        """RegisterUser prefers a port without TLS where one is open."""
        migrate(self.database)
        await self.balance.register("a", 8001, ports=Ports(plain=8002))
        self.assertEqual((await self.user("RegisterUser", uuid=7)).port, "8002")

    async def test_plain_registration_is_allocated(self) -> None:
        """A server of the plain calls is given out like any other, to who speaks no TLS: it speaks none
        either.
        """
        migrate(self.database)
        await self.balance.plain("RegisterInstance", "theirs", 9000)
        await self.balance.plain("RegisterInstance", "files", 9001, kind="resources")
        self.assertEqual((await self.user("RegisterUser", uuid=7)).port, "9000")
        self.assertEqual((await self.balance.allocate()).error, Status.NO_AVAILABLE_CHATTING_SERVER)
        given = await self.balance.allocate(plaintext=True)
        self.assertEqual((given.port, given.resources_port), (9000, 9001))
        await self.balance.register("ours", 8001, ports=Ports(plain=8002))
        given = await self.balance.allocate()
        self.assertEqual((given.port, [other.port for other in given.others]), (8001, []))
        self.assertEqual(given.resources_error, Status.NO_AVAILABLE_RESOURCES_SERVER)

    async def test_flush(self) -> None:
        """After a flush tokens that nobody has stored are unknown, and new ones are issued once a server has
        registered again.
        """
        await self.balance.register("a", 8001)
        token = (await self.balance.allocate()).token
        self.assertEqual((await self.balance.allocate(token=token)).token, token)
        migrate(self.database)
        self.redis.command("FLUSHALL")
        self.assertEqual(await self.check(7, token), Status.LOGIN_UNSUCCESSFUL)
        await self.balance.register("a", 8001)
        self.assertEqual((await self.balance.allocate()).error, 0)
