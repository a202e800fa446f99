"""What a member may do, against a real redis-server; servers are as many as there are objects."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from imsys.config import LimitsConfig
from imsys.errors import Refused, Status
from imsys.redis.allowances import Allowances, Kind
from imsys.redis.client import RedisService
from tests.redis.real import RealRedis


class AllowanceTests(TestCase):
    def setUp(self) -> None:
        from twisted.internet import reactor

        self.server = RealRedis().start()
        self.addCleanup(self.server.remove)
        service = RedisService(reactor, self.server.config(timeout=0.5))
        service.startService()
        self.addCleanup(service.stopService)
        self.redis = service.redis
        self.clock = Clock()
        self.calls = 0
        script = self.redis.script

        async def counted(*arguments: Any) -> Any:
            self.calls += 1
            return await script(*arguments)

        self.patch(self.redis, "script", counted)

    def one(self, **limits: Any) -> Allowances:
        """What one server allows."""
        return Allowances(self.redis, self.clock.seconds, LimitsConfig(**limits))

    async def refused(self, taking: Any) -> float:
        """It is refused with 64; when to try again, in seconds."""
        with self.assertRaises(Refused) as caught:
            await taking
        self.assertIs(caught.exception.status, Status.RATE_LIMITED)
        after: float | None = caught.exception.retry_after
        assert after
        return after

    async def pass_windows(self, kind: Kind, user: int, minutes: int = 0, days: int = 0) -> None:
        """As if so much time had passed."""
        key = self.redis.key("member", kind.value, user)
        for field, windows in (("1at", minutes), ("2at", days)):
            await self.redis.call("HINCRBY", key, field, -windows)

    async def test_a_minute(self) -> None:
        """Beyond what is allowed in a minute the answer is 64 until there is room.

        Others are not concerned, on whichever server.
        """
        one, other = self.one(lookup_minute=5), self.one(lookup_minute=5)
        for server in (one, other, one, other, one):
            await server.take(Kind.LOOKUP, 7)
        for server in (one, other):
            self.assertLessEqual(await self.refused(server.take(Kind.LOOKUP, 7)), 120)
        await one.take(Kind.LOOKUP, 8)
        await one.take(Kind.REQUEST, 7)
        await self.pass_windows(Kind.LOOKUP, 7, minutes=2)
        await other.take(Kind.LOOKUP, 7)

    async def test_a_day(self) -> None:
        """What is allowed a day is counted beside that."""
        one = self.one(request_minute=3, request_day=4)
        for _ in range(2):
            await one.take(Kind.REQUEST, 7)
            await one.take(Kind.REQUEST, 7)
            await self.pass_windows(Kind.REQUEST, 7, minutes=2)
        self.assertGreater(await self.refused(one.take(Kind.REQUEST, 7)), 600)
        await self.pass_windows(Kind.REQUEST, 7, days=2)
        await one.take(Kind.REQUEST, 7)

    async def test_many_at_once(self) -> None:
        """Fifty cards are fifty look-ups; more than a minute's worth in one request costs a minute."""
        one = self.one(lookup_minute=100)
        await one.take(Kind.LOOKUP, 7, 50)
        await self.refused(one.take(Kind.LOOKUP, 7, 60))
        await one.take(Kind.LOOKUP, 7, 50)
        await self.refused(one.take(Kind.LOOKUP, 7))
        small = self.one(lookup_minute=10)
        await small.take(Kind.LOOKUP, 8, 50)
        await self.refused(small.take(Kind.LOOKUP, 8))

    async def test_the_minute_before(self) -> None:
        """What was done in the minute before counts for as much of it as lies within the last sixty seconds:
        no burst at its end.
        """
        one = self.one(lookup_minute=10)
        await one.take(Kind.LOOKUP, 7, 10)
        await self.pass_windows(Kind.LOOKUP, 7, minutes=1)
        taken = 0
        with self.assertRaises(Refused):
            while taken <= 10:
                await one.take(Kind.LOOKUP, 7)
                taken += 1
        part = int((await self.redis.call("TIME"))[0]) % 60 / 60
        self.assertLessEqual(taken, 10 * part + 1)

    async def test_no_limit(self) -> None:
        """0 means no limit, and Redis is not asked."""
        one = self.one(lookup_minute=0, lookup_day=0, text_minute=0, text_day=0)
        for _ in range(3):
            await one.take(Kind.LOOKUP, 7, 1_000_000)
            one.texts(7, 1_000_000)
        self.assertEqual(self.calls, 0)

    async def send(self, server: Allowances, user: int, count: int, each: int = 1) -> int:
        """Send texts, one request after the other, each when Redis knows of the one before.

        How many were sent before the first refusal.
        """
        for sent in range(0, count, each):
            try:
                server.texts(user, each)
            except Refused as refused:
                self.assertIs(refused.status, Status.RATE_LIMITED)
                return sent
            await server._settling.idle()
        return count

    async def test_texts_cost_no_round_trip(self) -> None:
        """Who writes no more than is allowed waits for nothing, and Redis is told in batches."""
        one = self.one(text_minute=2000)
        for _ in range(19):
            for _ in range(100):
                one.texts(7, 1)
            await one._settling.idle()
        self.assertLessEqual(self.calls, 20)

    async def test_many_users(self) -> None:
        """Accounts that are settled at the same moment share calls."""
        one = self.one()
        for user in range(1000):
            one.texts(user, 1)
        await one._settling.idle()
        self.assertLess(self.calls, 10)

    async def test_texts_are_bounded(self) -> None:
        """A flood ends at what is allowed, and so much more as the servers may be ahead of Redis, wherever it
        is sent.
        """
        servers = [self.one(text_minute=200, text_day=0) for _ in range(3)]
        sent = await gatherResults([Deferred.fromCoroutine(self.send(server, 7, 1000)) for server in servers])
        self.assertGreaterEqual(sum(sent), 200)
        self.assertLessEqual(sum(sent), 200 + 3 * (10 + 1))
        for server in servers:
            self.assertEqual(await self.send(server, 7, 5), 0)
            self.assertEqual(await self.send(server, 8, 5), 5)

    async def test_comes_back(self) -> None:
        """After the time that it was told a member writes on; what was too much makes that time longer."""
        one = self.one(text_minute=200, text_day=0)
        await self.send(one, 7, 1000)
        with self.assertRaises(Refused) as caught:
            one.texts(7, 1)
        after = caught.exception.retry_after
        assert after
        self.clock.advance(after / 2)
        self.assertEqual(await self.send(one, 7, 1), 0)
        await self.pass_windows(Kind.TEXT, 7, minutes=2)
        self.clock.advance(after)
        self.assertEqual(await self.send(one, 7, 100), 100)

    async def test_large_requests(self) -> None:
        """Requests of a hundred texts each are let pass or refused as they are."""
        one = self.one(text_minute=300, text_day=0)
        sent = await self.send(one, 7, 2000, each=100)
        self.assertTrue(300 <= sent <= 600, sent)

    async def test_while_redis_is_asked(self) -> None:
        """While Redis has not answered yet texts pass, up to what is allowed at all."""
        one = self.one(text_minute=200, text_day=0)
        sent = 0
        with self.assertRaises(Refused):
            while sent <= 200:
                one.texts(7, 1)
                sent += 1
        self.assertEqual(sent, 200)
        await one._settling.idle()
        with self.assertRaises(Refused):
            for _ in range(20):
                one.texts(7, 1)
                await one._settling.idle()

    async def test_redis_away(self) -> None:
        """Without Redis each server goes by what it has counted itself: nobody is hindered, and nobody has
        more there.
        """
        one = self.one(text_minute=200, text_day=0, lookup_minute=5)
        self.server.kill()
        for _ in range(5):
            await one.take(Kind.LOOKUP, 7)
        await self.refused(one.take(Kind.LOOKUP, 7))
        sent = await self.send(one, 7, 1000)
        self.assertTrue(200 <= sent <= 211, sent)
        self.clock.advance(120)
        await one.take(Kind.LOOKUP, 7)
        self.assertEqual(await self.send(one, 7, 100), 100)
