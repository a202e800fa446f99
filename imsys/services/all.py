"""``twistd imsys``: every server in one process, and what it needs to run with nothing beside it."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twisted.application.service import IService, MultiService, Service

from imsys.config import Config
from imsys.errors import ConfigError
from imsys.redis.client import Redis, RedisService
from imsys.redis.embedded import EmbeddedRedis
from imsys.services import balance, captcha, chat, gateway, resources
from imsys.services.common import Options, bound_ports, make_daemon, refuse_to_start
from imsys.services.first_start import first_start
from imsys.services.foundations import CALENDAR, database_of
from imsys.services.ordered_services import OrderedServices
from imsys.store import Database
from imsys.util.sockets import by_sockets, make_socket_folder, on_sockets

__all__ = ["Options", "build", "makeService", "prepared", "shared"]


def build(reactor: Any, config: Config, *, calendar: Callable[[], float] = CALENDAR) -> IService:
    """The five servers on one database and one Redis, which is a child process if the configuration says so.

    :param calendar: Unix seconds.
    :raises ConfigError: something in the configuration cannot work.
    """
    config, everything = _own_addresses(config), OrderedServices()
    database, redis = shared(reactor, config, everything)
    balance.build(reactor, config, database=database, redis=redis, calendar=calendar).setServiceParent(everything)
    captcha.build(reactor, config, redis=redis, calendar=calendar).setServiceParent(everything)
    chat.build(reactor, config, database=database, redis=redis, calendar=calendar).setServiceParent(everything)
    resources.build(reactor, config, database=database, redis=redis, calendar=calendar).setServiceParent(everything)
    gateway.build(reactor, config, database=database, redis=redis, calendar=calendar).setServiceParent(everything)
    return everything


class SocketFolder(Service):
    """The folder of the sockets, made before anything listens in it."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def startService(self) -> None:
        """Make it. :raises ConfigError: it cannot be made."""
        super().startService()
        make_socket_folder(self._home)


def shared(reactor: Any, config: Config, parent: MultiService) -> tuple[Database, Redis]:
    """One database and one Redis for every server of the process; the Redis is a child of ours if the configuration says so.

    The folder of the sockets at which they call each other is made before them.

    :raises ConfigError: there is no such program or driver.
    """
    if by_sockets(config.cluster):
        SocketFolder(config.home).setServiceParent(parent)
    where = config.redis
    if where.mode == "embedded":
        embedded = EmbeddedRedis(reactor, config)
        embedded.setServiceParent(parent)
        where = embedded.config
    connections = RedisService(reactor, where)
    connections.setServiceParent(parent)
    return database_of(reactor, config, parent), connections.redis


def _own_addresses(config: Config) -> Config:
    """The servers of one process call each other where they listen, whatever ``addresses`` are for others.

    That is at sockets of their own, unless the configuration lets servers of other processes join.
    """
    if by_sockets(config.cluster):
        return on_sockets(config)
    own: dict[str, Any] = {}
    for section in (config.balance, config.captcha):
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(section.grpc_host, section.grpc_host)  # noqa: S104
        if not section.grpc_port:
            raise ConfigError("[balance] grpc_port and [captcha] grpc_port cannot be 0 (any free one) with all servers in one process")
        own["balance" if section is config.balance else "captcha"] = dataclasses.replace(section, addresses=((host, section.grpc_port),))
    return dataclasses.replace(config, **own)


def prepared(options: Options) -> Config:
    """The configuration of a command line, once what was missing under its home folder is there."""
    try:
        first_start(options.settings, datetime.now(UTC))
    except ConfigError as error:
        refuse_to_start(options.settings, "imsys", str(error))
    return options.settings


def makeService(options: Options) -> IService:
    """For twistd."""
    from twisted.internet import reactor

    config = prepared(options)

    def greet() -> None:
        say(banner(config, bound_ports(daemon)), sys.__stdout__)

    daemon = make_daemon(reactor, config, "imsys", build, greet, warning=options.reactor_fault)
    return daemon


def say(lines: Iterator[str], stream: Any) -> None:
    """Tell the person at the terminal: twistd sends ``sys.stdout`` to its log, so this is the real one."""
    if stream is not None:
        stream.write("\n".join(lines) + "\n")
        stream.flush()


def banner(config: Config, ports: dict[str, int]) -> Iterator[str]:
    """What a person needs to know who just started imsys."""
    host = config.gateway.host if config.gateway.host not in ("0.0.0.0", "::") else config.chat.advertise  # noqa: S104
    server = f"https://{f'[{host}]' if ':' in host else host}:{ports['[gateway] port']}"
    command = [_short(str(Path(sys.executable).with_name("imsys-cli"))), "register anna anna@example.org"]
    # imsys-cli finds these two by itself where they have their defaults
    if server != "https://127.0.0.1:8443":
        command.append(f"--server {server}")
    if config.tls.ca != str(Path("var/certs/ca.pem").absolute()):
        command.append(f"--ca {_short(config.tls.ca)}")
    yield "imsys is running; Ctrl-C stops it."
    yield f"  gateway   {server}   (its CA: {_short(config.tls.ca)})"
    if config.mail.transport == "maildir":
        yield f"  mails     {_short(config.mail.maildir)}   (verification codes are dropped there)"
    yield f"  next      {' '.join(command)}   (in another terminal)"


def _short(path: str) -> str:
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return path
