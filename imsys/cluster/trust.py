"""Who may talk to whom inside the cluster: mutual TLS with the cluster's own CA, or plaintext where that is allowed."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import grpc
from twisted.logger import Logger

from imsys.config import ClusterConfig
from imsys.errors import ConfigError

_log = Logger()


class Trust:
    """The cluster's credentials, read when it is made (before privileges are dropped).

    :raises ConfigError: a file is missing, cannot be read, or is not named.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self._allow_plaintext = config.allow_plaintext
        self._pem: tuple[bytes, bytes, bytes] | None = None
        if config.ca or config.certificate or config.key:
            self._pem = _read("ca", config.ca), _read("certificate", config.certificate), _read("key", config.key)

    @property
    def tls(self) -> bool:
        """Whether connections are encrypted and both sides prove who they are."""
        return self._pem is not None

    def check(self, host: str) -> None:
        """:raises ConfigError: gRPC with this host would be plaintext, and that is not allowed."""
        if self._pem is None and not self._allow_plaintext and not is_loopback(host):
            raise ConfigError(
                f"[cluster] ca: gRPC on {host} needs the cluster's certificates (ca, certificate, key), or allow_plaintext = yes"
            )

    def bind(self, server: grpc.Server, host: str, port: int) -> int:
        """Open a port of a server and return its number.

        :raises ConfigError: the port cannot be had.
        """
        self.check(host)
        where = address(host, port)
        try:
            _probe(host, port)
            if self._pem is None:
                bound = server.add_insecure_port(where)
            else:
                ca, certificate, key = self._pem
                bound = server.add_secure_port(where, grpc.ssl_server_credentials([(key, certificate)], ca, require_client_auth=True))
        except OSError as error:
            raise ConfigError(f"cannot listen for gRPC on {where}: {error.strerror}") from None
        except RuntimeError:
            raise ConfigError(f"cannot listen for gRPC on {where}") from None
        if self._pem is None:
            say = _log.info if is_loopback(host) else _log.warn
            say("gRPC on {where} without TLS", where=address(host, bound))
        return bound

    def channel(self, host: str, port: int) -> grpc.Channel:
        """A channel to a server; it connects when it is used.

        :raises ConfigError: it would be plaintext, and that is not allowed.
        """
        self.check(host)
        options = [
            ("grpc.enable_http_proxy", 0),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 1000),  # also what a connection attempt may take
            ("grpc.max_reconnect_backoff_ms", 2000),
            ("grpc.keepalive_time_ms", 10000),
            ("grpc.keepalive_timeout_ms", 5000),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        if self._pem is None:
            if not is_loopback(host):
                _log.warn("gRPC to {where} without TLS", where=address(host, port))
            return grpc.insecure_channel(address(host, port), options)
        ca, certificate, key = self._pem
        return grpc.secure_channel(address(host, port), grpc.ssl_channel_credentials(ca, key, certificate), options)


def is_loopback(host: str) -> bool:
    """Whether this host (an address, or ``localhost``) is reached without leaving the machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address(host: str, port: int) -> str:
    """``host:port``, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _probe(host: str, port: int) -> None:
    # grpc writes a page to standard error when it cannot bind: find out before it does.
    family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)


def _read(name: str, path: str) -> bytes:
    if not path:
        raise ConfigError(f"[cluster] {name}: is missing; ca, certificate and key go together")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"[cluster] {name}: {path} cannot be read: {error.strerror}") from None
