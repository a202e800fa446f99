"""Mails through an SMTP server, with STARTTLS and authentication, and a deadline for it all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from OpenSSL import crypto
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IAddress, IDelayedCall
from twisted.internet.ssl import Certificate, optionsForClientTLS, platformTrust, trustRootFromCertificates
from twisted.mail.smtp import ESMTPSender, ESMTPSenderFactory
from twisted.python.failure import Failure

from imsys.captcha.message import envelope_sender
from imsys.config import MailConfig
from imsys.errors import ConfigError, Status, Unavailable
from imsys.outages import Outage

GOODBYE = 2.0
"""Seconds that the server has to close the connection after it took a mail."""


class SmtpMailer:
    """Sends each mail over a connection of its own.

    A password is sent without TLS only where ``starttls`` is ``never``.

    :raises ConfigError: the CA file cannot be read.
    """

    def __init__(self, reactor: Any, config: MailConfig) -> None:
        self._reactor = reactor
        self._config = config
        self._outage = Outage(reactor.seconds, f"Mail to {config.host}")
        self._tls: Any = None
        if config.starttls != "never":
            trust = _authorities(config.ca) if config.ca else platformTrust()
            self._tls = optionsForClientTLS(config.host, trustRoot=trust)

    async def send(self, receiver: str, mail: bytes) -> None:
        """Hand a mail to the server, within the configured seconds.

        :raises Unavailable: (3) the server cannot be reached or trusted, refuses, or takes too long.
        """
        try:
            await self._begin(receiver, mail).addTimeout(self._config.timeout, self._reactor)
        except (DeferredTimeout, CancelledError):
            self._outage.failed("it took too long")
            raise Unavailable(Status.GRPC_ERROR, "The mail server did not answer in time.") from None
        except Exception as error:
            # Not its text: there is what was said in it.
            self._outage.failed(" ".join(map(str, filter(None, (type(error).__name__, getattr(error, "code", None))))))
            raise Unavailable(Status.GRPC_ERROR, "The mail server did not take the mail.") from None
        self._outage.works()

    def _begin(self, receiver: str, mail: bytes) -> Deferred[Any]:
        def cancel(_: Deferred[Any]) -> None:
            factory.sendFinished = True
            connecting.cancel()
            factory.abort()

        config = self._config
        sent: Deferred[Any] = Deferred(cancel)
        factory = _Factory(
            self._reactor,
            config.user.encode(),
            config.password.encode() if config.user else None,
            envelope_sender(config.sender),
            receiver,
            io.BytesIO(mail.replace(b"\r\n", b"\n")),
            sent,
            retries=0,
            contextFactory=self._tls,
            heloFallback=True,
            requireAuthentication=bool(config.user),
            requireTransportSecurity=config.starttls == "required" or (config.starttls == "optional" and bool(config.user)),
        )
        endpoint = HostnameEndpoint(self._reactor, config.host, config.port, timeout=config.timeout)
        connecting: Deferred[Any] = endpoint.connect(factory)
        connecting.addErrback(lambda failure: factory.clientConnectionFailed(None, failure))
        return sent


class _Factory(ESMTPSenderFactory):
    """Twisted's, for endpoints, with a client that keeps no log of what was said, and that is cut if the server does not hang up."""

    noisy = False

    def __init__(self, reactor: Any, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._reactor = reactor
        self._client: Any = None
        self._goodbye: IDelayedCall | None = None

    def buildProtocol(self, addr: IAddress | None) -> ESMTPSender:
        """A client for the one mail."""
        client: Any = super().buildProtocol(addr)
        client.debug = False
        lost = client.connectionLost

        def connection_lost(reason: Failure) -> None:
            # An endpoint does not tell the factory.
            self._client = None
            if self._goodbye is not None and self._goodbye.active():
                self._goodbye.cancel()
            lost(reason)
            self.clientConnectionLost(None, reason)

        client.connectionLost = connection_lost
        self._client = client
        self.result.addBoth(self._over)
        built: ESMTPSender = client
        return built

    def abort(self) -> None:
        """Cut the connection, if there is one."""
        if self._client is not None:
            self._client.transport.abortConnection()

    def _over(self, result: Any) -> Any:
        if self._client is not None:
            self._goodbye = self._reactor.callLater(GOODBYE, self.abort)
        return result


def _authorities(path: str) -> Any:
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"[mail] ca: {path} cannot be read: {error.strerror}") from None
    end = b"-----END CERTIFICATE-----"
    try:
        found = [Certificate.loadPEM(part + end) for part in text.split(end)[:-1]]
    except crypto.Error:
        found = []
    if not found:
        raise ConfigError(f"[mail] ca: {path} holds no certificate in PEM")
    return trustRootFromCertificates(found)
