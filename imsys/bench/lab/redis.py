"""A Redis server on a host, which keeps nothing.

We talk to it by its Unix socket, whatever becomes of the network.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from pathlib import Path

import hiredis

from imsys.bench.lab.network import Host
from imsys.bench.lab.programs import Program
from imsys.bench.processes import wait_until
from imsys.redis.embedded import server_binary

PORT = 6379
_DEADLINE = 5.0


class RedisServer:
    """One server.

    :param folder: where its files are; its path is short enough for a socket in it.
    """

    def __init__(self, host: Host, folder: Path, environ: Mapping[str, str]) -> None:
        self.host = host
        self.socket = folder / "redis.sock"
        folder.mkdir(parents=True, exist_ok=True)
        where = [
            "--bind",
            host.address,
            "--port",
            str(PORT),
            "--protected-mode",
            "no",
            "--unixsocket",
            str(self.socket),
        ]
        keeps = ["--save", "", "--appendonly", "no", "--dir", str(folder)]
        self.program = Program(
            host.name, [server_binary(), *where, *keeps], environ, folder / "log", self._answers, host.enter
        )
        host.programs.append(self.program)

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        self.program.start()
        self.program.wait()

    def follow(self, other: RedisServer) -> None:
        """Become a replica, and wait until it is in sync. :raises ConfigError: it takes too long."""
        self.ask("REPLICAOF", other.host.address, str(PORT))
        self.catch_up()

    def catch_up(self) -> None:
        """Wait until this replica is in sync. :raises ConfigError: it takes too long."""
        wait_until(lambda: b"master_link_status:up" in self._replication(), None, self.program.log)

    def lead(self) -> None:
        """Stop being a replica."""
        self.ask("REPLICAOF", "NO", "ONE")

    def _replication(self) -> bytes:
        answer = self.ask("INFO", "replication")
        return answer if isinstance(answer, bytes) else b""

    def ask(self, *words: str) -> object:
        """Send a command; return the reply. :raises OSError: it does not run, or does not answer."""
        reader = hiredis.Reader()
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.settimeout(_DEADLINE)
            connection.connect(str(self.socket))
            connection.sendall(hiredis.pack_command(words))  # type: ignore[arg-type]  # it says that it takes one word only
            while (answer := reader.gets()) is False:
                data = connection.recv(65536)
                if not data:
                    raise OSError("Redis closed the connection")
                reader.feed(data)
        return answer

    def _answers(self, program: Program) -> bool:
        try:
            return self.ask("PING") == b"PONG"
        except OSError:
            return False
