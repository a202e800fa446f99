"""Verification codes in a real Redis."""

from __future__ import annotations

from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from imsys.codes import Codes
from tests.shared_redis import redis_for

ANNA = "anna@example.org"


class CodesTests(TestCase):
    def setUp(self) -> None:
        self.redis = redis_for(self)
        self.codes = Codes(self.redis, life=180.0, tries=5)

    async def test_known_code(self) -> None:
        """A code is right as often as it is asked about, for its own address in any case, until it is used up."""
        await self.codes.put(ANNA, "012345")
        self.assertTrue(await self.codes.verify(ANNA, "012345"))
        self.assertTrue(await self.codes.verify("Anna@Example.ORG", "012345"))
        self.assertFalse(await self.codes.verify("otto@example.org", "012345"))
        self.assertTrue(await self.codes.consume(ANNA, "012345"))
        self.assertFalse(await self.codes.verify(ANNA, "012345"))
        self.assertFalse(await self.codes.consume(ANNA, "012345"))

    async def test_four_wrong_tries(self) -> None:
        """After four wrong tries the code still lives, right answers between them or not."""
        await self.codes.put(ANNA, "012345")
        for wrong in ("12345", "", "012346", "x" * 10_000):
            self.assertFalse(await self.codes.verify(ANNA, wrong))
            self.assertTrue(await self.codes.verify(ANNA, "012345"))
        self.assertTrue(await self.codes.consume(ANNA, "012345"))

    async def test_fifth_wrong_try(self) -> None:
        """The fifth wrong try kills the code, whichever way it was tried."""
        await self.codes.put(ANNA, "012345")
        for n in range(5):
            self.assertFalse(await (self.codes.verify if n % 2 else self.codes.consume)(ANNA, "999999"))
        self.assertFalse(await self.codes.consume(ANNA, "012345"))

    async def test_parallel_guesses(self) -> None:
        """A hundred guesses at once get five answers' worth: a right one behind five wrong ones is wrong."""
        await self.codes.put(ANNA, "000099")
        guesses = [Deferred.fromCoroutine(self.codes.consume(ANNA, f"{n:06}")) for n in range(100)]
        self.assertEqual(sum(await gatherResults(guesses)), 0)

    async def test_one_of_two(self) -> None:
        """Of many that use one code at once, exactly one may."""
        await self.codes.put(ANNA, "012345")
        uses = [Deferred.fromCoroutine(self.codes.consume(ANNA, "012345")) for n in range(20)]
        self.assertEqual(sum(await gatherResults(uses)), 1)

    async def test_newer_code(self) -> None:
        """A new code replaces the old one and has all its tries; discarding the old one then changes nothing."""
        await self.codes.put(ANNA, "111111")
        for _ in range(4):
            await self.codes.verify(ANNA, "999999")
        await self.codes.put(ANNA, "222222")
        for _ in range(4):
            self.assertFalse(await self.codes.verify(ANNA, "111111"))
        await self.codes.discard(ANNA, "111111")
        self.assertTrue(await self.codes.verify(ANNA, "222222"))
        await self.codes.discard(ANNA, "222222")
        self.assertFalse(await self.codes.verify(ANNA, "222222"))

    async def test_life(self) -> None:
        """A code lives 180 seconds from when it was made; tries do not prolong it, and an expired one is wrong."""
        await self.codes.put(ANNA, "012345")
        key = self.redis.key("captcha", ANNA)
        self.assertTrue(0 < await self.redis.call("PTTL", key) <= 180_000)
        await self.redis.call("PEXPIRE", key, 50_000)
        await self.codes.verify(ANNA, "999999")
        self.assertTrue(0 < await self.redis.call("PTTL", key) <= 50_000)
        await self.redis.call("PEXPIRE", key, 0)
        self.assertFalse(await self.codes.verify(ANNA, "012345"))
