"""A Galera cluster of three, Debian's, on loopback."""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import secrets
import subprocess
from pathlib import Path

import pymysql
from twisted.trial.unittest import SynchronousTestCase

from imsys.config import DatabaseConfig
from tests.support.children import folder, free_port, spawn, until
from tests.support.programs import program

PROVIDER = Path("/usr/lib/galera/libgalera_smm.so")


class Member:
    """One server of the cluster."""

    def __init__(self, home: Path, number: int, user: str) -> None:
        self.home = home
        self.data = home / f"data{number}"
        self.socket = home / f"{number}.sock"
        self.port = free_port()
        self.group = free_port()
        self._number = number
        self._user = user
        (home / f"tmp{number}").mkdir()

    def start(self, cluster: str, seconds: float = 60.0) -> None:
        """Start it, and wait until it has what the others have."""
        server = program("mariadbd")
        options = f"base_port={self.group};gmcast.listen_addr=tcp://127.0.0.1:{self.group};ist.recv_addr=127.0.0.1:{free_port()}"
        command = [
            server,
            "--no-defaults",
            f"--datadir={self.data}",
            f"--user={self._user}",
            f"--socket={self.socket}",
        ]
        command += [
            f"--tmpdir={self.home / f'tmp{self._number}'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
        ]
        command += [
            f"--pid-file={self.home / f'{self._number}.pid'}",
            "--binlog-format=ROW",
            "--default-storage-engine=InnoDB",
        ]
        command += [
            "--innodb-autoinc-lock-mode=2",
            "--innodb-buffer-pool-size=32M",
            "--wsrep-on=ON",
            f"--wsrep-provider={PROVIDER}",
        ]
        command += [
            "--wsrep-cluster-name=imsys",
            f"--wsrep-cluster-address=gcomm://{cluster}",
            f"--wsrep-node-name=n{self._number}",
        ]
        command += [
            "--wsrep-node-address=127.0.0.1",
            f"--wsrep-sst-receive-address=127.0.0.1:{free_port()}",
            "--wsrep-sst-method=rsync",
        ]
        command += [f"--wsrep-provider-options={options};gcache.size=16M;pc.recovery=FALSE"]
        log = self.home / f"{self._number}.log"
        environ = {
            **os.environ,
            "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]),
        }
        self.child = spawn(command, log, environ)
        until(self._ready, self.child, log, seconds)

    def _ready(self) -> bool:
        try:
            connection = pymysql.connect(
                unix_socket=str(self.socket), user="root", connect_timeout=2, read_timeout=2
            )
            with contextlib.closing(connection), connection.cursor() as cursor:
                cursor.execute("SHOW STATUS LIKE 'wsrep_ready'")
                return any(value == "ON" for _, value in cursor.fetchall())
        except pymysql.MySQLError:
            return False


class Galera:
    """Three members; what one has committed the others have in a moment."""

    def __init__(self) -> None:
        self.home = home = folder("galera")
        home.chmod(0o755)
        installer, _ = program("mariadb-install-db"), program("rsync")
        if not PROVIDER.exists():
            raise RuntimeError("there is no galera-4; 'make test' installs it")
        # rsync's daemon, which brings a new member its data, writes nothing as root
        user = "mysql" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.members = [Member(home, number, user) for number in (1, 2, 3)]
        install = [
            installer,
            "--no-defaults",
            f"--datadir={self.members[0].data}",
            "--auth-root-authentication-method=normal",
        ]
        (home / "tmp").mkdir()  # a MariaDB that starts removes what others have in a folder that they share
        install += [
            "--skip-test-db",
            f"--tmpdir={home / 'tmp'}",
            f"--user={pwd.getpwuid(os.getuid()).pw_name}",
        ]
        subprocess.run(install, check=True, capture_output=True, timeout=120)
        for member in self.members:
            member.data.mkdir(exist_ok=True)
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", user, str(home)], check=True)
        first = self.members[0]
        first.start("")
        for member in self.members[1:]:
            member.start(f"127.0.0.1:{first.group}")

    def execute(self, *statements: str) -> None:
        """Run statements as root."""
        self._execute(self.members[0], *statements)

    def catch_up(self) -> None:
        """Wait until every member has what the first one has committed: a login does not wait for it."""
        for member in self.members[1:]:
            self._execute(
                member, "SET SESSION wsrep_sync_wait = 1", "SELECT 1 FROM mysql.global_priv LIMIT 1"
            )

    @staticmethod
    def _execute(member: Member, *statements: str) -> None:
        connection = pymysql.connect(unix_socket=str(member.socket), user="root", connect_timeout=10)
        with contextlib.closing(connection), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


@functools.cache
def _shared_galera() -> Galera:
    return Galera()


def galera(test: SynchronousTestCase) -> list[DatabaseConfig]:
    """A new, empty database on the cluster that all tests of the process share, as each member has it.

    Dropped after the test.
    """
    cluster = _shared_galera()
    name, password = f"t{secrets.token_hex(6)}", secrets.token_hex(12)
    grants = [
        f"GRANT ALL ON {name}.* TO {name}@'{host}' IDENTIFIED BY '{password}'" for host in ("localhost", "%")
    ]
    cluster.execute(f"CREATE DATABASE {name}", *grants)
    cluster.catch_up()
    test.addCleanup(cluster.execute, f"DROP DATABASE {name}", f"DROP USER {name}@localhost, {name}@'%'")
    return [
        DatabaseConfig(
            engine="mysql", host="127.0.0.1", port=member.port, user=name, password=password, name=name
        )
        for member in cluster.members
    ]
