"""A real SMTP server in a thread, with STARTTLS and AUTH."""

from __future__ import annotations

import logging
import ssl
from typing import Any

from aiosmtpd import smtp
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from twisted.trial.unittest import TestCase

from tests.support.children import free_port
from tests.support.servers import certificates

logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)

USER, PASSWORD = "postman", "let-me-in-please"


class Inbox:
    """What arrived, and what the server is to say."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.secure: list[bool] = []
        self.greeted: list[str] = []
        self.refuse = ""
        self.refuse_receiver = ""
        self.receivers = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        self.receivers += 1
        if self.refuse_receiver:
            return self.refuse_receiver
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse:
            return self.refuse
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        self.secure.append(session.ssl is not None)
        self.greeted.append(session.host_name)
        return "250 OK"


def authenticator(server: Any, session: Any, envelope: Any, mechanism: str, auth: Any) -> AuthResult:
    right = isinstance(auth, LoginPassword) and (auth.login, auth.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=right, handled=right)


def smtp_server(
    test: TestCase, *, tls: bool = True, auth: bool = True, implicit: bool = False
) -> tuple[int, Inbox]:
    """Start one; give back its port and where its mails go.

    :param implicit: TLS from the first byte on, instead of STARTTLS.
    :param auth: mails are taken only after authentication, and that only with TLS if there is TLS.
    """
    inbox = Inbox()
    more: dict[str, Any] = {}
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates().certificate, certificates().key)
        more.update(ssl_context=context) if implicit else more.update(
            tls_context=context, require_starttls=True
        )
    if auth:
        more.update(authenticator=authenticator, auth_required=True, auth_require_tls=tls and not implicit)
    test.patch(smtp, "warn", lambda *args: None)  # of what is done on purpose here
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), **more)
    controller.start()
    test.addCleanup(controller.stop)
    return controller.port, inbox
