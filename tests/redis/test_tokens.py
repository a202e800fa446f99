"""Tokens, against a real redis-server and real databases."""

from __future__ import annotations

from functools import partial
from typing import Any

from imsys.errors import Status, Unavailable
from imsys.redis.client import RedisService
from imsys.redis.tokens import Tokens
from imsys.store import sign_ins
from tests.redis.real import RealRedis
from tests.support.stores import OnMariaDb, OnSqlite, StoreCase

DAY = 86400.0
MONTH, YEAR = 30 * DAY, 365 * DAY


class _TokenTests(StoreCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.server = RealRedis().start()
        self.addCleanup(self.server.remove)
        self.service = RedisService(self.reactor, self.server.config(timeout=1.0))
        self.service.startService()
        self.addCleanup(self.service.stopService)
        self.now = 1_000_000_000.0
        self.redis = self.service.redis
        self.statements: list[str] = []
        self.database = self.open_database(lambda sql, _: self.statements.append(sql))
        self.tokens = self.another()

    def another(self) -> Tokens:
        """The tokens of another server."""
        return Tokens(self.redis, self.database, lambda: self.now, MONTH, YEAR)

    def ttl(self, token: str) -> int:
        return int(self.server.command("PTTL", self.name(token))[1:])

    def name(self, token: str) -> str:
        return self.redis.key("token", Tokens.digest(token))

    async def rows(self, what: str = "COUNT(*)") -> list[Any]:
        return await self.database.read(lambda tx: tx.rows(f"SELECT {what} FROM sign_ins"))

    async def stamped(self) -> None:
        """Return when what was to be noted is."""
        await self.tokens._sign_ins._stamping.idle()

    async def test_issue_and_check(self) -> None:
        """A token is 256 bits, opens for its user as often as wanted, and for nobody else."""
        token = await self.tokens.issue(7)
        self.assertEqual(len(token), 43)
        for _ in range(3):
            self.assertTrue(await self.tokens.check(7, token))
        self.assertFalse(await self.tokens.check(8, token))
        self.assertFalse(await self.tokens.check(7, token + "x"))
        self.assertFalse(await self.tokens.check(7, "\ud800"))
        self.assertFalse(await self.tokens.check(7, ""))

    async def test_kept_hashed(self) -> None:
        """Neither Redis nor the database ever sees a token, only its SHA-256."""
        token = await self.tokens.issue(7)
        self.assertTrue(await self.tokens.check(7, token))
        self.assertEqual(self.server.command("GET", self.name(token)), b"$15\r\n7:1031536000000\r\n")
        ((digest, user, epoch, device, created, used, expires),) = await self.rows("*")
        self.assertEqual(bytes(digest).hex(), Tokens.digest(token))
        self.assertEqual((user, epoch, bytes(device), created, used), (7, 0, b"", 10**12, 10**12))
        self.assertEqual(expires, 10**12 + YEAR * 1000)

    async def test_flushed(self) -> None:
        """After Redis lost everything, everybody is still signed in, on every server."""
        tokens = {user: await self.tokens.issue(user) for user in (7, 8, 9)}
        self.server.command("FLUSHALL")
        for user, token in tokens.items():
            self.assertTrue(await self.another().check(user, token))
        self.server.command("FLUSHALL")
        held = [(user, Tokens.digest(token)) for user, token in tokens.items()]
        self.assertEqual(
            await self.tokens.live([*held, (7, "0" * 64), (7, held[1][1])]), [True, True, True, False, False]
        )

    async def test_redis_knows(self) -> None:
        """While Redis knows a token the database is not asked, and it knows it for an hour."""
        token = await self.tokens.issue(7)
        self.assertTrue(await self.tokens.check(7, token))
        self.statements.clear()
        self.assertTrue(await self.another().check(7, token))
        self.assertEqual(await self.tokens.live([(7, Tokens.digest(token))] * 3), [True] * 3)
        self.assertEqual(self.statements, [])
        self.assertGreater(self.ttl(token), 3_500_000)
        self.assertLessEqual(self.ttl(token), 3_600_000)

    async def test_idle(self) -> None:
        """A token that nobody uses dies after its time, and one that is used, however seldom, does not."""
        token, forgotten = await self.tokens.issue(7), await self.tokens.issue(7)
        for _ in range(4):
            self.now += 20 * DAY
            self.server.command("FLUSHALL")
            self.assertTrue(await self.tokens.check(7, token))
            await self.stamped()
        self.assertFalse(await self.tokens.check(7, forgotten))
        self.now += MONTH
        self.assertTrue(await self.tokens.check(7, token))

    async def test_at_most_a_year(self) -> None:
        """However much it is used, a token dies a year after it was made."""
        token = await self.tokens.issue(7)
        for _ in range(18):
            self.now += 20 * DAY
            self.server.command("FLUSHALL")
            self.assertTrue(await self.tokens.check(7, token))
            await self.stamped()
        self.now += 5 * DAY
        self.assertFalse(await self.tokens.check(7, token))
        self.server.command("FLUSHALL")
        self.assertFalse(await self.tokens.check(7, token))

    async def test_use_is_noted_seldom(self) -> None:
        """That a token is in use is written once a day, and not at every login."""
        token = await self.tokens.issue(7)
        for hours, written in ((1, 0), (22, 0), (2, 1), (1, 1), (24, 2)):
            self.now += hours * 3600
            self.server.command("FLUSHALL")
            self.assertTrue(await self.tokens.check(7, token))
            await self.stamped()
            self.assertEqual(sum(sql.startswith("UPDATE sign_ins") for sql in self.statements), written)

    async def test_revoke(self) -> None:
        """Revoking ends one token, and only for its own user; also one that Redis does not know."""
        one, two, three = [await self.tokens.issue(7) for _ in range(3)]
        await self.tokens.revoke(8, one)
        self.assertTrue(await self.tokens.check(7, one))
        await self.tokens.revoke(7, one)
        self.server.command("FLUSHALL")
        await self.tokens.revoke(7, two)
        self.assertEqual(
            [await self.tokens.check(7, token) for token in (one, two, three)], [False, False, True]
        )
        self.server.command("FLUSHALL")
        self.assertEqual(
            [await self.another().check(7, token) for token in (one, two, three)], [False, False, True]
        )

    async def test_revoke_all(self) -> None:
        """Revoking all ends every token of the user, leaves others', and a new one works."""
        mine, other = [await self.tokens.issue(7) for _ in range(3)], await self.tokens.issue(8)
        self.assertTrue(await self.tokens.check(7, mine[0]))
        await self.tokens.revoke_all(7)
        for _ in range(2):
            self.assertEqual([await self.tokens.check(7, token) for token in mine], [False] * 3)
            self.assertTrue(await self.tokens.check(8, other))
            self.server.command("FLUSHALL")
        self.assertTrue(await self.tokens.check(7, await self.tokens.issue(7)))

    async def test_revoked_while_it_is_read(self) -> None:
        """A server that has read the database just before a token was revoked does not have Redis believe
        that it lives.
        """
        token = await self.tokens.issue(7)
        slow = self.another()
        find = slow._sign_ins.find

        async def late(digests: Any) -> Any:
            found = await find(digests)
            await self.tokens.revoke(7, token)
            return found

        self.patch(slow._sign_ins, "find", late)
        self.assertFalse(await slow.check(7, token))
        self.assertFalse(await self.tokens.check(7, token))

    async def test_epoch(self) -> None:
        """What let a user in counts no more when all was revoked meanwhile: nothing is stored, and others are
        not concerned.
        """
        kept = [self.tokens.made(7).token for _ in range(3)]
        self.assertTrue(await self.tokens.keep(7, kept[0], 0))
        await self.tokens.revoke_all(7)
        self.assertFalse(await self.tokens.keep(7, kept[1], 0))
        self.assertTrue(await self.tokens.keep(7, kept[2], 1))
        self.assertEqual([await self.tokens.check(7, token) for token in kept], [False, False, True])
        uuid = await self.stores.accounts.create("anna", "a@example.org", "-")
        found = await self.stores.accounts.credentials("anna")
        assert found is not None
        self.assertEqual(found.epoch, 0)
        await self.tokens.revoke_all(uuid, partial(self.stores.accounts.reset_password, "other"))
        found = await self.stores.accounts.credentials("anna")
        assert found is not None
        self.assertEqual((found.epoch, found.password_hash), (1, "other"))

    async def test_many_at_once(self) -> None:
        """Tokens that are stored at once share transactions, and each user's epoch counts for that user
        alone.
        """
        await self.tokens.revoke_all(9)
        made = [(user, self.tokens.made(user).token) for user in [7, 8, 9] * 40]
        waiting = [self.tokens._sign_ins.keep(self.sign_in(user, token, 0)) for user, token in made]
        kept = [await one for one in self.started(waiting)]
        self.assertEqual([bool(one) for one in kept], [user != 9 for user, _ in made])
        self.assertEqual([await self.tokens.check(*one) for one in made], [bool(one) for one in kept])

    def sign_in(self, user: int, token: str, epoch: int | None) -> sign_ins.SignIn:
        now = round(self.now * 1000)
        return sign_ins.SignIn(
            bytes.fromhex(Tokens.digest(token)), user, epoch, now, now + round(YEAR * 1000)
        )

    def started(self, coroutines: list[Any]) -> list[Any]:
        from twisted.internet.defer import Deferred

        return [Deferred.fromCoroutine(one) for one in coroutines]

    async def test_most(self) -> None:
        """Who signs in again and again has no more than so many tokens.

        Those go that were unused for longest.
        """
        self.patch(sign_ins, "MOST", 3)
        tokens = []
        for _ in range(5):
            tokens.append(await self.tokens.issue(7))
            self.now += 1
        self.assertEqual(
            [await self.tokens.check(7, token) for token in tokens], [False, False, True, True, True]
        )

    async def test_swept(self) -> None:
        """The table does not grow with those who never come back."""
        for user in range(1, 10):
            await self.tokens.issue(user)
        self.now += 40 * DAY
        await self.tokens.issue(10)
        self.assertEqual(await self.rows("user_id"), [(10,)])

    async def test_everything_expires(self) -> None:
        """No key of a token lives for ever in Redis."""
        token, revoked = await self.tokens.issue(7), await self.tokens.issue(7)
        self.assertTrue(await self.tokens.check(7, token))
        await self.tokens.revoke(7, revoked)
        self.assertGreater(self.ttl(token), 0)
        self.assertGreater(self.ttl(revoked), 0)

    async def test_redis_away(self) -> None:
        """Without Redis the database tells who is signed in.

        Nobody is signed out, and nothing changes half.
        """
        token = await self.tokens.issue(7)
        self.server.kill()
        self.assertTrue(await self.tokens.check(7, token))
        self.assertFalse(await self.tokens.check(7, "x"))
        with self.assertRaises(Unavailable) as caught:
            await self.tokens.revoke_all(7)
        self.assertIs(caught.exception.status, Status.REDIS_UNKNOWN_ERROR)
        with self.assertRaises(Unavailable):
            await self.tokens.revoke(7, token)
        self.assertTrue(await self.tokens.check(7, token))

    async def test_database_away(self) -> None:
        """Without the database, too, who is known to Redis is let in; of others nothing can be said."""
        known, unknown = await self.tokens.issue(7), await self.tokens.issue(7)
        self.assertTrue(await self.tokens.check(7, known))
        self.database.close()
        self.assertTrue(await self.tokens.check(7, known))
        with self.assertRaises(Unavailable) as caught:
            await self.tokens.check(7, unknown)
        self.assertIs(caught.exception.status, Status.MYSQL_INTERNAL_ERROR)


class TokenTests(_TokenTests, OnSqlite):
    pass


class MariaDbTokenTests(_TokenTests, OnMariaDb):
    pass


del _TokenTests
