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
    """TLS of one server's public ports, with a certificate that can be reloaded.

    :raises ConfigError: from :meth:`context`, as from :func:`public_context`.
    """

    def __init__(self, config: TlsConfig) -> None:
        self._config = config
        self._made: list[tuple[Renewable, Callable[[], ssl.SSLContext]]] = []

    def context(self, application: str | None = None, *, tickets: bool = True) -> Renewable:
        """Make a renewable context by :func:`public_context`."""
        make = partial(public_context, self._config, application, tickets=tickets)
        self._made.append((Renewable(make()), make))
        return self._made[-1][0]

    def renew_certificates(self) -> None:
        """Read the files again. Open connections stay; if a file is invalid, log it and change nothing."""
        try:
            fresh = [make() for _, make in self._made]
        except ConfigError as error:
            _log.error("the certificate of the public ports stays as it was: {reason}", reason=str(error))
            return
        for (renewable, _), context in zip(self._made, fresh, strict=True):
            renewable.current = context
        _log.info("the certificate of the public ports was read again")


def public_context(
    config: TlsConfig, application: str | None = None, *, tickets: bool = True
) -> ssl.SSLContext:
    """Make the TLS context of public ports: at least TLS 1.2, resumption by tickets, no client certificates.

    Tickets are encrypted with a key that only this context has: they are invalid after the process, and so
    its certificate, has ended.

    :param application: the protocol's name in ALPN (RFC 7301), if any; clients that only offer others are
        served too.
    :param tickets: whether to send session tickets. RTMP ports send none: in TLS 1.3 a ticket follows the
        handshake, and librtmp with GnuTLS (rtmpdump, GStreamer) takes it for the end of the connection.
    :raises ConfigError: a file cannot be read, or key and certificate do not match.
    """
    _check(config.certificate, "[tls] certificate", x509.load_pem_x509_certificates)
    _check(config.key, "[tls] key", lambda data: load_pem_private_key(data, None))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    # each costs bytes and time, and a client reconnects with one connection
    context.num_tickets = int(tickets)
    try:
        context.load_cert_chain(config.certificate, config.key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigError(
                f"[tls] key: {config.key} does not belong to the certificate in {config.certificate}"
            ) from None
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
