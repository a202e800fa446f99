"""Several chat servers as processes, with a balance server, on MariaDB and Redis.

People reach each of them without TLS.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol

from imsys.bench.population import make_users
from imsys.config import Config, load
from imsys.redis.client import RedisService
from imsys.redis.routes import Routes
from imsys.store import Database
from tests.scenes.test_daemons import DaemonTestCase
from tests.support.chat import RawClient
from tests.support.children import free_port
from tests.support.daemons import Process, start
from tests.support.tokens import tokens_for


class ChatServersCase(DaemonTestCase):
    """A test with chat servers of these names, and with pairs of friends."""

    names: tuple[str, ...] = ("one", "two")
    pairs = 1
    extra: dict[str, str] = {}
    """Further configuration of all servers."""
    program: Path | None = None
    """The folder of another version's packages, for the servers that are there at first."""

    async def setUp(self) -> None:
        super().setUp()
        self.one_machine_of_many()
        self.settings |= {"BALANCE_INTERVAL": "0.5", "BALANCE_LEASE": "5"} | self.extra
        self.ports = {name: free_port() for name in self.names}
        self.balance = await start(self, "imsys-balance", self.settings, program=self.program)
        starting = [Deferred.fromCoroutine(self.chat_server(name)) for name in self.names]
        await self.make_people()
        redis = RedisService(self.reactor, self.config.redis)
        redis.startService()
        self.addCleanup(redis.stopService)
        self.routes = Routes(redis.redis, tokens_for(self, redis.redis, self.config.database), 1)
        self.servers = {name: await one for name, one in zip(self.names, starting, strict=True)}
        for name, server in self.servers.items():
            for other in self.names:
                if other != name:
                    await server.says(f"the stream to chat server {other} is open")

    async def make_people(self) -> None:
        """Make pairs of friends."""
        users = await make_users(self.reactor, self.config, self.pairs)
        self.people = [dict(zip(("uuid", "token"), line.split(), strict=False)) for line in users]
        """What each of them logs in with; the friends of a pair follow each other."""
        self.threads = [line.split()[5] for line in users[::2]]

    @property
    def config(self) -> Config:
        return load(None, {f"IMSYS_{name}": value for name, value in self.settings.items()})

    def open_database(self) -> Database:
        """Connections to their database, closed after the test."""
        database = Database(self.reactor, self.config.database)
        database.open()
        self.addCleanup(database.close)
        return database

    async def chat_server(self, name: str, program: Path | None = None) -> Process:
        own = {
            "CHAT_NAME": name,
            "CHAT_PORT": "0",
            "CHAT_PLAIN_PORT": str(self.ports[name]),
            "CHAT_GRPC_PORT": "0",
        }
        return await start(self, "imsys-chat", self.settings | own, program=program or self.program)

    async def connect(self, name: str) -> RawClient:
        """A connection that the server knows of."""
        client: RawClient = await connectProtocol(
            HostnameEndpoint(self.reactor, "127.0.0.1", self.ports[name]), RawClient(self.reactor)
        )
        self.addCleanup(client.abort)
        self.assertEqual((await client.ask(32))["error"], 0)
        return client

    async def log_in(self, name: str, **keys: Any) -> RawClient:
        """A session at this server."""
        client = await self.connect(name)
        response = await client.ask(5, **keys)
        self.assertEqual(response["error"], 0, response)
        return client

    async def where(self, person: dict[str, str]) -> list[str]:
        """The server that a person is at, by Redis."""
        found = (await self.routes.find([int(person["uuid"])])).values()
        return [route.node for routes in found for route in routes]
