"""Tokens, against a real redis-server."""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from imsys.redis import RedisService
from imsys.tokens import Tokens
from tests.real_redis import RealRedis


class TokenTests(TestCase):
    def setUp(self) -> None:
        from twisted.internet import reactor

        self.server = RealRedis().start()
        self.addCleanup(self.server.remove)
        service = RedisService(reactor, self.server.config())
        service.startService()
        self.addCleanup(service.stopService)
        self.now = 1_000_000.0
        self.redis = service.redis
        self.tokens = Tokens(service.redis, lambda: self.now, idle=600, life=86400)

    def ttl(self, *parts: str | int) -> int:
        return int(self.server.command("PTTL", self.redis.key(*parts))[1:])

    async def test_issue_and_check(self) -> None:
        """A token is 256 bits, opens for its user as often as wanted, and for nobody else."""
        token = await self.tokens.issue(7)
        self.assertEqual(len(token), 43)
        for _ in range(3):
            self.assertTrue(await self.tokens.check(7, token))
        self.assertFalse(await self.tokens.check(8, token))
        self.assertFalse(await self.tokens.check(7, token + "x"))
        self.assertFalse(await self.tokens.check(7, "\ud800"))

    async def test_kept_hashed(self) -> None:
        """Redis never sees a token, only its SHA-256."""
        token = await self.tokens.issue(7)
        found = self.server.command("KEYS", "*")
        self.assertNotIn(token.encode(), found)
        self.assertIn(Tokens.digest(token).encode(), found)
        self.assertEqual(self.server.command("GET", self.redis.key("token", Tokens.digest(token))), b"$12\r\n7:1086400000\r\n")

    async def test_idle_is_extended_by_use(self) -> None:
        """Every use gives the idle time again, but never beyond the hard expiry."""
        token = await self.tokens.issue(7)
        name = ("token", Tokens.digest(token))
        self.assertGreater(self.ttl(*name), 590_000)
        self.server.command("PEXPIRE", self.redis.key(*name), "5000")
        await self.tokens.check(7, token)
        self.assertGreater(self.ttl(*name), 590_000)
        self.now += 86400 - 10
        self.assertTrue(await self.tokens.check(7, token))
        self.assertLessEqual(self.ttl(*name), 10_000)
        self.now += 11
        self.assertFalse(await self.tokens.check(7, token))

    async def test_revoke(self) -> None:
        """Revoking ends one token, and only for its own user."""
        one, two = await self.tokens.issue(7), await self.tokens.issue(7)
        await self.tokens.revoke(8, one)
        self.assertTrue(await self.tokens.check(7, one))
        await self.tokens.revoke(7, one)
        self.assertFalse(await self.tokens.check(7, one))
        self.assertTrue(await self.tokens.check(7, two))

    async def test_revoke_all(self) -> None:
        """Revoking all ends every token of the user, leaves others', and a new one works."""
        mine, other = [await self.tokens.issue(7) for _ in range(3)], await self.tokens.issue(8)
        await self.tokens.revoke_all(7)
        self.assertEqual([await self.tokens.check(7, token) for token in mine], [False] * 3)
        self.assertTrue(await self.tokens.check(8, other))
        self.assertTrue(await self.tokens.check(7, await self.tokens.issue(7)))

    async def test_renewed_after_flush(self) -> None:
        """A live session writes its token again after a flush; it keeps its hard expiry and can be revoked."""
        token = await self.tokens.issue(7)
        expires = await self.tokens.expires(7, token)
        assert expires is not None
        self.server.command("FLUSHALL")
        self.assertFalse(await self.tokens.check(7, token))
        self.assertTrue(await self.tokens.renew(7, Tokens.digest(token), expires))
        self.assertEqual(await self.tokens.expires(7, token), expires)
        await self.tokens.revoke_all(7)
        self.assertFalse(await self.tokens.check(7, token))

    async def test_revoked_is_not_renewed(self) -> None:
        """What is revoked stays so, whatever a session on another node still believes, flush or not."""
        token = await self.tokens.issue(7)
        expires = await self.tokens.expires(7, token)
        assert expires is not None
        await self.tokens.revoke(7, token)
        self.assertFalse(await self.tokens.renew(7, Tokens.digest(token), expires))
        other = await self.tokens.issue(7)
        self.server.command("FLUSHALL")
        await self.tokens.revoke_all(7)
        self.assertFalse(await self.tokens.renew(7, Tokens.digest(other), expires))
        self.now += 1
        fresh = await self.tokens.issue(7)
        fresh_expires = await self.tokens.expires(7, fresh)
        assert fresh_expires is not None
        self.assertTrue(await self.tokens.renew(7, Tokens.digest(fresh), fresh_expires))

    async def test_expired_is_not_renewed(self) -> None:
        """Past its hard expiry a token cannot be brought back."""
        token = await self.tokens.issue(7)
        self.assertFalse(await self.tokens.renew(7, Tokens.digest(token), self.now))

    async def test_index_forgets_expired(self) -> None:
        """The index of a user who logs in again and again holds only what may still live."""
        for _ in range(15):
            token = await self.tokens.issue(7)
            self.server.command("DEL", self.redis.key("token", Tokens.digest(token)))
        await self.tokens.issue(7)
        self.assertEqual(self.server.command("SCARD", self.redis.key("user_tokens", 7)), b":1\r\n")

    async def test_everything_expires(self) -> None:
        """No key of a token lives for ever."""
        token = await self.tokens.issue(7)
        await self.tokens.revoke(7, await self.tokens.issue(7))
        await self.tokens.revoke_all(7)
        for name in (("token", Tokens.digest(token)), ("tokens_revoked", 7)):
            self.assertGreater(self.ttl(*name), 0)
