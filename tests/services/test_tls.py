"""TLS of the public ports, asked by clients that are not ours."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import select
import shutil
import socket
import ssl
import subprocess
import unittest
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer

from imsys.config import TlsConfig
from imsys.errors import ConfigError
from imsys.security.certificates import Authority
from imsys.services.common import ListenService
from imsys.services.tls import public_context
from tests.support.children import folder
from tests.support.servers import certificates

PATIENCE = 10.0


class Echo(Protocol):
    """Greets, and repeats what it hears."""

    transport: Any

    def connectionMade(self) -> None:
        self.transport.write(b"hello")

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


@implementer(IPushProducer)
class Flood(Protocol):
    """Writes as fast as it may, and closes behind the last byte."""

    transport: Any
    size = 8_000_000
    chunk = bytes(range(256)) * 40

    def __init__(self) -> None:
        self.written = self.pauses = 0
        self.paused = False
        self.lost: Any = None

    def connectionMade(self) -> None:
        self.transport.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        self.paused = False
        while not self.paused and self.written < self.size:
            self.written += len(self.chunk)
            self.transport.write(self.chunk)
        if self.written >= self.size:
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def pauseProducing(self) -> None:
        self.paused = True
        self.pauses += 1

    def stopProducing(self) -> None:
        self.paused = True

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = reason.value


class Case(TestCase):
    """A port, and clients that block, in threads."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.built: list[Any] = []

    def listen(self, protocol: type[Protocol] = Echo, tls: TlsConfig | None = None) -> int:
        def build() -> Protocol:
            self.built.append(protocol())
            made: Protocol = self.built[-1]
            return made

        factory = Factory.forProtocol(build)
        factory.noisy = False
        service = ListenService(
            self.reactor, factory, "127.0.0.1", 0, public_context(tls or certificates()), "[chat] port"
        )
        service.startService()
        self.addCleanup(lambda: maybeDeferred(service.stopService))
        self.addCleanup(lambda: [one.transport.abortConnection() for one in self.built if one.transport])
        return service.port

    async def until(self, condition: Any) -> None:
        async def poll() -> None:
            while not condition():
                await deferLater(self.reactor, 0.001)

        await Deferred.fromCoroutine(poll()).addTimeout(PATIENCE, self.reactor)


def client_context(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, ca: str | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca or certificates().ca)
    context.minimum_version = context.maximum_version = version
    return context


def visit(
    port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> tuple[bool, ssl.SSLSession | None, bytes | None]:
    """Connect and be greeted: whether a session was resumed, the session to come back with, and the
    certificate that was seen.
    """
    plain = socket.create_connection(("127.0.0.1", port), PATIENCE)
    with plain, context.wrap_socket(plain, server_hostname="localhost", session=session) as tls:
        assert tls.recv(100) == b"hello"
        return bool(tls.session_reused), tls.session, tls.getpeercert(binary_form=True)


class ResumptionTests(Case):
    async def test_resumed(self) -> None:
        """Who comes back is resumed, in both versions of TLS, again and again."""
        port = self.listen()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context, session, seen = client_context(version), None, []
            for _ in range(3):
                resumed, session, _certificate = await deferToThread(visit, port, context, session)
                seen.append(resumed)
            self.assertEqual(seen, [False, True, True])

    async def test_other_keys(self) -> None:
        """A ticket of another process, or of one before a restart, is answered by a whole handshake."""
        ports = self.listen(), self.listen()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = client_context(version)
            _, session, _certificate = await deferToThread(visit, ports[0], context)
            self.assertEqual((await deferToThread(visit, ports[1], context, session))[0], False)
            self.assertEqual((await deferToThread(visit, ports[0], context, session))[0], True)

    async def test_changed_certificate(self) -> None:
        """A ticket does not outlive its certificate: the new one is shown, and one of another authority is
        refused.
        """
        home = folder("renewed")
        renewed, foreign = (
            TlsConfig(certificate=str(home / f"{name}.pem"), key=str(home / f"{name}.key"))
            for name in ("renewed", "foreign")
        )
        now = datetime.now(UTC)
        ca = Path(certificates().ca)
        Authority.read(ca, ca.with_suffix(".key")).issue(
            "renewed", (), now, Path(renewed.certificate), Path(renewed.key)
        )
        Authority.make("foreign", now).issue("foreign", (), now, Path(foreign.certificate), Path(foreign.key))
        ports = [self.listen(tls=tls) for tls in (certificates(), renewed, foreign)]
        context = client_context()
        _, session, before = await deferToThread(visit, ports[0], context)
        resumed, _, after = await deferToThread(visit, ports[1], context, session)
        self.assertEqual((resumed, before != after), (False, True))
        with self.assertRaises(ssl.SSLCertVerificationError):
            await deferToThread(visit, ports[2], context, session)

    @unittest.skipUnless(shutil.which("openssl"), "needs the openssl command")
    async def test_openssl(self) -> None:
        """OpenSSL's own client resumes with the session that it has kept in a file, and may ask for new keys."""
        port, kept = self.listen(), str(folder("session") / "session.pem")
        base = [
            "openssl",
            "s_client",
            "-connect",
            f"127.0.0.1:{port}",
            "-CAfile",
            certificates().ca,
            "-verify_return_error",
        ]
        for version in ("-tls1_2", "-tls1_3"):
            for option, what in (("-sess_out", "New, "), ("-sess_in", "Reused, ")):
                self.assertIn(
                    what,
                    await self.talk([*base, version, option, kept], [(b"", "hello"), (b"ping\n", "ping")]),
                )
        for asked in (b"k\n", b"K\n"):  # our new key; both sides'
            await self.talk(
                [*base, "-tls1_3"],
                [(b"", "hello"), (asked, "KEYUPDATE"), (b"ping\n", "ping"), (b"pong\n", "pong")],
            )

    async def talk(self, command: list[str], lines: list[tuple[bytes, str]]) -> str:
        """Say each line when what the one before it waits for was printed; all that was printed."""

        def blocking() -> str:
            printed = ""
            with subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
            ) as child:
                assert child.stdin is not None
                assert child.stdout is not None
                try:
                    for line, wanted in lines:
                        child.stdin.write(line)
                        start = len(printed)
                        while wanted not in printed[start:]:
                            assert select.select([child.stdout], [], [], PATIENCE)[0], printed
                            more = os.read(child.stdout.fileno(), 4096)
                            assert more, printed
                            printed += more.decode(errors="replace")
                finally:
                    child.kill()
            return printed

        return await deferToThread(blocking)


class StreamTests(Case):
    async def test_versions(self) -> None:
        """TLS 1.1 is refused."""
        port = self.listen()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(certificates().ca)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises((ssl.SSLError, OSError)):
            await deferToThread(visit, port, context)

    test_versions.suppress = [(("ignore",), {"category": DeprecationWarning})]  # type: ignore[attr-defined]

    async def test_slow_reader(self) -> None:
        """A peer that does not read stops the writer before it has written much.

        Then it gets everything, and a proper end.
        """
        port = self.listen(Flood)
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.settimeout(PATIENCE)
        self.addCleanup(plain.close)

        def connect() -> ssl.SSLSocket:
            plain.connect(("127.0.0.1", port))
            return client_context().wrap_socket(
                plain, server_hostname="localhost", suppress_ragged_eofs=False
            )

        tls = await deferToThread(connect)
        self.addCleanup(tls.close)
        await self.until(lambda: self.built[0].paused)
        self.assertLess(self.built[0].written, Flood.size)

        def read_all() -> tuple[int, str]:
            digest, count = hashlib.sha256(), 0
            while data := tls.recv(65536):
                digest.update(data)
                count += len(data)
            tls.close()
            return count, digest.hexdigest()

        rounds = -(-Flood.size // len(Flood.chunk))
        self.assertEqual(
            await deferToThread(read_all),
            (rounds * len(Flood.chunk), hashlib.sha256(Flood.chunk * rounds).hexdigest()),
        )
        self.assertGreater(self.built[0].pauses, 1)
        await self.until(lambda: self.built[0].lost is not None)

    async def test_many_at_once(self) -> None:
        """Connections at the same time, some of them broken, each get what is theirs."""
        port = self.listen()

        def one(number: int) -> bytes:
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as plain:
                if number % 5 == 0:
                    plain.sendall(b"\x16\x03\x01\x02\x00" + bytes(number))
                    return b""
                with client_context().wrap_socket(plain, server_hostname="localhost") as tls:
                    wanted = b"%d," % number * 5_000
                    tls.sendall(wanted)
                    data = b""
                    while len(data) < len(wanted) + 5:
                        data += tls.recv(65536)
                    assert data == b"hello" + wanted, number
                    return data

        async def run(numbers: range) -> None:
            for number in numbers:
                await deferToThread(one, number)

        for task in [Deferred.fromCoroutine(run(range(start, 40, 8))) for start in range(8)]:
            await task


class FileTests(SynchronousTestCase):
    def test_files(self) -> None:
        """Files that are missing, or not what they should be, are named with their key."""
        good = certificates()
        locked = folder("locked") / "server.key"
        locked.write_bytes(
            ec.generate_private_key(ec.SECP256R1()).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"secret"),
            )
        )
        for key, path, wanted in (
            ("certificate", "/no/such.pem", "[tls] certificate: /no/such.pem cannot be read"),
            ("certificate", good.key, f"[tls] certificate: {good.key} is not"),
            ("key", good.ca, f"[tls] key: {good.ca} is not"),
            ("key", str(Path(good.ca).with_suffix(".key")), "does not belong to the certificate"),
            ("key", str(locked), f"[tls] key: {locked} is encrypted"),
        ):
            broken = dataclasses.replace(good, **{key: path})
            self.assertIn(wanted, str(self.assertRaises(ConfigError, public_context, broken)))

    def test_small_keys(self) -> None:
        """The certificates that we make are for ECDSA on P-256, whose signatures cost a handshake the least."""
        certificate = x509.load_pem_x509_certificate(Path(certificates().certificate).read_bytes())
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        self.assertEqual(key.curve.name, "secp256r1")
