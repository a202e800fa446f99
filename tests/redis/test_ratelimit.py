"""Rate limits, counted in a real Redis."""

from __future__ import annotations

from twisted.internet.defer import Deferred, DeferredList
from twisted.trial.unittest import TestCase

from imsys.errors import Refused, Status, Unavailable
from imsys.redis.client import Redis
from imsys.redis.ratelimit import Counter, Limit, RateLimiter
from tests.redis.shared import redis_for
from tests.support.servers import RedisServer

THREE = Limit("three", 3, 60.0)
FIVE = Limit("five", 5, 3600.0)


async def age(redis: Redis, counter: Counter, seconds: float) -> None:
    """Make the events of a counter older than they are."""
    key = counter.key(redis)
    found = await redis.call("ZRANGE", key, 0, -1, "WITHSCORES")
    for mark, score in zip(found[::2], found[1::2], strict=True):
        await redis.call("ZADD", key, float(score) - seconds * 1000, mark)


class RateLimiterTests(TestCase):
    def setUp(self) -> None:
        self.redis = redis_for(self)
        self.limiter = RateLimiter(self.redis)

    async def refused(self, *counters: Counter) -> Refused:
        with self.assertRaises(Refused) as caught:
            await self.limiter.take(counters)
        refusal: Refused = caught.exception
        self.assertEqual(refusal.status, Status.RATE_LIMITED)
        return refusal

    async def test_up_to_the_limit(self) -> None:
        """As many events as allowed pass, the next is refused with the time until the first has passed."""
        anna = THREE.of("anna")
        for _ in range(3):
            await self.limiter.take([anna])
        retry = (await self.refused(anna)).retry_after
        assert retry is not None
        self.assertTrue(0 < retry <= 60, retry)

    async def test_window_slides(self) -> None:
        """Each event counts for one window, from its own time on."""
        anna = THREE.of("anna")
        await self.limiter.take([anna])
        await self.limiter.take([anna])
        await age(self.redis, anna, 50)
        await self.limiter.take([anna])
        retry = (await self.refused(anna)).retry_after
        assert retry is not None
        self.assertTrue(0 < retry <= 10, retry)
        await age(self.redis, anna, 11)
        await self.limiter.take([anna])
        await self.limiter.take([anna])
        await self.refused(anna)

    async def test_subjects_apart(self) -> None:
        """One subject's events do not count for another, however the parts are cut."""
        for _ in range(3):
            await self.limiter.take([THREE.of("a", "bc")])
        await self.limiter.take([THREE.of("ab", "c")])
        await self.limiter.take([Limit("other", 3, 60.0).of("a", "bc")])
        await self.refused(THREE.of("a", "bc"))

    async def test_all_or_none(self) -> None:
        """An event that one of several limits refuses counts for none of them."""
        anna, berlin = THREE.of("anna"), FIVE.of("berlin")
        for _ in range(3):
            await self.limiter.take([anna, berlin])
        for _ in range(9):
            await self.refused(anna, berlin)
        await self.limiter.take([THREE.of("otto"), berlin])
        await self.limiter.take([THREE.of("otto"), berlin])
        await self.refused(THREE.of("otto"), berlin)
        await self.limiter.take([THREE.of("otto")])

    async def test_longest_wait(self) -> None:
        """Of several limits that are reached, the one that lasts longest says when to come back."""
        anna, berlin = THREE.of("anna"), FIVE.of("berlin")
        for _ in range(5):
            await self.limiter.record([anna, berlin])
        retry = (await self.refused(anna, berlin)).retry_after
        assert retry is not None
        self.assertTrue(3000 < retry <= 3600, retry)

    async def test_check_does_not_count(self) -> None:
        """Looking is free, and sees what was recorded."""
        anna = THREE.of("anna")
        for _ in range(9):
            await self.limiter.check([anna])
        for _ in range(3):
            await self.limiter.record([anna])
        with self.assertRaises(Refused):
            await self.limiter.check([anna])

    async def test_record_beyond(self) -> None:
        """What happened counts even beyond the limit, and the wait is until there is room again."""
        anna = THREE.of("anna")
        for _ in range(4):
            await self.limiter.record([anna])
        await age(self.redis, anna, 30)
        await self.limiter.record([anna])
        retry = (await self.refused(anna)).retry_after
        assert retry is not None
        self.assertTrue(0 < retry <= 30, retry)

    async def test_give_back(self) -> None:
        """An event that is taken back makes room for one more, in every limit it counted for."""
        anna, berlin = THREE.of("anna"), FIVE.of("berlin")
        mark = await self.limiter.take([anna, berlin])
        for _ in range(2):
            await self.limiter.take([anna, berlin])
        await self.refused(anna)
        await self.limiter.give_back([anna, berlin], mark)
        await self.limiter.give_back([anna, berlin], mark)
        await self.limiter.take([anna])
        await self.refused(anna)

    async def test_off(self) -> None:
        """A limit of 0 is none, and Redis is not even asked."""
        off = Limit("off", 0, 60.0)
        limiter = RateLimiter(Redis.__new__(Redis))
        for _ in range(20):
            mark = await limiter.take([off.of("anna")])
            await limiter.check([off.of("anna")])
            await limiter.record([off.of("anna")])
            await limiter.give_back([off.of("anna")], mark)

    async def test_parallel_burst(self) -> None:
        """Of a hundred events at once over two connections to Redis, exactly the allowed ones pass."""
        other = RateLimiter(redis_for(self, prefix=self.redis.key()))
        counter = FIVE.of("anna")
        calls = [Deferred.fromCoroutine((self.limiter, other)[n % 2].take([counter])) for n in range(100)]
        results = await DeferredList(calls, consumeErrors=True)
        self.assertEqual(sum(1 for success, _ in results if success), 5)

    async def test_bounded_and_expiring(self) -> None:
        """Refused events leave nothing behind, and what is kept dies with its window."""
        counter = THREE.of("anna")
        for _ in range(3):
            await self.limiter.take([counter])
        for _ in range(20):
            await self.refused(counter)
        key = counter.key(self.redis)
        self.assertEqual(await self.redis.call("ZCARD", key), 3)
        left = await self.redis.call("PTTL", key)
        self.assertTrue(0 < left <= 60_000, left)

    async def test_any_text(self) -> None:
        """A subject may be any text; it is not shown in the key."""
        for text in ("", "x" * 100_000, "a\0b", "\ud800", "{}*"):
            await self.limiter.take([THREE.of(text)])
        self.assertNotIn("anna", THREE.of("anna").key(self.redis))

    async def test_redis_away(self) -> None:
        """Without Redis nothing is decided: the caller learns that it is unavailable."""
        server = RedisServer()
        limiter = RateLimiter(redis_for(self, server.config()))
        await limiter.take([THREE.of("anna")])
        server.stop()
        with self.assertRaises(Unavailable):
            await limiter.take([THREE.of("anna")])
