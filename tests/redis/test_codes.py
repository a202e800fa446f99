"""Verification codes in a real Redis."""

from __future__ import annotations

from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from imsys.redis.codes import Codes, new_code
from tests.redis.shared import redis_for

ANNA = "anna@example.org"
HERE, THERE = "203.0.113.1", "203.0.113.2"


class CodesTests(TestCase):
    def setUp(self) -> None:
        self.redis = redis_for(self)
        self.codes = Codes(self.redis, life=180.0, tries=5, tries_all=50)

    async def test_known_code(self) -> None:
        """A code is right as often as it is asked about, for its own address in any case, until it is used
        up.
        """
        await self.codes.put(ANNA, "012345")
        self.assertTrue(await self.codes.verify(ANNA, "012345", HERE))
        self.assertTrue(await self.codes.verify("Anna@Example.ORG", "012345", HERE))
        self.assertFalse(await self.codes.verify("otto@example.org", "012345", HERE))
        self.assertTrue(await self.codes.consume(ANNA, "012345", HERE))
        self.assertFalse(await self.codes.verify(ANNA, "012345", HERE))
        self.assertFalse(await self.codes.consume(ANNA, "012345", HERE))

    async def test_four_wrong_tries(self) -> None:
        """After four wrong tries the code still lives, right answers between them or not."""
        await self.codes.put(ANNA, "012345")
        for wrong in ("12345", "", "012346", "x" * 10_000):
            self.assertFalse(await self.codes.verify(ANNA, wrong, HERE))
            self.assertTrue(await self.codes.verify(ANNA, "012345", HERE))
        self.assertTrue(await self.codes.consume(ANNA, "012345", HERE))

    async def test_fifth_wrong_try(self) -> None:
        """The fifth wrong try kills the code for the source of the tries, whichever way it was tried, and for
        nobody else.
        """
        await self.codes.put(ANNA, "012345")
        for n in range(5):
            self.assertFalse(await (self.codes.verify if n % 2 else self.codes.consume)(ANNA, "999999", HERE))
        self.assertFalse(await self.codes.consume(ANNA, "012345", HERE))
        self.assertTrue(await self.codes.consume(ANNA, "012345", THERE))

    async def test_fifty_wrong_tries(self) -> None:
        """Fifty wrong tries of many sources kill a code for everybody.

        What a source tries for which it is dead does not count.
        """
        await self.codes.put(ANNA, "012345")
        for source in range(9):
            for _ in range(8):
                await self.codes.verify(ANNA, "999999", f"198.51.100.{source}")
        for _ in range(4):
            await self.codes.verify(ANNA, "999999", HERE)
        self.assertTrue(await self.codes.verify(ANNA, "012345", HERE))
        await self.codes.verify(ANNA, "999999", THERE)
        self.assertFalse(await self.codes.verify(ANNA, "012345", HERE))

    async def test_as_it_is_typed(self) -> None:
        """A strong code is right in any case, with other dashes, with spaces or without, and with letters for
        digits that look alike.
        """
        await self.codes.put(ANNA, "K0QM-1XJD-9R4T")
        for typed in (
            "K0QM-1XJD-9R4T",
            "k0qm1xjd9r4t",
            " k0qm 1xjd 9r4t ",
            "KOQM\u2013IXJD\u20139r4t",
            "k0qm-lxjd-9r4t",
        ):
            self.assertTrue(await self.codes.verify(ANNA, typed, HERE), typed)
        for wrong in ("K0QM-1XJD", "K0QM-1XJD-9R4TX", "k0qm" + "-" * 90 + "1xjd9r4t"):
            self.assertFalse(await self.codes.verify(ANNA, wrong, HERE), wrong)

    def test_new_code(self) -> None:
        """A code is six digits; a strong one has 60 bits in groups, of letters and digits that are not taken
        for others.
        """
        self.assertRegex(new_code(strong=False), r"^[0-9]{6}$")
        codes = {new_code(strong=True) for _ in range(100)}
        self.assertEqual(len(codes), 100)
        for code in codes:
            self.assertRegex(code, r"^([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}$")

    async def test_parallel_guesses(self) -> None:
        """A hundred guesses at once get five answers' worth: a right one behind five wrong ones is wrong."""
        await self.codes.put(ANNA, "000099")
        guesses = [Deferred.fromCoroutine(self.codes.consume(ANNA, f"{n:06}", HERE)) for n in range(100)]
        self.assertEqual(sum(await gatherResults(guesses)), 0)

    async def test_one_of_two(self) -> None:
        """Of many that use one code at once, exactly one may."""
        await self.codes.put(ANNA, "012345")
        uses = [Deferred.fromCoroutine(self.codes.consume(ANNA, "012345", HERE)) for n in range(20)]
        self.assertEqual(sum(await gatherResults(uses)), 1)

    async def test_newer_code(self) -> None:
        """A new code replaces the old one and has all its tries.

        Discarding the old one then changes nothing.
        """
        await self.codes.put(ANNA, "111111")
        for _ in range(4):
            await self.codes.verify(ANNA, "999999", HERE)
        await self.codes.put(ANNA, "222222")
        for _ in range(4):
            self.assertFalse(await self.codes.verify(ANNA, "111111", HERE))
        await self.codes.discard(ANNA, "111111")
        self.assertTrue(await self.codes.verify(ANNA, "222222", HERE))
        await self.codes.discard(ANNA, "222222")
        self.assertFalse(await self.codes.verify(ANNA, "222222", HERE))

    async def test_life(self) -> None:
        """A code lives 180 seconds from when it was made.

        Tries do not prolong it, and an expired one is wrong.
        """
        await self.codes.put(ANNA, "012345")
        key = self.redis.key("captcha", ANNA)
        self.assertTrue(0 < await self.redis.call("PTTL", key) <= 180_000)
        await self.redis.call("PEXPIRE", key, 50_000)
        await self.codes.verify(ANNA, "999999", HERE)
        self.assertTrue(0 < await self.redis.call("PTTL", key) <= 50_000)
        await self.redis.call("PEXPIRE", key, 0)
        self.assertFalse(await self.codes.verify(ANNA, "012345", HERE))
