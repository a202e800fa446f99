"""``twistd imsys-resources``: one resources server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.application.service import IService, Service

from imsys.cluster.client import GrpcClient
from imsys.cluster.membership import Membership, Ports
from imsys.cluster.server import GrpcServer
from imsys.config import Config
from imsys.connections import Connections
from imsys.dispatch import Dispatcher
from imsys.protocols.framing import RESOURCES
from imsys.redis import Redis
from imsys.resources.disk import Disk
from imsys.resources.files import Files
from imsys.resources.handlers import HANDLERS, Resources
from imsys.resources.sessions import Sessions
from imsys.resources.web.doors import http_settings
from imsys.resources.web.routing import Router
from imsys.resources.web.server import HttpServer
from imsys.services.common import ListenService, Options, make_daemon, public_context
from imsys.services.draining import Draining
from imsys.services.foundations import redis_of
from imsys.services.ordered import InOrder
from imsys.session import Session
from imsys.tokens import Tokens

__all__ = ["Options", "build", "makeService"]


class Storage(Service):
    """Makes the folders of the store when privileges have been dropped."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def startService(self) -> None:
        """Make them. :raises ConfigError: they cannot be made."""
        super().startService()
        self._files.open()


def connections_of(reactor: Any, resources: Resources) -> Connections:
    """The connections that are served from these resources."""

    def ended(session: Session) -> None:
        resources.ended(session)
        connections.ended(session)

    dispatcher = Dispatcher(HANDLERS, ended, RESOURCES)
    dispatcher.serve(resources)
    connections = Connections(reactor, resources.config, dispatcher)
    return connections


def build(reactor: Any, config: Config, redis: Redis | None = None) -> IService:
    """One resources server, on a Redis of its own or on that of others in the process.

    :raises ConfigError: something in the configuration cannot work.
    """
    ours, server = config.resources, InOrder()
    own_process = redis is None
    redis = redis or redis_of(reactor, config, server)
    tokens = Tokens(redis, reactor.seconds, config.balance.token_idle, config.balance.token_life)
    # often enough that no token of a session expires, and that a revoked one does not serve for long
    sessions = Sessions(reactor, tokens, min(config.balance.lease, config.balance.token_idle / 4))
    files, disk = Files(Path(ours.path), ours.name), Disk(reactor, ours.disk_workers)
    connections = connections_of(reactor, Resources(ours, config.files.max_file, sessions, files, disk))
    context = public_context(config.tls)
    tls = ListenService(reactor, connections, ours.host, ours.port, context, "[resources] port")
    plain = ListenService(reactor, connections, ours.host, ours.plain_port, None, "[resources] plain_port") if ours.plain_port else None
    http = HttpServer(reactor, http_settings(ours), Router([]).answer)
    web = ListenService(reactor, http, ours.host, ours.http_port, context, "[resources] http_port")
    grpc = GrpcServer(reactor, config.cluster, ours.grpc_host, ours.grpc_port, [])
    balance = GrpcClient(reactor, config.cluster, config.balance.addresses)

    def ports() -> Ports:
        return Ports(tls=tls.port, plain=plain.port if plain is not None else 0, http=web.port, grpc=grpc.port)

    membership = Membership(
        reactor, balance, config, "resources", ours.name, ours.advertise, ours.grpc_advertise, ports, connections.__len__, ours.capacity
    )
    listeners = [port for port in (tls, plain, web) if port is not None]
    for part in (Storage(files), disk, balance, grpc, sessions, connections, http, *listeners, membership):
        part.setServiceParent(server)
    if own_process:
        Draining(reactor, membership, connections, listeners).setServiceParent(server)
    return server


def makeService(options: Options) -> IService:
    """For twistd."""
    from twisted.internet import reactor

    return make_daemon(reactor, options.settings, "imsys-resources", build, warning=options.reactor_fault)
