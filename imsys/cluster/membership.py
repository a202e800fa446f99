"""This server's registration at balance, and the list of its peers."""

from __future__ import annotations

import dataclasses
import random
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.cluster.client import GrpcClient
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc, message_pb2
from imsys.config import BalanceConfig
from imsys.errors import Status, Unavailable
from imsys.util.events import Event, Waiters

_log = Logger()

RETRY = 0.5
"""Seconds between two attempts while this server is not registered."""

DRAINING = 1.0
"""Seconds between two registrations of a draining server, at most, so that its progress can be watched."""

LOOK = 0.5
"""Seconds between two checks whether the load has changed much."""

STEP, SHARE = 20, 20
"""A load change that is reported early: at least STEP connections, and at least 1/SHARE of the reported
load."""

FAREWELL = 1.0
"""Seconds for balance to answer when this server leaves."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The TCP ports of a server; 0: closed."""

    tls: int = 0
    plain: int = 0
    http: int = 0
    grpc: int = 0
    rtmp: int = 0
    rtmps: int = 0


@dataclass(frozen=True, slots=True)
class Peer:
    """Another live server of this kind, and its gRPC address.

    ``incarnation`` is empty for one that registered by the original system's calls.
    """

    name: str
    host: str
    port: int
    incarnation: str


OnChange = Callable[[Peer, bool], None]
"""Called with a peer that has appeared (``True``) or is gone (``False``); a restart causes both calls."""


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """The constant properties of a running server.

    :param host: its host for clients.
    :param grpc_host: its host for other servers.
    :param capacity: connections, at most; 0: unlimited.
    """

    kind: str
    name: str
    host: str
    grpc_host: str
    capacity: int


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Functions that return the present state of a server; called at each registration.

    :param ports: the bound ports; called after the server has started.
    :param load: the number of connections.
    :param free: bytes of free space for files; ``None``: unlimited.
    :param unfit: why it cannot serve; empty: it can. Call :meth:`Membership.hurry` after a change.
    """

    ports: Callable[[], Ports]
    load: Callable[[], int]
    free: Callable[[], int | None] = lambda: None
    unfit: Callable[[], str] = lambda: ""


class Membership(Service):
    """Registers this server at intervals and after changes, and keeps the list of its peers.

    While balance does not answer, the list stays as it is.

    :param calendar: returns Unix seconds, which balance compares with its own clock.
    """

    def __init__(
        self,
        reactor: Any,
        balance: GrpcClient,
        config: BalanceConfig,
        identity: ServerIdentity,
        report: LoadReport,
        calendar: Callable[[], float],
    ) -> None:
        self._reactor = reactor
        self._balance = balance
        self._interval = config.interval
        self._lease = config.lease
        self._identity = identity
        self._kind = identity.kind
        self._report = report
        self._calendar = calendar
        self._told = 0
        self._overdue = False
        self._looks = LoopingCall(self._look)
        self._looks.clock = reactor
        self._peers: dict[str, Peer] = {}
        self._listeners: list[OnChange] = []
        self._next: IDelayedCall | None = None
        self._turn: Deferred[None] | None = None
        self._to_tell: Waiters[None] = Waiters()
        self._registered = Event()
        self._known = False
        self._answered = False
        self._refusal = ""
        self._epoch = ""
        self._patience = 0.0
        self.name = identity.name
        self.incarnation = secrets.token_hex(8)
        self.draining = False
        """Whether balance must send no new users here; see :meth:`drain`."""
        self._takers: list[imsys_v1_pb2.Server] = []

    @property
    def peers(self) -> Mapping[str, Peer]:
        """The other live servers of this kind that have a gRPC port, by name."""
        return self._peers

    def on_change(self, listener: OnChange) -> None:
        """Call ``listener`` when a peer appears or is gone."""
        self._listeners.append(listener)

    def load(self) -> int:
        """Return the number of this server's connections."""
        return self._report.load()

    def takers(self, *, elsewhere: bool = False) -> int:
        """Return how many other servers of this kind accept new users, by balance's last answer.

        :param elsewhere: do not count servers on our machine and public port: they probably stop when we do.
        """
        ours = self._identity.host, self._report.ports().tls, self._identity.grpc_host
        return sum(
            not elsewhere or (server.host, server.ports.tls, server.grpc_host or server.host) != ours
            for server in self._takers
        )

    def drain(self) -> Deferred[None]:
        """Have balance send no new users here from now on; fire when it knows."""
        self.draining = True
        return self.renewed()

    def hurry(self) -> None:
        """Register at once, after a change here or of a peer."""
        if self._turn is not None:
            self._overdue = True
        elif self._next is not None and self._next.active():
            self._next.reset(0)

    def renewed(self) -> Deferred[None]:
        """Register at once; fire when balance has answered and the list of peers is fresh."""
        told = self._to_tell.add()
        self.hurry()
        return told

    async def suspect(self, peer: Peer) -> None:
        """Tell balance that a peer cannot be reached.

        It probes the peer; the result is known on return or soon.
        """
        request = imsys_v1_pb2.SuspectRequest(kind=self._kind, name=peer.name, incarnation=peer.incarnation)
        try:
            await self._balance.call(imsys_v1_pb2_grpc.RegistryStub, "Suspect", request)
        except Unavailable as unavailable:  # or balance is older and lacks this call
            _log.debug(
                "balance was not told that {name} cannot be reached: {reason}",
                name=peer.name,
                reason=unavailable.message,
            )
        else:
            self.hurry()

    async def ready(self) -> None:
        """Return when this server is registered."""
        await self._registered.wait()

    def startService(self) -> None:
        """Register, and again at each interval."""
        super().startService()
        self._begin()
        self._looks.start(LOOK, now=False)

    def stopService(self) -> Deferred[None]:
        """Withdraw the registration; fire when balance knows, or does not answer."""
        super().stopService()
        self._looks.stop()
        if self._next is not None and self._next.active():
            self._next.cancel()
        known = self._registered.is_set or self._turn is not None
        if self._turn is not None:
            self._turn.cancel()
        return Deferred.fromCoroutine(self._withdraw()) if known else succeed(None)

    def _look(self) -> None:
        change = abs(self._report.load() - self._told)
        if self._registered.is_set and change >= STEP and change * SHARE >= self._told:
            self.hurry()

    def _begin(self) -> None:
        self._next = None
        self._overdue = False
        telling, self._to_tell = self._to_tell, Waiters()
        self._turn = Deferred.fromCoroutine(self._register())
        self._turn.addErrback(self._failed).addCallback(lambda _: self._over(telling))

    def _failed(self, failure: Failure) -> None:
        if self.running:
            _log.failure("registering at balance failed", failure)

    def _over(self, telling: Waiters[None]) -> None:
        self._turn = None
        if self._answered and self._registered.is_set:
            telling.fire(None)
        else:
            self._to_tell.join(telling)
        if self.running:
            pause = min(self._interval, DRAINING) if self.draining else self._interval
            if not self._answered:
                pause = min(RETRY, self._interval)
            elif self._overdue:
                pause = 0.0
            self._next = self._reactor.callLater(pause * random.uniform(0.9, 1.0), self._begin)  # noqa: S311

    async def _register(self) -> None:
        identity, report, ports = self._identity, self._report, self._report.ports()
        self._told = load = report.load()
        request = imsys_v1_pb2.RegisterRequest(
            info=message_pb2.ServerInfo(
                name=self.name, host=identity.host, port=str(ports.tls) if ports.tls else ""
            ),
            kind=self._kind,
            incarnation=self.incarnation,
            clock_ms=round(self._calendar() * 1000),
            load=load,
            capacity=identity.capacity,
            ports=imsys_v1_pb2.Ports(**dataclasses.asdict(ports)),
            draining=self.draining,
            grpc_host=identity.grpc_host,
            free=report.free(),
            again=self._known,
            unfit=report.unfit(),
        )
        try:
            response = await self._balance.call(imsys_v1_pb2_grpc.RegistryStub, "Register", request)
        except Unavailable as unavailable:
            self._answered = False
            self._refused(Status.GRPC_ERROR, unavailable.message)
            return
        self._answered = response.error != Status.REDIS_UNKNOWN_ERROR  # temporary, so it is retried soon
        if response.error:
            self._refused(response.error, response.message)
            return
        if not self._registered.is_set:
            _log.info("{kind} server {name} is registered at balance", kind=self._kind, name=self.name)
        self._refusal, self._known = "", True
        self._update(response)
        self._registered.set()

    def _refused(self, error: int, reason: str) -> None:
        if reason != self._refusal:  # log the same reason once
            _log.error(
                "balance does not register {kind} server {name} ({error}): {reason}",
                kind=self._kind,
                name=self.name,
                error=int(error),
                reason=reason,
            )
        self._registered.clear()
        self._refusal = reason

    def _update(self, response: imsys_v1_pb2.RegisterResponse) -> None:
        now = self._reactor.seconds()
        if self._epoch not in ("", response.epoch):
            # The registry has lost its memory: missing peers may just not have registered again yet.
            self._patience = now + self._lease
        self._epoch = response.epoch
        found = {
            server.name: Peer(
                server.name, server.grpc_host or server.host, server.ports.grpc, server.incarnation
            )
            for server in response.peers
            if server.ports.grpc and server.name != self.name
        }
        before = dict(self._peers)
        for name, peer in before.items():
            if name not in found and now < self._patience:
                found[name] = peer
        self._peers = found
        self._takers = [
            server for server in response.peers if server.name != self.name and _takes_users(server)
        ]
        for name, peer in before.items():
            if found.get(name) != peer:
                _log.info("{kind} server {name} is gone", kind=self._kind, name=name)
                self._tell(peer, False)
        for name, peer in found.items():
            if before.get(name) != peer:
                _log.info("{kind} server {name} is there", kind=self._kind, name=name)
                self._tell(peer, True)

    def _tell(self, peer: Peer, alive: bool) -> None:
        for listener in self._listeners:
            try:
                listener(peer, alive)
            except Exception:
                _log.failure("a listener to changes of membership failed")

    async def _withdraw(self) -> None:
        self._registered.clear()
        request = imsys_v1_pb2.WithdrawRequest(kind=self._kind, name=self.name, incarnation=self.incarnation)
        try:
            await self._balance.call(imsys_v1_pb2_grpc.RegistryStub, "Withdraw", request, deadline=FAREWELL)
        except Unavailable as unavailable:
            _log.info(
                "balance was not told that {name} leaves: {reason}",
                name=self.name,
                reason=unavailable.message,
            )


def _takes_users(server: imsys_v1_pb2.Server) -> bool:
    full = server.capacity and server.load + server.assigned >= server.capacity
    return not (server.draining or server.unfit or full)
