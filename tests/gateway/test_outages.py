"""What a gateway answers when what stands behind it is down, and what it never says."""

from __future__ import annotations

import dataclasses
from typing import Any

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imsys.captcha.smtp import SmtpMailer
from imsys.config import LimitsConfig, MailConfig
from imsys.errors import Status, Unavailable
from imsys.gateway import messages
from imsys.redis.client import RedisService
from imsys.server.health import Health
from imsys.services import captcha
from imsys.services.common import ListenService
from imsys.store import Database
from tests.captcha.smtp_server import PASSWORD as MAIL_PASSWORD
from tests.captcha.smtp_server import USER as MAIL_USER
from tests.captcha.smtp_server import smtp_server
from tests.gateway.system import PASSWORD, SystemCase, part, parts
from tests.support.servers import RedisServer, certificates


class OutageTests(SystemCase):
    async def busy(self, path: str, **fields: Any) -> None:
        """The request gets 503 with 73, and is told to come back."""
        answer = await self.post(path, **fields)
        self.assertEqual((answer.status, answer.error, answer.retry_after), (503, 73, 1), path)
        self.assertTrue(answer.json["message"].endswith("."))

    async def test_no_captcha_server(self) -> None:
        """Without a captcha server no code can be had: 503 with 73; the attempt does not count."""
        await self.stop(self.captcha)
        for _ in range(3):
            await self.busy("/get_verification", email="anna@example.org")
        self.assertEqual(await self.redis.call("KEYS", self.redis.key("rate", "*")), [])
        self.assertEqual((await self.login("anna")).error, 17)

    async def test_no_balance_server(self) -> None:
        """Without a balance server nobody can log in: 503 with 73, but the right password is not called
        wrong.
        """
        await self.register("anna")
        await self.stop(self.balance)
        await self.busy("/trylogin_server", username="anna", password=PASSWORD)
        await self.busy("/trylogin_server", uuid="1", token="x")
        self.assertEqual((await self.login("anna", "wrong horse")).error, 17)

    async def test_no_database(self) -> None:
        """Without a database everything that needs it is 503 with 73.

        A registration that failed does not count.
        """
        code = await self.code("anna@example.org")
        part(self.gateway, Database).close()
        await self.busy("/check_accountexists", username="anna", email="anna@example.org")
        await self.busy("/trylogin_server", username="anna", password=PASSWORD)
        await self.busy(
            "/post_registration", username="anna", password=PASSWORD, email="anna@example.org", cpatcha=code
        )
        await self.busy(
            "/reset_password", username="anna", password=PASSWORD, email="anna@example.org", cpatcha=code
        )
        self.assertEqual(await self.redis.call("KEYS", self.redis.key("rate", "registration*")), [])
        part(self.gateway, Database).open()
        while part(self.gateway, Health).unfit:  # it may have been looked at meanwhile
            await deferLater(self.reactor, 0.01)
        answer = await self.post(
            "/post_registration", username="anna", password=PASSWORD, email="anna@example.org", cpatcha=code
        )
        self.assertEqual(answer.error, 0)

    async def test_database_fails_late(self) -> None:
        """Where the account cannot be made the code lives on, and the attempt does not count."""
        code = await self.code("anna@example.org")
        fields = {"username": "anna", "password": PASSWORD, "email": "anna@example.org", "cpatcha": code}

        async def fail(*_: object) -> None:
            raise Unavailable(Status.MYSQL_INTERNAL_ERROR, "The database is not there.")

        database = part(self.gateway, Database)
        broken = self.patch(database, "write", fail)
        await self.busy("/post_registration", **fields)
        self.assertEqual(await self.redis.call("KEYS", self.redis.key("rate", "registration*")), [])
        broken.restore()
        self.assertEqual((await self.post("/post_registration", **fields)).error, 0)


class RedisOutageTests(SystemCase):
    def redis_server(self) -> Any:
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        return dataclasses.replace(self.server.config(), timeout=2.0)

    async def test_no_redis(self) -> None:
        """Without Redis nothing can be limited or proved: 503 with 73.

        When it is back, everything goes on by itself.
        """
        await self.register("anna")
        self.server.stop()
        fields = {"username": "anna", "password": PASSWORD, "email": "anna@example.org", "cpatcha": "000000"}
        for path in (
            "/get_verification",
            "/post_registration",
            "/reset_password",
            "/trylogin_server",
            "/check_accountexists",
        ):
            answer = await self.post(path, **fields)
            self.assertEqual((answer.status, answer.error), (503, 73), path)
        self.server.start()
        while (await self.login("anna")).status == 503:
            pass
        await self.register_server("chat1")
        self.assertEqual((await self.login("anna")).error, 0)

    async def test_flushed(self) -> None:
        """After a flush accounts are there, codes are not, and limits begin anew."""
        await self.register("anna")
        code = await self.code("otto@example.org")
        await self.redis.call("FLUSHALL")
        await self.register_server("chat1")
        self.assertEqual((await self.login("anna")).error, 0)
        answer = await self.post(
            "/post_registration", username="otto", password=PASSWORD, email="otto@example.org", cpatcha=code
        )
        self.assertEqual(answer.error, 13)
        self.assertEqual((await self.post("/get_verification", email="otto@example.org")).error, 0)


class SmtpTests(SystemCase):
    async def with_smtp(self, port: int, timeout: float = 5.0) -> None:
        """Let the captcha server mail through this port from now on."""
        smtp = MailConfig(
            transport="smtp",
            host="127.0.0.1",
            port=port,
            ca=certificates().ca,
            user=MAIL_USER,
            password=MAIL_PASSWORD,
            timeout=timeout,
        )
        port = self.config.captcha.addresses[0][1]
        await self.stop(self.captcha)
        settings = dataclasses.replace(
            self.config, mail=smtp, captcha=dataclasses.replace(self.config.captcha, grpc_port=port)
        )
        self.captcha = self.run_service(captcha.build(self.reactor, settings))

    async def failed(self) -> None:
        """A code is asked for in vain, and nothing of it is left."""
        with capturedLogs() as events:
            answer = await self.post("/get_verification", email="anna@example.org")
        self.assertEqual((answer.status, answer.error), (503, 73))
        self.assertEqual(await self.redis.call("KEYS", self.redis.key("captcha", "*")), [])
        self.assertEqual(await self.redis.call("KEYS", self.redis.key("rate", "*")), [])
        self.assertNotIn(MAIL_PASSWORD, repr(events))

    async def test_mail(self) -> None:
        """A code comes through a real SMTP server with STARTTLS and authentication, and registers."""
        port, inbox = smtp_server(self)
        await self.with_smtp(port)
        self.assertEqual((await self.post("/get_verification", email="anna@example.org")).error, 0)
        (_, to, mail) = inbox.mails[0]
        (code,) = self.codes_in(mail.decode().partition("\r\n\r\n")[2])
        self.assertEqual(to, ["anna@example.org"])
        answer = await self.post(
            "/post_registration", username="anna", password=PASSWORD, email="anna@example.org", cpatcha=code
        )
        self.assertEqual(answer.error, 0)

    async def test_refused(self) -> None:
        """A mail server that refuses means 503 with 73: the code is gone, the limit is given back, and the
        next try may work.
        """
        port, inbox = smtp_server(self)
        await self.with_smtp(port)
        inbox.refuse = "554 no"
        await self.failed()
        inbox.refuse = ""
        self.assertEqual((await self.post("/get_verification", email="anna@example.org")).error, 0)

    async def test_receiver_refused(self) -> None:
        """A receiver that the mail server refuses is told so (70), or to come later (64), and the limit
        holds.
        """
        port, inbox = smtp_server(self)
        await self.with_smtp(port)
        for email, said, expected in (
            ("anna@example.org", "550 no such user", 70),
            ("otto@example.org", "450 greylisted", 64),
        ):
            inbox.refuse_receiver = said
            answers = [await self.post("/get_verification", email=email) for _ in range(5)]
            self.assertEqual([answer.error for answer in answers], [expected] + [64] * 4)
        self.assertEqual(inbox.receivers, 2)
        self.assertEqual(await self.redis.call("KEYS", self.redis.key("captcha", "*")), [])

    async def test_hanging(self) -> None:
        """A mail server that says nothing is given up at the deadline, with the same answer."""
        silent = ListenService(self.reactor, Factory.forProtocol(Protocol), "127.0.0.1", 0, None, "test")
        self.run_service(silent)
        await self.with_smtp(silent.port, timeout=0.1)
        await self.failed()

    async def test_failed_mail_keeps_a_newer_code(self) -> None:
        """A mail that fails takes only its own code away."""
        port, _ = smtp_server(self)
        await self.with_smtp(port)
        key = self.redis.key("captcha", "anna@example.org")

        async def overtaken(mailer: SmtpMailer, receiver: str, mail: bytes) -> None:
            await self.redis.call("HSET", key, "code", "654321")
            raise Unavailable(Status.GRPC_ERROR, "The mail server did not take the mail.")

        self.patch(SmtpMailer, "send", overtaken)
        self.assertEqual((await self.post("/get_verification", email="anna@example.org")).status, 503)
        self.assertEqual(await self.redis.call("HGET", key, "code"), b"654321")


class SecrecyTests(SystemCase):
    limits = LimitsConfig(password_account_source=2)

    async def test_no_secret_is_logged(self) -> None:
        """No password, code, token or hash is in any event of any level, nor in what is not its owner's
        answer.
        """
        with capturedLogs() as events:
            code = await self.code("anna@example.org")
            fields = {"username": "anna", "password": PASSWORD, "email": "anna@example.org", "cpatcha": code}
            refused = [await self.post("/post_registration", **{**fields, "username": "x"})]
            uuid = (await self.post("/post_registration", **fields)).json["uuid"]
            token = (await self.login("anna")).json["token"]
            refused.append(await self.login("anna", "wrong " + PASSWORD))
            refused.append(await self.login(PASSWORD, PASSWORD))
            refused.append(await self.post("/trylogin_server", uuid=uuid, token=token + "x"))
            refused.append(await self.post_body(f"/{PASSWORD.replace(' ', '-')}?{token}", b"{}"))
            second = await self.code("anna@example.org")
            fields["cpatcha"] = second
            refused.append(await self.post("/reset_password", **{**fields, "username": "otto"}))
            await self.post("/reset_password", **fields)
            await self.stop(self.captcha)
            await self.stop(self.balance)
            refused.append(await self.post("/get_verification", email="otto@example.org"))
            refused.append(await self.login("anna"))
            for service in parts(self.gateway):
                if isinstance(service, RedisService | Database):
                    await self.stop(service)
            refused.append(await self.login("anna"))
        self.flushLoggedErrors()
        text = "\n".join([*map(formatEvent, events), *map(repr, events), *map(str, events)])
        said = repr([answer.json for answer in refused])
        self.assertIn("has registered", text)
        for secret in (PASSWORD, PASSWORD.replace(" ", "-"), code, second, token, token + "x", "argon2id"):
            self.assertNotIn(secret, text)
            self.assertNotIn(secret, said)


class TextTests(SynchronousTestCase):
    def test_bodies(self) -> None:
        """The text of a body shows nothing of what is in it."""
        bodies = [
            messages.Registration(username="sesame", password="sesame", email="sesame", code="sesame"),
            messages.PasswordReset(username="sesame", password="sesame", email="sesame", code="sesame"),
            messages.LoginRequest(username="sesame", password="sesame", uuid="sesame", token="sesame"),
            messages.LoginResponse(
                uuid="1",
                host="h",
                port="1",
                token="sesame",
                resources=messages.Resources(host="h", port="1", http_port="2"),
            ),
        ]
        for body in bodies:
            self.assertNotIn("sesame", f"{body} {body!r}")
