"""Daemons as processes, started with twistd as an operator does."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import signal
import socket
import ssl
import subprocess
import unittest
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from imsys.config import DatabaseConfig
from imsys.ctl.sample import render
from imsys.services.first_start import prepare_database
from imsys.util.sockets import SECTIONS
from tests.support.children import folder, free_port
from tests.support.daemons import ROOT, Process, environment, run, start, twistd
from tests.support.servers import certificates, cluster_settings, key_settings, mariadb, redis_server

TCP_PORTS = {
    "gateway": ("port",),
    "chat": ("port", "grpc_port"),
    "resources": ("port", "http_port", "rtmp_port", "rtmps_port", "grpc_port"),
    "balance": ("grpc_port",),
    "captcha": ("grpc_port",),
}


def section(name: str, config: Any, *keys: str) -> dict[str, str]:
    """Keys of a section, as environment: those that are named, or those that are not as they are anyway."""
    usual = type(config)()
    wanted = keys or tuple(
        field.name
        for field in dataclasses.fields(config)
        if getattr(config, field.name) != getattr(usual, field.name)
    )
    return {f"{name}_{key}".upper(): render(getattr(config, key)) for key in wanted}


def ports() -> dict[str, str]:
    """A free port for everything."""
    chosen = {f"{name}_{key}".upper(): str(free_port()) for name, keys in TCP_PORTS.items() for key in keys}
    for name in ("BALANCE", "CAPTCHA"):
        chosen[f"{name}_ADDRESSES"] = f"127.0.0.1:{chosen[f'{name}_GRPC_PORT']}"
    return chosen


def accepts(port: int | str) -> bool:
    """Whether something on loopback accepts connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


class DaemonTestCase(TestCase):
    timeout = 60.0

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.home = folder("daemon")
        self.settings = {"HOME": str(self.home / "var")} | ports()

    def one_machine_of_many(self) -> None:
        """Configure a daemon of a cluster: MariaDB and Redis are elsewhere."""
        database = mariadb(self, tcp=True)
        self.make_tables(database)
        self.settings |= (
            section("database", database)
            | section("redis", redis_server(tcp=True))
            | section("tls", certificates())
        )
        self.settings |= key_settings() | cluster_settings()

    def make_tables(self, database: DatabaseConfig) -> None:
        """Make what is in the database at first."""
        prepare_database(database, create=False)

    async def until(self, condition: Any) -> None:
        """Return when a condition holds; trial's own timeout ends what never comes."""
        while not condition():
            await deferLater(self.reactor, 0.02)

    async def refused(self, process: Process, line: str) -> None:
        """A process ends with status 1 and has said one line."""
        self.assertEqual((await process.end(), process.text), (1, line + "\n"))

    async def daemonized(self, name: str, *options: str) -> int:
        """Start a daemon in the background and give back its pid.

        It is ended after the test at the latest.
        """
        pidfile = self.home / f"{name}.pid"
        argv = twistd("--pidfile", str(pidfile), "--logfile", str(self.home / "twistd.log"), *options, name)
        done = await deferToThread(
            subprocess.run,
            argv,
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(**self.settings),
            cwd=self.home,
        )
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        pid = int(pidfile.read_text())
        self.addCleanup(self.kill, pid)
        log = Path(self.settings["HOME"]) / "log" / f"{name}.log"
        await self.until(lambda: log.exists() and " is ready" in log.read_text())
        return pid

    async def status(self) -> str:
        """What imsys-ctl status prints of the servers. (No gateway is there, so nobody can log in.)"""
        argv = [twistd()[0], "-m", "imsys.ctl", "status"]
        done = await deferToThread(
            subprocess.run,
            argv,
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(**self.settings),
            cwd=self.home,
        )
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        return str(done.stdout).partition("\n\n")[0] + "\n"

    def kill(self, pid: int) -> None:
        if self.alive(pid):
            os.kill(pid, signal.SIGKILL)

    def alive(self, pid: int) -> bool:
        with contextlib.suppress(OSError):
            return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
        return False


class BusyPortTests(DaemonTestCase):
    async def test_public_port(self) -> None:
        """A public port in use is one line with section, key and number, in the foreground and in the
        background.
        """
        self.one_machine_of_many()
        await self.busy("gateway", "port")

    async def test_grpc_port(self) -> None:
        """So is a gRPC port."""
        self.one_machine_of_many()
        await self.busy("captcha", "grpc_port")

    async def test_all_in_one(self) -> None:
        """So is any port of all servers in one process."""
        await self.busy("chat", "port", "imsys")
        self.settings |= cluster_settings()  # so that others may join it
        await self.busy("balance", "grpc_port", "imsys")

    async def busy(self, of: str, key: str, daemon: str = "") -> None:
        daemon = daemon or f"imsys-{of}"
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            settings = self.settings | {f"{of}_{key}".upper(): str(port)}
            line = f"{daemon}: [{of}] {key}: cannot listen on 127.0.0.1 port {port}: the port is in use"
            await self.refused(run(self, "--nodaemon", "--pidfile=", daemon, settings=settings), line)
            pidfile = self.home / "busy.pid"
            await self.refused(run(self, "--pidfile", str(pidfile), daemon, settings=settings), line)
            self.assertFalse(pidfile.exists())


class DatabaseTests(DaemonTestCase):
    async def test_old_tables(self) -> None:
        """A daemon that finds no tables, or old ones, says what to do."""
        self.settings |= (
            section("database", mariadb(self))
            | section("redis", redis_server())
            | section("tls", certificates())
        )
        for daemon in ("imsys-chat", "imsys-gateway"):
            process = run(self, "--nodaemon", "--pidfile=", daemon, settings=self.settings)
            self.assertEqual(await process.end(), 1)
            self.assertRegex(
                process.text,
                rf"\A{daemon}: \[database\] the tables have version 0, .* run 'imsys-ctl migrate' first\n\Z",
            )

    async def test_keys(self) -> None:
        """Servers that give or take tickets do not start without the keys, and say what makes them."""
        self.one_machine_of_many()
        self.settings["FILES_TICKET_KEYS"] = missing = str(self.home / "tickets.keys")
        for daemon in ("imsys-chat", "imsys-resources"):
            process = run(self, "--nodaemon", "--pidfile=", daemon, settings=self.settings)
            await self.refused(
                process, f"{daemon}: {missing}: there are no keys yet; 'imsys-ctl keys' makes them"
            )

    async def test_away(self) -> None:
        """A database that is away keeps no gateway from starting: it may come back."""
        self.one_machine_of_many()
        self.settings |= {"DATABASE_SOCKET": "", "DATABASE_PORT": str(free_port())}
        process = await start(self, "imsys-gateway", self.settings)
        self.assertEqual(await process.stop(), -signal.SIGTERM)


class ForegroundTests(DaemonTestCase):
    async def each(self, name: str, *listening: str) -> None:
        self.one_machine_of_many()
        process = await start(self, name, self.settings)
        for key in listening:
            self.assertTrue(accepts(self.settings[key]), key)
        self.assertEqual(await process.stop(), -signal.SIGTERM)
        for key in listening:
            self.assertFalse(accepts(self.settings[key]), key)
        self.assertNotIn("Traceback", process.text)

    async def test_balance(self) -> None:
        """A balance server starts alone, and stops."""
        await self.each("imsys-balance", "BALANCE_GRPC_PORT")

    async def test_captcha(self) -> None:
        """A captcha server starts alone, and stops."""
        await self.each("imsys-captcha", "CAPTCHA_GRPC_PORT")

    async def test_gateway(self) -> None:
        """A gateway starts alone, and stops."""
        await self.each("imsys-gateway", "GATEWAY_PORT")

    async def with_balance(self, name: str, *listening: str) -> None:
        """A daemon is ready when balance knows it."""
        self.one_machine_of_many()
        process = run(self, "--nodaemon", "--pidfile=", f"imsys-{name}", settings=self.settings)
        await self.until(lambda: all(accepts(self.settings[key]) for key in listening))
        await start(self, "imsys-balance", self.settings)
        await process.says(" is ready")
        listed = await self.status()
        self.assertIn(self.settings[f"{name.upper()}_GRPC_PORT"], listed)
        self.assertEqual(await process.stop(), -signal.SIGTERM)
        self.assertEqual(await self.status(), "No server is registered.\n")

    async def test_chat(self) -> None:
        """A chat server waits for a balance server to register at, is listed by imsys-ctl status, and
        withdraws when it stops.
        """
        await self.with_balance("chat", "CHAT_PORT", "CHAT_GRPC_PORT")

    async def test_resources(self) -> None:
        """So does a resources server."""
        await self.with_balance(
            "resources",
            "RESOURCES_PORT",
            "RESOURCES_HTTP_PORT",
            "RESOURCES_RTMP_PORT",
            "RESOURCES_RTMPS_PORT",
        )


class BackgroundTests(DaemonTestCase):
    async def test_life(self) -> None:
        """A daemon in the background has a pid file, reopens its log on SIGHUP, and cleans up on SIGTERM."""
        self.one_machine_of_many()
        pid = await self.daemonized("imsys-balance")
        log = self.home / "var" / "log" / "imsys-balance.log"
        moved = log.rename(log.with_suffix(".1"))
        os.kill(pid, signal.SIGHUP)
        await self.until(log.exists)
        os.kill(pid, signal.SIGTERM)
        await self.until(lambda: not self.alive(pid))
        self.assertIn("imsys-balance has stopped", log.read_text())
        self.assertNotIn("has stopped", moved.read_text())
        self.assertFalse((self.home / "imsys-balance.pid").exists())
        self.assertFalse(accepts(self.settings["BALANCE_GRPC_PORT"]))

    async def test_privileges(self) -> None:
        """As root, a daemon takes a port below 1024 and a key that only root can read, and then runs as
        somebody else.
        """
        if os.getuid() != 0:
            raise unittest.SkipTest("only root can drop privileges")
        self.one_machine_of_many()
        nobody = pwd.getpwnam("nobody")
        var = self.home / "var"
        var.mkdir(mode=0o700)
        os.chown(var, nobody.pw_uid, nobody.pw_gid)
        self.home.chmod(0o755)
        self.settings["GATEWAY_PORT"] = str(next(port for port in range(1023, 600, -1) if not accepts(port)))
        pid = await self.daemonized("imsys-gateway", "--uid", str(nobody.pw_uid), "--gid", str(nobody.pw_gid))
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if ":\t" in line
        )
        self.assertEqual(set(status["Uid"].split()), {str(nobody.pw_uid)})
        self.assertEqual(set(status["Gid"].split()), {str(nobody.pw_gid)})
        self.assertEqual((var / "log" / "imsys-gateway.log").stat().st_uid, nobody.pw_uid)
        self.assertEqual(Path(certificates().key).stat().st_mode & 0o777, 0o600)
        await deferToThread(handshake, int(self.settings["GATEWAY_PORT"]), certificates().ca)
        os.kill(pid, signal.SIGTERM)
        await self.until(lambda: not self.alive(pid))


def handshake(port: int, ca: str) -> None:
    """Connect with TLS as a client that trusts a CA."""
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        ssl.create_default_context(cafile=ca).wrap_socket(plain, server_hostname="localhost").close()


class AllInOneTests(DaemonTestCase):
    async def test_first_and_second_start(self) -> None:
        """It makes all it needs in a home folder, says where it listens, stops on Ctrl-C, and starts again on
        the same.
        """
        first = await start(self, "imsys", self.settings)
        await first.says("another terminal")
        var = self.home / "var"
        self.assertIn(f"https://127.0.0.1:{self.settings['GATEWAY_PORT']}", first.text)
        self.assertIn(str(var / "certs" / "ca.pem"), first.text)
        self.assertIn(str(var / "mail"), first.text)
        self.assertRegex(first.text, r"next +\S*imsys-cli register \w+ \S+@\S+ --server \S+ --ca \S+")
        self.assertEqual(var.stat().st_mode & 0o777, 0o700)
        for name in ("imsys.db", "certs/ca.pem", "log/imsys.log"):
            self.assertTrue((var / name).is_file(), name)
        for name, keys in TCP_PORTS.items():
            for key in keys:
                public = key != "grpc_port"  # for gRPC there are sockets, that nobody else can reach
                self.assertEqual(accepts(self.settings[f"{name}_{key}".upper()]), public, f"[{name}] {key}")
        self.assertEqual((var / "run").stat().st_mode & 0o777, 0o700)
        self.assertEqual(
            {path.name for path in (var / "run").glob("*.sock")} - {"redis.sock"},
            {f"{name}.sock" for name in SECTIONS},
        )
        await deferToThread(handshake, int(self.settings["CHAT_PORT"]), str(var / "certs" / "ca.pem"))
        before = (var / "certs" / "server.pem").read_bytes()
        self.assertEqual(await first.stop(signal.SIGINT), -signal.SIGINT)
        self.assertNotIn("Traceback", first.text)
        self.assertFalse(self.children_of(var))

        second = await start(self, "imsys", self.settings)
        self.assertEqual((var / "certs" / "server.pem").read_bytes(), before)
        self.assertEqual(await second.stop(), -signal.SIGTERM)

    async def test_privileges(self) -> None:
        """As root it makes everything in a home folder as the folder's owner, and runs as that one from then
        on.
        """
        if os.getuid() != 0:
            raise unittest.SkipTest("only root can drop privileges")
        if not all(
            folder.stat().st_mode & 0o001 for folder in (*Path(os.__file__).parents, *ROOT.parents, ROOT)
        ):
            raise unittest.SkipTest("this Python, or the checkout, is for root only")
        nobody = pwd.getpwnam("nobody")
        var = self.home / "var"
        var.mkdir(mode=0o700)
        os.chown(var, nobody.pw_uid, nobody.pw_gid)
        self.home.chmod(0o755)
        pid = await self.daemonized("imsys", "--uid", str(nobody.pw_uid), "--gid", str(nobody.pw_gid))
        self.assertEqual({path.stat().st_uid for path in var.rglob("*")}, {nobody.pw_uid})
        os.kill(pid, signal.SIGTERM)
        await self.until(lambda: not self.alive(pid))

    async def test_killed(self) -> None:
        """Killed by force it leaves no Redis behind, and starts again."""
        first = await start(self, "imsys", self.settings)
        self.assertTrue(self.children_of(self.home / "var"))
        await first.stop(signal.SIGKILL)
        await self.until(lambda: not self.children_of(self.home / "var"))
        second = await start(self, "imsys", self.settings)
        await second.stop()

    async def test_background(self) -> None:
        """It daemonizes as well: what has threads or children is made after the fork."""
        pid = await self.daemonized("imsys")
        self.assertTrue(accepts(self.settings["CHAT_PORT"]))
        os.kill(pid, signal.SIGTERM)
        await self.until(lambda: not self.alive(pid))
        self.assertIn("imsys has stopped", (self.home / "var" / "log" / "imsys.log").read_text())
        self.assertFalse(self.children_of(self.home / "var"))

    def children_of(self, home: Path) -> list[int]:
        """Redis servers whose command line names this home folder."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    if any(os.fsencode(home) in word for word in words) and b"redis.sock" in b" ".join(words):
                        found.append(int(entry.name))
        return found


class TacTests(DaemonTestCase):
    async def started(self, file: str, settings: Mapping[str, str]) -> Process:
        process = run(
            self, "--nodaemon", "--pidfile=", "--python", str(ROOT / "tac" / file), settings=settings
        )
        await process.says(" is ready")
        return process

    async def test_all(self) -> None:
        """tac/all.tac is every server in one process."""
        process = await self.started("all.tac", self.settings)
        self.assertTrue(accepts(self.settings["GATEWAY_PORT"]))
        self.assertEqual(await process.stop(), -signal.SIGTERM)

    async def test_chat(self) -> None:
        """tac/chat.tac is a chat server."""
        self.one_machine_of_many()
        await start(self, "imsys-balance", self.settings)
        process = await self.started("chat.tac", self.settings)
        self.assertTrue(accepts(self.settings["CHAT_PORT"]))
        self.assertEqual(await process.stop(), -signal.SIGTERM)

    async def test_cluster(self) -> None:
        """tac/cluster.tac is a cluster with two chat servers."""
        process = await self.started("cluster.tac", self.settings)
        for port in (int(self.settings["CHAT_PORT"]), int(self.settings["CHAT_PORT"]) + 10):
            self.assertTrue(accepts(port))
        sockets = {path.stem for path in (self.home / "var" / "run").glob("*.sock")}
        self.assertEqual(sockets, {"balance1", "balance2", "captcha", "chat1", "chat2", "redis", "resources"})
        self.assertEqual(await process.stop(), -signal.SIGTERM)
