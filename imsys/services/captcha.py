"""``twistd imsys-captcha``: makes verification codes, and mails them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from twisted.application.service import IService

from imsys.captcha.limited import LimitedMailer
from imsys.captcha.mailer import mailer
from imsys.captcha.service import Verification
from imsys.cluster.control import Control, control_services
from imsys.cluster.server import GrpcServer
from imsys.cluster.stubs import imsys_v1_pb2_grpc, message_pb2_grpc
from imsys.config import Config
from imsys.redis.client import Redis
from imsys.redis.codes import codes_of
from imsys.redis.ratelimit import RateLimiter
from imsys.services.checks import captcha_health
from imsys.services.common import Options, make_daemon
from imsys.services.foundations import CALENDAR, redis_of, trust_of
from imsys.services.ordered_services import OrderedServices

__all__ = ["Options", "build", "makeService"]

WORKERS = 32
"""Mails sent concurrently."""


def build(
    reactor: Any, config: Config, redis: Redis | None = None, *, calendar: Callable[[], float] = CALENDAR
) -> IService:
    """Build one captcha server, on its own Redis or on a shared one.

    :param calendar: returns Unix seconds.
    :raises ConfigError: something in the configuration cannot work.
    """
    captcha, server = config.captcha, OrderedServices()
    redis = redis or redis_of(reactor, config, server)
    mails, limiter = mailer(reactor, config.mail), RateLimiter(redis)
    verification = Verification(
        codes_of(redis, captcha),
        LimitedMailer(mails, limiter, captcha),
        LimitedMailer(mails, limiter, captcha, "notice"),
        sender=config.mail.sender,
        life=captcha.code_life,
        calendar=calendar,
    )
    health = captcha_health(reactor, redis)
    health.setServiceParent(server)
    calls = [
        (message_pb2_grpc.add_VerificationServiceServicer_to_server, verification),
        (imsys_v1_pb2_grpc.add_CodesServicer_to_server, verification),
    ]
    calls += control_services(Control(secrets.token_hex(8), lambda: health.unfit, None))
    GrpcServer(
        reactor, trust_of(config, server), captcha.grpc_host, captcha.grpc_port, calls, WORKERS
    ).setServiceParent(server)
    return server


def makeService(options: Options) -> IService:
    """Make the daemon for twistd."""
    from twisted.internet import reactor

    return make_daemon(reactor, options.settings, "imsys-captcha", build, warning=options.reactor_fault)
