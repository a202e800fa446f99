"""What our servers keep things in: a database and a Redis, each alone or with a replica that takes its place."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from imsys.bench.lab import mariadb, redis
from imsys.bench.lab.mariadb import NAME, MariaDb
from imsys.bench.lab.network import Network
from imsys.bench.lab.redis import RedisServer
from imsys.services.first_start import prepare_database


class Databases:
    """MariaDB: the primary, and a replica if there is to be one."""

    def __init__(self, network: Network, home: Path, environ: Mapping[str, str], *, replica: bool) -> None:
        self._password = secrets.token_hex(16)
        count = 2 if replica else 1
        self.servers = [
            MariaDb(
                network.host(f"db{number}"),
                home / f"db{number}",
                environ,
                as_root=network.severs,
                password=self._password,
                number=number if replica else 0,
            )
            for number in range(1, count + 1)
        ]
        self.primary = self.servers[0]

    @property
    def settings(self) -> dict[str, str]:
        """How our daemons reach them."""
        return {
            "DATABASE_ENGINE": "mysql",
            "DATABASE_HOSTS": ",".join(f"{server.host.address}:{mariadb.PORT}" for server in self.servers),
            "DATABASE_USER": NAME,
            "DATABASE_PASSWORD": self._password,
            "DATABASE_NAME": NAME,
        }

    def start(self) -> None:
        """Make them, and start them."""
        self.primary.install()
        replicas = self.servers[1:]
        for replica in replicas:
            replica.copy_of(self.primary)
        self.primary.start()
        self.primary.allow()
        prepare_database(self.primary.config(), create=False)
        for replica in replicas:
            replica.start()
            replica.follow(self.primary)
            replica.catch_up(self.primary)

    def fail_over(self) -> float:
        """Have the replica take the place of the primary, in good order; when it does, by the monotonic
        clock.

        The old one becomes a replica; its connections stay.
        """
        old, new = self.primary, next(server for server in self.servers if server is not self.primary)
        old.execute("SET GLOBAL read_only = 1")
        new.catch_up(old)
        new.lead()
        done = time.monotonic()
        self.primary = new
        old.follow(new)
        return done

    def mend(self) -> None:
        """Let them run again (idempotent)."""
        for server in self.servers:
            server.program.thaw()
            if not server.program.running:
                server.start()
                if server is not self.primary:
                    server.execute("SET GLOBAL read_only = 1")  # which a restart forgets


class Redises:
    """Redis: the one that is written to, and a replica if there is to be one."""

    def __init__(self, network: Network, home: Path, environ: Mapping[str, str], *, replica: bool) -> None:
        count = 2 if replica else 1
        self.servers = [
            RedisServer(network.host(f"redis{number}"), home / f"redis{number}", environ)
            for number in range(1, count + 1)
        ]
        self.primary = self.servers[0]

    @property
    def settings(self) -> dict[str, str]:
        """How our daemons reach them."""
        return {
            "REDIS_MODE": "server",
            "REDIS_HOSTS": ",".join(f"{server.host.address}:{redis.PORT}" for server in self.servers),
        }

    def start(self) -> None:
        """Start them."""
        for server in self.servers:
            server.start()
            if server is not self.primary:
                server.follow(self.primary)

    def fail_over(self) -> float:
        """Have the replica take the place of the primary, in good order; when it does, by the monotonic
        clock.

        The old one becomes a replica; its connections stay.
        """
        old, new = self.primary, next(server for server in self.servers if server is not self.primary)
        new.catch_up()
        new.lead()
        old.ask("REPLICAOF", new.host.address, str(redis.PORT))
        done = time.monotonic()
        self.primary = new
        old.follow(new)
        return done

    def mend(self) -> None:
        """Let them run again (idempotent)."""
        for server in self.servers:
            server.program.thaw()
            if not server.program.running:
                server.start()
                if server is not self.primary:
                    server.follow(self.primary)
        for server in self.servers:
            if server is not self.primary:
                server.catch_up()
