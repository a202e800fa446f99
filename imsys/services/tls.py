"""TLS of the public ports."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from twisted.application.service import Service
from twisted.logger import Logger

from imsys.config import TlsConfig
from imsys.errors import ConfigError
from imsys.protocols.tls import Renewable

_log = Logger()


class PublicTls(Service):
    """TLS of the public ports of one server, with a certificate that can be read again.

    :raises ConfigError: from :meth:`context`, as from :func:`public_context`.
    """

    def __init__(self, config: TlsConfig) -> None:
        self._config = config
        self._made: list[tuple[Renewable, Callable[[], ssl.SSLContext]]] = []

    def context(self, application: str | None = None, *, tickets: bool = True) -> Renewable:
        """A context as :func:`public_context` makes it."""
        make = partial(public_context, self._config, application, tickets=tickets)
        self._made.append((Renewable(make()), make))
        return self._made[-1][0]

    def renew_certificates(self) -> None:
        """Read the files again. Connections that are open stay; a file that cannot be used is logged, and changes nothing."""
        try:
            fresh = [make() for _, make in self._made]
        except ConfigError as error:
            _log.error("the certificate of the public ports stays as it was: {reason}", reason=str(error))
            return
        for (renewable, _), context in zip(self._made, fresh, strict=True):
            renewable.current = context
        _log.info("the certificate of the public ports was read again")


def public_context(config: TlsConfig, application: str | None = None, *, tickets: bool = True) -> ssl.SSLContext:
    """TLS of the public ports: 1.2 at least, resumption by ticket, no certificate asked of the client.

    Tickets are sealed with a key that the context makes for itself and that nobody else
    knows: they end with the process, and so with the certificate that they stand for.

    :param application: the protocol's name in ALPN (RFC 7301), where it has one; clients that offer others only are served all the same.
    :param tickets: whether a client is given one to resume with. The ports of RTMP give none: in TLS 1.3 it comes behind the handshake,
        where librtmp with GnuTLS (rtmpdump, GStreamer) takes it for the end of the connection.
    :raises ConfigError: a file cannot be read, or the two do not belong together.
    """
    _check(config.certificate, "[tls] certificate", x509.load_pem_x509_certificates)
    _check(config.key, "[tls] key", lambda data: load_pem_private_key(data, None))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.num_tickets = int(tickets)  # each costs a client's handshake bytes and us time, and a client comes back with one connection
    try:
        context.load_cert_chain(config.certificate, config.key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigError(f"[tls] key: {config.key} does not belong to the certificate in {config.certificate}") from None
        raise ConfigError(f"[tls] certificate: {config.certificate} cannot be used: {error.reason}") from None
    if application is not None:
        context.set_alpn_protocols([application])
    return context


def _check(path: str, what: str, parse: Callable[[bytes], Any]) -> None:
    try:
        parse(Path(path).read_bytes())
    except OSError as error:
        raise ConfigError(f"{what}: {path} cannot be read: {error.strerror}") from None
    except TypeError:
        raise ConfigError(f"{what}: {path} is encrypted; a server cannot ask for its password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(f"{what}: {path} is not what it should be, in PEM") from None
