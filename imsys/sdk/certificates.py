"""Which certificate a server presents, for somebody to look at before they trust it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import (
    IHandshakeListener,
    IOpenSSLClientConnectionCreator,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from zope.interface import implementer

from imsys.errors import Status, Unavailable
from imsys.sdk.refusals import explain
from imsys.sdk.trust import CertificateChanged, Trust, endpoint, fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A certificate as a server presents it. The names in it are made by whoever made it; the fingerprint
    cannot be.

    :param fingerprint: its SHA-256, for ``Trust(fingerprints=[...])``.
    :param problem: why it is not trusted, a sentence; empty where it is.
    """

    fingerprint: str
    subject: str
    issuer: str
    begins: datetime
    expires: datetime
    problem: str


async def presented_by(
    reactor: Any, url: str, trust: Trust | None = None, *, deadline: float = 5.0
) -> Presented:
    """Ask the server at a gateway's address for its certificate; nothing else is sent to it.

    :param trust: whom it is held against; by default the system's authorities.
    :param deadline: seconds.
    :raises Unavailable: it cannot be reached, or does not speak TLS.
    :raises ValueError: this is no ``https`` address.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError(
            f"{url!r} is no address of a server with a certificate; it looks like https://127.0.0.1:8443."
        )
    host, port = parts.hostname, parts.port or 443
    plain = HostnameEndpoint(reactor, host, port, timeout=deadline)
    try:
        certificate = await _handshake(
            reactor, wrapClientTLS(_AnyCertificate(host), plain, reactor), deadline
        )
    except Exception as problem:
        raise Unavailable(Status.NETWORK_ERROR, explain(problem)) from problem
    sentence = ""
    try:
        await _handshake(reactor, endpoint(reactor, host, port, trust or Trust(), deadline), deadline)
    except Exception as problem:
        sentence = explain(problem)
    return Presented(
        fingerprint=fingerprint(certificate),
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        begins=certificate.not_valid_before_utc,
        expires=certificate.not_valid_after_utc,
        problem=sentence,
    )


def changed_certificate(problem: BaseException | None) -> CertificateChanged | None:
    """The change of a certificate that is behind an error, if one is."""
    seen: set[int] = set()
    while problem is not None and id(problem) not in seen:
        seen.add(id(problem))
        if isinstance(problem, CertificateChanged):
            return problem
        reasons = getattr(problem, "reasons", None)
        problem = reasons[0].value if isinstance(reasons, list) and reasons else problem.__cause__
    return None


async def _handshake(reactor: Any, where: IStreamClientEndpoint, deadline: float) -> x509.Certificate:
    looking = _Looking()
    factory = Factory.forProtocol(lambda: looking)
    factory.noisy = False

    async def look() -> x509.Certificate:
        await where.connect(factory)
        certificate = await looking.found
        await deferLater(reactor, 0)  # TLS is still in the middle of it, and cannot be aborted there
        return certificate

    try:
        return await Deferred.fromCoroutine(look()).addTimeout(deadline, reactor)
    finally:
        transport: Any = looking.transport
        if transport is not None:
            transport.abortConnection()


@implementer(IHandshakeListener)
class _Looking(Protocol):
    """Waits for the end of the handshake."""

    def __init__(self) -> None:
        self.found: Deferred[x509.Certificate] = Deferred()

    def handshakeCompleted(self) -> None:
        """There is a certificate."""
        transport: Any = self.transport
        if not self.found.called:
            self.found.callback(transport.getPeerCertificate().to_cryptography())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """There is none."""
        if not self.found.called:
            self.found.errback(reason)


@implementer(IOpenSSLClientConnectionCreator)
class _AnyCertificate:
    """Takes every certificate: for a connection that only looks."""

    def __init__(self, host: str) -> None:
        self._options = optionsForClientTLS(host)

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """A connection that checks nothing."""
        connection = self._options.clientConnectionForTLS(tlsProtocol)
        connection.set_verify(SSL.VERIFY_NONE, lambda *_: True)
        return connection
