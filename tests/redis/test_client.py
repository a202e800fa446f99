"""Redis calls, against a real redis-server."""

from __future__ import annotations

import signal
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from imsys.errors import Status, Unavailable
from imsys.redis import client
from imsys.redis.client import Redis, RedisService, Script
from tests.redis.real import RealRedis


class RedisTests(TestCase):
    def setUp(self) -> None:
        self.server = RealRedis().start()
        self.addCleanup(self.server.remove)

    def open(self, **config: object) -> Redis:
        from twisted.internet import reactor

        service = RedisService(reactor, self.server.config(**config))
        service.startService()
        self.addCleanup(service.stopService)
        return service.redis

    async def test_replies(self) -> None:
        """Bulk strings come back as bytes, numbers in them untouched.

        Integers, nil and lists as what they are.
        """
        redis = self.open()
        name = redis.key("route", 7)
        self.assertEqual(name, "t:route:7")
        self.assertEqual(await redis.call("SET", name, "00123"), b"OK")
        self.assertEqual(await redis.call("GET", name), b"00123")
        self.assertEqual(await redis.call("SET", name, b"\x00\r\n\xff"), b"OK")
        self.assertEqual(await redis.call("GET", name), b"\x00\r\n\xff")
        self.assertEqual(await redis.call("INCRBY", redis.key("n"), 5), 5)
        self.assertIsNone(await redis.call("GET", redis.key("none")))
        await redis.call("RPUSH", redis.key("list"), "1.5", 2, "", "x")
        self.assertEqual(await redis.call("LRANGE", redis.key("list"), 0, -1), [b"1.5", b"2", b"", b"x"])

    async def test_script_survives_flush(self) -> None:
        """A script runs by its SHA-1, also after the server forgot it."""
        redis = self.open()
        script = Script("return {KEYS[1], ARGV[1], tonumber(ARGV[1]) + 1}")
        self.assertEqual(await redis.script(script, ["k"], [41]), [b"k", b"41", 42])
        self.server.command("SCRIPT", "FLUSH")
        self.assertEqual(await redis.script(script, ["k"], [1]), [b"k", b"1", 2])

    async def test_calls_of_one_turn_travel_together(self) -> None:
        """Many calls at once do not wait for one another and each gets its own answer."""
        redis = self.open(pool_size=2)
        await redis.call("PING")
        calls = [Deferred.fromCoroutine(redis.call("ECHO", str(i))) for i in range(500)]
        self.assertEqual(await gatherResults(calls), [str(i).encode() for i in range(500)])

    async def test_error_reply(self) -> None:
        """An error reply is Unavailable with status 12, and the connection goes on."""
        redis = self.open(pool_size=1)
        for call in (redis.call("NOSUCHCOMMAND"), redis.script(Script("return redis.call('GET')"), [], [])):
            with self.assertRaises(Unavailable) as caught:
                await call
            self.assertIs(caught.exception.status, Status.REDIS_UNKNOWN_ERROR)
        self.assertEqual(await redis.call("ECHO", "on"), b"on")

    async def test_long_replies(self) -> None:
        """A reply that comes in many pieces is one reply, and those behind it are the others' own."""
        redis = self.open(pool_size=1)
        await redis.call("SET", redis.key("long"), "x" * 3_000_000)
        script = Script("return {redis.call('GET', KEYS[1]), {1, {'deep', false}}, redis.pcall('GET')}")
        calls = [
            Deferred.fromCoroutine(call)
            for call in (redis.script(script, [redis.key("long")], []), redis.call("ECHO", "next"))
        ]
        (long, nested, error), next_ = await gatherResults(calls)
        self.assertEqual((len(long), nested, next_), (3_000_000, [1, [b"deep", None]], b"next"))
        self.assertIsInstance(error, Exception)

    async def test_killed_with_calls_on_their_way(self) -> None:
        """Calls that a killed server leaves unanswered fail at once, every one of them."""
        redis = self.open(pool_size=2, timeout=30.0)
        await redis.call("PING")
        self.server.pause(signal.SIGSTOP)
        calls = [Deferred.fromCoroutine(redis.call("ECHO", str(i))) for i in range(100)]
        self.server.kill()
        for call in calls:
            await self.assertFailure(call, Unavailable)

    async def test_no_redis(self) -> None:
        """What answers with something else is left, the call fails, and the log says why."""
        from twisted.internet import reactor as installed

        class Other(Protocol):
            def dataReceived(self, data: bytes) -> None:
                self.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")  # type: ignore[union-attr]

        reactor: Any = installed
        port = reactor.listenTCP(0, Factory.forProtocol(Other), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        redis = self.open(socket="", host="127.0.0.1", port=port.getHost().port, timeout=0.5, pool_size=1)
        with capturedLogs() as events, self.assertRaises(Unavailable):
            await redis.call("PING")
        self.assertIn("is none", str([event["log_format"] for event in events]))

    async def test_restart(self) -> None:
        """After the server was killed and started again, calls work again by themselves."""
        redis = self.open()
        await redis.call("SET", redis.key("a"), 1)
        self.server.kill()
        with self.assertRaises(Unavailable):
            await redis.call("GET", redis.key("a"))
        self.server.start()
        self.assertIsNone(await until(lambda: redis.call("GET", redis.key("a"))))

    async def test_started_later(self) -> None:
        """A server that appears after the service started is found."""
        self.server.kill()
        redis = self.open(timeout=10.0)
        waiting = Deferred.fromCoroutine(redis.call("ECHO", "x"))
        self.server.start()
        self.assertEqual(await waiting, b"x")

    async def test_away(self) -> None:
        """While the server is away calls fail after the deadline, as many as may be, and leave nothing
        behind.
        """
        self.server.kill()
        redis = self.open(timeout=0.1)
        for _ in range(2):
            calls = [Deferred.fromCoroutine(redis.call("PING")) for _ in range(1000)]
            for call in calls:
                await self.assertFailure(call, Unavailable)
        self.assertEqual((len(redis._waiting), redis._pending), (0, 0))

    async def test_stopped_while_waiting(self) -> None:
        """Stopping fails the calls that wait."""
        from twisted.internet import reactor

        self.server.kill()
        service = RedisService(reactor, self.server.config(timeout=60.0))
        service.startService()
        waiting = Deferred.fromCoroutine(service.redis.call("PING"))
        await service.stopService()
        await self.assertFailure(waiting, Unavailable)

    async def test_too_many(self) -> None:
        """Beyond the bound a call fails at once."""
        self.patch(client, "MAX_PENDING", 1)
        redis = self.open()
        first = Deferred.fromCoroutine(redis.call("PING"))
        await self.assertFailure(Deferred.fromCoroutine(redis.call("PING")), Unavailable)
        self.assertEqual(await first, b"PONG")

    async def test_hung_server(self) -> None:
        """A server that does not answer fails the call after the deadline, and a fresh connection is made
        afterwards.
        """
        redis = self.open(timeout=1.0)
        await redis.call("PING")
        self.server.pause(signal.SIGSTOP)
        with self.assertRaises(Unavailable):
            await redis.call("GET", "x")
        self.server.pause(signal.SIGCONT)
        self.assertEqual(await until(lambda: redis.call("ECHO", "x")), b"x")

    async def test_stopped(self) -> None:
        """Without a pool, calls fail at once."""
        from twisted.internet import reactor

        service = RedisService(reactor, self.server.config())
        with self.assertRaises(Unavailable):
            await service.redis.call("PING")


class RefusedTests(TestCase):
    async def test_wrong_password_then_right(self) -> None:
        """A server that refuses the password is tried again, and works once it accepts it."""
        from twisted.internet import reactor

        server = RealRedis("--requirepass", "other").start()
        self.addCleanup(server.remove)
        service = RedisService(reactor, server.config(password="secret", timeout=2.0, database=3))
        service.startService()
        self.addCleanup(service.stopService)
        with self.assertRaises(Unavailable):
            await service.redis.call("PING")
        server.kill()
        server._options = ("--requirepass", "secret")
        server.start()
        self.assertEqual(await until(lambda: service.redis.call("PING")), b"PONG")
        await service.redis.call("SET", "where", "three")
        self.flushLoggedErrors()


async def until(call: Any) -> Any:
    """What ``call`` answers once Redis is available."""
    from twisted.internet import reactor

    for _ in range(400):
        try:
            return await call()
        except Unavailable:
            await deferLater(reactor, 0.02)
    raise AssertionError("Redis stays away")
