"""``twistd imsys-gateway``: the HTTP interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import IService

from imsys.cluster.client import GrpcClient
from imsys.config import Config
from imsys.gateway.context import Gateway
from imsys.gateway.endpoints import Queues, endpoints
from imsys.gateway.http import JsonApi
from imsys.gateway.kinds import Kinds
from imsys.gateway.limits import Limits
from imsys.gateway.notices import Notices
from imsys.gateway.placing import Placing
from imsys.gateway.sessions import SessionEnder
from imsys.protocols.source import Proxies
from imsys.redis.client import Redis
from imsys.redis.codes import codes_of
from imsys.redis.ratelimit import RateLimiter
from imsys.redis.routes import Routes
from imsys.redis.tokens import Tokens
from imsys.security.passwords import Passwords
from imsys.services.checks import gateway_health
from imsys.services.common import ListenService, Options, make_daemon
from imsys.services.crowds import crowd_of
from imsys.services.foundations import CALENDAR, database_of, redis_of, tls_of, trust_of
from imsys.services.ordered_services import OrderedServices
from imsys.store import Database, Stores
from imsys.web.connection import HttpSettings
from imsys.web.server import HttpServer

__all__ = ["Options", "build", "makeService"]

DRAIN = 1 << 20
"""Bytes of a refused body that are read nevertheless, so that the client receives the answer."""

LAST_ANSWERS = 7.0
"""Seconds for requests to be answered, and connections to close, when the server stops."""


def build(
    reactor: Any,
    config: Config,
    database: Database | None = None,
    redis: Redis | None = None,
    *,
    calendar: Callable[[], float] = CALENDAR,
) -> IService:
    """Build one gateway, on its own database and Redis or on shared ones.

    :param calendar: returns Unix seconds.
    :raises ConfigError: something in the configuration cannot work.
    """
    settings, lives, server = config.gateway, config.balance, OrderedServices()
    trust = trust_of(config, server)
    database = database or database_of(reactor, config, server)
    redis = redis or redis_of(reactor, config, server)
    passwords = Passwords.configured(reactor, settings)
    balance = GrpcClient(reactor, trust, config.balance.addresses)
    captcha = GrpcClient(reactor, trust, config.captcha.addresses)
    stores = Stores.on(database, calendar)
    health = gateway_health(reactor, stores.health, redis)
    tokens = Tokens(redis, database, calendar, lives.token_idle, lives.token_life)
    routes = Routes(redis, tokens, lives.lease)
    mail_deadline = config.mail.timeout + config.cluster.deadline
    gateway = Gateway(
        accounts=stores.accounts,
        passwords=passwords,
        codes=codes_of(redis, config.captcha),
        tokens=tokens,
        sessions=SessionEnder(reactor, trust, balance, routes),
        limiter=RateLimiter(redis),
        limits=Limits(config.limits),
        placing=Placing(balance),
        captcha=captcha,
        mail_deadline=mail_deadline,
        notices=Notices(
            reactor.seconds,
            captcha,
            enabled=config.mail.notify_sign_in,
            deadline=mail_deadline,
            calendar=calendar,
        ),
    )
    queues = Queues.configured(reactor, passwords.workers, settings.hash_queue)
    api = JsonApi(
        reactor, endpoints(gateway, queues, health), body_limit=settings.body_limit, timeout=settings.timeout
    )
    times = HttpSettings(
        head=settings.timeout,
        idle=settings.timeout,
        stalled=settings.timeout,
        linger=DRAIN,
        grace=LAST_ANSWERS,
    )
    http = HttpServer(
        reactor,
        times,
        api.answer,
        calendar,
        crowd_of(reactor, config.limits, settings.capacity),
        Proxies(settings.trusted_proxies),
        verbose=config.imsys.log_level == "debug",
    )
    tls = tls_of(config, server).context("http/1.1")
    parts = [health, passwords, Kinds(reactor, stores.accounts, passwords), balance, captcha, http]
    parts.append(ListenService(reactor, http, settings.host, settings.port, tls, "[gateway] port"))
    if settings.plain_port:
        parts.append(
            ListenService(reactor, http, settings.host, settings.plain_port, None, "[gateway] plain_port")
        )
    for part in parts:
        part.setServiceParent(server)
    return server


def makeService(options: Options) -> IService:
    """Make the daemon for twistd."""
    from twisted.internet import reactor

    return make_daemon(reactor, options.settings, "imsys-gateway", build, warning=options.reactor_fault)
