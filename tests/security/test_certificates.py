"""Certificates of our own, checked by OpenSSL's strictest rules."""

from __future__ import annotations

import contextlib
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from imsys.config import ClusterConfig, Config, DatabaseConfig, TlsConfig
from imsys.errors import ConfigError
from imsys.security.certificates import (
    SERVER_LIFE,
    Authority,
    cluster_authority,
    end_of,
    ends_of,
    ensure_development,
    soon_over,
)
from tests.support.children import folder

NOW = datetime.now(UTC)


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """Let two contexts shake hands in memory; raises ``ssl.SSLError`` when one of them refuses."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname=name),
    ]
    for _ in range(10):
        for side in sides:
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    for side in sides:
        side.do_handshake()


class DevelopmentTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.home = folder("certs")
        self.tls = TlsConfig(
            *(str(self.home / "c" / name) for name in ("server.pem", "server.key", "ca.pem"))
        )

    def client(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.tls.ca)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.tls.certificate, self.tls.key)
        return context

    def test_names(self) -> None:
        """Clients that trust the CA accept the server under loopback's names and the given ones, and no
        other.
        """
        ensure_development(self.tls, ["chat.example"], NOW)
        for name in ("127.0.0.1", "::1", "localhost", "chat.example"):
            handshake(self.server(), self.client(), name)
        self.assertRaises(
            ssl.SSLCertVerificationError, handshake, self.server(), self.client(), "other.example"
        )

    def test_once(self) -> None:
        """What is there is kept, until it has less than 30 days; the CA is kept even then."""
        self.assertTrue(ensure_development(self.tls, [], NOW))
        first, authority = Path(self.tls.certificate).read_bytes(), Path(self.tls.ca).read_bytes()
        self.assertFalse(ensure_development(self.tls, [], NOW + timedelta(days=790)))
        self.assertEqual(Path(self.tls.certificate).read_bytes(), first)
        self.assertTrue(ensure_development(self.tls, [], NOW + timedelta(days=800)))
        self.assertNotEqual(Path(self.tls.certificate).read_bytes(), first)
        self.assertEqual(Path(self.tls.ca).read_bytes(), authority)

    def test_operators_own(self) -> None:
        """A certificate without our CA's key is the operator's: it is never replaced, even when it has
        expired.
        """
        ensure_development(self.tls, [], NOW)
        Path(self.tls.ca).with_suffix(".key").unlink()
        self.assertFalse(ensure_development(self.tls, [], NOW + timedelta(days=5000)))

    def test_half(self) -> None:
        """A certificate without its key is said, not replaced."""
        ensure_development(self.tls, [], NOW)
        Path(self.tls.key).unlink()
        self.assertIn(
            self.tls.key, str(self.assertRaises(ConfigError, ensure_development, self.tls, [], NOW))
        )

    def test_modes(self) -> None:
        """Keys and the folder are the owner's alone."""
        ensure_development(self.tls, [], NOW)
        self.assertEqual(
            {stat.S_IMODE(key.stat().st_mode) for key in (self.home / "c").glob("*.key")}, {0o600}
        )
        self.assertEqual(stat.S_IMODE((self.home / "c").stat().st_mode), 0o700)

    def test_not_writable(self) -> None:
        """A folder that cannot be made is one line."""
        (self.home / "c").write_text("")
        self.assertIn("cannot be", str(self.assertRaises(ConfigError, ensure_development, self.tls, [], NOW)))


class ClusterTests(SynchronousTestCase):
    def test_mutual(self) -> None:
        """Two servers with certificates of one CA accept each other, both ways, and no stranger."""
        home, elsewhere = folder("cluster"), folder("cluster")
        for place, names in ((home, ("a", "b")), (elsewhere, ("c",))):
            authority = cluster_authority(place, NOW)
            for name in names:
                authority.issue(name, [], NOW, place / f"{name}.pem", place / f"{name}.key")

        def context(purpose: ssl.Purpose, place: Path, name: str) -> ssl.SSLContext:
            made = ssl.create_default_context(purpose, cafile=str(home / "ca.pem"))
            made.load_cert_chain(place / f"{name}.pem", place / f"{name}.key")
            made.verify_mode = ssl.CERT_REQUIRED
            return made

        handshake(
            context(ssl.Purpose.CLIENT_AUTH, home, "a"),
            context(ssl.Purpose.SERVER_AUTH, home, "b"),
            "127.0.0.1",
        )
        stranger = context(ssl.Purpose.SERVER_AUTH, elsewhere, "c")
        self.assertRaises(
            ssl.SSLError, handshake, context(ssl.Purpose.CLIENT_AUTH, home, "a"), stranger, "127.0.0.1"
        )

    def test_again(self) -> None:
        """The CA of a folder is made once."""
        home = folder("cluster")
        self.assertEqual(cluster_authority(home, NOW).certificate, cluster_authority(home, NOW).certificate)

    def test_damaged(self) -> None:
        """Half of a CA, or something else under its name, is said."""
        home = folder("cluster")
        (home / "ca.pem").write_text("nonsense")
        self.assertIn("ca.key", str(self.assertRaises(ConfigError, cluster_authority, home, NOW)))
        (home / "ca.key").write_text("nonsense")
        self.assertIn("PEM", str(self.assertRaises(ConfigError, cluster_authority, home, NOW)))

    def test_never_outlives_its_issuer(self) -> None:
        """No certificate is valid for longer than the CA that signed it."""
        home = folder("cluster")
        authority = Authority.make("x", NOW)
        authority.issue("late", [], NOW + timedelta(days=3600), home / "late.pem", home / "late.key")
        late = x509.load_pem_x509_certificate((home / "late.pem").read_bytes())
        self.assertLessEqual(late.not_valid_after_utc, authority.certificate.not_valid_after_utc)


class EndTests(SynchronousTestCase):
    """Who hears when that a certificate expires."""

    def setUp(self) -> None:
        self.home = folder("ends")
        self.tls = TlsConfig(*(str(self.home / name) for name in ("server.pem", "server.key", "ca.pem")))

    def config(self, left: timedelta) -> Config:
        """Certificates of the public ports that are good for so long, and whose authority is good for years."""
        began = NOW + left - SERVER_LIFE
        authority = Authority.make("public", began)
        authority.save(Path(self.tls.ca), self.home / "ca.key")
        authority.issue("server", (), began, Path(self.tls.certificate), Path(self.tls.key))
        return Config(tls=self.tls)

    def test_public(self) -> None:
        """From 30 days on there is a line, with the day and how many are left.

        What has expired is refused.
        """
        self.assertEqual(soon_over(ends_of(self.config(timedelta(days=31))), NOW), [])
        (line,) = soon_over(ends_of(self.config(timedelta(days=29, hours=1))), NOW)
        day = (NOW + timedelta(days=29, hours=1)).strftime("%Y-%m-%d")
        self.assertRegex(
            line, rf"^\[tls\] certificate: {self.tls.certificate} expires on {day} \d\d:\d\d UTC, in 29 days$"
        )
        refusal = self.assertRaises(ConfigError, soon_over, ends_of(self.config(timedelta(days=-1))), NOW)
        self.assertIn(f"[tls] certificate: {self.tls.certificate} has expired on", str(refusal))

    def test_not_ours(self) -> None:
        """A daemon without public ports does not care for their certificate, nor does anybody for an
        authority that was left there.
        """
        config = self.config(timedelta(days=-1))
        self.assertEqual(soon_over(ends_of(config, public=False), NOW), [])
        old = self.config(timedelta(days=400))
        Authority.make("another", NOW - timedelta(days=4000)).save(Path(self.tls.ca), self.home / "ca.key")
        self.assertEqual(soon_over(ends_of(old), NOW), [])

    def test_cluster_and_database(self) -> None:
        """So it is with the cluster's certificate and CA, and with the CA of the database."""
        long_ago = NOW - timedelta(days=4000)
        Authority.make("old", long_ago).save(self.home / "old.pem", self.home / "old.key")
        authority = Authority.make("cluster", NOW - timedelta(days=830))
        authority.save(self.home / "cluster.pem", self.home / "cluster.key")
        authority.issue(
            "chat1", (), NOW - timedelta(days=830), self.home / "chat1.pem", self.home / "chat1.key"
        )
        good, old, chat1 = (str(self.home / name) for name in ("cluster.pem", "old.pem", "chat1.pem"))
        for config, what in (
            (Config(cluster=ClusterConfig(ca=good, certificate=chat1)), f"[cluster] certificate: {chat1}"),
            (Config(cluster=ClusterConfig(ca=old, certificate=good)), f"[cluster] ca: {old}"),
            (Config(database=DatabaseConfig(engine="mysql", tls_ca=old)), f"[database] tls_ca: {old}"),
        ):
            self.assertIn(
                f"{what} has expired on", str(self.assertRaises(ConfigError, soon_over, ends_of(config), NOW))
            )
        self.assertEqual(
            soon_over(ends_of(Config(database=DatabaseConfig(tls_ca=old))), NOW), [], "SQLite has none"
        )

    def test_files_with_several(self) -> None:
        """Of a chain what has signed the certificate counts as well.

        Of a bundle of authorities one is enough.
        """
        old, young = (
            Authority.make(name, NOW - timedelta(days=days)) for name, days in (("old", 4000), ("young", 0))
        )
        old.save(self.home / "old.pem", self.home / "old.key")
        young.save(self.home / "young.pem", self.home / "young.key")
        (self.home / "bundle.pem").write_bytes(
            (self.home / "old.pem").read_bytes() + (self.home / "young.pem").read_bytes()
        )
        self.assertGreater(end_of("", str(self.home / "bundle.pem")).when, NOW)
        aged = Authority.make("aged", NOW - timedelta(days=3655))
        aged.save(self.home / "aged.pem", self.home / "aged.key")
        aged.issue("server", (), NOW - timedelta(days=3640), Path(self.tls.certificate), Path(self.tls.key))
        chain = self.home / "chain.pem"
        chain.write_bytes(Path(self.tls.certificate).read_bytes() + (self.home / "aged.pem").read_bytes())
        self.assertLess(end_of("", str(chain)).when, NOW)
        chain.write_bytes(Path(self.tls.certificate).read_bytes() + (self.home / "old.pem").read_bytes())
        self.assertEqual(
            end_of("", str(chain)).when, end_of("", self.tls.certificate).when, "it is not of this chain"
        )
