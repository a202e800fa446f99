"""Mails into a Maildir, and through a real SMTP server."""

from __future__ import annotations

import dataclasses
import mailbox
import os
import stat
from pathlib import Path

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.mail import smtp as twisted_smtp
from twisted.trial.unittest import TestCase

from imsys.captcha import smtp
from imsys.captcha.mailer import MaildirMailer, mailer
from imsys.captcha.message import check_sender, compose
from imsys.captcha.smtp import SmtpMailer
from imsys.config import MailConfig
from imsys.errors import ConfigError, Refused, Status, Unavailable
from imsys.services.common import ListenService
from tests.captcha.smtp_server import PASSWORD, USER, smtp_server
from tests.support.servers import certificates

ANNA = "anna@example.org"
MAIL = compose("Imsys <imsys@example.org>", ANNA, "012345", 180.0, 1.7e9)


class MaildirTests(TestCase):
    async def test_drop(self) -> None:
        """A mail is one message in a Maildir that is made when needed, for its owner only."""
        from twisted.internet import reactor

        folder = Path(self.mktemp()) / "home" / "mail"
        box = mailer(reactor, MailConfig(transport="maildir", maildir=str(folder)))
        self.assertIsInstance(box, MaildirMailer)
        await gatherResults([Deferred.fromCoroutine(box.send(ANNA, MAIL)) for _ in range(3)])
        dropped = [message.as_bytes() for message in mailbox.Maildir(folder, create=False)]
        self.assertEqual(dropped, [MAIL.replace(b"\r\n", b"\n")] * 3)
        self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700)

    async def test_no_folder(self) -> None:
        """A folder that cannot be made is a mail that was not sent."""
        from twisted.internet import reactor

        blocked = Path(self.mktemp())
        blocked.write_text("a file")
        box = mailer(reactor, MailConfig(transport="maildir", maildir=str(blocked / "mail")))
        with self.assertRaises(Unavailable) as caught:
            await box.send(ANNA, MAIL)
        self.assertEqual(caught.exception.status, Status.GRPC_ERROR)


class SmtpTests(TestCase):
    def smtp(self, port: int, **more: object) -> SmtpMailer:
        from twisted.internet import reactor

        config = MailConfig(
            transport="smtp", host="127.0.0.1", port=port, ca=certificates().ca, user=USER, password=PASSWORD,
            sender="Imsys <imsys@example.org>", timeout=5.0,
        )  # fmt: skip
        box = mailer(reactor, dataclasses.replace(config, **more))  # type: ignore[arg-type]
        assert isinstance(box, SmtpMailer)
        return box

    async def refused(self, box: SmtpMailer) -> str:
        """The log of a mail that could not be sent."""
        with capturedLogs() as events, self.assertRaises(Unavailable) as caught:
            await box.send(ANNA, MAIL)
        self.assertEqual(caught.exception.status, Status.GRPC_ERROR)
        text = repr(events) + repr(caught.exception)
        for secret in ("012345", PASSWORD, "cG9zdG1hbg"):
            self.assertNotIn(secret, text)
        return text

    async def test_starttls_and_login(self) -> None:
        """A mail goes through STARTTLS and authentication, byte for byte."""
        port, inbox = smtp_server(self)
        with capturedLogs() as events:
            await self.smtp(port).send(ANNA, MAIL)
        self.assertEqual(inbox.mails, [("imsys@example.org", [ANNA], MAIL)])
        self.assertEqual(inbox.secure, [True])
        self.assertNotIn(PASSWORD, repr(events))

    async def test_at_once(self) -> None:
        """Several mails at once do not disturb each other."""
        port, inbox = smtp_server(self)
        box = self.smtp(port)
        await gatherResults([Deferred.fromCoroutine(box.send(f"a{n}@example.org", MAIL)) for n in range(10)])
        self.assertEqual(sorted(to for _, (to,), _ in inbox.mails), [f"a{n}@example.org" for n in range(10)])

    async def test_plain(self) -> None:
        """Where STARTTLS is 'never' and there is no user, a mail goes through a server that has neither."""
        port, inbox = smtp_server(self, tls=False, auth=False)
        await self.smtp(port, starttls="never", user="", password="").send(ANNA, MAIL)
        self.assertEqual((len(inbox.mails), inbox.secure), (1, [False]))

    async def test_optional(self) -> None:
        """Where STARTTLS is 'optional' it is used if it is offered, and done without if not."""
        port, inbox = smtp_server(self)
        await self.smtp(port, starttls="optional").send(ANNA, MAIL)
        self.assertEqual(inbox.secure, [True])
        port, inbox = smtp_server(self, tls=False, auth=False)
        await self.smtp(port, starttls="optional", user="", password="").send(ANNA, MAIL)
        self.assertEqual(inbox.secure, [False])

    async def test_no_password_without_tls(self) -> None:
        """A server that offers no STARTTLS never gets the password, unless the configuration says 'never'."""
        port, inbox = smtp_server(self, tls=False)
        for starttls in ("required", "optional"):
            self.assertIn("STARTTLS", await self.refused(self.smtp(port, starttls=starttls)))
        self.assertEqual(inbox.mails, [])
        await self.smtp(port, starttls="never").send(ANNA, MAIL)
        self.assertEqual(len(inbox.mails), 1)

    async def test_untrusted(self) -> None:
        """A server whose certificate nobody we trust has signed gets nothing."""
        port, inbox = smtp_server(self)
        self.assertIn("certificate verify failed", await self.refused(self.smtp(port, ca="")))
        port, implicit = smtp_server(self, implicit=True)
        self.assertIn(
            "certificate verify failed", await self.refused(self.smtp(port, ca="", implicit_tls="yes"))
        )
        self.assertEqual(inbox.mails + implicit.mails, [])

    async def test_wrong_password(self) -> None:
        """A password that is refused is a mail that was not sent, and shows in no log."""
        port, inbox = smtp_server(self)
        self.assertIn(
            "the answer to the user name and the password is 535",
            await self.refused(self.smtp(port, user="somebody")),
        )
        self.assertEqual(inbox.mails, [])

    async def test_refused(self) -> None:
        """A mail that the server refuses, for now or for good, was not sent."""
        port, inbox = smtp_server(self)
        for answer in ("451 not now", "550 never", "554 012345"):
            inbox.refuse = answer
            self.assertIn(
                f"the answer to the whole mail is {answer[:3]}", await self.refused(self.smtp(port))
            )

    async def test_implicit_tls(self) -> None:
        """Where TLS is implicit a mail goes through it from the first byte on."""
        port, inbox = smtp_server(self, implicit=True)
        for more in ({}, {"starttls": "never"}):
            await self.smtp(port, implicit_tls="yes", **more).send(ANNA, MAIL)
        self.assertEqual([receivers for _, receivers, _ in inbox.mails], [[ANNA], [ANNA]])
        self.assertIn("TLS failed", await self.refused(self.smtp(smtp_server(self)[0], implicit_tls="yes")))

    async def test_implicit_tls_by_port(self) -> None:
        """On port 465 TLS is implicit, unless it is said that it is not."""
        asked: list[str] = []

        def wrapped(options: object, endpoint: object) -> object:
            asked.append("tls")
            return endpoint

        self.patch(smtp, "wrapClientTLS", wrapped)
        for more, tls in (({}, ["tls"]), ({"implicit_tls": "no"}, [])):
            asked.clear()
            await self.refused(self.smtp(465, timeout=0.5, **more))
            self.assertEqual(asked, tls)

    async def test_greeting(self) -> None:
        """The server is greeted with the configured name, with this machine's where that is qualified, and
        else with our address.
        """
        port, inbox = smtp_server(self)
        for dns_name, more in (
            (b"machine", {}),
            (b"machine.example.org", {}),
            (b"machine", {"ehlo_name": "mail.example.org"}),
        ):
            self.patch(twisted_smtp, "DNSNAME", dns_name)
            await self.smtp(port, **more).send(ANNA, MAIL)
        self.assertEqual(inbox.greeted, ["[127.0.0.1]", "machine.example.org", "mail.example.org"])
        self.assertEqual(smtp._literal("fe80::1%eth0"), "[IPv6:fe80::1]")

    async def test_receiver_refused(self) -> None:
        """A receiver that the server refuses is 70 for good, 64 for now, and no outage.

        The log says why, and not who.
        """
        port, inbox = smtp_server(self)
        box = self.smtp(port)
        for said, status in (
            (f"550 5.1.1 <{ANNA}> is unknown", Status.INVALID_FIELD),
            ("450 4.2.0 greylisted", Status.RATE_LIMITED),
        ):
            inbox.refuse_receiver = said
            with capturedLogs() as events, self.assertRaises(Refused) as caught:
                await box.send(ANNA, MAIL)
            self.assertIs(caught.exception.status, status)
            self.assertNotIsInstance(caught.exception, Unavailable)
            event = events[-1]
            self.assertEqual(
                (event["log_level"], event["log_namespace"]), (LogLevel.info, "imsys.captcha.smtp")
            )
            self.assertIn(said.partition(f"<{ANNA}>")[0].strip(), formatEvent(event))
            self.assertNotIn(ANNA, repr(event))

    async def test_answer_is_lost(self) -> None:
        """A server that does not answer the whole mail may have taken it: it counts as sent, and the log says
        what happened.
        """

        hangs_up = True

        class Forgetful(Protocol):
            got = b""

            def connectionMade(self) -> None:
                self.transport.write(b"220 hello\r\n")  # type: ignore[union-attr]

            def dataReceived(self, data: bytes) -> None:
                self.got += data
                if self.got.endswith(b"\r\n.\r\n"):
                    if hangs_up:
                        self.transport.loseConnection()  # type: ignore[union-attr]
                elif b"DATA\r\n" not in self.got:
                    self.transport.write(b"250 ok\r\n")  # type: ignore[union-attr]
                elif self.got.endswith(b"DATA\r\n"):
                    self.transport.write(b"354 go on\r\n")  # type: ignore[union-attr]

        for what in ("hung up", "timed out"):
            hangs_up = what == "hung up"
            box = self.smtp(self.listen(Forgetful).port, starttls="never", user="", password="", timeout=0.3)
            with capturedLogs() as events:
                await box.send(ANNA, MAIL)
            (said,) = [
                text for text in map(formatEvent, events) if text.startswith("Mail to 127.0.0.1 fails")
            ]
            self.assertIn(what, said)
            self.assertIn("the answer to the whole mail", said)

    def test_sender(self) -> None:
        """A sender that is no address is said when the daemon is built, whatever carries the mails."""
        from twisted.internet import reactor

        for sender in (
            "",
            "imsys",
            "Imsys <imsys@>",
            "a@b, c@d",
            "imsys@example.org\nBcc: x@example.org",
            "<>",
            "Imsys imsys@example.org",
        ):
            for transport in ("maildir", "smtp"):
                with self.assertRaises(ConfigError, msg=sender) as caught:
                    mailer(reactor, MailConfig(transport=transport, sender=sender))
                self.assertIn("[mail] sender", str(caught.exception))
        for sender in (
            "imsys@example.org",
            "Imsys <imsys@example.org>",
            '"Imsys, Inc." <a.b+c@example.org>',
            "Größe <g@example.org>",
        ):
            check_sender(sender)

    async def test_nobody_there(self) -> None:
        """Without a server the mail was not sent."""
        port = self.listen(Protocol)
        box = self.smtp(port.port)
        await maybeDeferred(port.stopService)
        self.assertIn("it cannot be reached: ", await self.refused(box))

    async def test_hanging(self) -> None:
        """A server that says nothing is given up at the deadline, and its connection is cut."""
        connections: list[Silent] = []

        class Silent(Protocol):
            def connectionMade(self) -> None:
                self.lost: Deferred[None] = Deferred()
                connections.append(self)

            def connectionLost(self, reason: object = None) -> None:
                self.lost.callback(None)

        said = await self.refused(self.smtp(self.listen(Silent).port, timeout=0.1))
        self.assertIn("timed out: the greeting did not come in 0.1 s; a server that wants TLS", said)
        await connections[0].lost

    async def test_hanging_up(self) -> None:
        """A server that hangs up in the middle has not taken the mail."""

        class Rude(Protocol):
            def connectionMade(self) -> None:
                self.transport.loseConnection()  # type: ignore[union-attr]

        class Ruder(Protocol):
            def connectionMade(self) -> None:
                self.transport.write(b"220 hello\r\n")  # type: ignore[union-attr]

            def dataReceived(self, data: bytes) -> None:
                self.transport.loseConnection()  # type: ignore[union-attr]

        class Strange(Protocol):
            def connectionMade(self) -> None:
                self.transport.write(b"SSH-2.0-x\r\n")  # type: ignore[union-attr]

        for kind, said in (
            (Rude, "hung up while the greeting"),
            (Ruder, "hung up while the answer to EHLO"),
            (Strange, "SSH"),
        ):
            self.assertIn(said, await self.refused(self.smtp(self.listen(kind).port)))

    def test_bad_ca(self) -> None:
        """A CA file that is missing or holds no certificate is said when the daemon is built."""
        empty = self.mktemp()
        Path(empty).write_text("nothing\n")
        for path in (empty, empty + "-missing"):
            with self.assertRaises(ConfigError) as caught:
                self.smtp(25, ca=path)
            self.assertIn("[mail] ca", str(caught.exception))

    def listen(self, kind: type[Protocol]) -> ListenService:
        from twisted.internet import reactor

        service = ListenService(reactor, Factory.forProtocol(kind), "127.0.0.1", 0, None, "test")
        service.startService()
        self.addCleanup(service.stopService)
        return service
