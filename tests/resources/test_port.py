"""The resources port: login, heartbeat, and what bad input gets."""

from __future__ import annotations

import json
import struct

from twisted.internet.task import Clock

from imsys.config import LimitsConfig, RedisConfig, ResourcesConfig
from imsys.redis.tokens import Tokens
from tests.resources.scene import Client, ResourcesCase, blocks
from tests.support.servers import RedisServer


class LoginTests(ResourcesCase):
    async def test_login(self) -> None:
        """A token opens the port as often as wanted; the response has the user's id, and echoes ``seq``."""
        token = await self.tokens.issue(7)
        for seq in (1, "s"):
            client = await self.connect()
            self.assertEqual(
                await client.ask(5, uuid="7", token=token, seq=seq), {"error": 0, "uuid": "7", "seq": seq}
            )
        self.assertEqual((await client.ask(5, uuid="7", token=token))["error"], 19)
        self.assertEqual(await client.ask(32, uuid="7"), {"error": 0})
        self.assertEqual((await client.ask(32, uuid="8"))["error"], 65)
        self.assertEqual((await client.ask(32))["error"], 0)

    async def test_wrong_tokens(self) -> None:
        """A wrong, malformed, foreign or revoked token gets 18, and the connection stays."""
        client, revoked = await self.connect(), await self.tokens.issue(7)
        await self.tokens.revoke(7, revoked)
        for token in ("", "x", "x" * 5000, await self.tokens.issue(8), revoked):
            self.assertEqual((await client.ask(5, uuid="7", token=token))["error"], 18)
        for uuid in ("", "x", "-7", "7 ", "9" * 20):
            self.assertEqual((await client.ask(5, uuid=uuid, token="x"))["error"], 1)
        self.assertEqual((await client.ask(5, uuid="7", token=await self.tokens.issue(7)))["error"], 0)

    async def test_before_login(self) -> None:
        """Before login an upload, and any request of the chat port, gets 18 under its response id.

        The third closes.
        """
        client = await self.connect()
        self.assertEqual((await client.ask(32))["error"], 0)
        (upload,) = blocks("f", b"data")
        self.assertEqual((await client.ask(30, **upload, seq=3))["seq"], 3)
        self.assertEqual((await client.ask(9, username="anna"))["error"], 18)
        self.assertEqual((await client.ask(30))["error"], 18)
        await client.until_closed()
        self.assertEqual((self.kept(), self.arriving()), ({}, []))

    async def test_pipelined_login(self) -> None:
        """What is sent right after the login is done by the user that it was."""
        client, token = await self.connect(), await self.tokens.issue(7)
        client.send(5, uuid="7", token=token)
        (upload,) = blocks("f", b"data")
        self.assertEqual((await client.ask(30, **upload))["error"], 0)
        self.assertEqual(self.visible(), {"f": b"data"})


class CrowdTests(ResourcesCase):
    config = ResourcesConfig(capacity=12)
    limits = LimitsConfig(connections_user=3)

    async def test_one_account(self) -> None:
        """However many sessions an account opens, the others get in.

        Beyond its bound the oldest of its own is closed.
        """
        other = await self.login(8)
        sessions = [await self.login(7) for _ in range(20)]
        for session in sessions[:-3]:
            await session.until_closed()
        for client in (other, *sessions[-3:], await self.login(9)):
            self.assertEqual((await client.ask(32))["error"], 0)

    async def test_silent(self) -> None:
        """However many connect and say nothing, who is logged in stays, and who comes gets in."""
        member = await self.login(8)
        silent = [await self.connect() for _ in range(40)]
        another = await self.login(9)
        for client in silent[:-6]:
            await client.until_closed()
        for client in (member, another):
            self.assertEqual((await client.ask(32))["error"], 0)


class BadInputTests(ResourcesCase):
    tls = False

    async def test_unknown_service(self) -> None:
        """An unknown service, or one of the chat port, gets 1 under id 34; the third in a row closes."""
        client = await self.login()
        for service in (9, 2000):
            client.send(service, seq=5)
            response = await client.next(34)
            self.assertEqual((response["error"], response["seq"]), (1, 5))
        await client.ask(32)
        for service in (31, 90, 65535):
            client.send(service)
            self.assertEqual((await client.next(34))["error"], 1)
        await client.until_closed()

    async def test_body(self) -> None:
        """A body that is no JSON object gets 1 under the service's own response id, and the connection stays."""
        client = await self.login()
        for body in (b"", b"{", b"[]", b"\xff", b"{}", b"[" * 100_000, b'{"filename":"\\ud800"}'):
            client.send_raw(struct.pack("!HI", 30, len(body) + 6) + body)
            self.assertEqual((await client.next(31))["error"], 1)
        self.assertEqual((await client.ask(32))["error"], 0)

    async def test_lengths(self) -> None:
        """A length below the header's or above 1 MiB closes the connection.

        One of exactly 1 MiB is served.
        """
        client = await self.login()
        body = json.dumps({"seq": 1, "filler": ""}).encode()
        body = body[:-2] + b"x" * ((1 << 20) - 6 - len(body)) + body[-2:]
        client.send_raw(struct.pack("!HI", 32, 1 << 20) + body)
        self.assertEqual((await client.next(33))["seq"], 1)
        for total in (0, 5, (1 << 20) + 1, 0xFFFFFFFF):
            client = await self.login()
            client.send_raw(struct.pack("!HI", 32, 8) + b"{}" + struct.pack("!HI", 32, total))
            await client.until_closed()
            self.assertEqual(client.pending(33), [{"error": 0}])

    async def test_flood(self) -> None:
        """A client that sends without reading is not read from without bound, and loses nothing of what it
        sent.
        """
        client = await self.login()
        client.send_raw((struct.pack("!HI", 32, 8) + b"{}") * 5000)
        for _ in range(5000):
            await client.next(33)


class DeadlineTests(ResourcesCase):
    def setUp(self) -> None:
        self.clock: Clock = Clock()
        super().setUp()

    def pass_time(self, seconds: float) -> None:
        """Let time pass in steps in which the server looks at its deadlines."""
        self.clock.pump([0.5] * round(seconds * 2))

    async def test_silence(self) -> None:
        """A connection that does not log in within 10 s, and a session without a frame for 60 s, are closed,
        with what they had begun.
        """
        silent, session = await self.connect(), await self.login()
        await session.ask(30, **blocks("f", b"x" * 2000)[0])
        self.pass_time(9.5)
        self.assertEqual((await silent.ask(32))["error"], 0)
        self.pass_time(1.5)
        await silent.until_closed()
        self.pass_time(48)
        self.assertFalse(session.closed)
        self.pass_time(2)
        await session.until_closed()
        await self.until(lambda: not self.arriving())

    async def test_heartbeat(self) -> None:
        """Frames put the deadline of a session off."""
        session = await self.login()
        for _ in range(5):
            self.pass_time(50)
            self.assertEqual((await session.ask(32))["error"], 0)


class CapacityTests(ResourcesCase):
    config = ResourcesConfig(capacity=2)

    async def test_capacity(self) -> None:
        """A server that is full of users closes further connections at once, and takes one when another is
        gone.
        """
        one, _ = await self.login(7), await self.login(8)
        third = await self.connect()
        await third.until_closed()
        await one.abort()
        await self.until(lambda: len(self.connections) < 2)
        await self.login()


class TokenLifeTests(ResourcesCase):
    tls = False

    def redis_config(self) -> RedisConfig:
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        return self.server.config()

    async def logged_in(self) -> tuple[Client, str]:
        token, client = await self.tokens.issue(7), await self.connect()
        self.assertEqual((await client.ask(5, uuid="7", token=token))["error"], 0)
        return client, token

    def name(self, token: str) -> str:
        return self.redis.key("token", Tokens.digest(token))

    async def test_revoked(self) -> None:
        """A session whose token was revoked is told so, and closed."""
        client, token = await self.logged_in()
        other, _ = await self.logged_in()
        await self.tokens.revoke(7, token)
        await self.granted.look()
        self.assertEqual(
            await client.next(8), {"error": 0, "uuid": "7", "message": "Your login was revoked."}
        )
        await client.until_closed()
        self.assertEqual((await other.ask(32))["error"], 0)
        await self.tokens.revoke_all(7)
        await self.granted.look()
        await other.until_closed()

    async def test_flushed(self) -> None:
        """After Redis was flushed sessions go on, and it knows their tokens again."""
        client, token = await self.logged_in()
        await self.redis.call("FLUSHALL")
        await self.granted.look()
        self.assertEqual(await self.redis.call("EXISTS", self.name(token)), 1)
        self.assertEqual((await client.ask(32))["error"], 0)

    async def test_redis_away(self) -> None:
        """Without Redis the database says who may log in, and who is logged in goes on, and uploads."""
        client, token = await self.logged_in()
        self.server.stop()
        await self.granted.look()
        self.assertTrue((await client.upload("f", b"data"))["EOF"])
        late = await self.connect()
        self.assertEqual((await late.ask(5, uuid="7", token="x"))["error"], 18)
        self.assertEqual((await late.ask(5, uuid="7", token=token))["error"], 0)
        self.database.stopService()
        later = await self.connect()
        self.assertEqual((await later.ask(5, uuid="7", token=token))["error"], 14)
        await self.granted.look()
        self.assertEqual((await client.ask(32))["error"], 0)

    async def test_by_itself(self) -> None:
        """Sign-ins are looked at every interval, until the service stops."""
        self.granted._rounds._interval = 0.01
        self.granted.stopService()
        self.granted.startService()
        client, token = await self.logged_in()
        await self.tokens.revoke(7, token)
        await client.until_closed()
