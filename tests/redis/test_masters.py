"""Redis servers that change places: replicas, loading, Sentinels; all of them real."""

from __future__ import annotations

import subprocess
import time
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import LogLevel, capturedLogs, formatEvent

import imsys.redis.client
from imsys.balance.allocation import Allocation, Wish
from imsys.balance.registry import Registry
from imsys.balance.registry import Server as ServerRecord
from imsys.config import DatabaseConfig
from imsys.errors import Refused, Unavailable
from imsys.redis.client import CAUGHT, Redis, RedisService, Script
from imsys.redis.masters import Address
from imsys.redis.routes import Held, Route, Routes
from imsys.redis.tokens import Tokens
from imsys.store.migrations import migrate
from tests.cluster.nodes import Proxy
from tests.redis.real import binary
from tests.support.children import end, folder, free_port, spawn, until
from tests.support.masters import MastersCase, Server, ask, wait
from tests.support.programs import program
from tests.support.tokens import tokens_for

QUICK = 2.0
"""Seconds in which calls work again when there is a master: the bound is for a machine that is busy."""

WRITE = Script("return redis.call('INCR', KEYS[1])")


class CallsCase(MastersCase):
    async def works(self, redis: Redis, since: float) -> None:
        """Every call of many works, within moments."""
        calls = [Deferred.fromCoroutine(redis.script(WRITE, [redis.key("n")], [])) for _ in range(50)]
        await gatherResults(calls)
        self.assertLess(time.monotonic() - since, QUICK)


class FailOverTests(CallsCase):
    async def test_address_moves(self) -> None:
        """When a master becomes a replica, and its address leads to the new one, no call fails, and all
        connections move at once.
        """
        old, new = self.pair()
        address = Proxy(self)
        address.lead_to(old.port)
        service = self.service(hosts=(("127.0.0.1", address.port),), pool_size=4)
        redis = service.redis
        await self.full(service)
        await redis.call("SET", redis.key("a"), 1)
        wait(lambda: new.command("GET", "t:a") == b"$1\r\n1\r\n")
        with capturedLogs() as events:
            new.follow(None)
            old.follow(new)
            address.lead_to(new.port)
            await self.works(redis, time.monotonic())
            self.assertEqual(await redis.call("GET", redis.key("a")), b"1")
            await self.full(service)
        while int(old.info("clients", "connected_clients")) > 2:  # who asks, and the link to the new master
            await deferLater(self.reactor, 0.01)
        said = [
            (event["log_level"], formatEvent(event))
            for event in events
            if event["log_namespace"] == "imsys.util.outages"
        ]
        self.assertEqual([level for level, _ in said], [LogLevel.error, LogLevel.info])
        self.assertRegex(said[0][1], "^Redis fails: READONLY ")
        self.assertRegex(said[1][1], "^Redis works again")

    async def test_waits_for_a_master(self) -> None:
        """While nobody is the master calls wait, and are carried out when somebody is."""
        one, other = self.pair()
        service = self.service(one, other)
        await self.full(service)
        one.follow(other)
        waiting = [Deferred.fromCoroutine(service.redis.call("INCR", "t:n")) for _ in range(20)]
        while service._pool or len(service.redis._waiting) < len(waiting):
            await deferLater(self.reactor, 0.01)
        self.assertFalse(any(call.called for call in waiting))
        other.follow(None)
        self.assertEqual(sorted(await gatherResults(waiting)), list(range(1, 21)))

    async def test_nobody(self) -> None:
        """Where nobody becomes the master they fail in time, and leave nothing behind."""
        one, other = self.pair()
        service = self.service(one, other, timeout=0.5)
        await self.full(service)
        one.follow(other)
        since = time.monotonic()
        for call in [Deferred.fromCoroutine(service.redis.call("SET", "t:n", 1)) for _ in range(20)]:
            await self.assertFailure(call, Unavailable)
        self.assertLess(time.monotonic() - since, 0.5 + QUICK)
        self.assertEqual((len(service.redis._waiting), service.redis._pending), (0, 0))

    async def test_killed(self) -> None:
        """When the master is killed and a replica promoted, the next calls go there."""
        one, other = self.pair()
        service = self.service(one, other)
        await self.full(service)
        one.kill()
        await self.lost(service)
        other.follow(None)
        await self.works(service.redis, time.monotonic())
        one.start()
        one.follow(other)
        other.kill()
        await self.lost(service)
        one.follow(None)
        await self.works(service.redis, time.monotonic())

    async def test_on_its_way(self) -> None:
        """What is on its way when the server is left is answered, and what was not carried out is, by the
        next one.
        """
        old, new = self.pair()
        service = self.service(old, new, pool_size=2)
        await self.full(service)
        new.follow(None)
        old.follow(new)
        reads = [Deferred.fromCoroutine(service.redis.call("ECHO", str(number))) for number in range(100)]
        writes = [Deferred.fromCoroutine(service.redis.call("INCR", "t:n")) for _ in range(100)]
        self.assertEqual(await gatherResults(reads), [str(number).encode() for number in range(100)])
        self.assertEqual(sorted(await gatherResults(writes)), list(range(1, 101)))

    async def test_caught(self) -> None:
        """A script that catches errors does not catch that a server takes no writes.

        What is wrong with a value it does.
        """
        old, new = self.pair()
        service = self.service(old, new)
        await self.full(service)
        script = Script(
            CAUGHT
            + "local well, result = pcall(redis.call, 'INCR', KEYS[1]); return well and result or caught(result)"
        )
        new.follow(None)
        old.follow(new)
        self.assertEqual(await service.redis.script(script, ["t:n"], []), 1)
        await service.redis.call("SET", "t:n", "x")
        self.assertIn(b"not an integer", await service.redis.script(script, ["t:n"], []))

    async def test_logins(self) -> None:
        """Nobody's login fails, from the choice of a server to the route, when the master becomes a replica."""
        from twisted.internet import reactor

        old, new = self.pair()
        service = self.service(old, new)
        redis = service.redis
        await self.full(service)
        database = DatabaseConfig(engine="sqlite", path=str(folder("tokens") / "imsys.db"))
        await deferToThread(migrate, database)
        registry, tokens = Registry(redis, 15.0, reactor.seconds), tokens_for(self, redis, database)
        routes = Routes(redis, tokens, 15.0)
        await registry.register(
            ServerRecord(name="one", kind="chat", host="127.0.0.1", tls=8444, incarnation="x", capacity=100)
        )
        wait(lambda: new.command("EXISTS", "t:server:chat:one") == b":1\r\n")
        new.follow(None)
        old.follow(new)
        (given,), _ = await Allocation(redis, registry.memory, tokens).allocate([Wish(7)])
        assert not isinstance(given, Refused), given
        wait(lambda: b"state=online" in new.command("INFO", "replication"))
        old.follow(None)
        new.follow(old)
        digest = Tokens.digest(given.token)
        taken = await routes.login(7, digest, Route("one", "x", "1", 1))
        assert taken is not None
        wait(lambda: b"state=online" in old.command("INFO", "replication"))
        new.follow(None)
        old.follow(new)
        self.assertEqual(await routes.refresh([Held(7, taken[1], digest)]), ([], [], {}))

    async def test_takes_no_writes(self) -> None:
        """A master that lacks replicas, or cannot save, is left for one that takes writes."""

        def no_replicas(server: Server) -> None:
            server.command("CONFIG", "SET", "min-replicas-to-write", "1")

        def no_disk(server: Server) -> None:
            gone = folder("gone")
            server.command("CONFIG", "SET", "dir", str(gone), "save", "3600 1")
            gone.rmdir()
            server.command("BGSAVE")
            wait(lambda: server.info("persistence", "rdb_last_bgsave_status") == "err")

        for fault in (no_replicas, no_disk):
            one, other = self.server("--enable-protected-configs", "yes"), self.server()
            service = self.service(one, other)
            await self.full(service)
            fault(one)
            await self.works(service.redis, time.monotonic())
            self.assertEqual(other.command("GET", "t:n"), b"$2\r\n50\r\n")

    async def test_busy(self) -> None:
        """A server that is busy for a moment is waited for, and not left."""
        server = self.server("--lua-time-limit", "50")
        service = self.service(server, pool_size=2)
        await self.full(service)
        long = subprocess.Popen(
            [
                program("redis-cli"),
                "-p",
                str(server.port),
                "EVAL",
                "local t = redis.call('TIME')[1] + 2; while redis.call('TIME')[1] + 0 < t do end",
                "0",
            ],
            stdout=subprocess.DEVNULL,
        )
        self.addCleanup(long.kill)
        connections = list(service._pool)
        while not server.command("PING").startswith(b"-BUSY"):
            await deferLater(self.reactor, 0.01)
        self.assertEqual(await service.redis.call("INCR", "t:n"), 1)
        self.assertEqual(service._pool, connections)
        long.wait()


class ChoiceTests(CallsCase):
    async def chosen(self, service: RedisService) -> int:
        await self.full(service)
        return int((await service.redis.call("CONFIG", "GET", "port"))[1])

    async def test_replicas_are_passed_over(self) -> None:
        """Of several servers the master is taken, wherever it stands in the list, and whoever else is dead or
        silent.
        """
        master, replica = self.pair()
        dead = self.server()
        dead.kill()
        silent = self.reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
        self.addCleanup(silent.stopListening)
        for servers in ((replica, master), (dead, replica, master), (master, dead)):
            self.assertEqual(await self.chosen(self.service(*servers)), master.port)
        hosts = (
            ("127.0.0.1", silent.getHost().port),
            ("127.0.0.1", replica.port),
            ("127.0.0.1", master.port),
        )
        since = time.monotonic()
        self.assertEqual(await self.chosen(self.service(hosts=hosts)), master.port)
        self.assertLess(time.monotonic() - since, QUICK)

    async def test_two_masters(self) -> None:
        """Of two that say they are the master, everybody takes the one that others follow, or else the first."""
        master, _ = self.pair()
        back = self.server()  # it has been away, and does not know yet that it is replaced
        self.assertEqual(await self.chosen(self.service(back, master)), master.port)
        alone = self.server()
        self.assertEqual(await self.chosen(self.service(back, alone)), back.port)

    async def test_loading(self) -> None:
        """One that loads its data is passed over while there is another, and waited for where there is none."""
        slow = self.server("--appendonly", "yes", "--key-load-delay", "200")
        slow.command("EVAL", "for i = 1, 10000 do redis.call('SET', 'k' .. i, 'x') end", "0")
        slow.kill()
        slow.start()
        other = self.server()
        self.assertEqual(await self.chosen(self.service(slow, other)), other.port)
        service = self.service(slow)
        self.assertTrue(slow.command("PING").startswith(b"-LOADING"))
        await service.redis.call("PING")
        self.assertEqual(slow.command("PING"), b"+PONG\r\n")

    async def test_lost_at_once(self) -> None:
        """A server that lets go of every connection is tried again with pauses."""

        made = []

        class Hasty(Protocol):
            def connectionMade(self) -> None:
                made.append(self)

            def dataReceived(self, data: bytes) -> None:
                self.transport.write(b"*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n:0\r\n")  # type: ignore[union-attr]
                self.transport.loseConnection()  # type: ignore[union-attr]

        factory = Factory.forProtocol(Hasty)
        port = self.reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.service(hosts=(("127.0.0.1", port.getHost().port),), pool_size=1)
        await deferLater(self.reactor, 1.0)
        self.assertIn(len(made), range(2, 20))

    async def test_watched_stop(self) -> None:
        """A service that is stopped while it looks for a master leaves nothing behind."""
        _, replica = self.pair()
        service = self.service(replica, timeout=0.3)
        await self.assertFailure(Deferred.fromCoroutine(service.redis.call("PING")), Unavailable)
        await service.stopService()
        self.assertEqual(service._open, set())


class SentinelTests(CallsCase):
    """Three Sentinels, a master and a replica."""

    def setUp(self) -> None:
        super().setUp()
        self.master, self.replica = self.pair()
        self.sentinels = [self.sentinel() for _ in range(3)]
        for _, port in self.sentinels:
            wait(lambda port=port: ask(port, "SENTINEL", "CKQUORUM", "chat").startswith(b"+OK"))  # type: ignore[misc]
            wait(lambda port=port: b"slave" in ask(port, "SENTINEL", "REPLICAS", "chat"))  # type: ignore[misc]

    def sentinel(self) -> tuple[Any, int]:
        port, home = free_port(), folder("sentinel")
        config = home / "sentinel.conf"
        lines = [
            f"port {port}",
            "bind 127.0.0.1",
            f"dir {home}",
            f"sentinel monitor chat 127.0.0.1 {self.master.port} 2",
            "sentinel down-after-milliseconds chat 500",
            "sentinel failover-timeout chat 10000",
        ]
        config.write_text("\n".join(lines) + "\n")
        child = spawn([binary(), str(config), "--sentinel"], home / "log")
        self.addCleanup(lambda: end(child))
        until(lambda: ask(port, "PING") == b"+PONG\r\n", child, home / "log")
        return child, port

    def watched(self, **config: Any) -> RedisService:
        sentinels = tuple(("127.0.0.1", port) for _, port in self.sentinels)
        return self.service(hosts=(), sentinels=sentinels, master_name="chat", **config)

    async def test_fail_over(self) -> None:
        """A fail-over that a Sentinel is told to make is followed, without waiting for the old master to
        learn of it; no call fails.
        """
        service = self.watched(timeout=15.0)
        await self.full(service)
        wait(lambda: ask(self.sentinels[0][1], "SENTINEL", "FAILOVER", "chat").startswith(b"+OK"))
        while service._masters._last != Address("127.0.0.1", self.replica.port):
            await service.redis.call("INCR", "t:n")
        await self.works(service.redis, time.monotonic())

    async def test_master_dies(self) -> None:
        """Calls wait until Sentinels have made a replica the master, when that has died."""
        service = self.watched(timeout=15.0)
        await self.full(service)
        self.master.kill()
        await self.lost(service)
        await service.redis.call("INCR", "t:n")
        self.assertEqual(service._masters._last, Address("127.0.0.1", self.replica.port))

    async def test_without_sentinels(self) -> None:
        """With one Sentinel left the master is found, and with none the one that was known."""
        for child, _ in self.sentinels[1:]:
            end(child)
        service = self.watched()
        await self.full(service)
        end(self.sentinels[0][0])
        self.master.command("CLIENT", "KILL", "TYPE", "normal")
        await self.lost(service)
        await self.works(service.redis, time.monotonic())

    async def test_watched(self) -> None:
        """A master that works on, and that Sentinels have replaced since they do not reach it, is left."""
        self.patch(imsys.redis.client, "WATCH", 0.1)
        service = self.watched(pool_size=2)
        await self.full(service)
        other = self.server()
        for _, port in self.sentinels:
            ask(port, "SENTINEL", "REMOVE", "chat")
            ask(port, "SENTINEL", "MONITOR", "chat", "127.0.0.1", str(other.port), "2")
        while service._masters._last != Address("127.0.0.1", other.port):
            await deferLater(self.reactor, 0.02)
        await self.works(service.redis, time.monotonic())
        self.assertEqual(other.command("GET", "t:n"), b"$2\r\n50\r\n")
