"""Authentication between servers.

Servers of one process use Unix sockets in an owner-only folder. All others authenticate by mutual TLS with
the cluster's own CA, on loopback too. Plaintext must be allowed explicitly in the configuration.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import NamedTuple

import grpc
from twisted.application.service import Service
from twisted.logger import Logger

from imsys.config import ClusterConfig
from imsys.errors import ConfigError
from imsys.security.certificates import belong_together

_log = Logger()


class Pem(NamedTuple):
    """The PEM files for mutual TLS."""

    ca: bytes
    certificate: bytes
    key: bytes


class Trust(Service):
    """The cluster's credentials, read before privileges are dropped, and by :meth:`renew_certificates`.

    :raises ConfigError: a file is missing, unreadable or not configured, or key and certificate do not match.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self._config = config
        self._pem = _read(config) if config.ca or config.certificate or config.key else None
        self.deadline = config.deadline
        """Seconds after which a call to another server fails."""
        self.generation = 0
        """Grows with each change of the credentials; channels made before have the old ones."""

    def renew_certificates(self) -> None:
        """Read the files again. Open connections stay as they are; new ones use the new credentials.

        If the files are invalid, that is logged, and nothing changes.
        """
        if self._pem is None:
            return
        try:
            pem = _read(self._config)
        except ConfigError as error:
            _log.error("the cluster's certificates stay as they were: {reason}", reason=str(error))
            return
        if pem != self._pem:
            self._pem = pem
            self.generation += 1
            _log.info("the cluster's certificates were read again")

    def allow(self, host: str) -> None:
        """Check a host. :raises ConfigError: gRPC with it would be plaintext, which is not allowed."""
        if self._pem is None and not self._config.allow_plaintext and not is_socket(host):
            raise ConfigError(
                f"[cluster] ca: gRPC on {host} needs the cluster's certificates (ca, certificate, key; 'imsys-ctl certs --cluster' makes "
                "them), or allow_plaintext = yes"
            )

    def bind(self, server: grpc.Server, host: str, port: int) -> int:
        """Bind a server to a port, or to the socket at the path ``host``.

        Return the port (meaningless for a socket).

        :raises ConfigError: it cannot be bound.
        """
        self.allow(host)
        where = address(host, port)
        try:
            _probe(host, port)
            if self._pem is None or is_socket(host):
                return server.add_insecure_port(where)
            return server.add_secure_port(where, self._server_credentials(self._pem))
        except OSError as error:
            raise ConfigError(f"cannot listen for gRPC on {where}: {error.strerror}") from None
        except RuntimeError:
            raise ConfigError(f"cannot listen for gRPC on {where}") from None

    def _server_credentials(self, pem: Pem) -> grpc.ServerCredentials:
        in_force = pem

        def newer() -> grpc.ServerCertificateConfiguration | None:
            """Return changed credentials, or ``None``; called by a thread of grpc before each handshake."""
            nonlocal in_force
            now = self._pem
            if now is None or now is in_force:
                return None
            in_force = now
            return _configuration(now)

        return grpc.dynamic_ssl_server_credentials(
            _configuration(pem),
            newer,  # type: ignore[arg-type]
            require_client_authentication=True,
        )

    def channel(self, host: str, port: int) -> grpc.Channel:
        """Make a channel to a server; it connects when it is used.

        :raises ConfigError: it would be plaintext, which is not allowed.
        """
        self.allow(host)
        options = [
            ("grpc.enable_http_proxy", 0),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 1000),  # also the limit of a connection attempt
            ("grpc.max_reconnect_backoff_ms", 2000),
            ("grpc.keepalive_time_ms", 10000),
            ("grpc.keepalive_timeout_ms", 5000),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        where = address(host, port)
        if self._pem is None or is_socket(host):
            return grpc.insecure_channel(where, options)
        ca, certificate, key = self._pem
        return grpc.secure_channel(where, grpc.ssl_channel_credentials(ca, key, certificate), options)


def is_socket(host: str) -> bool:
    """Return whether a host is the path of a Unix socket."""
    return host.startswith("/")


def address(host: str, port: int) -> str:
    """Format ``host:port``, with brackets around an IPv6 address, or ``unix:path`` for a socket."""
    if is_socket(host):
        return f"unix:{host}"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _configuration(pem: Pem) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(pem.key, pem.certificate)], pem.ca)


def _probe(host: str, port: int) -> None:
    # if it cannot bind, grpc writes a page to standard error, and it steals a socket in use: so check before
    if is_socket(host):
        _probe_socket(host)
        return
    family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)


def _probe_socket(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return
        except BlockingIOError:  # its queue is full, so the socket is in use
            pass
    raise ConfigError(f"cannot listen for gRPC on {path}: another process of this home folder does")


def _read(config: ClusterConfig) -> Pem:
    files = {"ca": config.ca, "certificate": config.certificate, "key": config.key}
    found = []
    for name, path in files.items():
        if not path:
            raise ConfigError(f"[cluster] {name}: is missing; ca, certificate and key go together")
        try:
            found.append(Path(path).read_bytes())
        except OSError as error:
            raise ConfigError(f"[cluster] {name}: {path} cannot be read: {error.strerror}") from None
    pem = Pem(*found)
    if not belong_together(pem.certificate, pem.key):
        raise ConfigError(
            f"[cluster] key: {config.certificate} and {config.key} are not a certificate and its private key in PEM"
        )
    return pem
