"""Routes of many sessions at once, against a real redis-server."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, DeferredList, gatherResults
from twisted.logger import capturedLogs

from imsys.errors import Refused, Status, Unavailable
from imsys.redis import routes
from imsys.redis.client import RedisService, Script
from imsys.redis.routes import REBUILT, REPLACED, REVOKED, Attempt, Held, Route, Routes
from imsys.redis.tokens import Tokens
from tests.redis.real import RealRedis
from tests.support.stores import OnSqlite

NOW = 1_700_000_000_000
MANY = 1 + 2 * routes.BATCH
"""One that starts at once, and two full batches."""


class RoutesTests(OnSqlite):
    async def setUp(self) -> None:
        await super().setUp()
        self.server = RealRedis().start()
        self.addCleanup(self.server.remove)
        service = RedisService(self.reactor, self.server.config())
        service.startService()
        self.addCleanup(service.stopService)
        self.redis = service.redis
        self.tokens = Tokens(self.redis, self.database, lambda: NOW / 1000, 864000, 86400000)
        self.routes = Routes(self.redis, self.tokens, 15)
        self.scripts: list[Script] = []
        script = self.redis.script

        async def counted(which: Script, *args: Any) -> Any:
            self.scripts.append(which)
            return await script(which, *args)

        self.patch(self.redis, "script", counted)

    async def digest(self, user: int) -> str:
        """Of a new token, which Redis knows."""
        digest = Tokens.digest(await self.tokens.issue(user))
        self.assertTrue(await self.tokens.load(user, digest))
        return digest

    async def at_once(self, *logins: tuple[int, str, Route] | tuple[int, str, Route, Attempt]) -> list[Any]:
        """Log in, all at once; gives back what came of each, an exception where it was refused."""
        self.scripts.clear()
        calls: list[Deferred[Any]] = [
            Deferred.fromCoroutine(self.routes.login(user, digest, route, *attempt))
            for user, digest, route, *attempt in logins
        ]
        return [
            result if well else result.value for well, result in await DeferredList(calls, consumeErrors=True)
        ]

    async def test_many_logins_share_calls(self) -> None:
        """However many log in at once, Redis is called for the first, and then for as many together as may
        be.
        """
        logins = [
            (user, await self.digest(user), Route("n", "i", f"s{user}", 0)) for user in range(1, MANY + 1)
        ]
        taken = await self.at_once(*logins)
        self.assertEqual(len(self.scripts), 3)
        self.assertEqual(taken, [(None, Route("n", "i", f"s{user}", NOW), ()) for user in range(1, MANY + 1)])
        self.assertEqual((await self.routes.find([MANY]))[MANY][0], Route("n", "i", f"s{MANY}", NOW))
        self.assertGreater(await self.redis.call("PTTL", self.redis.key("route", MANY)), 10_000)

    async def test_one_user_twice(self) -> None:
        """Of two logins of one user in one call the later one wins, and finds the route of the earlier one."""
        digest = await self.digest(1)
        warm, first, second = (Route("n", "i", session, 0) for session in ("w", "a", "b"))
        _, one, two = await self.at_once((9, digest, warm), (1, digest, first), (1, digest, second))
        self.assertEqual(len(self.scripts), 2)
        self.assertEqual(one[:2], (None, Route("n", "i", "a", NOW)))
        self.assertEqual(two[:2], (Route("n", "i", "a", NOW), Route("n", "i", "b", NOW + 1)))
        self.assertEqual(await self.routes.find([1]), {1: (Route("n", "i", "b", NOW + 1),)})

    async def test_one_fails_alone(self) -> None:
        """A wrong token, and values in Redis that are none of ours, refuse the login that they concern, and
        no other.
        """
        digests = {user: await self.digest(user) for user in range(1, 7)}
        self.server.command("SET", self.redis.key("route", 2), "nonsense")
        self.server.command("RPUSH", self.redis.key("route", 3), "a list")
        self.server.command("SET", self.redis.key("token", digests[4]), "nonsense")
        with capturedLogs() as events:
            logins = [
                (user, digests[6 if user == 5 else user], Route("n", "i", "s", 0)) for user in range(1, 7)
            ]
            _, two, three, four, five, six = await self.at_once(*logins)
        self.assertEqual(len(self.scripts), 2)
        for refused in (two, three):
            self.assertIsInstance(refused, Unavailable)
            self.assertIs(refused.status, Status.REDIS_UNKNOWN_ERROR)
        self.assertEqual([event["user"] for event in events], [2, 3])
        self.assertEqual([four, five], [None, None])
        self.assertEqual(six[1].login_ms, NOW)

    async def test_foreign_route(self) -> None:
        """A route that is none of ours is no route.

        The others of the same call are found, and their logins take them over.
        """
        digests = {user: await self.digest(user) for user in range(1, 5)}
        await self.at_once(*((user, digests[user], Route("m", "i", "older", 0)) for user in (2, 4)))
        for foreign in ("a|b|7", "a|b|c|d|7"):
            self.server.command("SET", self.redis.key("route", 3), foreign)
            with capturedLogs() as events:
                self.assertEqual(sorted(await self.routes.find([2, 3, 4])), [2, 4])
            self.assertEqual([event["user"] for event in events], [3])
        with capturedLogs() as events:
            taken = await self.at_once(
                *((user, digests[user], Route("n", "i", "newer", 0)) for user in range(1, 5))
            )
        self.assertEqual([event["user"] for event in events], [3])
        self.assertEqual(len(self.scripts), 2)
        older, newer = Route("m", "i", "older", NOW), Route("n", "i", "newer", NOW)
        after = Route("n", "i", "newer", NOW + 1)
        self.assertEqual(
            [one[:2] for one in taken], [(None, newer), (older, after), (None, newer), (older, after)]
        )

    async def attempts(self, digest: str, *numbers: int, client: str = "c", user: int = 1) -> list[Any]:
        """Try to log in with each number, one after the other, in calls of their own; the status of each."""
        found = []
        for number in numbers:
            (one,) = await self.at_once(
                (user, digest, Route("n", "i", f"{client}{number}", 0), Attempt(client, number))
            )
            found.append(int(one.status) if isinstance(one, Refused) else 0)
        return found

    async def test_attempts(self) -> None:
        """An attempt that is no newer than one of its client that was carried out is refused, and leaves the
        route as it is.
        """
        digest = await self.digest(1)
        self.assertEqual(await self.attempts(digest, 0, 7, 7, 3, 0, 8), [0, 0, 19, 19, 19, 0])
        self.assertEqual((await self.routes.find([1]))[1][0].session, "c8")
        self.assertEqual(await self.attempts(digest, 5, client="another"), [0])
        self.assertEqual(await self.attempts(digest, 8, 9), [19, 0])
        self.assertGreater(await self.redis.call("PTTL", self.redis.key("attempts", 1)), 3_500_000)
        digest = await self.digest(2)
        self.assertEqual(
            await self.attempts(digest, 1, user=2), [0], "another user's client of the same name is another"
        )

    async def test_many_clients(self) -> None:
        """Of a user with very many clients the attempts of most are forgotten: nobody fills Redis with them."""
        digest = await self.digest(1)
        for number in range(routes.CLIENTS * 2 + 1):
            self.assertEqual(await self.attempts(digest, 5, client=f"client {number}"), [0])
            self.assertLessEqual(await self.redis.call("HLEN", self.redis.key("attempts", 1)), routes.CLIENTS)
        self.assertEqual(await self.attempts(digest, 5, client=f"client {number}"), [19])

    async def test_large_attempts(self) -> None:
        """Attempts are compared to the last digit, however large they are."""
        digest = await self.digest(1)
        numbers = (9, 10, 2**53, 2**53 + 1, 2**53 + 2, 2**62, 2**62 + 1, 2**63 - 1)
        self.assertEqual(await self.attempts(digest, *numbers), [0] * len(numbers))
        self.assertEqual(await self.attempts(digest, *numbers), [19] * len(numbers))

    async def test_attempts_at_once(self) -> None:
        """In one call an attempt after a newer one is refused, and others are not.

        One whose token is wrong counts for nothing.
        """
        one, two = await self.digest(1), await self.digest(2)
        warm, mine = Route("n", "i", "w", 0), Route("n", "i", "s", 0)
        attempt = Attempt("c", 5)
        _, foreign, newer, older, plain, other = await self.at_once(
            (9, one, warm),
            (1, two, mine, Attempt("c", 9)),
            (1, one, mine, attempt),
            (1, one, mine, Attempt("c", 4)),
            (1, one, mine),
            (2, two, mine, attempt),
        )
        self.assertEqual(len(self.scripts), 2)
        self.assertIsNone(foreign)
        self.assertEqual([newer[0], plain[0].session, other[0]], [None, "s", None])
        self.assertIs(older.status, Status.LOGIN_FOR_MULTIPLE_TIMES)

    async def test_foreign_attempt(self) -> None:
        """A text in the place of an attempt that is none is taken over.

        Anything else there refuses that login alone.
        """
        one, two = await self.digest(1), await self.digest(2)
        self.server.command("HSET", self.redis.key("attempts", 1), "c", "nonsense")
        self.server.command("RPUSH", self.redis.key("attempts", 2), "a list")
        mine, attempt = Route("n", "i", "s", 0), Attempt("c", 1)
        with capturedLogs():
            first, second, third = await self.at_once(
                (1, one, mine, attempt), (2, two, mine, attempt), (1, one, mine)
            )
        self.assertEqual(first[1].login_ms, NOW)
        self.assertIs(second.status, Status.REDIS_UNKNOWN_ERROR)
        self.assertEqual(third[0].session, "s")

    async def test_attempts_are_remembered(self) -> None:
        """What Redis forgot of the attempts of live sessions is written again with their routes, unless a
        newer one is there by then.
        """
        held = []
        for user in (1, 2, 3):
            digest, attempt = await self.digest(user), Attempt("c", 2**60) if user < 3 else None
            _, mine, _ = await self.routes.login(user, digest, Route("n", "i", "s", 0), attempt)  # type: ignore[misc]
            held.append(Held(user, mine, digest, attempt))
        self.server.command("FLUSHALL")
        await self.redis.call("HSET", self.redis.key("attempts", 2), "c", 2**60 + 1)
        self.assertEqual(await self.routes.refresh(held), ([(one, REBUILT) for one in held], held, {}))
        self.assertEqual(await self.routes.revoked(held), [])
        self.assertEqual(await self.attempts(held[0].token_digest, 2**60 - 1, 2**60, 2**60 + 1), [19, 19, 0])
        self.assertEqual(await self.attempts(held[1].token_digest, 2**60 + 1, 2**60 + 2, user=2), [19, 0])
        self.assertEqual(await self.attempts(held[2].token_digest, 0, user=3), [0])

    async def test_unknown_token(self) -> None:
        """Redis has lost the tokens of many who log in at once: the database is asked for all of them
        together, and they come in.
        """
        digests = {user: await self.digest(user) for user in range(1, MANY + 1)}
        self.server.command("FLUSHALL")
        statements: list[str] = []
        self.tokens._sign_ins._database = self.open_database(lambda sql, _: statements.append(sql))
        logins = [(user, digests[user], Route("n", "i", "s", 0)) for user in digests]
        taken = await self.at_once(
            *logins, (1, "0" * 64, Route("n", "i", "s", 0)), (1, digests[2], Route("n", "i", "s", 0))
        )
        self.assertEqual(taken, [(None, Route("n", "i", "s", NOW), ())] * MANY + [None] * 2)
        self.assertLess(len(statements), 10)
        statements.clear()
        await self.at_once(*logins)
        self.assertEqual(statements, [])

    async def test_away(self) -> None:
        """While Redis is away all who wait are refused, after the time that one call may take."""
        digest = await self.digest(1)
        self.server.kill()
        refused = await self.at_once(*[(1, digest, Route("n", "i", "s", 0))] * 500)
        self.assertEqual({one.status for one in refused}, {Status.REDIS_UNKNOWN_ERROR})
        self.assertEqual(len(self.scripts), 1)

    async def test_many_are_dropped(self) -> None:
        """The routes of many who leave at once go with a few calls.

        A route that is another session's by now stays.
        """
        logins = [
            (user, await self.digest(user), Route("n", "i", f"s{user}", 0)) for user in range(1, MANY + 1)
        ]
        taken = await self.at_once(*logins)
        await self.at_once((7, logins[6][1], Route("m", "i", "newer", 0)))
        self.scripts.clear()
        for (user, _, _), (_, mine, _) in zip(logins, taken, strict=True):
            self.routes.drop(user, mine)
        await self.routes.dropped()
        self.assertEqual(len(self.scripts), 3)
        self.assertEqual(list(await self.routes.find(range(1, MANY + 1))), [7])

    async def test_too_many_to_drop(self) -> None:
        """Beyond the bound routes are left to expire."""
        self.patch(routes, "DROPS", 1)
        bounded = Routes(self.redis, self.tokens, 15)
        calls = [bounded.drop(user, Route("n", "i", "s", 0)) for user in range(3)]
        with self.assertRaises(Exception) as caught:
            await calls[2]
        self.assertEqual(getattr(caught.exception, "status", None), Status.SERVER_BUSY)
        await gatherResults(calls[:2])

    async def test_refreshed(self) -> None:
        """Of many sessions each is told what became of it, in one call.

        One whose value in Redis is none of ours is left as it is.
        """
        held = []
        for user in range(1, 8):
            digest = await self.digest(user)
            _, mine, _ = (await self.at_once((user, digest, Route("n", "i", f"s{user}", 0))))[0]
            held.append(Held(user, mine, digest))
        await self.tokens.revoke_all(2)
        await self.redis.call("SET", self.redis.key("route", 3), f"n|i|other|{NOW + 5}")
        await self.redis.call("SET", self.redis.key("route", 4), f"n|i|other|{NOW - 5}")
        await self.redis.call(
            "DEL", self.redis.key("route", 5), self.redis.key("token", held[4].token_digest)
        )
        await self.redis.call("SET", self.redis.key("route", 6), "nonsense")
        await self.redis.call("PEXPIRE", self.redis.key("route", 7), 100)
        self.scripts.clear()
        with capturedLogs() as events:
            refreshed = await self.routes.refresh(held)
        changed = {one.user: state for one, state in refreshed.changed}
        self.assertEqual(changed, {2: REVOKED, 3: REPLACED, 4: REBUILT, 5: REBUILT})
        self.assertEqual(refreshed.unknown, [held[4]])
        self.assertEqual([event["user"] for event in events], [6])
        self.assertEqual(len(self.scripts), 1)
        self.assertEqual((await self.routes.find([4]))[4][0], held[3].route)
        self.assertGreater(await self.redis.call("PTTL", self.redis.key("route", 7)), 10_000)
        self.assertEqual(await self.routes.revoked([held[4], held[1]]), [held[1]])
