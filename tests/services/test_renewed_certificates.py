"""Certificates that expire, and those that take their places while a server runs."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

from imsys.config import Config
from imsys.errors import ConfigError
from imsys.services.certificate_care import DAY, CertificateCare
from tests.scenes.test_daemons import DaemonTestCase, section
from tests.support.children import folder
from tests.support.daemons import run, start
from tests.support.dated import dated
from tests.support.servers import cluster_channel, cluster_settings

DAYS = timedelta(days=1)


def seen(port: int | str, ca: str) -> str:
    """The subject of the certificate that a new connection is shown."""
    plain = socket.create_connection(("127.0.0.1", int(port)), 10)
    with plain, ssl.create_default_context(cafile=ca).wrap_socket(plain, server_hostname="localhost") as tls:
        certificate: Any = tls.getpeercert()
        return str(dict(pair[0] for pair in certificate["subject"])["commonName"])


class CareTests(TestCase):
    def test_every_day(self) -> None:
        """While a daemon runs it says every day that a certificate expires soon, and when it has expired."""
        clock, tls = Clock(), dated(folder("care"), 30.5 * DAYS)
        now = [time.time()]
        care = CertificateCare(clock, Config(tls=tls), lambda: now[0], public=True)
        self.assertEqual(care.warnings(), [])
        care.startService()
        self.addCleanup(care.stopService)
        with capturedLogs() as logs:
            for _ in range(31):
                now[0] += DAY
                clock.advance(DAY)
        lines = [formatEvent(event) for event in logs]
        self.assertEqual(len(lines), 31)
        self.assertRegex(lines[0], r"server.pem expires on .*, in 29 days$")
        self.assertRegex(lines[29], r"server.pem expires on .*, in 0 days$")
        self.assertRegex(lines[30], r"server.pem has expired on ")
        self.assertRaises(ConfigError, care.warnings)


class DaemonTests(DaemonTestCase):
    async def test_expired(self) -> None:
        """A daemon with an expired certificate does not start, and says since when.

        One without public ports does not care.
        """
        self.one_machine_of_many()
        tls = dated(folder("expired"), -30 * DAYS)
        Path(self.settings["HOME"]).mkdir()
        self.settings |= section("tls", tls)
        gateway = run(self, "--nodaemon", "--pidfile=", "imsys-gateway", settings=self.settings)
        self.assertEqual(await gateway.end(), 1)
        self.assertRegex(
            gateway.text,
            rf"\Aimsys-gateway: \[tls\] certificate: {tls.certificate} has expired on \S+ \S+ UTC\n\Z",
        )
        log = (self.home / "var" / "log" / "imsys-gateway.log").read_text()
        self.assertRegex(
            log, r"\A\S+ critical \S+: imsys-gateway cannot start: \[tls\] certificate: .* has expired on "
        )
        await start(self, "imsys-captcha", self.settings)

    async def test_soon(self) -> None:
        """One whose certificate expires within 30 days starts, and says so in its log."""
        self.settings |= section("tls", dated(folder("soon"), 2 * DAYS))
        process = run(self, "--nodaemon", "--pidfile=", "imsys", settings=self.settings)
        await process.says("imsys is running")
        log = (self.home / "var" / "log" / "imsys.log").read_text()
        self.assertRegex(log, r" warn .*: imsys: \[tls\] certificate: \S+ expires on \S+ \S+ UTC, in 1 day\n")

    async def test_public(self) -> None:
        """On SIGHUP the certificate of the public ports is read again; a connection that is open stays."""
        tls = dated(self.home / "tls", 400 * DAYS, "first")
        self.settings |= section("tls", tls) | {
            "TLS_CERTIFICATE": str(self.home / "in-use.pem"),
            "TLS_KEY": str(self.home / "in-use.key"),
        }
        self.use("first")
        process = run(self, "--nodaemon", "--pidfile=", "imsys", settings=self.settings)
        await process.says("imsys is running")
        ports = [
            self.settings[f"{name}_PORT"]
            for name in ("GATEWAY", "CHAT", "RESOURCES", "RESOURCES_HTTP", "RESOURCES_RTMPS")
        ]
        self.assertEqual({await deferToThread(seen, port, tls.ca) for port in ports}, {"first"})
        with socket.create_connection(("127.0.0.1", int(self.settings["GATEWAY_PORT"])), 10) as plain:
            context = ssl.create_default_context(cafile=tls.ca)
            tunnel = await deferToThread(context.wrap_socket, plain, server_hostname="localhost")
            log = self.home / "var" / "log" / "imsys.log"
            dated(self.home / "tls", -DAYS, "expired")
            self.use("expired")
            process.send(signal.SIGHUP)
            await self.until(lambda: "the certificates stay as they were" in log.read_text())
            self.assertEqual(await deferToThread(seen, ports[0], tls.ca), "first")
            dated(self.home / "tls", 400 * DAYS, "second")
            self.use("second")
            process.send(signal.SIGHUP)
            await self.until(
                lambda: log.read_text().count("the certificate of the public ports was read again") == 3
            )
            self.assertEqual({await deferToThread(seen, port, tls.ca) for port in ports}, {"second"})
            tunnel.sendall(
                b"POST /check_accountexists HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
            )
            self.assertRegex(await deferToThread(tunnel.recv, 100), rb"^HTTP/1.1 ")
            tunnel.close()

    def use(self, name: str) -> None:
        for ending in (".pem", ".key"):
            (self.home / f"in-use{ending}").write_bytes((self.home / "tls" / (name + ending)).read_bytes())

    async def test_cluster(self) -> None:
        """So it is with the certificates of the cluster."""
        self.one_machine_of_many()
        used = {}
        for key, path in cluster_settings().items():
            used[key] = self.home / key.lower()
            used[key].write_bytes(Path(path).read_bytes())
        self.settings |= {key: str(path) for key, path in used.items()}
        balance = await start(self, "imsys-balance", self.settings)
        for key, path in cluster_settings().items():
            used[key].write_bytes(Path(path).read_bytes() + b"\n# renewed\n")
        balance.send(signal.SIGHUP)
        await self.until(
            lambda: (
                "the cluster's certificates were read again"
                in (self.home / "var/log/imsys-balance.log").read_text()
            )
        )
        channel = cluster_channel(self.settings["BALANCE_GRPC_PORT"])
        self.addCleanup(channel.close)
        ready: Deferred[None] = Deferred()
        grpc.channel_ready_future(channel).add_done_callback(
            lambda _: self.reactor.callFromThread(ready.callback, None)
        )
        await ready


class PermissionTests(DaemonTestCase):
    async def test_home_of_before(self) -> None:
        """In a home folder that others could read, nobody but the owner can read the database."""
        home = Path(self.settings["HOME"])
        home.mkdir()
        home.chmod(0o755)
        (home / "imsys.db").touch(0o644)
        (home / "imsys.db").chmod(0o644)
        umask = os.umask(0o022)
        self.addCleanup(os.umask, umask)
        process = run(self, "--nodaemon", "--pidfile=", "imsys", settings=self.settings)
        await process.says("imsys is running")
        modes = {path.name: path.stat().st_mode & 0o077 for path in [home, *home.glob("imsys.db*")]}
        self.assertGreater(len(modes), 2)
        self.assertEqual(set(modes.values()), {0}, modes)
