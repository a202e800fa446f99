"""What every daemon is made of: options, listening ports, TLS, log files, and clear words when it cannot start."""

from __future__ import annotations

import contextlib
import errno
import inspect
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from OpenSSL import SSL, crypto
from twisted.application.service import IService, IServiceCollection, MultiService, Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.internet.ssl import CertificateOptions, TLSVersion
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python import usage
from twisted.python.failure import Failure

from imsys import __version__
from imsys.config import Config, TlsConfig, load
from imsys.errors import ConfigError
from imsys.home import as_owner, make_home
from imsys.logs import LogFile
from imsys.services.first_start import OldTables, check_tables
from imsys.store import Database

_log = Logger()

BACKLOG = 4096
"""Connections that the kernel keeps while we are busy; it lowers this to its own limit."""

GRPC_SECTIONS = ("balance", "captcha", "chat", "resources")

DESCRIPTORS = 1 << 20
"""Open files beyond which the soft limit of the process is not raised."""


class CannotStart(SystemExit, Exception):
    """Ends the process with status 1, without a traceback.

    It is an ``Exception`` as well, so that twistd removes its pid file and,
    when daemonizing, tells the waiting parent process.
    """


def give_up(reason: str) -> NoReturn:
    """Write one line on standard error and end with status 1.

    The real standard error: twistd sends ``sys.stderr`` to its log.
    """
    stream = sys.__stderr__
    if stream is not None:
        stream.write(f"{reason}\n")
        stream.flush()
    raise CannotStart(1)


class Options(usage.Options):
    """The command line of every daemon; ``settings`` is the configuration after parsing.

    What is wrong with either is one line on standard error, and exit status 1.
    """

    optParameters = [["config", "c", None, "Configuration file (INI); $IMSYS_CONFIG if not given; without either the built-in defaults."]]

    settings: Config

    def parseOptions(self, options: Any = None) -> None:
        """Parse, then load the configuration."""
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            give_up(f"{error} (--help tells what is allowed)")

    def postOptions(self) -> None:
        """Load the configuration; the environment wins over the file."""
        try:
            self.settings = load(self["config"] or os.environ.get("IMSYS_CONFIG") or None, os.environ)
        except ConfigError as error:
            give_up(str(error))

    def opt_version(self) -> NoReturn:
        """Show the version and exit."""
        print(f"imsys {__version__}")
        raise SystemExit(0)


class ListenService(Service):
    """One public TCP port, with TLS or without.

    It is bound in ``privilegedStartService``, before privileges are dropped, so
    ports below 1024 work; connections wait in the kernel until ``startService``.

    :param what: section and key that say the port, as in ``[chat] port``.
    """

    def __init__(self, reactor: Any, factory: IProtocolFactory, host: str, port: int, tls: CertificateOptions | None, what: str) -> None:
        self._reactor = reactor
        self._factory: Any = factory if tls is None else TLSMemoryBIOFactory(tls, False, factory, reactor)
        self._host = host
        self._wanted = port
        self.what = what
        self._port: Any = None

    @property
    def port(self) -> int:
        """The number of the bound port; the wanted one while nothing is bound."""
        return int(self._port.getHost().port) if self._port is not None else self._wanted

    def check(self) -> None:
        """Find out whether the port could be bound, while there still is a terminal to say so.

        :raises ConfigError: it could not.
        """
        if self._wanted and self._port is None:
            check_port(self._host, self._wanted, self.what)

    def privilegedStartService(self) -> None:
        """Bind the port.

        :raises ConfigError: it is in use, or not ours to take.
        """
        super().privilegedStartService()
        try:
            self._port = self._reactor.listenTCP(self._wanted, self._factory, BACKLOG, self._host)
        except CannotListenError as error:
            raise ConfigError(_cannot_listen(self._host, self._wanted, self.what, error.socketError)) from None
        self._port.stopReading()

    def startService(self) -> None:
        """Begin to accept connections."""
        if self._port is None:
            self.privilegedStartService()
        super().startService()
        self._port.startReading()

    def stopService(self) -> Deferred[None] | None:
        """Close the port; connections that are open stay open."""
        super().stopService()
        return self.close_port()

    def close_port(self) -> Deferred[None] | None:
        """Accept no more, ahead of the rest of the server (draining); idempotent."""
        port: IListeningPort | None
        port, self._port = self._port, None
        return None if port is None else port.stopListening()


def check_port(host: str, port: int, what: str) -> None:
    """Find out whether a TCP port can be bound, and let go of it again.

    :raises ConfigError: one line naming port, section and key.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise ConfigError(_cannot_listen(host, port, what, error)) from None


def _cannot_listen(host: str, port: int, what: str, error: BaseException) -> str:
    number = getattr(error, "errno", None)
    if isinstance(error, socket.gaierror):
        reason = "there is no such host"
    elif number == errno.EADDRINUSE:
        reason = "the port is in use"
    elif number == errno.EACCES:
        reason = "ports below 1024 need root"
    elif number == errno.EADDRNOTAVAIL:
        reason = "this machine does not have that address"
    else:
        reason = getattr(error, "strerror", None) or str(error)
    return f"{what}: cannot listen on {host} port {port}: {reason}"


def public_context(config: TlsConfig, application: bytes | None = None) -> CertificateOptions:
    """TLS of the public ports: 1.2 at least, no session cache and no tickets, no certificate asked of the client.

    :param application: the protocol's name in ALPN (RFC 7301), where it has one; clients that offer others only are served all the same.
    :raises ConfigError: a file cannot be read, or the two do not belong together.
    """
    chain = _load(config.certificate, "[tls] certificate", _certificates)
    key = _load(config.key, "[tls] key", lambda data: crypto.load_privatekey(crypto.FILETYPE_PEM, data, b""))
    options = CertificateOptions(
        privateKey=key,
        certificate=chain[0],
        extraCertChain=chain[1:],
        raiseMinimumTo=TLSVersion.TLSv1_2,
        enableSessions=False,
        enableSessionTickets=False,
    )
    try:
        options.getContext().check_privatekey()
    except SSL.Error:
        raise ConfigError(f"[tls] key: {config.key} does not belong to the certificate in {config.certificate}") from None

    def select(connection: SSL.Connection, offered: list[bytes]) -> Any:
        # Twisted's own callback ends the handshake of every client that offers something else.
        return application if application in offered else SSL.NO_OVERLAPPING_PROTOCOLS

    options.getContext().set_alpn_select_callback(select)
    return options


def _load(path: str, what: str, parse: Callable[[bytes], Any]) -> Any:
    try:
        return parse(Path(path).read_bytes())
    except OSError as error:
        raise ConfigError(f"{what}: {path} cannot be read: {error.strerror}") from None
    except (crypto.Error, ValueError):
        raise ConfigError(f"{what}: {path} is not what it should be, in PEM") from None


def _certificates(data: bytes) -> list[crypto.X509]:
    end = b"-----END CERTIFICATE-----"
    chain = [crypto.load_certificate(crypto.FILETYPE_PEM, part + end) for part in data.split(end)[:-1]]
    if not chain:
        raise ValueError("no certificate")
    return chain


class Daemon(MultiService):
    """One process: its services, its log file, and one clear line when one of them cannot start.

    A service that needs a while after ``startService`` (a pool that connects, a
    server that registers) has a method ``async def ready(self)``, which returns
    when it can be used; the daemon calls itself ready after the last of them.
    Log files are opened anew on SIGHUP.

    :param name: the name of the command, and of the log file.
    :param on_ready: called once, when everything is ready.
    """

    def __init__(self, reactor: Any, config: Config, name: str, on_ready: Callable[[], None] | None = None) -> None:
        super().__init__()
        self._reactor = reactor
        self._config = config
        self._title = name
        self._on_ready = on_ready
        self._file: LogFile | None = None
        self._hangup: Callable[[], None] | None = None
        self._announcement: Deferred[None] | None = None

    def check_ports(self) -> None:
        """See whether the ports of ours are free, while standard error still is the operator's (twistd daemonizes later).

        :raises ConfigError: one is not.
        """
        for service in _tree(self):
            check = getattr(service, "check", None)
            if check is not None:
                check()

    def privilegedStartService(self) -> None:
        """Bind the public ports, and allow as many open files as the system lets us."""
        raise_descriptor_limit()
        with self._explained():
            super().privilegedStartService()

    def startService(self) -> None:
        """Open the log file and start every service."""
        with self._explained():
            make_home(self._config)
            if self._config.imsys.log_dir:
                self._file = LogFile(Path(self._config.imsys.log_dir) / f"{self._title}.log", self._config.imsys.log_level)
                self._file.open()
            super().startService()
        self._hangup = _on_hangup(self._reopen)
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

    def _reopen(self) -> None:
        if self._file is not None:
            self._reactor.callFromThread(self._file.reopen)

    async def _announce(self) -> None:
        for service in _tree(self):
            ready = getattr(service, "ready", None)
            if inspect.iscoroutinefunction(ready):
                await ready()
        _log.info("{daemon} {version} is ready", daemon=self._title, version=__version__)
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
) -> Daemon:
    """Build a daemon of one service, for ``makeService`` and for application files.

    What cannot work (a port in use, a certificate that is missing, tables that
    are too old) is said here, in one line, with exit status 1: twistd has not
    daemonized yet. A database that is away is not such a thing: it may come back.

    :param name: the command; ``imsys``, for every server, has all the gRPC ports.
    """
    daemon = Daemon(reactor, config, name, on_ready)
    try:
        build(reactor, config).setServiceParent(daemon)
        daemon.check_ports()
        for section in GRPC_SECTIONS:
            at = getattr(config, section)
            if name in (f"imsys-{section}", "imsys") and at.grpc_port:
                check_port(at.grpc_host, at.grpc_port, f"[{section}] grpc_port")
        if any(isinstance(service, Database) for service in _tree(daemon)):
            _check_tables(config)
    except ConfigError as error:
        give_up(f"{name}: {error}")
    return daemon


def _check_tables(config: Config) -> None:
    try:
        with as_owner(config.home):
            check_tables(config.database)
    except OldTables:
        raise
    except ConfigError as error:
        _log.warn("{reason}", reason=str(error))


def raise_descriptor_limit() -> None:
    """Let the process open as many files, and so connections, as its hard limit allows."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def bound_ports(service: IService) -> dict[str, int]:
    """The public ports of a service: section and key (``[chat] port``) to number."""
    return {part.what: part.port for part in _tree(service) if isinstance(part, ListenService)}


def _tree(service: IService) -> Iterator[IService]:
    yield service
    if IServiceCollection.providedBy(service):
        for child in service:
            yield from _tree(child)


def _on_hangup(react: Callable[[], None]) -> Callable[[], None]:
    """Call ``react`` on SIGHUP, besides whoever listened before; gives back what ends that."""
    number = getattr(signal, "SIGHUP", None)
    if number is None or threading.current_thread() is not threading.main_thread():
        return lambda: None
    before = signal.getsignal(number)

    def handler(received: int, frame: Any) -> None:
        react()
        if callable(before):
            before(received, frame)

    signal.signal(number, handler)

    def restore() -> None:
        if signal.getsignal(number) is handler:
            signal.signal(number, before)

    return restore
