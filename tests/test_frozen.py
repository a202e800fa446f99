"""A chat server that is frozen (SIGSTOP) and wakes: what lies in its sockets is of people who are elsewhere by now.

Each of its three guards is shown alone: the numbers of attempts, the state of the socket, and the clock.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.task import deferLater

from imsys.bench.population import make_users
from imsys.config import load
from imsys.redis import RedisService
from imsys.routes import Routes
from imsys.services.pauses import PAUSE
from tests.support.chat import RawClient
from tests.support.children import free_port
from tests.support.daemons import Process, start
from tests.test_daemons import DaemonTestCase


class FrozenTests(DaemonTestCase):
    """Two chat servers; anna and bert may log in at either, without TLS."""

    async def setUp(self) -> None:
        super().setUp()
        self.one_machine_of_many()
        self.ports = {name: free_port() for name in ("one", "two")}
        balance = Deferred.fromCoroutine(start(self, "imsys-balance", self.settings))
        servers = [Deferred.fromCoroutine(self.chat_server(name)) for name in self.ports]
        config = load(None, {f"IMSYS_{name}": value for name, value in self.settings.items()})
        users = await make_users(self.reactor, config, 1)
        redis = RedisService(self.reactor, config.redis)
        redis.startService()
        self.addCleanup(redis.stopService)
        self.routes = Routes(redis.redis, 1, 1, 1)
        await balance
        self.one, self.two = [await server for server in servers]
        self.anna, self.bert = [dict(zip(("uuid", "token"), line.split(), strict=False)) for line in users]

    async def chat_server(self, name: str) -> Process:
        own = {"CHAT_NAME": name, "CHAT_PORT": "0", "CHAT_PLAIN_PORT": str(self.ports[name]), "CHAT_GRPC_PORT": "0"}
        return await start(self, "imsys-chat", self.settings | own)

    async def connect(self, name: str) -> RawClient:
        """A connection that the server knows of."""
        client: RawClient = await connectProtocol(HostnameEndpoint(self.reactor, "127.0.0.1", self.ports[name]), RawClient(self.reactor))
        self.addCleanup(client.abort)
        self.assertEqual((await client.ask(32))["error"], 0)
        return client

    async def log_in(self, name: str, **keys: Any) -> RawClient:
        client = await self.connect(name)
        response = await client.ask(5, **keys)
        self.assertEqual(response["error"], 0, response)
        return client

    def freeze(self) -> None:
        os.kill(self.one.pid, signal.SIGSTOP)

    def wake(self) -> None:
        os.kill(self.one.pid, signal.SIGCONT)

    async def goes_on(self, session: RawClient) -> None:
        """The frozen server has done what it found to do, and the session has not ended by that, nor been out of sight."""
        bert = await self.log_in("one", **self.bert)
        await bert.abort()
        await self.one.says(f"of {self.bert['uuid']} is over")
        self.assertEqual((await session.ask(32, uuid=self.anna["uuid"]))["error"], 0)
        self.assertEqual(session.pending(8), [])
        self.assertNotIn(f"{self.anna['uuid']} logged in", self.one.text)
        self.assertEqual([route.node for route in (await self.routes.find([int(self.anna["uuid"])])).values()], ["two"])

    async def test_attempts(self) -> None:
        """A login that waited in a frozen server is refused when its client has logged in elsewhere since, although it still listens."""
        client = await self.connect("one")
        self.freeze()
        client.send(5, **self.anna, client="c", attempt=1)
        session = await self.log_in("two", **self.anna, client="c", attempt=2)
        self.wake()
        self.assertEqual((await client.next(6))["error"], 19)
        await client.until_closed()
        await self.goes_on(session)

    async def test_deserted(self) -> None:
        """A login that waited in a frozen server is not carried out when its client has hung up, be it in good order."""
        client, other = await self.connect("one"), await self.connect("one")
        self.freeze()
        for one in (client, other):
            one.send(5, **self.anna)
        await deferLater(self.reactor, 0)  # it leaves at the end of a turn
        assert client.transport is not None
        client.transport.loseConnection()
        await other.abort()
        await client.until_closed()
        session = await self.log_in("two", **self.anna)
        self.wake()
        await self.goes_on(session)

    async def test_pause(self) -> None:
        """A login that waited in a frozen server for long is not carried out, and its connection cut, whatever its client says or does."""
        client = await self.connect("one")
        self.freeze()
        client.send(5, **self.anna)
        session = await self.log_in("two", **self.anna)
        await deferLater(self.reactor, PAUSE + 0.5)
        self.wake()
        await client.until_closed()
        self.assertEqual(client.pending(6), [])
        await self.one.says("this process stood still for")
        await self.goes_on(session)

    async def test_replaced_meanwhile(self) -> None:
        """A session whose user has logged in elsewhere while its server was frozen hears of it as soon as that wakes."""
        client = await self.log_in("one", **self.anna)
        self.freeze()
        session = await self.log_in("two", **self.anna)
        await deferLater(self.reactor, PAUSE + 0.5)
        self.wake()
        self.assertIn("elsewhere", (await client.next(8))["message"])
        await client.until_closed()
        self.assertEqual((await session.ask(32, uuid=self.anna["uuid"]))["error"], 0)
