"""Two chat servers on one database and one Redis, without a network between them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

from twisted.internet.task import deferLater

from imsys.cluster.peers import RemotePush
from imsys.config import ChatConfig
from imsys.errors import Status, Unavailable
from imsys.redis.client import RedisService
from tests.support.chat import ChatServer, RawClient
from tests.support.servers import RedisServer
from tests.support.stores import OnSqlite


class Link:
    """What one server sees of the others, without a network between; may be cut."""

    def __init__(self) -> None:
        self.servers: dict[str, ChatServer] = {}
        self.down: set[str] = set()
        self.sent: list[RemotePush] = []
        self.late: list[tuple[str, dict[int, int], bool]] | None = None

    def alive(self, node: str, incarnation: str) -> bool:
        return node in self.servers and node not in self.down and incarnation == f"{node}-inc"

    async def end_session(self, node: str, uuid: int, session: str, message: str, device: str = "") -> None:
        if node in self.down:
            raise Unavailable(Status.GRPC_ERROR, "cut")
        self.servers[node].directory.end(uuid, session, message, device)

    def tell(self, node: str, user: int, login_ms: int, beside: bool = False) -> None:
        """News from a server, which the others hear at once, or when it is let through."""
        if self.late is not None:
            self.late.append((node, {user: login_ms}, beside))
        else:
            self._hear(node, {user: login_ms}, beside)

    def let_news_through(self) -> None:
        late, self.late = self.late, None
        for told in late or []:
            self._hear(*told)

    def _hear(self, node: str, news: dict[int, int], beside: bool) -> None:
        for name, server in self.servers.items():
            if name != node and node not in self.down and name not in self.down:
                server.outbound.hear(node, news, False, frozenset(news) if beside else frozenset())
        if beside:
            for user in news:
                self.servers[node].outbound.resync([user])

    def send(self, node: str, pushes: Sequence[RemotePush]) -> None:
        self.sent.extend(pushes)
        if node not in self.down:
            self.servers[node].outbound.receive(pushes)


class TwoServers(OnSqlite):
    async def setUp(self) -> None:
        await super().setUp()
        self.redis_server = RedisServer()
        self.addCleanup(self.redis_server.stop)
        config = dataclasses.replace(self.redis_server.config(), timeout=2.0)
        self.service = RedisService(self.reactor, config)
        self.service.startService()
        self.addCleanup(self.service.stopService)
        self.link = Link()
        for name in ("one", "two"):
            server = ChatServer(
                self,
                ChatConfig(name=name),
                self.service.redis,
                self.link,
                self.link.send,
                functools.partial(self.link.tell, name),
            )
            await server.start()
            self.link.servers[name] = server
        self.one, self.two = self.link.servers.values()

    async def friends(self) -> tuple[int, RawClient, int, RawClient, str]:
        """Anna on the one server, Bert on the other, friends."""
        anna, bert = await self.people("anna", "bert")
        thread = await self.befriend(anna, bert)
        return anna, await self.one.login(anna), bert, await self.two.login(bert), str(thread)

    async def flush(self) -> None:
        await self.service.redis.call("FLUSHALL")

    async def settle(self) -> None:
        """Let the reactor work for a moment."""
        await deferLater(self.reactor, 0.01)

    async def until_redis_answers(self) -> None:
        for _ in range(200):
            try:
                await self.service.redis.call("PING")
                return
            except Unavailable:
                await deferLater(self.reactor, 0.05)
