"""Chat servers without chat: membership, streams and services, on a real balance server."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.protocols.portforward import ProxyFactory, ProxyServer
from twisted.trial.unittest import TestCase

from imsys.cluster.chat_servicers import chatting_services
from imsys.cluster.client import GrpcClient
from imsys.cluster.control import Control, control_services
from imsys.cluster.membership import LoadReport, Membership, Ports, ServerIdentity
from imsys.cluster.peers import News, Peers, RemotePush
from imsys.cluster.server import GrpcServer
from imsys.cluster.trust import Trust
from imsys.services.ordered_services import OrderedServices
from tests.balance.running import Balance, BalanceCase


class Handler:
    """Keeps what peers ask for."""

    def __init__(self) -> None:
        self.pushes: list[RemotePush] = []
        self.resyncs: list[list[int] | None] = []
        self.groups: list[list[int]] = []
        self.news: list[tuple[str, dict[int, int], bool]] = []
        self.breaks = 0
        self.spread = 0
        self.beside: set[int] = set()
        self.gone: list[str] = []
        self.ended: list[tuple[int, str | None, str]] = []
        self.sessions: dict[int, str] = {}

    def receive(self, pushes: Sequence[RemotePush], relay: bool = False) -> None:
        self.pushes += pushes

    def resync(self, users: Sequence[int] | None) -> None:
        self.resyncs.append(None if users is None else sorted(users))

    def resync_spread(self) -> None:
        self.spread += 1

    def resync_groups(self, threads: Sequence[int]) -> None:
        self.groups.append(sorted(threads))

    def hear(self, node: str, news: News, everything: bool, beside: Collection[int] = frozenset()) -> None:
        self.beside |= set(beside)
        self.news.append((node, dict(news), everything))

    def broken(self) -> None:
        self.breaks += 1

    def lost(self, node: str) -> None:
        self.gone.append(node)

    async def end_session(self, uuid: int, session: str | None, message: str, device: str = "") -> bool:
        self.ended.append((uuid, session, message))
        if session is not None and self.sessions.get(uuid) != session:
            return False
        return self.sessions.pop(uuid, None) is not None


class Proxy:
    """A TCP port that leads to another, and can be cut or blocked."""

    def __init__(self, test: TestCase) -> None:
        from twisted.internet import reactor

        self._factory = _Forwarding("127.0.0.1", 0)
        listener: Any = reactor.listenTCP(0, self._factory, interface="127.0.0.1")  # type: ignore[arg-type]
        self._listener = listener
        self.port = int(listener.getHost().port)
        test.addCleanup(self.close)

    def lead_to(self, port: int) -> None:
        self._factory.port = port

    def cut(self) -> None:
        """End all connections."""
        for protocol in list(self._factory.open):
            protocol.transport.abortConnection()

    def block(self, blocked: bool) -> None:
        """End what comes in at once, or let it pass again."""
        self._factory.blocked = blocked
        self.cut()

    async def close(self) -> None:
        self.block(True)
        await self._listener.stopListening()
        await eventually(lambda: not self._factory.open)


class _Tunnel(ProxyServer):
    factory: _Forwarding

    def connectionMade(self) -> None:
        self.factory.open.add(self)
        if self.factory.blocked:
            self.transport.abortConnection()  # type: ignore[attr-defined]
        else:
            super().connectionMade()

    def connectionLost(self, reason: Any) -> None:
        self.factory.open.discard(self)
        super().connectionLost(reason)


class _Forwarding(ProxyFactory):
    protocol = _Tunnel
    noisy = False

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.open: set[Any] = set()
        self.blocked = False


class Node:
    """One of them."""

    def __init__(
        self,
        balance: Balance,
        name: str,
        *,
        grpc_port: int = 0,
        relay: bool = True,
        behind: Proxy | None = None,
    ) -> None:
        from twisted.internet import reactor

        config = balance.config
        self.name = name
        self.behind = behind
        self.load = 0
        self.unfit = ""
        self.handler = Handler()
        self.balance = GrpcClient(reactor, Trust(config.cluster), config.balance.addresses)
        identity = ServerIdentity("chat", name, "127.0.0.1", "127.0.0.1", 100)
        report = LoadReport(self.ports, lambda: self.load, unfit=lambda: self.unfit)
        self.membership = Membership(reactor, self.balance, config.balance, identity, report, time.time)
        self.peers = Peers(reactor, Trust(config.cluster), self.membership)
        self.peers.serve(self.handler)
        control = control_services(Control(self.membership.incarnation, lambda: self.unfit, None))
        services = chatting_services(
            reactor, self.membership, self.handler, lambda user: user in self.handler.sessions, self.previous
        )
        self.grpc = GrpcServer(
            reactor,
            Trust(config.cluster),
            "127.0.0.1",
            grpc_port,
            control + (services if relay else services[1:]),
        )
        self.service = OrderedServices()
        for part in (self.balance, self.grpc, self.peers, self.membership):
            part.setServiceParent(self.service)

    async def previous(self, messages: Sequence[tuple[int, int]]) -> list[int]:
        """Every thread has a message for each of the first million ids, as far as this node knows."""
        return [min(number - 1, 1_000_000) for _, number in messages]

    def ports(self) -> Ports:
        if self.behind is not None:
            self.behind.lead_to(self.grpc.port)
        return Ports(
            tls=10000 + sum(map(ord, self.name)),
            grpc=self.grpc.port if self.behind is None else self.behind.port,
        )

    async def stop(self) -> None:
        if self.service.running:
            await self.service.stopService()

    def crash(self) -> Deferred[Any]:
        """Vanish without a word to anyone."""
        self.membership._withdraw = nothing  # type: ignore[method-assign]
        for link in self.peers._links.values():
            link.leave()
        self.peers._links.clear()
        stopped: Deferred[Any] = self.service.stopService()
        return stopped


async def nothing() -> None:
    """Takes the place of a farewell."""


class NodesCase(BalanceCase):
    """A test with chat servers."""

    lease = 0.5

    def setUp(self) -> None:
        super().setUp()
        self.balance.config = faster(self.balance)

    async def node(self, name: str, **more: Any) -> Node:
        node = Node(self.balance, name, **more)
        node.service.startService()
        self.addCleanup(node.stop)
        await node.membership.ready()
        return node

    async def pair(self) -> tuple[Node, Node]:
        """Two that know each other and have streams both ways."""
        one, two = await self.node("one"), await self.node("two")
        await eventually(lambda: connected(one, "two") and connected(two, "one"))
        return one, two


def faster(balance: Balance) -> Any:
    import dataclasses

    return dataclasses.replace(
        balance.config, balance=dataclasses.replace(balance.config.balance, interval=0.05)
    )


def connected(node: Node, peer: str) -> bool:
    """Whether the stream is open."""
    link = node.peers._links.get(peer)
    return link is not None and link._greeted


async def eventually(condition: Callable[[], Any]) -> None:
    """Wait until something is true."""
    from twisted.internet import reactor

    for _ in range(3000):
        if condition():
            return
        await deferLater(reactor, 0.005)
    raise AssertionError("it never happened")
