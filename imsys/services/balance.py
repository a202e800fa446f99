"""``twistd imsys-balance``: registration, allocation, tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import IService

from imsys.balance.allocation import Allocation
from imsys.balance.plain import PlainRegistry
from imsys.balance.prober import Prober, TcpProbe
from imsys.balance.registry import Registry
from imsys.balance.servicers import BalanceServicer, RegisterServicer, RegistryServicer, UserServicer
from imsys.balance.suspicions import Suspicions
from imsys.cluster.probing import ControlProbe
from imsys.cluster.server import GrpcServer
from imsys.cluster.stubs import imsys_v1_pb2_grpc, message_pb2_grpc
from imsys.config import Config
from imsys.redis.client import Redis
from imsys.redis.tokens import Tokens
from imsys.services.common import Options, make_daemon
from imsys.services.foundations import CALENDAR, redis_of, seldom_used_database_of, trust_of
from imsys.services.ordered_services import OrderedServices
from imsys.store import Database

__all__ = ["Options", "build", "makeService"]


def build(
    reactor: Any,
    config: Config,
    database: Database | None = None,
    redis: Redis | None = None,
    *,
    calendar: Callable[[], float] = CALENDAR,
) -> IService:
    """Build one balance server, on its own database and Redis or on shared ones.

    The database is only for calls of the original system's servers (:class:`UserServicer`): without it
    everything else works.

    :param calendar: returns Unix seconds.
    :raises ConfigError: the configuration does not allow it.
    """
    service = OrderedServices()
    trust = trust_of(config, service)
    redis = redis or redis_of(reactor, config, service)
    lease = config.balance.lease
    database = database or seldom_used_database_of(reactor, config, service)
    tokens = Tokens(redis, database, calendar, config.balance.token_idle, config.balance.token_life)
    registry = Registry(redis, lease, reactor.seconds)
    allocation = Allocation(redis, registry.memory, tokens)
    probe = TcpProbe(reactor, lease / 3)
    plain = PlainRegistry(redis, registry, probe)
    suspicions = Suspicions(reactor, registry, ControlProbe(reactor, trust))
    suspicions.setServiceParent(service)
    Prober(reactor, registry, plain, probe, lease).setServiceParent(service)
    registrations = RegistryServicer(registry, suspicions, calendar, config.cluster.clock_skew)
    GrpcServer(
        reactor,
        trust,
        config.balance.grpc_host,
        config.balance.grpc_port,
        [
            (imsys_v1_pb2_grpc.add_RegistryServicer_to_server, registrations),
            (
                imsys_v1_pb2_grpc.add_BalanceServicer_to_server,
                BalanceServicer(allocation, tokens, suspicions.report),
            ),
            (message_pb2_grpc.add_UserServiceServicer_to_server, UserServicer(allocation, tokens)),
            (message_pb2_grpc.add_ChattingRegisterServiceServicer_to_server, RegisterServicer(plain, "chat")),
            (
                message_pb2_grpc.add_ResourcesRegisterServiceServicer_to_server,
                RegisterServicer(plain, "resources"),
            ),
        ],
    ).setServiceParent(service)
    return service


def makeService(options: Options) -> IService:
    """Make the daemon for twistd."""
    from twisted.internet import reactor

    return make_daemon(reactor, options.settings, "imsys-balance", build, warning=options.reactor_fault)
