"""Redis, MariaDB and certificates, each started or made once for the test process."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pymysql
from twisted.trial.unittest import SynchronousTestCase

from imsys.cluster.trust import Trust
from imsys.config import ClusterConfig, DatabaseConfig, FilesConfig, RedisConfig, TlsConfig
from imsys.redis.embedded import server_binary
from imsys.security.certificates import cluster_authority, ensure_development
from imsys.security.keyring import add_key
from tests.support.children import end, folder, free_port, spawn, until
from tests.support.programs import program


class RedisServer:
    """A ``redis-server`` of our own, on a Unix socket and a port of loopback.

    May be stopped and started again.
    """

    def __init__(self) -> None:
        binary = shutil.which("redis-server") or server_binary()
        self.home = folder("redis")
        self.socket = self.home / "redis.sock"
        self.port = free_port()
        self._command = [
            binary,
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--unixsocket",
            str(self.socket),
        ]
        self._command += ["--save", "", "--appendonly", "no", "--dir", str(self.home)]
        self.start()

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        log = self.home / "log"
        self._child = spawn(self._command, log)
        until(self._answers, self._child, log)

    def stop(self) -> None:
        """End it, with all it knew (idempotent)."""
        end(self._child)

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def config(self, *, tcp: bool = False) -> RedisConfig:
        """How to reach it, with a prefix that no other test has."""
        where = RedisConfig(
            mode="server", host="127.0.0.1", port=self.port, prefix=f"t{secrets.token_hex(6)}:"
        )
        return where if tcp else dataclasses.replace(where, socket=str(self.socket))


@functools.cache
def _shared_redis() -> RedisServer:
    return RedisServer()


def redis_server(*, tcp: bool = False) -> RedisConfig:
    """The Redis that all tests of the process share, each under a prefix of its own.

    A test that flushes or stops it makes a :class:`RedisServer` for itself.
    """
    return _shared_redis().config(tcp=tcp)


class MariaDb:
    """A ``mariadbd`` of our own with its durable defaults, on a Unix socket and a port of loopback.

    :param options: more of its options.
    """

    def __init__(self, *options: str) -> None:
        installer, server = program("mariadb-install-db"), program("mariadbd")
        self.home = folder("mariadb")
        self.socket = self.home / "sql.sock"
        self.port = free_port()
        data, log, user = self.home / "data", self.home / "log", pwd.getpwuid(os.getuid()).pw_name
        # a MariaDB that starts removes what others have in a folder that they share
        (self.home / "tmp").mkdir()
        common = ["--no-defaults", f"--datadir={data}", f"--user={user}", f"--tmpdir={self.home / 'tmp'}"]
        subprocess.run(
            [installer, *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True,
            capture_output=True,
            timeout=120,
        )
        self._command = [
            server,
            *common,
            f"--socket={self.socket}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
        ]
        self._command += ["--character-set-server=latin1", "--default-storage-engine=Aria", "--skip-log-bin"]
        self._command += [f"--pid-file={self.home / 'pid'}", "--max-connections=400", *options]
        self._log = log
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._child = spawn(self._command, self._log)
        until(self._answers, self._child, self._log)

    def stop(self) -> None:
        """End it in an orderly way (idempotent)."""
        end(self._child, 30.0)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._child.kill()
        self._child.wait()

    def freeze(self) -> None:
        """Have it do nothing, while the kernel goes on for it."""
        self._child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on (idempotent)."""
        self._child.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except pymysql.MySQLError:
            return False
        return True

    def execute(self, *statements: str) -> None:
        """Run statements as root."""
        with contextlib.closing(
            pymysql.connect(unix_socket=str(self.socket), user="root", connect_timeout=10)
        ) as connection:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            connection.commit()

    def config(self, *, tcp: bool = False) -> DatabaseConfig:
        """How to reach a new, empty database with a user of its own."""
        name, password = f"t{secrets.token_hex(6)}", secrets.token_hex(12)
        grants = [
            f"GRANT ALL ON {name}.* TO {name}@'{host}' IDENTIFIED BY '{password}'"
            for host in ("localhost", "%")
        ]
        self.execute(f"CREATE DATABASE {name}", *grants)
        where = DatabaseConfig(
            engine="mysql", host="127.0.0.1", port=self.port, user=name, password=password, name=name
        )
        return where if tcp else dataclasses.replace(where, socket=str(self.socket))

    def drop(self, name: str) -> None:
        """Drop a database that :meth:`config` made, and its user."""
        self.execute(f"DROP DATABASE IF EXISTS {name}", f"DROP USER IF EXISTS {name}@localhost, {name}@'%'")


@functools.cache
def _shared_mariadb() -> MariaDb:
    return MariaDb()


def mariadb(test: SynchronousTestCase, *, tcp: bool = False) -> DatabaseConfig:
    """A new, empty database on the MariaDB that all tests of the process share; dropped after the test.

    Its default character set is latin1, and its default engine knows no transactions, so that a schema that
    forgets its own is found out.
    """
    server = _shared_mariadb()
    config = server.config(tcp=tcp)
    test.addCleanup(server.drop, config.name)
    return config


@functools.cache
def certificates() -> TlsConfig:
    """Development certificates for 127.0.0.1, ::1 and localhost."""
    home = folder("certs")
    tls = TlsConfig(
        certificate=str(home / "server.pem"), key=str(home / "server.key"), ca=str(home / "ca.pem")
    )
    ensure_development(tls, (), datetime.now(UTC))
    return tls


@functools.cache
def keys_of_files() -> FilesConfig:
    """Keys of tickets and of files, the same for all tests of the process."""
    home = folder("keys")
    for name in ("tickets.keys", "files.keys"):
        add_key(home / name, 0)
    return FilesConfig(ticket_keys=str(home / "tickets.keys"), master_keys=str(home / "files.keys"))


def key_settings() -> dict[str, str]:
    """The same for the environment of a daemon."""
    keys = keys_of_files()
    return {"FILES_TICKET_KEYS": keys.ticket_keys, "FILES_MASTER_KEYS": keys.master_keys}


PLAINTEXT = ClusterConfig(allow_plaintext=True)
"""For tests that speak to a server with a plain stub."""


def cluster_settings() -> dict[str, str]:
    """Mutual TLS for the environment of a daemon."""
    cluster = cluster_certificates()
    return {"CLUSTER_CA": cluster.ca, "CLUSTER_CERTIFICATE": cluster.certificate, "CLUSTER_KEY": cluster.key}


def cluster_channel(port: int | str) -> grpc.Channel:
    """To a server of ours on this machine, for a plain stub."""
    return Trust(cluster_certificates()).channel("127.0.0.1", int(port))


@functools.cache
def _cluster_folder() -> Path:
    return folder("cluster")


@functools.cache
def cluster_certificates(name: str = "server") -> ClusterConfig:
    """Mutual TLS for one server of a cluster; all names of the process share one authority."""
    home = _cluster_folder()
    certificate, key = home / f"{name}.pem", home / f"{name}.key"
    cluster_authority(home, datetime.now(UTC)).issue(name, (), datetime.now(UTC), certificate, key)
    return ClusterConfig(ca=str(home / "ca.pem"), certificate=str(certificate), key=str(key))
