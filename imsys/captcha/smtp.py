"""Send mails to an SMTP server, with TLS, authentication and an overall deadline."""

from __future__ import annotations

import enum
import io
import ipaddress
import re
from pathlib import Path
from typing import Any

from OpenSSL import SSL, crypto
from service_identity import VerificationError
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS, platformTrust, trustRootFromCertificates
from twisted.logger import Logger
from twisted.mail import smtp
from twisted.python.failure import Failure

from imsys.captcha.message import envelope_sender
from imsys.config import MailConfig
from imsys.errors import ConfigError, Refused, Status, Unavailable
from imsys.util.outages import Outage

_log = Logger()

GOODBYE = 2.0
"""Seconds for the server to close the connection after it accepted a mail."""

SAID = 200
"""Characters of a server's reply that are logged."""


class Stage(enum.Enum):
    """The stage of a conversation; the value names what is awaited, for the log."""

    CONNECT = "the connection"
    GREETING = "the greeting"
    HELLO = "the answer to EHLO"
    TLS = "TLS"
    AUTH = "the answer to the user name and the password"
    FROM = "the answer to MAIL FROM"
    TO = "the answer to RCPT TO"
    DATA = "the answer to DATA"
    END = "the answer to the whole mail"
    OVER = "nothing"


class Failed(Exception):
    """A mail was not accepted, or it is not known whether it was.

    :param stage: the stage at which it failed.
    :param reason: what happened, for the log, without the mail's content or the password.
    :param code: the server's reply code; 0: none.
    """

    def __init__(self, stage: Stage, reason: str, code: int = 0) -> None:
        super().__init__(reason)
        self.stage = stage
        self.reason = reason
        self.code = code


class SmtpMailer:
    """Sends each mail over its own connection.

    A password is sent without TLS only if ``starttls`` is ``never``.

    :raises ConfigError: the CA file cannot be read.
    """

    def __init__(self, reactor: Any, config: MailConfig) -> None:
        self._reactor = reactor
        self._config = config
        self._outage = Outage(reactor.seconds, f"Mail to {config.host}", _log)
        self._implicit = config.tls_first
        self._tls: Any = None
        if self._implicit or config.starttls != "never":
            trust = _authorities(config.ca) if config.ca else platformTrust()
            self._tls = optionsForClientTLS(config.host, trustRoot=trust)
        self._name = config.ehlo_name or (smtp.DNSNAME.decode() if b"." in smtp.DNSNAME else "")
        self._explained = bool(self._name)

    async def send(self, receiver: str, mail: bytes) -> None:
        """Send a mail within the configured time.

        If the server does not answer the complete mail, assume it was accepted.

        :raises Refused: INVALID_FIELD (70), the server refuses the receiver for good; RATE_LIMITED (64), for
            now.
        :raises Unavailable: GRPC_ERROR (3), the server cannot be reached or trusted, refuses, or takes too
            long.
        """
        if not self._explained:
            self._explained = True
            host = self._config.host
            _log.info(
                "this machine has no fully-qualified name: {host} is greeted with its address ([mail] ehlo_name)",
                host=host,
            )
        try:
            await self.attempt(receiver, mail)
        except Failed as failed:
            if failed.stage is Stage.TO and 400 <= failed.code < 600:
                self._outage.works()
                _log.info("{host} refuses a receiver: {reason}", host=self._config.host, reason=failed.reason)
                if failed.code >= 500:
                    raise Refused(
                        Status.INVALID_FIELD, "The mail server does not know this address."
                    ) from None
                raise Refused(
                    Status.RATE_LIMITED,
                    "The mail server takes no mail for this address now: try again later.",
                ) from None
            self._outage.failed(failed.reason)
            if failed.stage is Stage.END and not failed.code:
                return  # it may have been accepted
            raise Unavailable(Status.GRPC_ERROR, "The mail server did not take the mail.") from None
        self._outage.works()

    async def attempt(self, receiver: str, mail: bytes) -> None:
        """Send a mail without logging. :raises Failed: with what happened."""
        config = self._config
        mandatory = config.starttls == "required" or (config.starttls == "optional" and bool(config.user))
        conversation = _Conversation(
            self._reactor, config, self._tls, receiver, mail, self._name, tls_first=self._implicit
        )
        conversation.requireTransportSecurity = mandatory and not self._implicit
        endpoint: Any = HostnameEndpoint(self._reactor, config.host, config.port, timeout=config.timeout)
        if self._implicit:
            endpoint = wrapClientTLS(self._tls, endpoint)
        late = self._reactor.callLater(config.timeout, conversation.late)
        factory = Factory.forProtocol(lambda: conversation)
        factory.noisy = False
        connecting: Deferred[Any] = endpoint.connect(factory)
        connecting.addErrback(conversation.not_connected)
        try:
            await conversation.done
        finally:
            if late.active():
                late.cancel()
            connecting.cancel()


class _Conversation(smtp.ESMTPClient):
    """One mail over one connection; ``done`` fires when it is accepted, or fails with :class:`Failed`.

    No transcript is kept.
    """

    debug = False
    transport: Any

    def __init__(
        self,
        reactor: Any,
        config: MailConfig,
        tls: Any,
        receiver: str,
        mail: bytes,
        name: str,
        *,
        tls_first: bool,
    ) -> None:
        self.requireAuthentication = bool(config.user)
        super().__init__(config.password.encode() if config.user else None, None if tls_first else tls, name)
        self.done: Deferred[None] = Deferred()
        self.stage = Stage.CONNECT
        self._reactor = reactor
        self._config = config
        self._receiver = receiver
        self._mail = mail
        self._tls_first = tls_first
        self._goodbye: IDelayedCall | None = None
        user = config.user.encode()
        for mechanism in (smtp.CramMD5ClientAuthenticator, smtp.LOGINAuthenticator, smtp.PLAINAuthenticator):
            self.registerAuthenticator(mechanism(user))

    def late(self) -> None:
        """Fail: the deadline has passed."""
        hint = ""
        if self.stage is Stage.GREETING and not self._tls_first:
            hint = "; a server that wants TLS from the first byte on says nothing ([mail] implicit_tls)"
        what = "TLS or the greeting" if self.stage is Stage.GREETING and self._tls_first else self.stage.value
        self._fail(f"timed out: {what} did not come in {self._config.timeout:g} s{hint}")
        if self.transport is not None:
            self.transport.abortConnection()

    def not_connected(self, failure: Failure) -> None:
        """Fail: the server cannot be reached."""
        self._fail(f"it cannot be reached: {failure.value or type(failure.value).__name__}")

    def connectionMade(self) -> None:
        """Wait for the greeting."""
        if self.done.called:
            self.transport.abortConnection()
            return
        self.stage = Stage.GREETING
        if not self.identity:
            self.identity = _literal(self.transport.getHost().host).encode()
        super().connectionMade()

    def sendLine(self, line: bytes) -> None:
        """Send a command, and note the stage of its answer."""
        if self.stage is not Stage.AUTH or not line.startswith(b"*"):
            self.stage = _STAGES.get(line.strip().split(b" ")[0][:8], self.stage)
        super().sendLine(line)

    def getMailFrom(self) -> str | None:
        """Return the sender; ``None``: the mail was sent already."""
        return None if self.done.called else envelope_sender(self._config.sender)

    def getMailTo(self) -> list[str]:
        """Return the receiver."""
        return [self._receiver]

    def getMailData(self) -> io.BytesIO:
        """Return the mail with LF line ends."""
        return io.BytesIO(self._mail.replace(b"\r\n", b"\n"))

    def sentMail(self, code: int, resp: Any, numOk: int, addresses: list[Any], log: Any) -> None:
        """Process the server's answer to the mail."""
        if numOk and 200 <= code < 300:
            self._end(None)
        else:
            self._refused(code, addresses[0][2] if addresses and not numOk else resp)

    def sendError(self, exc: Any) -> None:
        """Process a refusal before the mail, or an answer that is not SMTP."""
        if isinstance(exc, smtp.TLSRequiredError):
            self._fail("TLS is required ([mail] starttls), and it offers no STARTTLS")
        elif isinstance(exc, smtp.AUTHRequiredError | smtp.EHLORequiredError):
            self._fail("it offers no authentication that we know, and [mail] user is set")
        else:
            self._refused(exc.code, exc.resp)
        super().sendError(exc)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Fail if the mail is not accepted: the connection is closed."""
        self._fail(
            _tls_fault(reason.value, self._config.host)
            or f"it hung up while {self.stage.value} was waited for"
        )
        if self._goodbye is not None and self._goodbye.active():
            self._goodbye.cancel()
        super().connectionLost(reason)

    def _refused(self, code: int, said: str | bytes) -> None:
        text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
        secret = self.stage is Stage.AUTH  # it may hold the user name and the password
        self._fail(f"{self.stage.value} is {code}{'' if secret else ' ' + self._clean(text)}", code)

    def _clean(self, text: str) -> str:
        """Return the server's text without the receiver and without codes of the mail."""
        text = re.sub(re.escape(self._receiver), "…", text[: 10 * SAID], flags=re.IGNORECASE)
        text = re.sub(r"[0-9]{4,}|[0-9A-Za-z]{4}(?:-[0-9A-Za-z]{4})+", "…", text)
        return "".join(character if character.isprintable() else " " for character in text)[:SAID]

    def _fail(self, reason: str, code: int = 0) -> None:
        self._end(Failed(self.stage, reason, max(code, 0)))

    def _end(self, failed: Failed | None) -> None:
        if self.done.called:
            return
        if self.connected:
            self._goodbye = self._reactor.callLater(GOODBYE, self.transport.abortConnection)
        if failed is None:
            self.done.callback(None)
        else:
            self.done.errback(failed)


_STAGES = {
    b"EHLO": Stage.HELLO,
    b"HELO": Stage.HELLO,
    b"STARTTLS": Stage.TLS,
    b"AUTH": Stage.AUTH,
    b"MAIL": Stage.FROM,
    b"RCPT": Stage.TO,
    b"DATA": Stage.DATA,
    b".": Stage.END,
    b"RSET": Stage.OVER,
    b"QUIT": Stage.OVER,
}


def _literal(host: str) -> str:
    """Format an address literal for the greeting (RFC 5321, section 4.1.3)."""
    host = host.partition("%")[0]
    return f"[IPv6:{host}]" if ipaddress.ip_address(host).version == 6 else f"[{host}]"


def _tls_fault(reason: BaseException | None, host: str) -> str:
    """Describe a TLS error; empty: it is another error."""
    if isinstance(reason, VerificationError):
        return f"its certificate is not for {host}"
    if isinstance(reason, SSL.Error):
        said = [
            str(part[-1])
            for part in (reason.args[0] if reason.args and isinstance(reason.args[0], list) else [])
            if part
        ]
        return f"TLS failed: {', '.join(said) or 'the connection broke'}"
    return ""


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
