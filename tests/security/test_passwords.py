"""Passwords: argon2id in a bounded pool of threads."""

from __future__ import annotations

from argon2 import PasswordHasher
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from imsys.config import GatewayConfig
from imsys.errors import Status, Unavailable
from imsys.security.passwords import KINDS, PasswordCheck, Passwords
from imsys.util.turns import Asker


def small(*, workers: int = 2, queue: int = 8, memory: int = 64, passes: int = 1) -> Passwords:
    from twisted.internet import reactor

    return Passwords(reactor, workers=workers, queue=queue, memory=memory, passes=passes, lanes=1)  # type: ignore[arg-type]


class PasswordsTests(TestCase):
    def started(self, passwords: Passwords) -> Passwords:
        passwords.startService()
        self.addCleanup(lambda: passwords.stopService() if passwords.running else None)
        return passwords

    async def verify(self, passwords: Passwords, encoded: str | None, password: str) -> PasswordCheck:
        async with passwords.slot() as slot:
            return await slot.verify(encoded, password)

    async def test_round_trip(self) -> None:
        """What was hashed is right, anything else is wrong, and the hash shows argon2id and its parameters."""
        passwords = self.started(small())
        encoded = await passwords.hash("correct horse")
        self.assertTrue(encoded.startswith("$argon2id$v=19$m=64,t=1,p=1$"))
        self.assertNotEqual(encoded, await passwords.hash("correct horse"))
        self.assertEqual(await self.verify(passwords, encoded, "correct horse"), PasswordCheck(right=True))
        self.assertEqual(await self.verify(passwords, encoded, "correct horsf"), PasswordCheck(right=False))

    async def test_defaults(self) -> None:
        """Out of the box a hash is argon2id with m = 19 MiB, t = 2, p = 1."""
        from twisted.internet import reactor

        passwords = self.started(Passwords.configured(reactor, GatewayConfig()))  # type: ignore[arg-type]
        self.assertTrue((await passwords.hash("correct horse")).startswith("$argon2id$v=19$m=19456,t=2,p=1$"))

    async def test_same_letters_other_keyboard(self) -> None:
        """A letter typed composed or decomposed is the same letter."""
        passwords = self.started(small())
        encoded = await passwords.hash("caf\u00e9 noir")
        self.assertEqual(await self.verify(passwords, encoded, "cafe\u0301 noir"), PasswordCheck(right=True))

    async def test_nobody_costs_the_same(self) -> None:
        """Without an account one hash is computed, as with one, and no password is right."""
        passwords = self.started(small())
        for password in ("", "correct horse", "x" * 5000):
            before = passwords.computed
            self.assertEqual(await self.verify(passwords, None, password), PasswordCheck(right=False))
            self.assertEqual(passwords.computed, before + 1)

    async def test_too_long_is_wrong(self) -> None:
        """A password of more than 1,024 characters is wrong even where its hash is stored, and costs one
        hash.
        """
        passwords = self.started(small())
        encoded = await passwords.hash("x" * 1025)
        before = passwords.computed
        self.assertEqual(await self.verify(passwords, encoded, "x" * 1025), PasswordCheck(right=False))
        self.assertEqual(passwords.computed, before + 1)
        self.assertEqual(
            await self.verify(passwords, await passwords.hash("x" * 1024), "x" * 1024),
            PasswordCheck(right=True),
        )

    async def test_any_text(self) -> None:
        """NUL, a lone surrogate and the empty text are passwords like others."""
        passwords = self.started(small())
        for password in ("", "a\0b", "\ud800", "\U0001f600" * 9):
            self.assertEqual(
                await self.verify(passwords, await passwords.hash(password), password),
                PasswordCheck(right=True),
            )

    async def test_other_parameters(self) -> None:
        """A hash made with other parameters is checked, and reported as outdated when it is right."""
        passwords = self.started(small())
        old = PasswordHasher(time_cost=2, memory_cost=32, parallelism=1).hash("correct horse")
        self.assertEqual(
            await self.verify(passwords, old, "correct horse"), PasswordCheck(right=True, outdated=True)
        )
        self.assertEqual(await self.verify(passwords, old, "wrong horse"), PasswordCheck(right=False))

    async def test_kinds(self) -> None:
        """Where there are hashes of several kinds, what is wrong takes one of each: with either kind of hash,
        a broken one, or none.
        """
        passwords = self.started(small())
        old = PasswordHasher(time_cost=2, memory_cost=32, parallelism=1).hash("correct horse")
        new = await passwords.hash("correct horse")
        passwords.know(
            [
                "$argon2id$v=19$m=32,t=2,p=1",
                "$argon2id$v=19$m=16,t=1,p=1",
                "",
                "-",
                "$argon2id$v=19$m=x",
                "$2b$12",
            ]
        )
        with capturedLogs():
            for encoded, password in (
                (old, "x"),
                (new, "x"),
                ("-", "x"),
                (None, "x"),
                (new, "x" * 2000),
                (None, "correct horse"),
            ):
                before = passwords.computed
                self.assertFalse((await self.verify(passwords, encoded, password)).right)
                # where one is no hash, the first is none
                self.assertEqual(passwords.computed - before, 3 + (encoded == "-"), encoded)
        before = passwords.computed
        self.assertTrue((await self.verify(passwords, old, "correct horse")).outdated)
        self.assertEqual(passwords.computed - before, 1)

    async def test_kinds_that_are_found(self) -> None:
        """A kind that nobody told of is learned from the first account that has it.

        There are not more kinds than are bounded.
        """
        passwords = self.started(small())
        old = PasswordHasher(time_cost=2, memory_cost=32, parallelism=1).hash("correct horse")
        await self.verify(passwords, old, "x")
        before = passwords.computed
        await self.verify(passwords, None, "x")
        self.assertEqual(passwords.computed - before, 2)
        passwords.know(f"$argon2id$v=19$m={8 * n},t=1,p=1" for n in range(1, 100))
        self.assertEqual(len(passwords._nobodies), KINDS)

    async def test_broken_hash(self) -> None:
        """A stored text that is no hash of argon2 matches no password and is logged without being shown."""
        passwords = self.started(small())
        with capturedLogs() as events:
            for broken in ("", "!", "$argon2id$v=19$m=1", "$2b$12$abcdefghijklmnopqrstuv"):
                self.assertEqual(
                    await self.verify(passwords, broken, "correct horse"), PasswordCheck(right=False)
                )
        self.assertEqual(len(events), 4)
        self.assertNotIn("abcdefgh", repr(events))

    async def test_bounded_queue(self) -> None:
        """Beyond the workers and the places to wait the answer is 73 at once, and later there is room again."""
        passwords = self.started(small(workers=1, queue=2))
        async with passwords.slot():
            waiting = [Deferred.fromCoroutine(passwords.hash("correct horse")) for _ in range(2)]
            with self.assertRaises(Unavailable) as caught:
                await passwords.hash("correct horse")
            self.assertEqual(caught.exception.status, Status.SERVER_BUSY)
            self.assertEqual(passwords.computed, 0)
        await gatherResults(waiting)
        await passwords.hash("correct horse")

    async def test_turns(self) -> None:
        """An account that has many passwords checked waits behind others that have one, though they came
        later, and goes without first.
        """
        passwords = self.started(small(workers=1, queue=24))
        order: list[str] = []

        async def check(asker: Asker) -> None:
            async with passwords.slot(asker):
                order.append(asker.account)

        async with passwords.slot():
            many = [Deferred.fromCoroutine(check(Asker("anna", "203.0.113.1"))) for _ in range(24)]
            one = [Deferred.fromCoroutine(check(Asker(name, "203.0.113.1"))) for name in ("otto", "bert")]
            for late in many[-2:]:
                await self.assertFailure(late, Unavailable)
        await gatherResults(many[:-2] + one)
        self.assertEqual(order[:3], ["anna", "otto", "bert"])

    async def test_not_more_at_once(self) -> None:
        """No more slots are held at one time than there are workers."""
        passwords = self.started(small(workers=2))
        held = most = 0

        async def hold() -> None:
            nonlocal held, most
            async with passwords.slot() as slot:
                held += 1
                most = max(most, held)
                await slot.hash("correct horse")
                held -= 1

        await gatherResults([Deferred.fromCoroutine(hold()) for _ in range(8)])
        self.assertEqual(most, 2)

    async def test_stop(self) -> None:
        """Stopping refuses what waits and what comes, and waits for what runs."""
        passwords = self.started(small(workers=1, memory=4096))
        running = Deferred.fromCoroutine(passwords.hash("correct horse"))
        waiting = Deferred.fromCoroutine(passwords.hash("correct horse"))
        stopped = passwords.stopService()
        await self.assertFailure(waiting, Unavailable)
        await self.assertFailure(Deferred.fromCoroutine(passwords.hash("correct horse")), Unavailable)
        self.assertFalse(running.called)
        await stopped
        self.assertTrue((await running).startswith("$argon2id$"))

    async def test_secrets_stay_inside(self) -> None:
        """Neither a password nor a hash is in the text of the objects."""
        passwords = self.started(small())
        async with passwords.slot() as slot:
            encoded = await slot.hash("correct horse")
            for shown in (repr(passwords), repr(slot), repr(await slot.verify(encoded, "correct horse"))):
                self.assertNotIn("horse", shown)
                self.assertNotIn("argon2id", shown)
