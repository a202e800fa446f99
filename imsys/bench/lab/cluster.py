"""A whole cluster of separate daemons, each on a host of its own, with mutual TLS between them.

And how it is made whole again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from imsys.bench.lab.daemons import daemon
from imsys.bench.lab.loopback import Loopback
from imsys.bench.lab.mariadb import NAME, MariaDb
from imsys.bench.lab.namespaces import Namespaces
from imsys.bench.lab.network import Host, Network, NotHere
from imsys.bench.lab.programs import Program
from imsys.bench.lab.redis import RedisServer
from imsys.bench.lab.stores import Databases, Redises
from imsys.bench.processes import wait_until
from imsys.config import TlsConfig
from imsys.security.certificates import cluster_authority, ensure_development
from imsys.security.keyring import add_key


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The number of servers of each kind, beside a gateway, a MariaDB and a Redis."""

    balances: int = 2
    chats: int = 3
    captchas: int = 1
    resources: int = 2
    replicas: bool = False
    """Whether MariaDB and Redis have a replica each, for failover."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Configuration of all daemons in the environment's form (``CHAT_LOG_BATCH`` = ``1``)."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One of our daemons, and the host that it runs on."""

    host: Host
    program: Program

    @property
    def name(self) -> str:
        """The name of the daemon."""
        return self.host.name


class Cluster:
    """What runs.

    It is started and repaired by the thread that makes it: when that ends, all of it is killed.
    """

    def __init__(self, network: Network, home: Path, layout: Layout) -> None:
        self.network = network
        self.home = home
        self.ca = str(home / "tls" / "ca.pem")
        self._layout = layout
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith("IMSYS_")}
        self.users = network.host("users")
        self.databases = Databases(network, home, self._environ, replica=layout.replicas)
        self.redises = Redises(network, home, self._environ, replica=layout.replicas)
        kinds = {
            "balance": layout.balances,
            "chat": layout.chats,
            "captcha": layout.captchas,
            "resources": layout.resources,
        }
        hosts = {
            kind: [network.host(f"{kind}{number}") for number in range(1, count + 1)]
            for kind, count in kinds.items()
        }
        hosts["gateway"] = [network.host("gateway1")]
        common = self._common(hosts)
        machines = {
            kind: [self._machine(kind, host, common) for host in found] for kind, found in hosts.items()
        }
        self.balances, self.chats, self.captchas = machines["balance"], machines["chat"], machines["captcha"]
        self.resources, (self.gateway,) = machines["resources"], machines["gateway"]

    @property
    def database(self) -> MariaDb:
        """The one that is written to now."""
        return self.databases.primary

    @property
    def redis(self) -> RedisServer:
        """The one that is written to now."""
        return self.redises.primary

    @property
    def machines(self) -> list[Machine]:
        """All of our daemons, in the order in which they are started."""
        return [*self.balances, *self.chats, *self.captchas, *self.resources, self.gateway]

    @property
    def gateway_url(self) -> str:
        """The URL of the gateway."""
        return f"https://{self.gateway.host.address}:8443"

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment in which our programs reach database and Redis by their sockets."""
        own = {
            "HOME": str(self.home / "tools"),
            "DATABASE_ENGINE": "mysql",
            "DATABASE_SOCKET": str(self.database.socket),
            "DATABASE_USER": "root",
            "DATABASE_NAME": NAME,
            "REDIS_MODE": "server",
            "REDIS_SOCKET": str(self.redis.socket),
        }
        return {
            **self._environ,
            **{f"IMSYS_{name}": value for name, value in {**self._layout.settings, **own}.items()},
        }

    @property
    def pids(self) -> dict[str, int]:
        """The processes of all servers that run."""
        programs = [*(machine.program for machine in self.machines), *self._stores]
        return {program.name: program.pid for program in programs if program.running}

    @property
    def _stores(self) -> list[Program]:
        return [
            *(server.program for server in self.redises.servers),
            *(server.program for server in self.databases.servers),
        ]

    def start(self) -> None:
        """Make and start everything. :raises ConfigError: something is not installed, or does not start."""
        self._make_trust()
        self.databases.start()
        self.redises.start()
        for machine in self.machines:
            machine.program.start()
        for machine in self.machines:
            machine.program.wait()
        for one, other in itertools.permutations(self.chats, 2):
            _says(one, f"the stream to chat server {other.name} is open")

    def vanish(self, machine: Machine) -> None:
        """Power off a host: nothing leaves it any more, not even the end of its connections."""
        self.network.isolate(machine.host)
        machine.program.kill()

    def repair(self, machine: Machine) -> None:
        """Make a daemon run again, on a new machine if the old one vanished (idempotent).

        Wait until the other servers know it.

        :raises ConfigError: it does not start, or takes a minute.
        """
        machine.program.thaw()
        if machine.program.running:
            return
        if self.network.isolated(machine.host):
            self.network.power_on(machine.host)
        self.database.forget(machine.host)
        peers = (
            {other: other.program.position for other in self.chats if other is not machine}
            if machine in self.chats
            else {}
        )
        machine.program.start()
        machine.program.wait()
        for other, since in peers.items():
            _says(machine, f"the stream to chat server {other.name} is open")
            _says(other, f"the stream to chat server {machine.name} is open", since)

    def mend(self) -> None:
        """Make everything run again, and reach everything (idempotent).

        :raises ConfigError: something does not start.
        """
        self.network.heal_all()
        self.databases.mend()
        self.redises.mend()
        for machine in self.machines:
            self.repair(machine)

    def stop(self) -> None:
        """End everything, our daemons first (idempotent)."""
        for machine in reversed(self.machines):
            machine.program.kill()
        for program in self._stores:
            program.kill()
        self.network.close()

    def _machine(self, kind: str, host: Host, common: Mapping[str, str]) -> Machine:
        certificate = self.home / "trust" / host.name
        own = {"CLUSTER_CERTIFICATE": f"{certificate}.pem", "CLUSTER_KEY": f"{certificate}.key"}
        return Machine(host=host, program=daemon(kind, host, self.home / host.name, common, own))

    def _common(self, hosts: Mapping[str, list[Host]]) -> dict[str, str]:
        def addresses(kind: str, port: int) -> str:
            return ",".join(f"{host.address}:{port}" for host in hosts[kind]) or f"127.0.0.1:{port}"

        settings = {
            **self.databases.settings,
            **self.redises.settings,
            "BALANCE_ADDRESSES": addresses("balance", 8450),
            "LIMITS_TEXT_MINUTE": "0",  # one user stands for many
            "LIMITS_TEXT_DAY": "0",
            "LIMITS_LOGIN_SOURCE": "0",  # all users come from one address
            "CAPTCHA_ADDRESSES": addresses("captcha", 8451),
            "CLUSTER_CA": str(self.home / "trust" / "ca.pem"),
            "FILES_TICKET_KEYS": str(self.home / "keys" / "tickets.keys"),
            "FILES_MASTER_KEYS": str(self.home / "keys" / "files.keys"),
            **{f"TLS_{key.upper()}": value for key, value in dataclasses.asdict(self._tls()).items()},
            **self._layout.settings,
        }
        return {**self._environ, **{f"IMSYS_{name}": value for name, value in settings.items()}}

    def _tls(self) -> TlsConfig:
        folder = self.home / "tls"
        return TlsConfig(certificate=str(folder / "server.pem"), key=str(folder / "server.key"), ca=self.ca)

    def _make_trust(self) -> None:
        """What 'imsys-ctl certs' and 'imsys-ctl keys' make."""
        now = datetime.now(UTC)
        ensure_development(self._tls(), [machine.host.address for machine in self.machines], now)
        folder = self.home / "trust"
        authority = cluster_authority(folder, now)
        for machine in self.machines:
            authority.issue(
                machine.name,
                [machine.host.address],
                now,
                folder / f"{machine.name}.pem",
                folder / f"{machine.name}.key",
            )
        (self.home / "keys").mkdir()
        for name in ("tickets.keys", "files.keys"):
            add_key(self.home / "keys" / name, 0)


@contextlib.contextmanager
def cluster(layout: Layout, *, namespaces: bool = True) -> Iterator[Cluster]:
    """Provide a cluster for the block.

    :param namespaces: whether its hosts are to be network namespaces, so that they can be cut off; else they
        are addresses of loopback.
    :raises NotHere: there are no namespaces to be had here.
    :raises ConfigError: something is not installed, or does not start.
    """
    with contextlib.ExitStack() as stack:
        network: Network = Namespaces() if namespaces else Loopback()
        stack.callback(network.close)
        home = Path(tempfile.mkdtemp(prefix="imsys-lab-"))
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        made = Cluster(network, home, layout)
        stack.callback(made.stop)
        made.start()
        yield made


def _says(machine: Machine, text: str, since: int | None = None) -> None:
    wait_until(lambda: text in machine.program.written(since), None, machine.program.log)


def namespaces_here() -> str:
    """Return why network namespaces cannot be used here; nothing if they can."""
    try:
        Namespaces().close()
    except NotHere as problem:
        return str(problem)
    return ""
