"""Real Redis servers with ports, which follow each other, and connections to whichever of them is the master."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from imsys.config import RedisConfig
from imsys.redis.client import RedisService
from tests.redis.real import RealRedis
from tests.support.children import free_port


class Server(RealRedis):
    """One with a port."""

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        super().__init__(
            "--port", str(self.port), "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0", *options
        )

    def follow(self, other: Server | None) -> None:
        """Be a replica of another; ``None``: be a master."""
        where = ("127.0.0.1", str(other.port)) if other is not None else ("NO", "ONE")
        reply = self.command("REPLICAOF", *where)
        if not reply.startswith(b"+OK"):
            raise RuntimeError(repr(reply))

    def info(self, section: str, field: str) -> str:
        """One line of ``INFO``."""
        text = self.command("INFO", section).decode()
        return next(line.partition(":")[2] for line in text.splitlines() if line.startswith(f"{field}:"))


class MastersCase(TestCase):
    timeout = 60

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor

    def server(self, *options: str) -> Server:
        server = Server(*options)
        server.start()
        self.addCleanup(server.remove)
        return server

    def pair(self) -> tuple[Server, Server]:
        """A master, and a replica that has all it has."""
        master, replica = self.server(), self.server()
        replica.follow(master)
        wait(lambda: b"state=online" in master.command("INFO", "replication"))
        return master, replica

    def service(self, *servers: Server, **config: Any) -> RedisService:
        """Connections to whichever of these is the master."""
        fields: dict[str, Any] = {
            "hosts": tuple(("127.0.0.1", server.port) for server in servers),
            "prefix": "t:",
            "timeout": 5.0,
        }
        service = RedisService(self.reactor, RedisConfig(mode="server", **fields | config))
        service.startService()
        self.addCleanup(service.stopService)
        return service

    async def full(self, service: RedisService) -> None:
        """Return when there are as many connections as there may be."""
        await service.ready()
        while len(service._pool) < service._config.pool_size:
            await deferLater(self.reactor, 0.01)

    async def lost(self, service: RedisService) -> None:
        """Return when it is noticed that the connections are gone: what was on its way by then fails, as it
        may have been carried out.
        """
        while service._pool:
            await deferLater(self.reactor, 0.001)


def wait(condition: Callable[[], object]) -> None:
    """Wait for something outside; with a limit."""
    end = time.monotonic() + 20
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not come to pass")
        time.sleep(0.01)


def ask(port: int, *words: str) -> bytes:
    """The raw reply of the server at a port of loopback; nothing while there is none."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(
            b"*%d\r\n" % len(words)
            + b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words)
        )
        return connection.recv(65536)
    return b""
