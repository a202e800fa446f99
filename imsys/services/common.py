"""The common parts of the daemons: options, ports, log files, and clear errors when one cannot start."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from twisted.application.service import IService, IServiceCollection, MultiService
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python import usage
from twisted.python.failure import Failure

from imsys import __version__
from imsys.config import Config, load
from imsys.errors import ConfigError
from imsys.services import interpreter
from imsys.services.calendar_watch import CalendarWatch
from imsys.services.certificate_care import CertificateCare
from imsys.services.descriptors import fitting, raise_descriptor_limit
from imsys.services.first_start import OldTables, check_tables
from imsys.services.foundations import CALENDAR
from imsys.services.listening import ListenService, check_port
from imsys.services.reactors import choose_reactor, set_clock
from imsys.services.signals import on_signal
from imsys.store import Database
from imsys.util import compiled
from imsys.util.home import as_owner, make_home
from imsys.util.logs import LogFile
from imsys.util.sockets import SECTIONS, by_sockets, is_plaintext
from imsys.util.standard_streams import open_streams

__all__ = [
    "CannotStart",
    "Daemon",
    "ListenService",
    "Options",
    "bound_ports",
    "check_port",
    "make_daemon",
    "refuse_to_start",
]

_log = Logger()

WITHOUT_PUBLIC_PORTS = ("imsys-balance", "imsys-captcha")

PLAINTEXT = "gRPC asks nobody who they are, and encrypts nothing ([cluster] allow_plaintext): whoever reaches its ports may do anything"


class CannotStart(SystemExit, Exception):
    """Ends the process with status 1, without a traceback.

    It is also an ``Exception``, so that twistd removes its pid file and, when daemonizing, tells the waiting
    parent process.
    """


def give_up(reason: str) -> NoReturn:
    """Write one line on standard error and exit with status 1.

    It uses the real standard error, since twistd redirects ``sys.stderr`` to its log.
    """
    stream = sys.__stderr__
    if stream is not None:
        stream.write(f"{reason}\n")
        stream.flush()
    raise CannotStart(1)


def refuse_to_start(config: Config, title: str, reason: str) -> NoReturn:
    """Write why the daemon cannot start to its log file and to standard error, and exit with status 1."""
    folder = Path(config.imsys.log_dir)
    if config.imsys.log_dir and folder.parent.exists():
        with (
            contextlib.suppress(ConfigError, OSError),
            as_owner(folder if folder.exists() else folder.parent),
        ):
            file = LogFile(folder / f"{title}.log", "critical")
            file.open()
            Logger(observer=file).critical("{daemon} cannot start: {reason}", daemon=title, reason=reason)
            file.close()
    give_up(f"{title}: {reason}")


class Options(usage.Options):
    """The command-line options of all daemons; ``settings`` is the configuration after parsing.

    An error in either is one line on standard error, and exit status 1.
    """

    optParameters: list[list[Any]] = [
        [
            "config",
            "c",
            None,
            "Configuration file (INI); $IMSYS_CONFIG if not given; without either the built-in defaults.",
        ]
    ]

    settings: Config
    reactor_fault = ""
    """Why our own reactor does not work here; empty: it does."""

    def parseOptions(self, options: Any = None) -> None:
        """Install the reactor, parse the options, and load the configuration."""
        open_streams()  # before we open anything else
        self.reactor_fault = choose_reactor()
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            give_up(f"{error} (--help tells what is allowed)")

    def postOptions(self) -> None:
        """Load the configuration; the environment takes precedence over the file."""
        try:
            self.settings = load(self["config"] or os.environ.get("IMSYS_CONFIG") or None, os.environ)
        except ConfigError as error:
            give_up(str(error))

    def opt_version(self) -> NoReturn:
        """Show the version and exit."""
        print(f"imsys {__version__}")
        raise SystemExit(0)


class Daemon(MultiService):
    """One process: its services, its log file, and one clear line if a service cannot start.

    A service that needs a while after ``startService`` (a pool that connects, a server that registers) has a
    method ``async def ready(self)``, which returns when it can be used; the daemon logs that it is ready
    after the last of them. On SIGHUP it reopens log files and calls ``renew_certificates()`` of each service
    that has it.

    :param name: the name of the command and of the log file.
    :param on_ready: called once, when everything is ready.
    :param warnings: lines to log when the log file is open.
    :raises ConfigError: a certificate has expired or is invalid, or compiled modules are of other sources.
    """

    def __init__(
        self,
        reactor: Any,
        config: Config,
        name: str,
        on_ready: Callable[[], None] | None = None,
        warnings: Sequence[str] = (),
    ) -> None:
        super().__init__()
        try:
            self._build = compiled.build()
        except RuntimeError as error:
            raise ConfigError(str(error)) from error
        self._certificates = CertificateCare(
            reactor, config, CALENDAR, public=name not in WITHOUT_PUBLIC_PORTS
        )
        self._certificates.setServiceParent(self)
        self._warnings = [*warnings, *self._certificates.warnings()]
        self._reactor = reactor
        self._config = config
        self._title = name
        self._on_ready = on_ready
        self._file: LogFile | None = None
        self._hangup: Callable[[], None] | None = None
        self._announcement: Deferred[None] | None = None

    def check_ports(self) -> None:
        """Check that our ports are free, before twistd daemonizes, while standard error is the operator's.

        :raises ConfigError: one is not free.
        """
        for service in _tree(self):
            check = getattr(service, "check", None)
            if check is not None:
                check()

    def privilegedStartService(self) -> None:
        """Bind the public ports."""
        with self._explained():
            super().privilegedStartService()

    def startService(self) -> None:
        """Open the log file and start every service."""
        with self._explained():
            make_home(self._config)
            if self._config.imsys.log_dir:
                self._file = LogFile(
                    Path(self._config.imsys.log_dir) / f"{self._title}.log", self._config.imsys.log_level
                )
                self._file.open()
            for warning in self._warnings:
                if warning:
                    _log.warn("{daemon}: {warning}", daemon=self._title, warning=warning)
            super().startService()
        self._hangup = on_signal("SIGHUP", self._hung_up)
        self._announcement = Deferred.fromCoroutine(self._announce())
        self._announcement.addErrback(self._not_ready)

    def stopService(self) -> Deferred[Any]:
        """Stop every service, then close the log file."""
        if self._hangup is not None:
            self._hangup()
            self._hangup = None
        announcement, self._announcement = self._announcement, None
        if announcement is not None:
            announcement.cancel()
        stopped: Deferred[Any] = super().stopService()
        return stopped.addBoth(self._stopped)

    def _stopped(self, result: Any) -> Any:
        _log.info("{daemon} has stopped", daemon=self._title)
        if self._file is not None:
            self._file.close()
            self._file = None
        return result

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except ConfigError as error:
            _log.critical("{daemon} cannot start: {reason}", daemon=self._title, reason=str(error))
            give_up(f"{self._title}: {error}")

    def _hung_up(self) -> None:
        self._reactor.callFromThread(self._renew)

    def _renew(self) -> None:
        """Reopen log files, and read certificates again, unless one of them has expired."""
        if self._file is not None:
            self._file.reopen()
        try:
            for line in self._certificates.warnings():
                _log.warn("{line}", line=line)
        except ConfigError as error:
            _log.error("the certificates stay as they were: {reason}", reason=str(error))
            return
        for part in _tree(self):
            renew = getattr(part, "renew_certificates", None)
            if renew is not None:
                renew()

    async def _announce(self) -> None:
        for service in _tree(self):
            ready = getattr(service, "ready", None)
            if inspect.iscoroutinefunction(ready):
                await ready()
        interpreter.settle()
        _log.info(
            "{daemon} {version} is ready ({build})",
            daemon=self._title,
            version=__version__,
            build=self._build,
        )
        if self._on_ready is not None:
            self._on_ready()

    def _not_ready(self, failure: Failure) -> None:
        if failure.check(CancelledError) is None:
            _log.failure("{daemon} did not become ready", failure, daemon=self._title)


def make_daemon(
    reactor: Any,
    config: Config,
    name: str,
    build: Callable[[Any, Config], IService],
    on_ready: Callable[[], None] | None = None,
    number: int = 0,
    warning: str = "",
) -> Daemon:
    """Build the daemon of one service, for ``makeService`` and for application files.

    Fatal errors (a port in use, a missing certificate, outdated tables) are reported here, in one line with
    exit status 1, before twistd daemonizes. A database that does not answer is not fatal: it may come back.

    The limit of open files is raised as far as possible, and the capacity is lowered if it is not enough.

    :param name: the command; ``imsys``, with all servers, has all gRPC ports.
    :param number: number of the process, of several of one command; part of the name of its log file.
    :param warning: a line to log.
    """
    title = f"{name}-{number}" if number else name
    set_clock(reactor)
    try:
        config, lowered = fitting(config, name, raise_descriptor_limit())
        daemon = Daemon(
            reactor,
            config,
            title,
            on_ready,
            (warning, lowered, PLAINTEXT if is_plaintext(config.cluster) else ""),
        )
        CalendarWatch(reactor, CALENDAR).setServiceParent(daemon)
        build(reactor, config).setServiceParent(daemon)
        daemon.check_ports()
        for section in SECTIONS:
            at = getattr(config, section)
            alone = name == f"imsys-{section}" or (name == "imsys" and not by_sockets(config.cluster))
            if alone and at.grpc_port:
                check_port(at.grpc_host, at.grpc_port, f"[{section}] grpc_port")
        if any(isinstance(service, Database) for service in _tree(daemon)):
            tables_fit(config)
    except ConfigError as error:
        refuse_to_start(config, title, str(error))
    return daemon


def tables_fit(config: Config) -> None:
    """Check that the tables are not older than this program, if the database answers.

    :raises OldTables: they are missing or older.
    """
    try:
        with as_owner(config.home) if config.database.engine == "sqlite" else contextlib.nullcontext():
            check_tables(config.database)
    except OldTables:
        raise
    except ConfigError as error:
        _log.warn("{reason}", reason=str(error))


def bound_ports(service: IService) -> dict[str, int]:
    """Return the public ports of a service: section and key (``[chat] port``) to number."""
    return {part.what: part.port for part in _tree(service) if isinstance(part, ListenService)}


def _tree(service: IService) -> Iterator[IService]:
    yield service
    if IServiceCollection.providedBy(service):
        for child in service:
            yield from _tree(child)
