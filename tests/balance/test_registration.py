"""Registering at balance, by our calls and by the original's."""

from __future__ import annotations

import socket
import time
from typing import Any

from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent

from imsys.balance.prober import Prober
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.errors import Status
from tests.balance.running import EXPIRE, Balance, BalanceCase

ALREADY = Status.CHATTING_SERVER_ALREADY_EXISTS


async def sleep(seconds: float) -> None:
    from twisted.internet import reactor

    await deferLater(reactor, seconds)


class RegisterTests(BalanceCase):
    async def test_register(self) -> None:
        """A registration is listed with all it said, lives 15 s, and is answered with the peers of its kind."""
        ports = imsys_v1_pb2.Ports(plain=8001, http=8002, grpc=8003, rtmp=8004, rtmps=8005)
        self.assertEqual((await self.balance.register("a", 8000)).error, 0)
        response = await self.balance.register(
            "b", 9000, ports=ports, load=5, capacity=100, grpc_host="127.0.0.2"
        )
        await self.balance.register("files", 7000, kind="resources")
        self.assertEqual(
            (response.error, response.lease_ms, [peer.name for peer in response.peers]), (0, 15000, ["a"])
        )
        listed = (await self.balance.servers("chat"))["b"]
        self.assertEqual(
            (listed.host, listed.ports.tls, listed.ports.plain, listed.ports.http),
            ("127.0.0.1", 9000, 8001, 8002),
        )
        self.assertEqual(
            (listed.grpc_host, listed.ports.grpc, listed.load, listed.capacity), ("127.0.0.2", 8003, 5, 100)
        )
        self.assertEqual((listed.ports.rtmp, listed.ports.rtmps), (8004, 8005))
        self.assertEqual(sorted(await self.balance.servers()), ["a", "b", "files"])
        ttl = int(self.redis.command("PTTL", "t:server:chat:b")[1:])
        self.assertTrue(0 < ttl <= 15000, ttl)

    async def test_other_address_is_refused(self) -> None:
        """A live name from another address is refused, 7 for chat and 9 for resources, and the first stays."""
        for kind, status in (("chat", ALREADY), ("resources", Status.RESOURCES_SERVER_ALREADY_EXISTS)):
            await self.balance.register("a", 8000, kind=kind, incarnation="one")
            for host, port in (("127.0.0.1", 8001), ("127.0.0.9", 8000)):
                response = await self.balance.register("a", port, host=host, kind=kind, incarnation="two")
                self.assertEqual(response.error, status)
                self.assertIn("127.0.0.1:8000", response.message)
            self.assertEqual((await self.balance.servers(kind))["a"].incarnation, "one")

    async def test_restart_replaces(self) -> None:
        """The same address with a new incarnation replaces the old, which cannot come back."""
        await self.balance.register("a", 8000, incarnation="one", load=50)
        self.assertEqual((await self.balance.register("a", 8000, incarnation="two")).error, 0)
        self.assertEqual((await self.balance.servers())["a"].incarnation, "two")
        self.assertEqual((await self.balance.register("a", 8000, incarnation="one")).error, ALREADY)
        self.assertEqual((await self.balance.servers())["a"].load, 0)

    async def test_clock(self) -> None:
        """A clock a minute off is refused, with both times in the message."""
        now = 1_800_000_000_000
        response = await self.balance.register("a", clock_ms=now)
        self.assertEqual(response.error, Status.INVALID_FIELD)
        self.assertIn("2027-01-15T08:00:00.000+00:00", response.message)
        self.assertEqual(response.message.count("+00:00"), 2)
        self.assertEqual(await self.balance.servers(), {})
        for odd in (0, 2**62, -(2**62)):
            self.assertEqual((await self.balance.register("a", clock_ms=odd)).error, Status.INVALID_FIELD)

    async def test_clock_set(self) -> None:
        """A server that was registered before stays when its clock, or balance's, is set.

        The log says so once, and when it is over.
        """
        first = (await self.balance.register("a")).epoch
        wrong, right = round(time.time() * 1000) - 3_600_000, round(time.time() * 1000)
        with capturedLogs() as events:
            for clock_ms in (wrong, wrong, right, wrong):
                response = await self.balance.register("a", clock_ms=clock_ms, again=True)
                self.assertEqual((response.error, response.epoch), (0, first))
        self.redis.command("FLUSHALL")
        self.assertEqual((await self.balance.register("a", clock_ms=wrong, again=True)).error, 0)
        said = [
            (event["log_level"].name, formatEvent(event))
            for event in events
            if event["log_namespace"] == "imsys.balance.servicers"
        ]
        self.assertEqual([level for level, _ in said], ["warn", "info", "warn"])
        self.assertRegex(
            said[0][1],
            r"The clock of a says .*, balance's says .*: they are more than 60 s apart\. It serves on",
        )

    async def test_leases_ended(self) -> None:
        """Where all leases end at once, as when the clock of Redis is set forward, the epoch is another one."""
        before = (await self.balance.register("a")).epoch
        self.redis.command("EVAL", EXPIRE, "0")
        self.assertNotEqual((await self.balance.register("b")).epoch, before)

    async def test_malformed(self) -> None:
        """Names, hosts, ports, kinds and incarnations that cannot be are 70."""
        register = self.balance.register
        for response in (
            await register("", incarnation="x"),
            await register("a|b", incarnation="x"),
            await register("a", "x"),
            await register("a", 65536),
            await register("a", host="no host"),
            await register("a", kind="mail"),
            await register("a", incarnation="1|2"),
            await register("a", ports=imsys_v1_pb2.Ports(grpc=99999)),
        ):
            self.assertEqual(response.error, Status.INVALID_FIELD)

    async def test_withdraw(self) -> None:
        """Withdrawing ends a registration at once, but only its own incarnation's."""

        async def withdraw(incarnation: str) -> int:
            request = imsys_v1_pb2.WithdrawRequest(kind="chat", name="a", incarnation=incarnation)
            return int((await self.balance.call(imsys_v1_pb2_grpc.RegistryStub, "Withdraw", request)).error)

        await self.balance.register("a", incarnation="two", ports=imsys_v1_pb2.Ports(grpc=1))
        self.assertEqual(await withdraw("one"), Status.CHATTING_SERVER_NOT_EXISTS)
        self.assertEqual(await withdraw("two"), 0)
        self.assertEqual(await self.balance.servers(), {})
        self.assertEqual(await withdraw("two"), Status.CHATTING_SERVER_NOT_EXISTS)

    async def test_flush(self) -> None:
        """After Redis was flushed a registration is back with the next call, whoever makes it, under another
        epoch.
        """
        before = (await self.balance.register("a")).epoch
        self.assertEqual((await self.balance.register("a")).epoch, before)
        self.redis.command("FLUSHALL")
        self.assertEqual(list(await self.balance.servers()), ["a"])
        self.assertNotEqual((await self.balance.register("a")).epoch, before)
        self.assertIn("a", await self.balance.servers())

    async def test_flush_keeps_all(self) -> None:
        """What is back after a flush is as it was, for the rest of its lease; who has left is not."""
        ports = imsys_v1_pb2.Ports(plain=8001, grpc=8003)
        await self.balance.register("a", 8000, ports=ports, load=5, capacity=100, free=7, unfit="No disk.")
        await self.balance.register("files", 7000, kind="resources", draining=True)
        await self.balance.register("left", 9000)
        before = await self.balance.servers()
        request = imsys_v1_pb2.WithdrawRequest(kind="chat", name="left", incarnation="left1")
        self.assertEqual(
            (await self.balance.call(imsys_v1_pb2_grpc.RegistryStub, "Withdraw", request)).error, 0
        )
        for name in ("server:chat:a", "grpc:chat:a"):
            self.redis.command("PEXPIRE", f"t:{name}", "9000")
        await self.balance.servers()
        self.redis.command("FLUSHALL")
        del before["left"]
        self.assertEqual(await self.balance.servers(), before)
        for name in ("server:chat:a", "grpc:chat:a"):
            left = int(self.redis.command("PTTL", f"t:{name}")[1:])
            self.assertTrue(0 < left <= 9000, left)

    async def test_flush_with_two(self) -> None:
        """Each balance server writes again what it knows, the second to notice as well.

        Who has registered again by then stays so.
        """
        other = Balance(self, self.redis.config())
        await self.balance.register("a", 8000)
        await other.servers()
        await self.balance.register("b", 9000)
        self.redis.command("FLUSHALL")
        await other.register("a", 8000, load=3)
        self.assertEqual(list(await other.servers()), ["a"])
        self.assertEqual(
            {name: server.load for name, server in (await self.balance.servers()).items()}, {"a": 3, "b": 0}
        )
        self.assertEqual(sorted(await other.servers()), ["a", "b"])

    async def test_redis_away(self) -> None:
        """While Redis is away the answer is 12, not a hang."""
        self.redis.kill()
        self.assertEqual((await self.balance.register("a")).error, Status.REDIS_UNKNOWN_ERROR)

    async def test_side_by_side(self) -> None:
        """Two balance servers on one Redis know the same, and either can go."""
        other = Balance(self, self.redis.config())
        await self.balance.register("a", 8000)
        self.assertEqual((await other.register("a", 8001, incarnation="x")).error, ALREADY)
        await other.register("b", 8001)
        await self.balance.stop()
        self.assertEqual(sorted(await other.servers()), ["a", "b"])
        token = (await other.allocate()).token
        self.assertEqual((await other.allocate(token=token)).error, 0)


class LeaseTests(BalanceCase):
    lease = 0.3

    async def test_lease_ends(self) -> None:
        """Who does not renew is gone after the lease, and nothing of it stays in Redis."""
        await self.balance.register("a", ports=imsys_v1_pb2.Ports(grpc=1))
        self.assertEqual((await self.balance.allocate()).error, 0)
        while await self.balance.servers():
            await sleep(0.02)
        self.assertEqual((await self.balance.allocate()).error, Status.NO_AVAILABLE_CHATTING_SERVER)
        while (
            self.redis.command("KEYS", "*server*") != b"*0\r\n"
            or self.redis.command("KEYS", "*grpc*") != b"*0\r\n"
        ):
            await sleep(0.05)


class AddressTests(BalanceCase):
    async def refused(self, status: Status, wanted: str, *arguments: Any, **more: Any) -> None:
        answer = await self.balance.register(*arguments, **more)
        self.assertEqual(answer.error, status, answer.message)
        self.assertIn(wanted, answer.message)

    async def test_resources(self) -> None:
        """Two resources servers cannot have one public address, whichever of their ports it is.

        The second is refused, and told why.
        """
        ports = imsys_v1_pb2.Ports(http=8446, rtmp=1935)
        files = {"kind": "resources", "host": "files.example.org"}
        self.assertEqual((await self.balance.register("one", 8445, ports=ports, **files)).error, 0)
        why = "files.example.org:8445 is the address of resources server one already"
        await self.refused(Status.RESOURCES_SERVER_ALREADY_EXISTS, why, "two", 8445, **files)
        await self.refused(
            Status.RESOURCES_SERVER_ALREADY_EXISTS, "files.example.org:8446", "two", 8446, **files
        )
        same = imsys_v1_pb2.Ports(rtmp=1935)
        await self.refused(
            Status.RESOURCES_SERVER_ALREADY_EXISTS, "[resources] advertise", "two", 8447, ports=same, **files
        )
        self.assertEqual(list(await self.balance.servers()), ["one"])
        self.assertEqual(
            (await self.balance.register("two", 8445, kind="resources", host="files2.example.org")).error, 0
        )
        # who has it, keeps it
        self.assertEqual((await self.balance.register("one", 8445, ports=ports, **files)).error, 0)
        again = await self.balance.register("one", 8445, ports=ports, incarnation="one2", **files)
        self.assertEqual(again.error, 0, "it was restarted")

    async def test_chat_behind_a_balancer(self) -> None:
        """Chat servers may share a public address, and each has an address for the others that is its own."""
        for name, host in (("one", "10.0.0.1"), ("two", "10.0.0.2")):
            answer = await self.balance.register(
                name, 8444, ports=imsys_v1_pb2.Ports(grpc=8452), grpc_host=host
            )
            self.assertEqual(answer.error, 0, answer.message)
        why = "10.0.0.1:8452 is the address of chat server one already; each needs one of its own ([chat] grpc_advertise"
        await self.refused(
            ALREADY, why, "three", 8444, ports=imsys_v1_pb2.Ports(grpc=8452), grpc_host="10.0.0.1"
        )

    async def test_one_name_on_two_machines(self) -> None:
        """Who has a name, and a balancer's address, keeps it while he lives: another machine is no restart of
        his.
        """
        ports = imsys_v1_pb2.Ports(grpc=8452)
        self.assertEqual(
            (await self.balance.register("one", 8444, ports=ports, grpc_host="10.0.0.1")).error, 0
        )
        await self.refused(
            ALREADY, "named one", "one", 8444, ports=ports, grpc_host="10.0.0.2", incarnation="other"
        )
        self.assertEqual(
            (await self.balance.register("one", 8444, ports=ports, grpc_host="10.0.0.1")).error, 0
        )


class PlainTests(BalanceCase):
    async def test_six_calls(self) -> None:
        """The original's calls answer with the original's codes, for chat and for resources."""
        for kind, already, missing in (
            ("chat", ALREADY, Status.CHATTING_SERVER_NOT_EXISTS),
            ("resources", Status.RESOURCES_SERVER_ALREADY_EXISTS, Status.RESOURCES_SERVER_NOT_EXISTS),
        ):
            for what, taken, absent in (
                ("Instance", already, missing),
                ("Grpc", Status.GRPC_SERVER_ALREADY_EXISTS, Status.GRPC_SERVER_NOT_EXISTS),
            ):
                peers = f"Get{what}Peers"
                self.assertEqual((await self.balance.plain(peers, "a", kind=kind)).error, absent)
                self.assertEqual((await self.balance.plain(f"Register{what}", "a", 9000, kind=kind)).error, 0)
                self.assertEqual(
                    (await self.balance.plain(f"Register{what}", "a", 9000, kind=kind)).error, taken
                )
                self.assertEqual(
                    (await self.balance.plain(f"Register{what}", "a", 9001, kind=kind)).error, taken
                )
                self.assertEqual(
                    (
                        await self.balance.plain(f"Register{what}", "b", 9002, kind=kind, host="10.0.0.1")
                    ).error,
                    0,
                )
                response = await self.balance.plain(peers, "a", kind=kind)
                self.assertEqual(
                    [(peer.name, peer.host, peer.port) for peer in response.lists],
                    [("b", "10.0.0.1", "9002")],
                )
                self.assertEqual(response.error, 0)
                self.assertEqual((await self.balance.plain(f"Shutdown{what}", "b", kind=kind)).error, 0)
                self.assertEqual((await self.balance.plain(f"Shutdown{what}", "b", kind=kind)).error, absent)
                self.assertEqual(len((await self.balance.plain(peers, "a", kind=kind)).lists), 0)

    async def test_one_address(self) -> None:
        """Two resources servers cannot have one address, and no two servers one for gRPC.

        Chat servers may share a public one.
        """
        for what, kind, error in (
            ("Instance", "resources", Status.RESOURCES_SERVER_ALREADY_EXISTS),
            ("Grpc", "chat", Status.GRPC_SERVER_ALREADY_EXISTS),
            ("Instance", "chat", Status.SUCCESS),
        ):
            self.assertEqual((await self.balance.plain(f"Register{what}", "one", 9000, kind=kind)).error, 0)
            self.assertEqual(
                (await self.balance.plain(f"Register{what}", "two", 9000, kind=kind)).error, error
            )
            self.assertEqual(
                (await self.balance.plain(f"Register{what}", "two", 9001, kind=kind)).error,
                0 if error else ALREADY,
            )

    async def test_malformed(self) -> None:
        """A port that is none is 70."""
        self.assertEqual(
            (await self.balance.plain("RegisterInstance", "a", "http")).error, Status.INVALID_FIELD
        )
        self.assertEqual((await self.balance.plain("RegisterGrpc", "", 1)).error, Status.INVALID_FIELD)

    async def test_beside_ours(self) -> None:
        """The original's calls see our servers, and cannot take their names."""
        await self.balance.register("ours", 8000, ports=imsys_v1_pb2.Ports(grpc=8003), grpc_host="127.0.0.2")
        self.assertEqual((await self.balance.plain("RegisterInstance", "ours", 8000)).error, ALREADY)
        self.assertEqual(
            (await self.balance.plain("RegisterGrpc", "ours", 1)).error, Status.GRPC_SERVER_ALREADY_EXISTS
        )
        await self.balance.register("open", 8004, ports=imsys_v1_pb2.Ports(plain=8005))
        await self.balance.plain("RegisterInstance", "theirs", 9000)
        await self.balance.plain("RegisterGrpc", "theirs", 9001)
        # at ports without TLS, where they are open
        peers = (await self.balance.plain("GetInstancePeers", "theirs")).lists
        found = {(instance.name, instance.host, instance.port) for instance in peers}
        self.assertEqual(found, {("open", "127.0.0.1", "8005"), ("ours", "127.0.0.1", "8000")})
        (address,) = (await self.balance.plain("GetGrpcPeers", "theirs")).lists
        self.assertEqual((address.name, address.host, address.port), ("ours", "127.0.0.2", "8003"))
        (peer,) = [
            peer for peer in (await self.balance.register("ours", 8000)).peers if peer.name == "theirs"
        ]
        self.assertEqual(
            (peer.name, peer.ports.grpc, peer.grpc_host, peer.incarnation), ("theirs", 9001, "127.0.0.1", "")
        )


class ProbeTests(BalanceCase):
    lease = 1.0

    async def test_kept_while_listening(self) -> None:
        """A server of the plain calls outlives its lease while its port accepts connections, and goes when it
        does not.
        """
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            await self.balance.plain("RegisterInstance", "open", port)
            await self.balance.plain("RegisterInstance", "closed", unused_port())
            while "closed" in (there := await self.balance.servers()):
                await sleep(0.05)
            self.assertIn("open", there, "it was there before the one whose lease has ended")
        while "open" in await self.balance.servers():
            await sleep(0.05)

    async def test_restarted(self) -> None:
        """One that was seen, is gone and registers again from the same address is taken, with its gRPC
        address.
        """
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            await self.balance.plain("RegisterInstance", "a", port)
            await self.balance.plain("RegisterGrpc", "a", port)
            while self.redis.command("HGET", "t:server:chat:a", "seen") != b"$1\r\n1\r\n":
                await sleep(0.02)
            self.assertEqual((await self.balance.plain("RegisterInstance", "a", port)).error, ALREADY)
        self.assertEqual((await self.balance.plain("RegisterInstance", "a", port)).error, 0)
        self.assertEqual((await self.balance.plain("RegisterGrpc", "a", port)).error, 0)

    async def test_after_flush(self) -> None:
        """After a flush balance registers again what it knew and finds listening."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            await self.balance.plain("RegisterInstance", "open", listener.getsockname()[1])
            (prober,) = [part for part in self.balance.service if isinstance(part, Prober)]
            while not prober._known:
                await sleep(0.02)
            self.redis.command("FLUSHALL")
            while "open" not in await self.balance.servers():
                await sleep(0.02)


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
