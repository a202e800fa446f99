"""TLS of the public ports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from OpenSSL import SSL, crypto
from twisted.internet.ssl import CertificateOptions, TLSVersion

from imsys.config import TlsConfig
from imsys.errors import ConfigError


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
