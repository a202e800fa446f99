"""``twistd imsys``: all servers in one process, with everything that they need."""

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
    """Build the five servers on one database and one Redis, which is a child process if configured so.

    :param calendar: returns Unix seconds.
    :raises ConfigError: something in the configuration cannot work.
    """
    config, everything = _own_addresses(config), OrderedServices()
    database, redis = shared(reactor, config, everything)
    balance.build(reactor, config, database=database, redis=redis, calendar=calendar).setServiceParent(
        everything
    )
    captcha.build(reactor, config, redis=redis, calendar=calendar).setServiceParent(everything)
    chat.build(reactor, config, database=database, redis=redis, calendar=calendar).setServiceParent(
        everything
    )
    resources.build(reactor, config, database=database, redis=redis, calendar=calendar).setServiceParent(
        everything
    )
    gateway.build(reactor, config, database=database, redis=redis, calendar=calendar).setServiceParent(
        everything
    )
    return everything


class SocketFolder(Service):
    """Creates the folder of the sockets before anything listens in it."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def startService(self) -> None:
        """Create the folder. :raises ConfigError: it cannot be created."""
        super().startService()
        make_socket_folder(self._home)


def shared(reactor: Any, config: Config, parent: MultiService) -> tuple[Database, Redis]:
    """Make one database and one Redis for all servers of the process.

    Redis is a child process if configured so.

    The folder of the sockets is created first.

    :raises ConfigError: there is no Redis server or database driver.
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
    """Return the configuration with which servers of one process call each other.

    They use sockets, unless the configuration allows servers of other processes to join; then they use the
    addresses at which they listen.
    """
    if by_sockets(config.cluster):
        return on_sockets(config)
    own: dict[str, Any] = {}
    for section in (config.balance, config.captcha):
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(section.grpc_host, section.grpc_host)  # noqa: S104
        if not section.grpc_port:
            raise ConfigError(
                "[balance] grpc_port and [captcha] grpc_port cannot be 0 (any free one) with all servers in one process"
            )
        own["balance" if section is config.balance else "captcha"] = dataclasses.replace(
            section, addresses=((host, section.grpc_port),)
        )
    return dataclasses.replace(config, **own)


def prepared(options: Options) -> Config:
    """Return the configuration of a command line, after creating what is missing under its home folder."""
    try:
        first_start(options.settings, datetime.now(UTC))
    except ConfigError as error:
        refuse_to_start(options.settings, "imsys", str(error))
    return options.settings


def makeService(options: Options) -> IService:
    """Make the daemon for twistd."""
    from twisted.internet import reactor

    config = prepared(options)

    def greet() -> None:
        say(banner(config, bound_ports(daemon)), sys.__stdout__)

    daemon = make_daemon(reactor, config, "imsys", build, greet, warning=options.reactor_fault)
    return daemon


def say(lines: Iterator[str], stream: Any) -> None:
    """Write lines to the terminal by the real stream: twistd redirects ``sys.stdout`` to its log."""
    if stream is not None:
        stream.write("\n".join(lines) + "\n")
        stream.flush()


def banner(config: Config, ports: dict[str, int]) -> Iterator[str]:
    """Return the lines that a person who just started imsys needs."""
    host = config.gateway.host if config.gateway.host not in ("0.0.0.0", "::") else config.chat.advertise  # noqa: S104
    server = f"https://{f'[{host}]' if ':' in host else host}:{ports['[gateway] port']}"
    command = [_short(str(Path(sys.executable).with_name("imsys-cli"))), "register anna anna@example.org"]
    # imsys-cli finds these two by itself if they have their defaults
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
