"""Trusted certificate authorities, and endpoints: TLS with the host's name checked, or plaintext."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from weakref import ref

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL
from OpenSSL.crypto import X509
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.ssl import Certificate, optionsForClientTLS, platformTrust, trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, HTTPConnectionPool
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from imsys.sdk.steady import own_clock

_EXPIRED = 10
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED."""

_MARKER = "-----BEGIN CERTIFICATE-----"


class Trust:
    """A set of certificate authorities; every connection also checks that the certificate names the host.

    :param ca: a PEM file; only its authorities are then trusted. ``None``: those of the system.
    :param fingerprints: of the certificates themselves (SHA-256, as :func:`imsys.sdk.fingerprint` writes it):
        who presents one of these is trusted for it alone, and nobody else is. For a server that somebody
        looked at and said yes to.
    :raises OSError: the file cannot be read.
    :raises ValueError: the file holds no valid certificate.
    """

    fingerprints: frozenset[str] = frozenset()

    def __init__(self, ca: str | Path | None = None, *, fingerprints: Iterable[str] = ()) -> None:
        self.root: Any
        self.fingerprints = frozenset(fingerprints)
        if ca is None:
            self.root = platformTrust()
            return
        parts = Path(ca).read_text("ascii", "replace").split(_MARKER)[1:]
        if not parts:
            raise ValueError(f"{ca} holds no certificate.")
        try:
            self.root = trustRootFromCertificates(
                [Certificate.loadPEM((_MARKER + part).encode("ascii", "replace")) for part in parts]
            )
        except Exception:
            raise ValueError(f"{ca} holds a certificate that cannot be read.") from None

    def creator(self, host: str) -> IOpenSSLClientConnectionCreator:
        """Return the TLS options of a connection to a host, given by name or address."""
        return _Creator(host, optionsForClientTLS(host, trustRoot=self.root), self.fingerprints)


class CertificateExpired(Exception):
    """The server's certificate, or one that signed it, has expired.

    :param when: the date of expiry.
    """

    def __init__(self, when: datetime) -> None:
        super().__init__(when)
        self.when = when


class CertificateChanged(Exception):
    """A server presents another certificate than the one that is trusted.

    :param fingerprint: of the one that it presents.
    """

    def __init__(self, fingerprint: str) -> None:
        super().__init__(fingerprint)
        self.fingerprint = fingerprint


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of a certificate as people compare it: pairs of upper-case hex digits with colons between
    them.
    """
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


@implementer(IOpenSSLClientConnectionCreator)
class _Creator:
    """Wraps Twisted's TLS options to report why a certificate is invalid."""

    def __init__(
        self, host: str, options: IOpenSSLClientConnectionCreator, fingerprints: Collection[str]
    ) -> None:
        self._options = options
        self._fingerprints = fingerprints
        self._name = IPAddress_ID(host) if isIPAddress(host) or isIPv6Address(host) else DNS_ID(host)

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """Make a connection that checks the chain, the dates and the name."""
        connection = self._options.clientConnectionForTLS(tlsProtocol)
        name, protocol = self._name, ref(tlsProtocol)

        def verify(_: SSL.Connection, certificate: X509, problem: int, depth: int, good: int) -> bool:
            try:
                if self._fingerprints:
                    found = fingerprint(certificate.to_cryptography()) if depth == 0 else ""
                    if depth == 0 and found not in self._fingerprints:
                        raise CertificateChanged(found)
                    return True
                if not good and problem == _EXPIRED:
                    raise CertificateExpired(certificate.to_cryptography().not_valid_after_utc)
                if good and depth == 0:
                    verify_service_identity(extract_patterns(certificate), [name], [])
            except Exception:  # no exception may leave a callback of OpenSSL
                waiting = protocol()
                if waiting is not None:
                    waiting.failVerification(Failure())
                return False
            return bool(good)

        connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, verify)
        return connection


def endpoint(
    reactor: Any, host: str, port: int, trust: Trust | None, timeout: float
) -> IStreamClientEndpoint:
    """Make the endpoint of a server; plaintext without ``trust``.

    ``timeout`` is in seconds, by the clock of ``reactor``.
    """
    plain = _InTime(HostnameEndpoint(reactor, host, port, timeout=timeout), reactor, timeout)
    return plain if trust is None else wrapClientTLS(trust.creator(host), plain, own_clock(reactor))


def http_agent(reactor: Any, trust: Trust, timeout: float) -> Agent:
    """Make what asks HTTP servers, with a new connection for each request.

    ``timeout`` is for connecting, in seconds, by the clock of ``reactor``.
    """
    pool = HTTPConnectionPool(reactor, persistent=False)
    agent: Agent = Agent.usingEndpointFactory(reactor, _Endpoints(reactor, trust, timeout), pool)
    return agent


@implementer(IAgentEndpointFactory)
class _Endpoints:
    """The endpoints of HTTP servers; those that an agent makes need the reactor that is installed."""

    def __init__(self, reactor: Any, trust: Trust, timeout: float) -> None:
        self._reactor = reactor
        self._trust = trust
        self._timeout = timeout

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Make the endpoint of a URI."""
        trust = self._trust if uri.scheme == b"https" else None
        return endpoint(self._reactor, uri.host.decode("ascii").strip("[]"), uri.port, trust, self._timeout)


@implementer(IStreamClientEndpoint)
class _InTime:
    """Applies a timeout by a clock that need not be that of the connecting reactor."""

    def __init__(self, endpoint: IStreamClientEndpoint, clock: IReactorTime, timeout: float) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._timeout = timeout

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Fire with the connected protocol."""
        return self._endpoint.connect(protocolFactory).addTimeout(self._timeout, self._clock)
