"""The captcha server, called by a plain gRPC stub."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import grpc
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from imsys.cluster.server import GrpcServer
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc, message_pb2, message_pb2_grpc
from imsys.config import CaptchaConfig, Config, MailConfig
from imsys.errors import ConfigError
from imsys.redis.codes import Codes
from imsys.services import captcha
from tests.captcha.smtp_server import smtp_server
from tests.redis.shared import redis_for
from tests.support.servers import PLAINTEXT, certificates, redis_server

ANNA = "anna@example.org"


class CaptchaTests(TestCase):
    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.redis_config = redis_server()
        self.redis = redis_for(self, self.redis_config)
        self.codes = Codes(self.redis, life=180.0, tries=5, tries_all=50)
        self.folder = Path(self.mktemp()).absolute() / "mail"

    def serve(self, mail: MailConfig | None = None, **limits: Any) -> None:
        config = Config(
            redis=self.redis_config,
            mail=mail or MailConfig(maildir=str(self.folder)),
            captcha=CaptchaConfig(grpc_port=0, code_life=120.0, **limits),
            cluster=PLAINTEXT,
        )
        service: Any = captcha.build(self.reactor, config)
        service.startService()
        self.addCleanup(service.stopService)
        (port,) = [part.port for part in service if isinstance(part, GrpcServer)]
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.addCleanup(self.channel.close)

    async def ask(self, email: str) -> message_pb2.GetVerificationResponse:
        stub = message_pb2_grpc.VerificationServiceStub(self.channel)
        request = message_pb2.GetVerificationRequest(email=email)
        answer: Deferred[message_pb2.GetVerificationResponse] = Deferred()
        stub.GetVerificationCode.future(request, timeout=5.0).add_done_callback(
            lambda done: self.reactor.callFromThread(lambda: answer.callback(done.result()))
        )
        return await answer

    def mails(self) -> list[str]:
        return [
            path.read_text()
            for path in sorted((self.folder / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        ]

    def code_in(self, mail: str) -> str:
        (code,) = re.findall("[0-9]{4,}", mail.partition("\n\n")[2])
        return str(code)

    async def test_code(self) -> None:
        """A call answers with the address, mails a code, and keeps it for its life."""
        self.serve()
        response = await self.ask(ANNA)
        self.assertEqual((response.error, response.email, response.message), (0, ANNA, ""))
        (mail,) = self.mails()
        self.assertIn(f"To: {ANNA}", mail)
        self.assertIn("2 minutes", mail)
        self.assertTrue(await self.codes.verify(ANNA, self.code_in(mail), "here"))
        self.assertTrue(0 < await self.redis.call("PTTL", self.redis.key("captcha", ANNA)) <= 120_000)

    async def test_new_code(self) -> None:
        """Each call makes another code, and only the last is good."""
        self.serve()
        for _ in range(5):
            await self.ask(ANNA)
        codes = [self.code_in(mail) for mail in self.mails()]
        self.assertGreater(len(set(codes)), 2)
        self.assertTrue(await self.codes.verify(ANNA, codes[-1], "here"))

    async def test_many_at_once(self) -> None:
        """Many calls at once each get their own mail."""
        self.serve()
        emails = [f"user{n}@example.org" for n in range(30)]
        await gatherResults([Deferred.fromCoroutine(self.ask(email)) for email in emails])
        sent = {
            email: self.code_in(mail) for mail in self.mails() for email in emails if f"To: {email}\n" in mail
        }
        self.assertEqual(
            [await self.codes.verify(email, sent[email], "here") for email in emails], [True] * 30
        )

    async def test_no_address(self) -> None:
        """What is no address is answered with 70, and no mail is written."""
        self.serve()
        for email in ("", "anna", "a@b\r\nBcc: c@d", "x" * 300):
            response = await self.ask(email)
            self.assertEqual(response.error, 70)
            self.assertTrue(response.message)
        self.assertFalse(self.folder.exists())

    async def test_limits(self) -> None:
        """Whoever calls gets so many mails a day to one mailbox, whatever is behind a ``+``, and so many in
        all.
        """
        self.serve(mailbox_day=2, all_hour=3)
        answers = [
            (await self.ask(email)).error
            for email in (ANNA, ANNA.replace("@", "+x@"), ANNA.replace("@", "+y@"), ANNA.upper())
        ]
        self.assertEqual(answers, [0, 0, 64, 64])
        self.assertEqual([(await self.ask(f"user{n}@example.org")).error for n in range(2)], [0, 64])
        self.assertEqual(len(self.mails()), 3)

    async def test_a_mail_that_failed_does_not_count(self) -> None:
        """While the mail server is away nobody's mails are counted."""
        port, inbox = smtp_server(self, auth=False)
        self.serve(
            MailConfig(transport="smtp", host="127.0.0.1", port=port, ca=certificates().ca), mailbox_day=1
        )
        inbox.refuse = "451 later"
        self.assertEqual([(await self.ask(ANNA)).error for _ in range(2)], [3, 3])
        inbox.refuse = ""
        self.assertEqual([(await self.ask(ANNA)).error for _ in range(2)], [0, 64])

    async def test_probed(self) -> None:
        """It answers whoever looks whether it works."""
        self.serve()
        probe = imsys_v1_pb2_grpc.ControlStub(self.channel).Probe
        answer = await deferToThread(probe, imsys_v1_pb2.ProbeRequest(), timeout=5.0)
        self.assertEqual((answer.unfit, bool(answer.incarnation)), ("", True))

    async def test_mail_fails(self) -> None:
        """When the mail cannot be sent the answer is 3, and no code is kept."""
        port, inbox = smtp_server(self, auth=False)
        self.serve(MailConfig(transport="smtp", host="127.0.0.1", port=port, ca=certificates().ca))
        inbox.refuse = "550 no"
        self.assertEqual((await self.ask(ANNA)).error, 3)
        self.assertEqual(await self.redis.call("EXISTS", self.redis.key("captcha", ANNA)), 0)
        inbox.refuse = ""
        self.assertEqual((await self.ask(ANNA)).error, 0)

    async def test_code_is_not_logged(self) -> None:
        """The code is in the mail and in Redis, and in no log."""
        self.serve()
        with capturedLogs() as events:
            await self.ask(ANNA)
        self.assertNotIn(self.code_in(self.mails()[0]), repr(events))

    def test_bad_ca(self) -> None:
        """A configuration that cannot work is refused when the server is built."""
        with self.assertRaises(ConfigError):
            self.serve(MailConfig(transport="smtp", ca="/nonexistent/ca.pem"))
