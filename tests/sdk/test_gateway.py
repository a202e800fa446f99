"""The gateway's calls, over HTTP and HTTPS; TLS from end to end."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from twisted.internet import ssl
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.python.filepath import FilePath
from twisted.trial.unittest import SkipTest, TestCase

from imsys.errors import Refused, Status, Unavailable
from imsys.sdk import Client, Credentials, Gateway, Trust, changed_certificate, explain, presented_by
from imsys.sdk.connection import ChatConnection
from imsys.sdk.gateway import ServerAddress
from imsys.sdk.opening import open_connection
from tests.sdk.fake import FakeServers, World
from tests.sdk.scene import ALICE, BOB, QUICK, THREAD, Scene, Seen, texts
from tests.support.children import folder, free_port
from tests.support.dated import dated
from tests.support.servers import certificates


class Calls(Scene):
    async def test_registration(self) -> None:
        """A code, an account, a login."""
        gateway = self.gateway()
        await gateway.request_code("dave@example.org")
        uuid = await gateway.register("dave", "a long password", "dave@example.org", "123456")
        login = await gateway.login("dave", "a long password")
        self.assertEqual((login.uuid, login.host, login.port), (uuid, "127.0.0.1", self.world.chat_port))
        assert login.resources is not None
        self.assertEqual((login.resources.port, login.resources.http_port), (8445, 8446))
        self.assertEqual((await gateway.resume(uuid, login.token)).token, login.token)
        self.assertTrue(await gateway.check_account("dave", "dave@example.org"))
        self.assertFalse(await gateway.check_account("nobody", "dave@example.org"))
        await gateway.reset_password("dave", "dave@example.org", "another password", "123456")
        await gateway.login("dave", "another password")

    async def test_refusals(self) -> None:
        """What the gateway refuses carries its status, and when to try again."""
        gateway = self.gateway()
        for attempt, status in (
            (gateway.login("alice", "wrong"), Status.LOGIN_INFO_ERROR),
            (
                gateway.register("dave", "a long password", "dave@example.org", "000000"),
                Status.REDIS_CAPTCHA_NOT_FOUND,
            ),
        ):
            with self.assertRaises(Refused) as caught:
                await attempt
            self.assertIs(caught.exception.status, status)
        with self.assertRaises(Refused) as caught:
            await gateway.request_code("again@example.org")
        self.assertEqual((caught.exception.status, caught.exception.retry_after), (Status.RATE_LIMITED, 42.0))

    async def test_asked_to_wait(self) -> None:
        """What a server asks for is within a day: an application may do as it is told, and people are told
        it.
        """
        gateway = self.gateway()
        for asked, heard in (
            ("999999999", 86400.0),
            ("9" * 500, 86400.0),
            ("0", 0.0),
            ("soon", None),
            ("-7", None),
            ("3600", 3600.0),
        ):
            self.world.retry_after = asked
            with self.assertRaises(Refused) as caught:
                await gateway.request_code("again@example.org")
            self.assertEqual(caught.exception.retry_after, heard, asked)
            self.assertLess(len(explain(caught.exception)), 60)

    async def test_secrets(self) -> None:
        """Passwords and tokens do not appear in what is printed of a login or of credentials."""
        login = await self.gateway().login("alice", "correct horse")
        self.assertNotIn(login.token, repr(login))
        self.assertNotIn(
            "horse", repr(Credentials(username="alice", password="correct horse", token="x" * 43))
        )

    async def test_other_servers(self) -> None:
        """An answer that is not ours, an endless one, silence, and nobody at all are each one sentence."""
        self.world.broken_answer = b"<html>It works!</html>"
        await self._says(self.gateway(), "This is no imsys server")
        self.world.http_status = 502
        await self._says(
            self.gateway(),
            "What stands before the server does not reach it (HTTP status 502); try again later.",
        )
        self.world.broken_answer = b"x" * 100_000
        await self._says(self.gateway(), "")
        silent = self.reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
        self.addCleanup(silent.stopListening)
        await self._says(
            Gateway(self.reactor, f"http://127.0.0.1:{silent.getHost().port}", deadline=0.1),
            "does not answer in time",
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            await self._says(
                Gateway(self.reactor, f"http://127.0.0.1:{free.getsockname()[1]}"), "is it running?"
            )
        for url in (
            *(
                "127.0.0.1:8443",
                "ftp://x",
                "https://",
                "",
                "https://::1:8443",
                "https://[::1",
                "https://127.0.0.1:https",
            ),
            *(
                "https://127.0.0.1:65536",
                "https://127.0.0.1:0",
                "https://anna:secret@127.0.0.1",
                "https://" + "x" * 300,
            ),
        ):
            self.assertRaises(ValueError, Gateway, self.reactor, url)

    async def _says(self, gateway: Gateway, part: str) -> None:
        with self.assertRaises(Unavailable) as caught:
            await gateway.login("alice", "correct horse")
        self.assertIs(caught.exception.status, Status.NETWORK_ERROR)
        self.assertIn(part, explain(caught.exception))


class Encrypted(TestCase):
    timeout = 30

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.tls = certificates()
        certificate = ssl.PrivateCertificate.loadPEM(
            Path(self.tls.key).read_bytes() + b"\n" + Path(self.tls.certificate).read_bytes()
        )
        self.world = World()
        self.world.user(ALICE, "alice")
        self.world.user(BOB, "bob")
        self.world.befriend(THREAD, ALICE, BOB)
        self.servers = FakeServers(reactor, self.world, certificate.options())
        self.addCleanup(lambda: Deferred.fromCoroutine(self.servers.stop()))

    async def test_whole_way(self) -> None:
        """With the right authority, gateway and chat are both reached over TLS."""
        gateway = Gateway(self.reactor, self.servers.url, Trust(self.tls.ca))
        alice = Client(
            self.reactor, gateway, Credentials(username="alice", password="correct horse"), timing=QUICK
        )
        heard = Seen(alice.on_message)
        await alice.start()
        self.world.say(THREAD, BOB, "secret")
        self.assertEqual(texts(await heard.wait(1)), ["secret"])
        await alice.stop()

    async def test_ipv6(self) -> None:
        """A server is reached by its IPv6 address, in brackets, as by any other: gateway and chat."""
        if not _has_ipv6():
            raise SkipTest("there is no IPv6 on this machine")
        world = World("::1")
        world.user(ALICE, "alice")
        world.user(BOB, "bob")
        world.befriend(THREAD, ALICE, BOB)
        certificate = ssl.PrivateCertificate.loadPEM(
            Path(self.tls.key).read_bytes() + b"\n" + Path(self.tls.certificate).read_bytes()
        )
        servers = FakeServers(self.reactor, world, certificate.options())
        self.addCleanup(lambda: Deferred.fromCoroutine(servers.stop()))
        self.assertIn("https://[::1]:", servers.url)
        for trust in (Trust(self.tls.ca), self.tls.ca):
            gateway = Gateway(self.reactor, servers.url, trust)
            self.assertEqual((await gateway.login("alice", "correct horse")).host, "::1")
            alice = Client(
                self.reactor, gateway, Credentials(username="alice", password="correct horse"), timing=QUICK
            )
            await alice.start()
            await alice.send(THREAD, "over there")
            await alice.stop()

    async def test_unknown_authority(self) -> None:
        """A server whose certificate comes from elsewhere is refused, with a sentence that says what to do."""
        gateway = Gateway(self.reactor, self.servers.url, Trust())
        with self.assertRaises(Unavailable) as caught:
            await gateway.login("alice", "correct horse")
        self.assertIn("name its CA file", explain(caught.exception))
        self.assertEqual(self.world.gateway_calls, [])

    async def test_expired(self) -> None:
        """Of a certificate that has expired a person is told since when, by the gateway's client and by the
        chat's.
        """
        tls = dated(folder("expired"), timedelta(days=-40))
        pem = Path(tls.key).read_bytes() + b"\n" + Path(tls.certificate).read_bytes()
        servers = FakeServers(self.reactor, World(), ssl.PrivateCertificate.loadPEM(pem).options())
        self.addCleanup(lambda: Deferred.fromCoroutine(servers.stop()))
        gateway = Gateway(self.reactor, servers.url, Trust(tls.ca))
        day = (datetime.now(UTC) - timedelta(days=40)).strftime("%Y-%m-%d")
        with self.assertRaises(Unavailable) as caught:
            await gateway.login("alice", "correct horse")
        self.assertIn(f"has expired on {day}", explain(caught.exception))
        connection = ChatConnection(self.reactor, lambda *_: None, lambda *_: None)
        with self.assertRaises(Unavailable) as caught:
            await open_connection(
                self.reactor,
                connection,
                ServerAddress("127.0.0.1", int(servers.url.rpartition(":")[2])),
                gateway.trust,
                5.0,
            )
        self.assertIn(f"has expired on {day}", explain(caught.exception))

    async def test_wrong_name(self) -> None:
        """A certificate that does not name the host is refused by the gateway's client and by the chat's."""
        trust = Trust(self.tls.ca)
        elsewhere = _Renamed(trust)
        gateway = Gateway(self.reactor, self.servers.url, elsewhere)
        with self.assertRaises(Unavailable) as caught:
            await gateway.login("alice", "correct horse")
        self.assertIn("not valid for its address", explain(caught.exception))
        gateway = Gateway(self.reactor, self.servers.url, trust)
        alice = Client(
            self.reactor, gateway, Credentials(username="alice", password="correct horse"), timing=QUICK
        )
        gateway.trust = elsewhere
        with self.assertRaises(Unavailable) as caught:
            await alice.start(persistent=False)
        self.assertIn("not valid for its address", explain(caught.exception))
        self.assertEqual(self.world.seen[5], 0)

    async def test_a_certificate_that_somebody_looked_at(self) -> None:
        """It is shown with what is wrong with it.

        Once trusted by its fingerprint it counts for gateway and chat, and no other does.
        """
        shown = await presented_by(self.reactor, self.servers.url)
        self.assertRegex(shown.fingerprint, "^([0-9A-F]{2}:){31}[0-9A-F]{2}$")
        self.assertIn("not signed by an authority", shown.problem)
        self.assertIn("imsys development server", shown.subject)
        self.assertEqual((await presented_by(self.reactor, self.servers.url, Trust(self.tls.ca))).problem, "")
        gateway = Gateway(self.reactor, self.servers.url, Trust(fingerprints=[shown.fingerprint]))
        alice = Client(
            self.reactor, gateway, Credentials(username="alice", password="correct horse"), timing=QUICK
        )
        await alice.start()
        self.assertEqual((await alice.send(THREAD, "Hello")).text, "Hello")
        await alice.stop()

    async def test_a_certificate_that_changed(self) -> None:
        """Is refused, by the gateway's client and by the chat's, in words and as something that a program can
        tell.
        """
        other = "00:" * 31 + "00"
        shown = await presented_by(self.reactor, self.servers.url)
        gateway = Gateway(self.reactor, self.servers.url, Trust(fingerprints=[other]))
        with self.assertRaises(Unavailable) as caught:
            await gateway.login("alice", "correct horse")
        self.assertIn("not the one that is trusted", explain(caught.exception))
        changed = changed_certificate(caught.exception)
        assert changed is not None
        self.assertEqual(changed.fingerprint, shown.fingerprint)
        connection = ChatConnection(self.reactor, lambda *_: None, lambda *_: None)
        with self.assertRaises(Unavailable) as caught:
            await open_connection(
                self.reactor,
                connection,
                ServerAddress("127.0.0.1", int(self.servers.url.rpartition(":")[2])),
                gateway.trust,
                5.0,
            )
        self.assertIsNotNone(changed_certificate(caught.exception))
        self.assertIsNone(changed_certificate(ValueError()))
        self.assertEqual(self.world.gateway_calls, [])

    async def test_nobody_to_look_at(self) -> None:
        """A server that is away, and an address that is none, are a sentence."""
        with self.assertRaises(Unavailable):
            await presented_by(self.reactor, f"https://127.0.0.1:{free_port()}")
        with self.assertRaises(ValueError):
            await presented_by(self.reactor, "http://127.0.0.1:1")

    async def test_plaintext_port(self) -> None:
        """Speaking TLS to a port that does not is one sentence."""
        world = World()
        plain = FakeServers(self.reactor, world)
        self.addCleanup(lambda: Deferred.fromCoroutine(plain.stop()))
        gateway = Gateway(
            self.reactor, plain.url.replace("http:", "https:"), Trust(self.tls.ca), deadline=0.5
        )
        with self.assertRaises(Unavailable) as caught:
            await gateway.login("alice", "correct horse")
        self.assertRegex(explain(caught.exception), r"^[A-Z].*\.$")

    def test_bad_files(self) -> None:
        """A file with no certificate, or with a broken one, is refused at once."""
        path = FilePath(self.mktemp())
        for content in (b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
            path.setContent(content)
            self.assertRaises(ValueError, Trust, path.path)
        self.assertRaises(OSError, Trust, path.path + ".missing")


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


class _Renamed(Trust):
    """Expects another name than the server's."""

    def __init__(self, trust: Trust) -> None:
        self.root = trust.root

    def creator(self, host: str) -> Any:
        return super().creator("elsewhere.example")
